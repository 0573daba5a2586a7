//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The matrix product of two values, for the operators that contain one.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_CONVERSION_ONNXTOLINALG_MATMUL_H
#define LOWBIT_CONVERSION_ONNXTOLINALG_MATMUL_H

#include "Lowering.h"

namespace mlir::lowbit {

/// `numpy.matmul(lhs, rhs)`; floats are marked with `lowbit.float_matmul` and
/// with the attributes of the current operator whose names start with
/// "lowbit.".
FailureOr<Value> createMatMul(Lowering &l, Value lhs, Value rhs);

} // namespace mlir::lowbit

#endif // LOWBIT_CONVERSION_ONNXTOLINALG_MATMUL_H
