//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// lld works on files and keeps state of its own: links take turns, in a
// temporary folder.
//
//===----------------------------------------------------------------------===//

#include "Linker.h"

#include "lld/Common/Driver.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <mutex>

LLD_HAS_DRIVER(elf)

using namespace mlir::lowbit;

static llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

/// Functions that every process with a C library and a mathematical library
/// has.
static bool isProvided(llvm::StringRef symbol) {
  static const llvm::StringSet<> known = {
      "memcpy", "memmove", "memset", "bcmp",       "memcmp", "acosf", "acoshf",
      "asinf",  "asinhf",  "atan2f", "atanf",      "atanhf", "cbrtf", "ceilf",
      "cosf",   "coshf",   "erfcf",  "erff",       "exp2f",  "expf",  "expm1f",
      "floorf", "fmaf",    "fmodf",  "log10f",     "log1pf", "log2f", "logf",
      "powf",   "rintf",   "roundf", "roundevenf", "sinf",   "sinhf", "sqrtf",
      "tanf",   "tanhf",   "truncf", "ldexpf",     "sincosf"};
  if (known.contains(symbol))
    return true;
  return known.contains((symbol + "f").str());
}

namespace {
/// A folder that goes away with everything in it.
class TemporaryFolder {
public:
  static llvm::Expected<std::unique_ptr<TemporaryFolder>> create() {
    auto folder = std::make_unique<TemporaryFolder>();
    if (std::error_code error =
            llvm::sys::fs::createUniqueDirectory("lowbit", folder->path))
      return makeError("cannot make a temporary folder: " + error.message());
    return folder;
  }
  ~TemporaryFolder() {
    if (!path.empty())
      (void)llvm::sys::fs::remove_directories(path);
  }
  std::string file(llvm::StringRef name) const {
    llvm::SmallString<128> result(path);
    llvm::sys::path::append(result, name);
    return std::string(result);
  }

private:
  llvm::SmallString<128> path;
};
} // namespace

static llvm::Error writeTo(llvm::StringRef path, llvm::StringRef bytes) {
  std::error_code error;
  llvm::raw_fd_ostream stream(path, error);
  if (error)
    return makeError("cannot write " + path + ": " + error.message());
  stream << bytes;
  stream.close();
  if (stream.has_error()) {
    error = stream.error();
    stream.clear_error();
    return makeError("cannot write " + path + ": " + error.message());
  }
  return llvm::Error::success();
}

static llvm::Error runLinker(llvm::ArrayRef<const char *> arguments) {
  static std::mutex mutex;
  static bool usable = true;
  std::lock_guard<std::mutex> lock(mutex);
  if (!usable)
    return makeError("the linker failed before and cannot run again in this "
                     "process");
  std::string text;
  llvm::raw_string_ostream messages(text);
  lld::Result result = lld::lldMain(arguments, messages, messages,
                                    {{lld::Gnu, &lld::elf::link}});
  usable = result.canRunAgain;
  if (result.retCode != 0)
    return makeError("linking failed: " + llvm::StringRef(text).rtrim());
  return llvm::Error::success();
}

/// Refuses symbols that no process is sure to have.
static llvm::Error checkUndefined(llvm::MemoryBufferRef library) {
  auto file =
      llvm::object::ELFObjectFile<llvm::object::ELF64LE>::create(library);
  if (!file)
    return file.takeError();
  for (llvm::object::ELFSymbolRef symbol : file->getDynamicSymbolIterators()) {
    llvm::Expected<uint32_t> flags = symbol.getFlags();
    if (!flags)
      return flags.takeError();
    if (!(*flags & llvm::object::SymbolRef::SF_Undefined))
      continue;
    llvm::Expected<llvm::StringRef> name = symbol.getName();
    if (!name)
      return name.takeError();
    if (!name->empty() && !isProvided(*name))
      return makeError("the code calls '" + *name +
                       "', which no library at run time provides; a target "
                       "with more CPU features may not need it");
  }
  return llvm::Error::success();
}

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> mlir::lowbit::linkShared(
    llvm::ArrayRef<std::unique_ptr<llvm::MemoryBuffer>> objects) {
  auto folder = TemporaryFolder::create();
  if (!folder)
    return folder.takeError();
  std::string output = (*folder)->file("model.so");
  std::vector<std::string> inputs;
  for (auto [i, object] : llvm::enumerate(objects)) {
    inputs.push_back((*folder)->file("model" + std::to_string(i) + ".o"));
    if (llvm::Error error = writeTo(inputs.back(), object->getBuffer()))
      return std::move(error);
  }
  std::vector<const char *> arguments = {"ld.lld",
                                         "-shared",
                                         "--gc-sections",
                                         "--icf=all",
                                         "--strip-all",
                                         "-z",
                                         "now",
                                         "-z",
                                         "relro",
                                         "-z",
                                         "noexecstack",
                                         "--hash-style=gnu",
                                         "--build-id=none",
                                         "-Bsymbolic",
                                         "--threads=1",
                                         "--no-demangle",
                                         "-o",
                                         output.c_str()};
  for (const std::string &input : inputs)
    arguments.push_back(input.c_str());
  if (llvm::Error error = runLinker(arguments))
    return std::move(error);
  // The mapping outlives the file.
  auto library = llvm::MemoryBuffer::getFile(output, /*IsText=*/false,
                                             /*RequiresNullTerminator=*/false);
  if (!library)
    return makeError("cannot read " + output + ": " +
                     library.getError().message());
  if (llvm::Error error = checkUndefined((*library)->getMemBufferRef()))
    return std::move(error);
  return std::move(*library);
}
