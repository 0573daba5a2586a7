//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// From an object file to a shared library, without a linker on the machine.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_COMPILER_LINKER_H
#define LOWBIT_LIB_COMPILER_LINKER_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"
#include <memory>

namespace mlir::lowbit {

/// Links x86-64 ELF object files with lld, in this process. The library
/// needs nothing but memory functions of libc and mathematical ones of libm; an
/// object that wants more is an error.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
linkShared(llvm::ArrayRef<std::unique_ptr<llvm::MemoryBuffer>> objects);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_COMPILER_LINKER_H
