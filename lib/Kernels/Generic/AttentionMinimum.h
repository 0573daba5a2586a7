//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The least probability of all, from exponentials and their sums.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_KERNELS_GENERIC_ATTENTIONMINIMUM_H
#define LOWBIT_LIB_KERNELS_GENERIC_ATTENTIONMINIMUM_H

#include "AttentionCodes.h"

namespace mlir::lowbit {

/// Keeps what is left of a first sweep over rows of exponentials, in the
/// scratch buffers of an operation: sums of rows, and a minimum for each part
/// of the work, which runs in parallel with the others.
class AttentionMinimum {
public:
  using Indices = AttentionCodes::Indices;

  /// `lanes` are those of vectors of f32.
  AttentionMinimum(Emission &e, PackedAttentionOp op, int64_t lanes);

  /// Before the first sweep.
  void clear();
  /// Takes in some rows of the part of the work at `part`, indices of a
  /// minimum; the sums are stored at `rows`, indices of the first row.
  void add(ArrayRef<Value> sums, ArrayRef<Value> part, ArrayRef<Value> rows,
           Indices exponentialAt);
  /// After it: the minimum of all, +inf of none, NaN where there is one.
  Value finish();
  /// The sums of `count` rows.
  SmallVector<Value> loadSums(int64_t count, ArrayRef<Value> rows);
  /// The buffer that the minimum is in.
  static Value getBuffer(PackedAttentionOp op) { return op.getScratch()[4]; }

private:
  SmallVector<Value> findLeast(int64_t count, Indices exponentialAt);
  /// The minima without their shape.
  Value flatten();

  Emission &e;
  int64_t lanes;
  Value keys, exponentials, sums, minima, least;
};

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_KERNELS_GENERIC_ATTENTIONMINIMUM_H
