//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The arithmetic of a `lowbit.quantize_pack` and where its input and its words
// lie, for the emitters that differ in how words are made of codes.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_KERNELS_QUANTIZER_H
#define LOWBIT_LIB_KERNELS_QUANTIZER_H

#include "Emission.h"
#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"

namespace mlir::lowbit {

/// Reads an operation on buffers; its scalars are loaded where it is made.
class Quantizer {
public:
  Quantizer(Emission &e, QuantizePackOp op);

  /// Whether K, or the rows of the logical operand, are contiguous in the
  /// input.
  bool isContiguousAlongSize() const { return permutation.back() == last; }
  bool isContiguousAlongRows() const { return permutation[last - 1] == last; }

  /// A vector of the input from element `k` of `row` on, along the contiguous
  /// dimension; `count` as in Emission::load.
  Value load(ValueRange batch, Value row, Value k, int64_t lanes, Value count);
  /// The shift of such a vector, from `at` on; null for quantizers without.
  Value loadShift(Value at, int64_t lanes, Value count);
  /// The scale of a row; null for quantizers without.
  Value loadScale(ValueRange batch, Value row);

  /// The planes of the codes of a vector of inputs, as vectors of i1.
  SmallVector<Value> getPlanes(Value x, Value shift, Value scale);
  /// The codes as vectors of i32.
  Value getCodes(Value x, Value shift, Value scale);

  /// The indices of word `word` of a row of the result, and stores there.
  SmallVector<Value> getPosition(ValueRange batch, Value row, Value word);
  void storeWord(Value value, ValueRange batch, Value row, Value word);
  /// Stores word `word` of all rows of a panel.
  void storePanel(Value vector, ValueRange batch, Value panel, Value word);
  /// Visits the panels of the result in parallel: `row` is the first of a
  /// panel, `count` how many rows it has, null where all have as many as lanes.
  void forPanels(llvm::function_ref<void(ValueRange batch, Value panel,
                                         Value row, Value count)>
                     body);

  QuantizePackOp op;
  PackingAttr packing;
  /// Extents of the logical operand.
  SmallVector<Value> batchExtents;
  Value size, rows;

private:
  /// Planes, or codes where no plane is at hand.
  SmallVector<Value> quantize(Value x, Value shift, Value scale);
  /// What the region of the operation makes of a vector of the input.
  Value applyInputBody(Value x);

  Emission &e;
  LevelsType levels;
  SmallVector<int64_t> permutation;
  int64_t last;
  Value scale, offset;
  SmallVector<Value> inputOperands;
};

/// Emits the operation for codes that are stored as bytes (`bytes`, `quads`).
LogicalResult emitQuantizeBytes(Emission &e, Quantizer &quantizer,
                                const Target &target);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_KERNELS_QUANTIZER_H
