//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Evaluation of single operators on constants, in two kinds: movement copies
// elements of any type, arithmetic computes with floats and integers.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_DIALECT_ONNX_TRANSFORMS_EVALUATE_H
#define LOWBIT_LIB_DIALECT_ONNX_TRANSFORMS_EVALUATE_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Operation.h"

namespace mlir::lowbit {

/// The value of the only result of `op`, whose type is static, from the values
/// of its operands; null when the operator is not of this kind.
ElementsAttr evaluateMovement(Operation *op, ArrayRef<ElementsAttr> operands);
ElementsAttr evaluateArithmetic(Operation *op, ArrayRef<ElementsAttr> operands);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_DIALECT_ONNX_TRANSFORMS_EVALUATE_H
