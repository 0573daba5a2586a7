//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Float matrix products whose right side is one matrix, as the output layers of
// decoders are: a few rows times a table of many megabytes. The table is read
// from memory once for all rows, not once for each.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_CONVERSION_TOARTIFACT_FLOATPRODUCT_H
#define LOWBIT_LIB_CONVERSION_TOARTIFACT_FLOATPRODUCT_H

#include "lowbit/Target/Target.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::lowbit {

/// Whether the operation adds products of f32 (the right side may be stored as
/// bf16 or i8) to its result, with loops over
/// rows, K and columns, in this order, that the left side and the result are
/// read by: `[..., K]` and `[..., N]`.
bool isFloatProduct(linalg::LinalgOp op);

/// A product `[..., K] x [K, N]` or `[B..., M, K] x [B..., K, N]` of f32 on
/// buffers, added to its destination.
class FloatProduct {
public:
  /// Matches multiplications and additions with a right side of rank 2 and
  /// other operands whose leading dimensions can be merged into rows, or with
  /// one matrix for each of the leading dimensions. Left elements may be
  /// computed from what is read, as a scale of attention is.
  static std::optional<FloatProduct> match(linalg::LinalgOp op,
                                           const Target &target);

  /// Emits the loops in front of the operation. An element is summed along K in
  /// order, however many rows there are.
  void emit(OpBuilder &builder);

private:
  FloatProduct(linalg::LinalgOp op, int64_t lanes, bool fma, bool batched)
      : op(op), lanes(lanes), fma(fma), batched(batched) {}

  /// The matrix of an operand at a position of the leading dimensions.
  Value getMatrix(Value operand, ValueRange batch);
  /// What a left element is multiplied as.
  Value getFactor(Value element);
  void emitBlock(Value firstRow, Value firstColumn);
  void emitRows(Value row, int64_t count, Value begin, Value end);
  void emitSteps(Value row, int64_t count, Value k, int64_t steps);
  void emitVector(ArrayRef<Value> factors, Value row, int64_t count, Value k,
                  int64_t steps, Value column, Value mask);
  Value load(Value matrix, Value row, Value column, Value mask);
  Value index(int64_t value);
  Value add(Value lhs, Value rhs);
  Value min(Value lhs, Value rhs);
  /// The end of the whole steps of `step` from `begin` on.
  Value wholeEnd(Value begin, Value end, int64_t step);
  void forLoop(Value begin, Value end, int64_t step,
               llvm::function_ref<void(Value)> body);

  linalg::LinalgOp op;
  int64_t lanes;
  bool fma, batched;
  /// What multiplies a right element, and the operations of the body that make
  /// it of a left one.
  Value factor;
  SmallVector<Operation *> steps;
  OpBuilder *b = nullptr;
  VectorType type;
  /// The operands as matrices.
  Value left, right, result;
  Value rows, columns, size;
  /// Of the block that is emitted.
  Value lastRow, columnBegin, columnWhole, columnEnd;
};

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_CONVERSION_TOARTIFACT_FLOATPRODUCT_H
