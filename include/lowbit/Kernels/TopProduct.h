//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The buffers that the kernel of `lowbit.top_product` works in, for those who
// allocate them.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_KERNELS_TOPPRODUCT_H
#define LOWBIT_KERNELS_TOPPRODUCT_H

#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"

namespace mlir::lowbit {

/// The scratch buffers in their order; the first extent of each counts the rows
/// of the input, `[...]` of `[..., K]`.
enum TopProductScratch {
  /// `i32 [?, 2, Q + 1]`: the high and the low bytes of a row's 16-bit codes,
  /// four in a word, and what the offset of the table's codes adds to products
  /// with them.
  kRowCodes,
  /// `f32 [?, kRowTerms]`: the scale of the codes and two bounds.
  kRowBounds,
  /// `f32 [?, 64 * P]`: what each logit is at most.
  kUppers,
  /// `f32 [?, G]`: the largest lower bound of each of G groups of rows of the
  /// table.
  kGroups,
  /// `i32 [?, N]`: the rows of the table that are candidates.
  kCandidates
};

/// The types of the scratch buffers of an operation with a screen.
SmallVector<MemRefType> getTopProductScratch(TopProductOp op);

/// Panels of the table that one task multiplies, before the next row of the
/// input: they stay in the second-level cache.
int64_t getTopProductBlock(TopProductOp op);

} // namespace mlir::lowbit

#endif // LOWBIT_KERNELS_TOPPRODUCT_H
