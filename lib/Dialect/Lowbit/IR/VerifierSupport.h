//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Checks that the verifiers of several operations make.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_DIALECT_LOWBIT_IR_VERIFIERSUPPORT_H
#define LOWBIT_LIB_DIALECT_LOWBIT_IR_VERIFIERSUPPORT_H

#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "mlir/IR/TypeUtilities.h"

namespace mlir::lowbit::detail {

/// `[4, ?, 96]`.
std::string formatShape(ArrayRef<int64_t> shape);

/// `value` has the shape `expected`, as far as both are known.
LogicalResult verifyShape(Operation *op, StringRef what, Value value,
                          ArrayRef<int64_t> expected);

/// `scale` has the shape that `granularity` gives it for a tensor of `shape`.
LogicalResult verifyScale(Operation *op, Value scale, Granularity granularity,
                          ArrayRef<int64_t> shape);

/// The sum of `size` terms, none larger than `magnitude`, is an i32.
LogicalResult verifySum(Operation *op, int64_t size, int64_t magnitude);

/// Constraints (C2) to (C6) of `lowbit.quantize`.
LogicalResult verifyQuantizer(Operation *op, ArrayRef<int64_t> shape,
                              Value scale, Value shift, Value offset,
                              LevelsType levels, Rounding rounding,
                              Granularity granularity);

} // namespace mlir::lowbit::detail

#endif // LOWBIT_LIB_DIALECT_LOWBIT_IR_VERIFIERSUPPORT_H
