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

inline ArrayRef<int64_t> getShape(Value value) {
  return cast<ShapedType>(value.getType()).getShape();
}

/// `[4, ?, 96]`.
std::string formatShape(ArrayRef<int64_t> shape);

/// `value` has the shape `expected`, as far as both are known.
LogicalResult verifyShape(Operation *op, StringRef what, Value value,
                          ArrayRef<int64_t> expected);

/// A logical operand is a matrix, perhaps of a batch.
LogicalResult verifyMatrix(Operation *op, ArrayRef<int64_t> logical);

/// The order of `packing` is `order`.
LogicalResult verifyOrder(Operation *op, PackingAttr packing, Order order);

/// The order of `packing` is `rows`.
LogicalResult verifyRows(Operation *op, PackingAttr packing);

/// A packed result is rows of planes or of bytes.
LogicalResult verifyResultPacking(Operation *op, PackingAttr packing);

/// What a region yields for a packed result: an `i1` for each plane, or the
/// code as an `i32` for bytes.
SmallVector<Type> getYielded(PackingAttr packing);

/// `value` is what packing a tensor of shape `logical`, of rank 2 or more,
/// yields.
LogicalResult verifyPacked(Operation *op, StringRef what, Value value,
                           PackingAttr packing, ArrayRef<int64_t> logical);

/// `scale` has the shape that `granularity` gives it for a tensor of `shape`.
LogicalResult verifyScale(Operation *op, Value scale, Granularity granularity,
                          ArrayRef<int64_t> shape);

/// The sum of `size` terms, none larger than `magnitude`, is an i32.
LogicalResult verifySum(Operation *op, int64_t size, int64_t magnitude);

/// Constraints (C2) to (C6) of `lowbit.quantize`.
LogicalResult verifyQuantizer(Operation *op, ArrayRef<int64_t> shape,
                              Value scale, Value shift, Value offset,
                              LevelsType levels, Rounding rounding,
                              Granularity granularity, bool needsScale = true);

/// Constraints (C1) to (C4) of `lowbit.layer_norm`.
LogicalResult verifyLayerNorm(Operation *op, Value input, Value init,
                              Value scale, Value bias, Value residual,
                              const APFloat &epsilon);

/// `region`, called `name` in diagnostics, takes the types `first` and one
/// element of each of `operands`, which broadcast to `shape`, and yields
/// `yielded`.
LogicalResult verifyRegion(Operation *op, StringRef name, Region &region,
                           ArrayRef<Type> first, OperandRange operands,
                           ArrayRef<int64_t> shape, ArrayRef<Type> yielded);

} // namespace mlir::lowbit::detail

#endif // LOWBIT_LIB_DIALECT_LOWBIT_IR_VERIFIERSUPPORT_H
