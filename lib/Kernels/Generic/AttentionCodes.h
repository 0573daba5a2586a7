//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The codes of probabilities, from exponentials and their sums.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_KERNELS_GENERIC_ATTENTIONCODES_H
#define LOWBIT_LIB_KERNELS_GENERIC_ATTENTIONCODES_H

#include "../Emission.h"
#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"

namespace mlir::lowbit {

/// Quantizes rows of exponentials in the first scratch buffer of an operation
/// into packed rows in the second.
class AttentionCodes {
public:
  /// The indices of element `position` of row `row` of a scratch buffer.
  using Indices =
      llvm::function_ref<SmallVector<Value>(int64_t row, Value position)>;

  /// `lanes` are those of vectors of f32.
  AttentionCodes(Emission &e, PackedAttentionOp op, int64_t lanes);

  /// One sum for each row, and the least probability of all where it is
  /// subtracted, else null. Exponentials beyond the last key are not read.
  void emit(ArrayRef<Value> sums, Value least, Indices exponentialAt,
            Indices codeAt);

private:
  bool isOneBit() const;
  void emitBits(ArrayRef<Value> sums, Indices exponentialAt, Indices codeAt);
  void emitCodes(ArrayRef<Value> sums, Value least, Indices exponentialAt,
                 Indices codeAt);
  SmallVector<Value> emitThresholds(ArrayRef<Value> sums);
  Value isOne(Value exponentials, Value sum);
  Value tryAround(Value sum);
  Value halve(Value sum);
  Value getCode(Value exponentials, Value sum, Value sumReciprocal,
                Value scaleReciprocal, Value least);
  void storeBytes(ArrayRef<Value> parts, ArrayRef<Value> indices, Value &total);
  void storeWords(ArrayRef<Value> parts, ArrayRef<Value> indices,
                  MutableArrayRef<Value> totals);

  Emission &e;
  int64_t lanes;
  PackingAttr packing;
  bool subtractsMinimum;
  Value exponentials, codes, keys, scale, isUsualScale;
};

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_KERNELS_GENERIC_ATTENTIONCODES_H
