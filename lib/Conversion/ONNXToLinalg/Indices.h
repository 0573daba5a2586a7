//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Indices that a graph computes: checks and the sign, for Gather and Scatter.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_CONVERSION_ONNXTOLINALG_INDICES_H
#define LOWBIT_CONVERSION_ONNXTOLINALG_INDICES_H

#include "Lowering.h"

namespace mlir::lowbit {

/// Stops the run unless every element of `indices` is in [-size, size).
void checkIndices(Lowering &l, Value indices, OpFoldResult size);

/// The position that a checked index means: a negative one counts from `size`.
Value getPosition(OpBuilder &b, Location loc, Value index, Value size);

/// The sizes of the tuples in the last dimension of `indices`, checked: element
/// t of every tuple against `sizes[t]`.
void checkIndexTuples(Lowering &l, Value indices, ArrayRef<OpFoldResult> sizes);

} // namespace mlir::lowbit

#endif // LOWBIT_CONVERSION_ONNXTOLINALG_INDICES_H
