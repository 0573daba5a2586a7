//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The two products of attention, queries by keys and codes by values: of a few
// rows at a time in registers, or of 16 rows of bytes in tiles of AMX.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_KERNELS_GENERIC_ATTENTIONPRODUCT_H
#define LOWBIT_LIB_KERNELS_GENERIC_ATTENTIONPRODUCT_H

#include "../MatmulNest.h"
#include "Tiles.h"

namespace mlir::lowbit {

class AttentionProduct {
public:
  /// Loads 16 sums of a row of a tile, those of a panel from `first` on.
  using Load = llvm::function_ref<Value(int64_t row, int64_t first)>;

  AttentionProduct(Emission &e, const MatmulOperands &operands,
                   const KernelRow &kernel, LevelsType lhs, PackingAttr rhs);

  /// Whether 16 rows are multiplied in tiles.
  bool isInTiles() const { return inTiles; }
  /// The row of the table for few rows.
  const KernelRow &getKernel() const { return kernel; }

  /// The sums of levels of the rows of a tile, vectors that make up a panel for
  /// each row.
  SmallVector<Value> getSums(const MatmulTile &tile);

  /// Multiplies the codes of the 16 rows of `tile`, as far as whole steps of 64
  /// elements go, and stores a panel of sums as i32 in rows of `sums`, words of
  /// 32 bits, from the element at `first` on.
  void multiply(const MatmulTile &tile, Value sums, ArrayRef<Value> first);
  /// As getSums, from such sums of codes: adds what is left of the size and the
  /// terms of the levels.
  SmallVector<Value> finishSums(const MatmulTile &tile, Load load);

private:
  Emission &e;
  MatmulOperands operands;
  bool inTiles;
  const KernelRow &kernel;
  LevelsType lhs;
  PackingAttr rhs;
};

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_KERNELS_GENERIC_ATTENTIONPRODUCT_H
