//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The functions that run parallel loops, and what is known of their buffers.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_CONVERSION_TOARTIFACT_HOSTFUNCTIONS_H
#define LOWBIT_LIB_CONVERSION_TOARTIFACT_HOSTFUNCTIONS_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

namespace mlir::lowbit {

/// A function with the host and the call as its first two arguments.
struct HostFunction {
  FunctionOpInterface function;
  /// No two buffers among its arguments overlap, in any call.
  bool distinctArguments = true;
};

/// The entry, and every function below it that holds a parallel loop or calls
/// one that does: these get two arguments in front, and their calls pass them.
SmallVector<HostFunction> passHost(ModuleOp module, LLVM::LLVMFuncOp entry);

/// The buffer behind the views of a memref; a view of the workspace is a
/// buffer.
Value getBufferRoot(Value memref);

/// Which of `values` are buffers that overlap none of the others. Views of the
/// workspace that are in use together lie apart, and an input is never written.
/// `argumentsDistinct` tells so of block arguments.
SmallVector<bool> findDistinctBuffers(ValueRange values,
                                      bool argumentsDistinct);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_CONVERSION_TOARTIFACT_HOSTFUNCTIONS_H
