//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The format: "\x93NUMPY", two bytes of version, the length of the header in 2
// (version 1) or 4 bytes, the header as the text of a Python dictionary, the
// data. https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
//
//===----------------------------------------------------------------------===//

#include "Npy.h"

#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>

using namespace lowbit;

static constexpr char kMagic[] = "\x93NUMPY";
static constexpr size_t kMagicSize = 6;

namespace {

struct TypeCode {
  const char *text;
  int32_t dtype;
};
constexpr TypeCode kTypeCodes[] = {
    {"|b1", LOWBIT_DTYPE_BOOL},    {"|i1", LOWBIT_DTYPE_INT8},
    {"|u1", LOWBIT_DTYPE_UINT8},   {"<i4", LOWBIT_DTYPE_INT32},
    {"<i8", LOWBIT_DTYPE_INT64},   {"<f2", LOWBIT_DTYPE_FLOAT16},
    {"<f4", LOWBIT_DTYPE_FLOAT32}, {"<f8", LOWBIT_DTYPE_FLOAT64},
    {"<u4", LOWBIT_DTYPE_UINT32},  {"<u8", LOWBIT_DTYPE_UINT64}};

/// Reads the dictionary {'descr': '<f4', 'fortran_order': False,
/// 'shape': (2, 3), }.
class HeaderParser {
public:
  explicit HeaderParser(const std::string &text) : text(text) {}

  void parse(Array &array) {
    expect('{');
    while (!accept('}')) {
      const std::string key = parseString();
      expect(':');
      if (key == "descr")
        array.dtype = parseType();
      else if (key == "fortran_order")
        isFortran = parseBool();
      else if (key == "shape")
        array.dims = parseShape();
      else
        fail("unknown key '" + key + "'");
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    if (array.dtype == 0)
      fail("no element type");
    if (isFortran && array.dims.size() > 1)
      throw std::runtime_error("the array is in Fortran order; save "
                               "numpy.ascontiguousarray(array)");
  }

private:
  [[noreturn]] static void fail(const std::string &what) {
    throw std::runtime_error("malformed .npy header: " + what);
  }
  void skipSpace() {
    while (at < text.size() &&
           std::isspace(static_cast<unsigned char>(text[at])))
      ++at;
  }
  bool accept(char wanted) {
    skipSpace();
    if (at == text.size() || text[at] != wanted)
      return false;
    ++at;
    return true;
  }
  void expect(char wanted) {
    if (!accept(wanted))
      fail(std::string("expected '") + wanted + "'");
  }
  bool acceptWord(const char *word) {
    skipSpace();
    if (text.compare(at, std::strlen(word), word) != 0)
      return false;
    at += std::strlen(word);
    return true;
  }
  std::string parseString() {
    const char quote = accept('"') ? '"' : '\'';
    if (quote == '\'')
      expect('\'');
    const size_t end = text.find(quote, at);
    if (end == std::string::npos)
      fail("unterminated string");
    std::string result = text.substr(at, end - at);
    at = end + 1;
    return result;
  }
  int32_t parseType() {
    if (accept('['))
      throw std::runtime_error("arrays of records are not supported");
    const std::string code = parseString();
    for (const TypeCode &known : kTypeCodes)
      if (code == known.text)
        return known.dtype;
    throw std::runtime_error("element type '" + code + "' is not supported");
  }
  bool parseBool() {
    if (acceptWord("True"))
      return true;
    if (!acceptWord("False"))
      fail("expected True or False");
    return false;
  }
  std::vector<int64_t> parseShape() {
    std::vector<int64_t> dims;
    expect('(');
    while (!accept(')')) {
      skipSpace();
      int64_t value = 0;
      const size_t begin = at;
      for (; at < text.size() &&
             std::isdigit(static_cast<unsigned char>(text[at]));
           ++at)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, text[at] - '0', &value))
          fail("an extent is too large");
      if (at == begin)
        fail("expected an extent");
      dims.push_back(value);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return dims;
  }

  const std::string &text;
  size_t at = 0;
  bool isFortran = false;
};

} // namespace

