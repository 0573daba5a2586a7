//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Checking and importing tensors; see TensorImporter.h. Sizes are computed from
// the declared dimensions with overflow checks and compared to the data that is
// there, before any memory is asked for.
//
//===----------------------------------------------------------------------===//

#include "TensorImporter.h"
#include "lowbit/Constants/Constants.h"
#include "lowbit/Dialect/ONNX/IR/TypeInference.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace mlir::lowbit;

/// A constant over `bytes`, which `owner` keeps alive.
static ElementsAttr makeFromBytes(RankedTensorType type, ArrayRef<char> bytes,
                                  std::shared_ptr<const void> owner) {
  if (type.getElementType().isInteger(1)) {
    SmallVector<bool> values;
    values.reserve(bytes.size());
    for (char byte : bytes)
      values.push_back(byte != 0);
    return DenseElementsAttr::get(type, values);
  }
  if (type.getNumElements() == 0)
    return DenseElementsAttr::get(type, ArrayRef<Attribute>());
  if (type.getNumElements() <= kMaxDenseElements)
    return DenseElementsAttr::getFromRawBuffer(type, bytes);
  return makeResource(type, bytes, std::move(owner));
}

ElementsAttr TensorImporter::import(proto::TensorProto &tensor,
                                    llvm::StringRef what, Location loc) {
  std::optional<DataTypeInfo> info = getDataTypeInfo(tensor.data_type());
  if (!info) {
    emitError(loc) << what << " has the unknown tensor data type "
                   << tensor.data_type();
    return nullptr;
  }
  if (tensor.has_segment()) {
    emitError(loc) << what << " is stored in segments, which is not supported";
    return nullptr;
  }
  int64_t count = 1;
  bool empty = llvm::is_contained(tensor.dims(), 0);
  for (int64_t extent : tensor.dims()) {
    if (extent < 0) {
      emitError(loc) << what << " has the negative dimension " << extent;
      return nullptr;
    }
    if (!empty && llvm::MulOverflow(count, extent, count)) {
      emitError(loc) << what << ": the element count overflows";
      return nullptr;
    }
  }
  if (empty)
    count = 0;
  int64_t bits = 0;
  if (llvm::MulOverflow<int64_t>(count, info->bits, bits) ||
      bits / 8 > onnx::kMaxTensorBytes) {
    emitError(loc) << what << " claims " << count
                   << " elements, more than the limit of "
                   << onnx::kMaxTensorBytes << " bytes";
    return nullptr;
  }
  int64_t bytes = llvm::divideCeil(bits, 8);
  bool external = tensor.data_location() == proto::TensorProto::EXTERNAL;
  if (!external && tensor.has_raw_data() &&
      static_cast<int64_t>(tensor.raw_data().size()) != bytes) {
    emitError(loc) << what << ": " << count << " elements of type "
                   << info->name << " need " << bytes << " bytes, has "
                   << tensor.raw_data().size();
    return nullptr;
  }
  Type element = convertDataType(tensor.data_type(), context);
  if (!element) {
    emitError(loc) << what << ": element type " << info->name
                   << " is not supported";
    return nullptr;
  }
  auto type = RankedTensorType::get(
      SmallVector<int64_t>(tensor.dims().begin(), tensor.dims().end()),
      element);
  if (external)
    return importExternal(tensor, type, bytes, what, loc);
  if (tensor.has_raw_data())
    return importRaw(tensor, type);
  return importTyped(tensor, type, what, loc);
}

ElementsAttr TensorImporter::importRaw(proto::TensorProto &tensor,
                                       RankedTensorType type) {
  std::shared_ptr<std::string> data(tensor.release_raw_data());
  ArrayRef<char> bytes(data->data(), data->size());
  return makeFromBytes(type, bytes, std::move(data));
}

//===----------------------------------------------------------------------===//
// Typed fields
//===----------------------------------------------------------------------===//

/// Stores `field` as elements of type T; empty when a value does not fit.
template <typename T, typename FieldT>
static std::optional<std::vector<T>> convertField(const FieldT &field) {
  std::vector<T> values;
  values.reserve(field.size());
  for (auto value : field) {
    T converted = static_cast<T>(value);
    if constexpr (std::is_integral_v<T>)
      if (static_cast<decltype(value)>(converted) != value)
        return std::nullopt;
    values.push_back(converted);
  }
  return values;
}

