//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Expand where broadcasting does the same.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_DIALECT_ONNX_TRANSFORMS_EXPANDS_H
#define LOWBIT_LIB_DIALECT_ONNX_TRANSFORMS_EXPANDS_H

#include "mlir/IR/Operation.h"

namespace mlir::lowbit {

/// Lets `op` read what is expanded where its broadcasting repeats the growth;
/// an Expand that does not grow gives way to its input.
void dropExpands(Operation *op);

/// Computes an elementwise `op` on what its operands are expanded from, and
/// expands the result. Erases `op` if so.
void sinkExpands(Operation *op);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_DIALECT_ONNX_TRANSFORMS_EXPANDS_H