int64_t lowbit::countElements(const std::vector<int64_t> &dims) {
  int64_t count = 1;
  for (int64_t extent : dims)
    if (__builtin_mul_overflow(count, extent, &count))
      throw std::runtime_error("the array is larger than memory");
  return count;
}

/// The bytes of an array; never overflows.
static size_t countBytes(const std::vector<int64_t> &dims, int32_t dtype) {
  size_t bytes;
  if (__builtin_mul_overflow(static_cast<size_t>(countElements(dims)),
                             lowbitDTypeGetSize(dtype), &bytes))
    throw std::runtime_error("the array is larger than memory");
  return bytes;
}

static void readExactly(std::istream &file, void *data, size_t bytes) {
  if (!file.read(static_cast<char *>(data),
                 static_cast<std::streamsize>(bytes)))
    throw std::runtime_error("the file is truncated");
}

static Array readArray(std::istream &file, size_t fileSize) {
  unsigned char prefix[kMagicSize + 2];
  readExactly(file, prefix, sizeof(prefix));
  if (std::memcmp(prefix, kMagic, kMagicSize) != 0)
    throw std::runtime_error("it is no .npy file");
  const unsigned version = prefix[kMagicSize];
  if (version < 1 || version > 3)
    throw std::runtime_error("unknown .npy version " + std::to_string(version));

  unsigned char digits[4] = {};
  const size_t numDigits = version == 1 ? 2 : 4;
  readExactly(file, digits, numDigits);
  const size_t headerSize = digits[0] | digits[1] << 8 | digits[2] << 16 |
                            static_cast<size_t>(digits[3]) << 24;
  const size_t start = sizeof(prefix) + numDigits;
  if (headerSize > fileSize - start)
    throw std::runtime_error("the file is truncated");
  std::string header(headerSize, '\0');
  readExactly(file, header.data(), headerSize);

  Array array;
  HeaderParser(header).parse(array);
  const size_t bytes = countBytes(array.dims, array.dtype);
  const size_t present = fileSize - start - headerSize;
  if (bytes != present)
    throw std::runtime_error("expected " + std::to_string(bytes) +
                             " bytes of data, got " + std::to_string(present));
  array.storage.resize(bytes / sizeof(uint64_t) + 1);
  readExactly(file, array.getData(), bytes);
  return array;
}

Array lowbit::readNpy(const std::string &path) {
  try {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    if (!file)
      throw std::runtime_error(std::strerror(errno));
    const auto size = static_cast<size_t>(file.tellg());
    file.seekg(0);
    return readArray(file, size);
  } catch (const std::exception &exception) {
    throw std::runtime_error("cannot read '" + path + "': " + exception.what());
  }
}

void lowbit::writeNpy(const std::string &path, const LowbitTensor &tensor) {
  const char *code = "";
  for (const TypeCode &known : kTypeCodes)
    if (known.dtype == tensor.dtype)
      code = known.text;
  const std::vector<int64_t> dims(tensor.dims, tensor.dims + tensor.rank);
  std::string header = std::string("{'descr': '") + code +
                       "', 'fortran_order': False, 'shape': (";
  for (size_t i = 0; i < dims.size(); ++i)
    header += (i ? ", " : "") + std::to_string(dims[i]);
  header += dims.size() == 1 ? ",), }" : "), }";
  // The data begins at a multiple of 64, behind a newline.
  const size_t start = kMagicSize + 4;
  header.resize((start + header.size() + 1 + 63) / 64 * 64 - start - 1, ' ');
  header += '\n';

  std::ofstream file(path, std::ios::binary);
  file.write(kMagic, kMagicSize);
  file.put(1).put(0);
  file.put(static_cast<char>(header.size() & 0xFF));
  file.put(static_cast<char>(header.size() >> 8));
  file << header;
  file.write(static_cast<const char *>(tensor.data),
             static_cast<std::streamsize>(countBytes(dims, tensor.dtype)));
  if (!file.flush())
    throw std::runtime_error("cannot write '" + path +
                             "': " + std::strerror(errno));
}
