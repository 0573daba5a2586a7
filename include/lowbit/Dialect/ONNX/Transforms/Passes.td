//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Passes over the onnx dialect.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_DIALECT_ONNX_TRANSFORMS_PASSES
#define LOWBIT_DIALECT_ONNX_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

#endif // LOWBIT_DIALECT_ONNX_TRANSFORMS_PASSES
