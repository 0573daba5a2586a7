//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Shared libraries in this process, by file or from memory.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_RUNTIME_LIBRARY_H
#define LOWBIT_RUNTIME_LIBRARY_H

#include <cstddef>
#include <memory>
#include <string>
#include <sys/types.h>
#include <utility>

namespace lowbit {

/// A shared library, loaded for as long as the object lives.
class Library {
public:
  /// Loads the file at `path`; throws Failure. Opening a file that is loaded
  /// already gives the same library; a file that was replaced since gives a new
  /// one.
  static std::unique_ptr<Library> open(const std::string &path);
  /// Loads a copy of `size` bytes at `data`; throws Failure.
  static std::unique_ptr<Library> openMemory(const void *data, size_t size);

  ~Library();
  Library(const Library &) = delete;
  Library &operator=(const Library &) = delete;

  /// The address of an exported symbol, or null.
  void *getSymbol(const char *name) const;

private:
  class Descriptor;
  static std::unique_ptr<Library> load(Descriptor file,
                                       const std::string &name);
  /// What tells one file from another while both exist.
  using FileID = std::pair<dev_t, ino_t>;
  struct LoadedFile;
  struct LoadedFiles;
  static LoadedFiles &getLoadedFiles();

  Library(FileID id, void *handle) : id(id), handle(handle) {}

  FileID id;
  void *handle;
};

} // namespace lowbit

#endif // LOWBIT_RUNTIME_LIBRARY_H