ElementsAttr TensorImporter::importTyped(const proto::TensorProto &tensor,
                                         RankedTensorType type,
                                         llvm::StringRef what, Location loc) {
  using T = proto::TensorProto;
  auto make = [&](const auto &field, auto zero) -> ElementsAttr {
    using Element = decltype(zero);
    if (field.size() != type.getNumElements()) {
      emitError(loc) << what << ": no data for " << type.getNumElements()
                     << " elements, has " << field.size();
      return nullptr;
    }
    auto values = convertField<Element>(field);
    if (!values) {
      emitError(loc) << what
                     << " has a value that its element type cannot hold";
      return nullptr;
    }
    auto owner = std::make_shared<std::vector<Element>>(std::move(*values));
    ArrayRef<char> bytes(reinterpret_cast<const char *>(owner->data()),
                         owner->size() * sizeof(Element));
    return makeFromBytes(type, bytes, std::move(owner));
  };
  switch (tensor.data_type()) {
  case T::FLOAT:
    return make(tensor.float_data(), float());
  case T::DOUBLE:
    return make(tensor.double_data(), double());
  case T::INT64:
    return make(tensor.int64_data(), int64_t());
  case T::UINT64:
    return make(tensor.uint64_data(), uint64_t());
  case T::UINT32:
    return make(tensor.uint64_data(), uint32_t());
  case T::INT32:
    return make(tensor.int32_data(), int32_t());
  case T::INT16:
    return make(tensor.int32_data(), int16_t());
  case T::INT8:
    return make(tensor.int32_data(), int8_t());
  case T::UINT8:
  case T::BOOL:
    return make(tensor.int32_data(), uint8_t());
  default:
    // uint16, float16 and bfloat16: the bits in the low half of an int32.
    return make(tensor.int32_data(), uint16_t());
  }
}

//===----------------------------------------------------------------------===//
// External data
//===----------------------------------------------------------------------===//

std::shared_ptr<llvm::MemoryBuffer>
TensorImporter::mapFile(llvm::StringRef location, llvm::StringRef what,
                        Location loc) {
  std::shared_ptr<llvm::MemoryBuffer> &file = files[location];
  if (file)
    return file;
  auto fail = [&](const Twine &reason) {
    emitError(loc) << what << ": external data file " << quote(location) << " "
                   << reason;
    return nullptr;
  };
  if (baseDir.empty())
    return fail("cannot be read for a model in memory");
  if (llvm::sys::path::is_absolute(location))
    return fail("has an absolute path, expected a file beside the model");
  if (location.empty() || location == "." || location == ".." ||
      location.find_first_of(llvm::StringRef("/\\\0", 3)) != location.npos)
    return fail(
        "escapes the model directory, expected a file beside the model");
  llvm::SmallString<256> path(baseDir);
  llvm::sys::path::append(path, location);
  llvm::sys::fs::file_status status;
  if (llvm::sys::fs::status(path, status, /*follow=*/false))
    return fail("is not found");
  if (status.type() != llvm::sys::fs::file_type::regular_file)
    return fail("is not a regular file");
  // The size is that of the file at the moment it is mapped.
  llvm::ErrorOr<std::unique_ptr<llvm::MemoryBuffer>> buffer =
      llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                  /*RequiresNullTerminator=*/false);
  if (!buffer)
    return fail("cannot be read: " + Twine(buffer.getError().message()));
  file = std::move(*buffer);
  return file;
}

ElementsAttr TensorImporter::importExternal(const proto::TensorProto &tensor,
                                            RankedTensorType type,
                                            int64_t bytes, llvm::StringRef what,
                                            Location loc) {
  llvm::StringRef location;
  uint64_t offset = 0, length = bytes;
  for (const proto::StringStringEntryProto &entry : tensor.external_data()) {
    llvm::StringRef key = entry.key(), value = entry.value();
    if (key == "location") {
      location = value;
    } else if (key == "offset" || key == "length") {
      if (value.getAsInteger(10, key == "offset" ? offset : length)) {
        emitError(loc) << what << ": external data " << key
                       << " is not a number: " << quote(value);
        return nullptr;
      }
    }
  }
  if (location.empty()) {
    emitError(loc) << what << " is external but names no file";
    return nullptr;
  }
  std::shared_ptr<llvm::MemoryBuffer> file = mapFile(location, what, loc);
  if (!file)
    return nullptr;
  uint64_t size = file->getBufferSize(), end = 0;
  if (llvm::AddOverflow(static_cast<int64_t>(offset),
                        static_cast<int64_t>(length),
                        reinterpret_cast<int64_t &>(end)) ||
      static_cast<int64_t>(offset) < 0 || static_cast<int64_t>(length) < 0) {
    emitError(loc) << what << ": external data offset+length overflows";
    return nullptr;
  }
  if (offset > size || end > size) {
    emitError(loc) << what << ": external data "
                   << (offset > size ? "offset " : "offset+length ")
                   << (offset > size ? offset : end) << " is beyond the "
                   << size << "-byte file";
    return nullptr;
  }
  if (length != static_cast<uint64_t>(bytes)) {
    emitError(loc) << what << ": external data length must be " << bytes
                   << " bytes, got " << length;
    return nullptr;
  }
  ArrayRef<char> data(file->getBufferStart() + offset, length);
  return makeFromBytes(type, data, std::move(file));
}
