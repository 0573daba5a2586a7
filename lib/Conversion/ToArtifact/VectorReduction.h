//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A reduction along contiguous elements on vectors. LLVM's vectorizer leaves
// minima and maxima that propagate NaN scalar, and a scalar minimum is a chain
// of several instructions for each element. Here a few vectors of accumulators
// grow side by side; what is left of a row is read under a mask.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_CONVERSION_TOARTIFACT_VECTORREDUCTION_H
#define LOWBIT_LIB_CONVERSION_TOARTIFACT_VECTORREDUCTION_H

#include "Reduction.h"

namespace mlir::lowbit {

/// The carried loops of a linalg operation on buffers whose innermost one is a
/// reduction.
class VectorReduction {
public:
  /// Matches reductions whose body can be widened to vectors of `vectorBits`
  /// bits along `dim`: elementwise arithmetic without side effects on operands
  /// that are contiguous along `dim` or constant.
  static std::optional<VectorReduction> match(linalg::LinalgOp op, unsigned dim,
                                              unsigned vectorBits);

  /// Computes where whole vectors end in a row of `size` elements: called where
  /// it holds for all rows.
  void prepare(OpBuilder &builder, Value size);

  /// Emits the loops over `outer` dimensions (outermost first) and the
  /// innermost one; returns the accumulators, `inits` combined with everything.
  /// `ivs` and `bounds` hold an induction variable and a size for every
  /// dimension; those of the loops are set.
  SmallVector<Value> emit(OpBuilder &builder, ArrayRef<unsigned> outer,
                          MutableArrayRef<Value> ivs, ArrayRef<Value> bounds,
                          ValueRange inits);

private:
  VectorReduction(linalg::LinalgOp op, unsigned dim, int64_t lanes)
      : op(op), dim(dim), lanes(lanes) {}

  SmallVector<Value> emitOuter(ArrayRef<unsigned> outer, ValueRange carried);
  SmallVector<Value> emitRow(ValueRange carried);
  SmallVector<Value> emitSteps(Value begin, Value end, int64_t vectors,
                               ValueRange carried, bool masked);
  SmallVector<Value> emitVector(Value position, ValueRange accumulators,
                                Value count);
  Value load(OpOperand &operand, Value position, Value mask);
  void widen(Operation &inner, IRMapping &map,
             SmallVectorImpl<Operation *> &body);
  Value reduce(const Combiner &combiner, Value vector);
  Value splat(TypedAttr value);

  linalg::LinalgOp op;
  unsigned dim;
  int64_t lanes;
  SmallVector<Combiner> combiners; // one for each result
  Value zero, one, size;
  Value endOfBlocks, endOfVectors; // of all accumulators; of one
  OpBuilder *builder = nullptr;
  MutableArrayRef<Value> ivs;
  ArrayRef<Value> bounds;
};

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_CONVERSION_TOARTIFACT_VECTORREDUCTION_H
