//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Function types that follow the types of what is returned.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_DIALECT_ONNX_TRANSFORMS_RESULTTYPES_H
#define LOWBIT_LIB_DIALECT_ONNX_TRANSFORMS_RESULTTYPES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::lowbit {

/// Gives `function` the result types of its only return statement.
void updateResultTypes(func::FuncOp function);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_DIALECT_ONNX_TRANSFORMS_RESULTTYPES_H
