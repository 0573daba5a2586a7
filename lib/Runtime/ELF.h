//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A check of a shared library's file before the dynamic loader sees it.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_RUNTIME_ELF_H
#define LOWBIT_RUNTIME_ELF_H

#include <cstddef>
#include <string>

namespace lowbit {

/// Why `size` bytes at `data` are no shared library for this machine: empty
/// when they are one. Finds files of another kind, of another machine, and
/// files that end before what their headers describe; not changes inside code
/// or data.
std::string checkSharedLibrary(const void *data, size_t size);

} // namespace lowbit

#endif // LOWBIT_RUNTIME_ELF_H
