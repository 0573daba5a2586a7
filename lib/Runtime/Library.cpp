//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The dynamic loader takes a library whose name it has seen for the one it has,
// even if the file was replaced. Files are therefore opened here, checked, and
// loaded by the name of their descriptor, which stays open as long as the
// library; one file is loaded once, so that no second name for it is left
// behind.
//
//===----------------------------------------------------------------------===//

#include "Library.h"

#include "ELF.h"
#include "Error.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace lowbit;

struct Library::LoadedFile {
  void *handle;
  /// Kept open: the loader knows the library by the descriptor's path, which
  /// must not come to mean another file.
  int descriptor;
  size_t users;
};

struct Library::LoadedFiles {
  std::mutex mutex;
  std::map<FileID, LoadedFile> files;
};

/// Never destroyed, so that models may be destroyed late in an exit.
Library::LoadedFiles &Library::getLoadedFiles() {
  static LoadedFiles *files = new LoadedFiles;
  return *files;
}

namespace {

/// The bytes of a file, mapped for reading.
class Mapping {
public:
  Mapping(int descriptor, size_t size) : size(size) {
    if (size != 0)
      data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  }
  ~Mapping() {
    if (isValid() && data)
      munmap(data, size);
  }
  bool isValid() const { return data != MAP_FAILED; }
  void *data = nullptr;
  const size_t size;
};

} // namespace

class Library::Descriptor {
public:
  explicit Descriptor(int value) : value(value) {}
  Descriptor(Descriptor &&other) : value(other.release()) {}
  Descriptor &operator=(Descriptor &&other) {
    std::swap(value, other.value);
    return *this;
  }
  ~Descriptor() {
    if (value >= 0)
      close(value);
  }
  int get() const { return value; }
  int release() {
    int result = value;
    value = -1;
    return result;
  }

private:
  int value;
};

/// The name by which the loader knows a descriptor's file.
static std::string getPath(int descriptor) {
  return "/proc/self/fd/" + std::to_string(descriptor);
}

[[noreturn]] static void failFile(const std::string &name,
                                  const std::string &reason) {
  fail(LOWBIT_ERROR_FILE, "cannot load '" + name + "': " + reason);
}

std::unique_ptr<Library> Library::open(const std::string &path) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0)
    failFile(path, std::strerror(errno));
  return load(std::move(file), path);
}

std::unique_ptr<Library> Library::openMemory(const void *data, size_t size) {
  const std::string name = "<memory>";
  // Checked before the copy: garbage is refused without a file.
  if (std::string problem = checkSharedLibrary(data, size); !problem.empty())
    failFile(name, problem);
  Descriptor file(memfd_create("lowbit", MFD_CLOEXEC));
  if (file.get() < 0) {
    const char *directory = std::getenv("TMPDIR");
    std::string path =
        std::string(directory && *directory ? directory : "/tmp") +
        "/lowbit-XXXXXX";
    file = Descriptor(mkostemp(path.data(), O_CLOEXEC));
    if (file.get() < 0)
      failFile(name, "no temporary file '" + path + "': " + strerror(errno));
    unlink(path.c_str());
  }
  const char *bytes = static_cast<const char *>(data);
  for (size_t done = 0; done < size;) {
    const ssize_t written = write(file.get(), bytes + done, size - done);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      failFile(name, std::strerror(errno));
    done += static_cast<size_t>(written);
  }
  return load(std::move(file), name);
}

std::unique_ptr<Library> Library::load(Descriptor file,
                                       const std::string &name) {
  struct stat info;
  if (fstat(file.get(), &info) != 0)
    failFile(name, std::strerror(errno));
  if (!S_ISREG(info.st_mode))
    failFile(name, "it is no regular file");

  LoadedFiles &loaded = getLoadedFiles();
  std::lock_guard<std::mutex> lock(loaded.mutex);
  const FileID id(info.st_dev, info.st_ino);
  auto found = loaded.files.find(id);
  if (found != loaded.files.end()) {
    std::unique_ptr<Library> library(new Library(id, found->second.handle));
    ++found->second.users;
    return library;
  }

  {
    Mapping bytes(file.get(), static_cast<size_t>(info.st_size));
    if (!bytes.isValid())
      failFile(name, std::strerror(errno));
    if (std::string problem = checkSharedLibrary(bytes.data, bytes.size);
        !problem.empty())
      failFile(name, problem);
  }
  const std::string path = getPath(file.get());
  void *handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char *error = dlerror();
    std::string reason = error ? error : "unknown error of the dynamic loader";
    if (reason.compare(0, path.size() + 2, path + ": ") == 0)
      reason.erase(0, path.size() + 2);
    failFile(name, reason);
  }
  loaded.files.emplace(id, LoadedFile{handle, file.release(), 1});
  return std::unique_ptr<Library>(new Library(id, handle));
}

Library::~Library() {
  LoadedFiles &loaded = getLoadedFiles();
  std::lock_guard<std::mutex> lock(loaded.mutex);
  auto found = loaded.files.find(id);
  if (--found->second.users != 0)
    return;
  dlclose(handle);
  // A library that was linked to stay (-z nodelete) keeps its name, so it keeps
  // its descriptor and its place in the table too.
  if (dlopen(getPath(found->second.descriptor).c_str(),
             RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD))
    return;
  close(found->second.descriptor);
  loaded.files.erase(found);
}

void *Library::getSymbol(const char *name) const { return dlsym(handle, name); }
