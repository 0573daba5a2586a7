//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The loop nests around packed matmuls and their epilogue.
//
// A row of the kernel table emits the product of one tile: a few rows of the
// left side times one panel of the right side. What comes back, one vector of
// sums for each row, goes through the operation's region and is stored: the
// sums are never written to memory by themselves.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_KERNELS_MATMULNEST_H
#define LOWBIT_LIB_KERNELS_MATMULNEST_H

#include "Epilogue.h"
#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "lowbit/Kernels/Kernels.h"

namespace mlir::lowbit {

/// One tile: `rows` rows of the left side from `row` on, times one panel.
struct MatmulTile {
  /// Indices of the leading (batch) dimensions of each side.
  SmallVector<Value> lhsBatch, rhsBatch;
  Value row, panel;
  int64_t rows;
};

/// The operands of a matmul after merging what can be merged into rows.
struct MatmulOperands {
  Value lhs, rhs, init;
  /// Room for a left side as bytes; null for most rows of the kernel table.
  Value scratch;
  SmallVector<Value> epilogue;
  /// The shape `[..., M, N]` of the product.
  SmallVector<int64_t> shape;
  /// The length of the contraction.
  Value size;
  /// Columns of the result.
  Value columns;
};

/// Emits the product of a tile: for each row the sums of the panel, as one
/// vector of `lanes` or as several equal parts of it in order.
using EmitTile = llvm::function_ref<SmallVector<Value>(const MatmulTile &tile)>;

/// Applies the epilogue to the sums of a tile of `rows` rows and stores the
/// results; a last panel with fewer columns than lanes is masked.
void storeTile(Emission &e, PackedMatmulOp op, const MatmulOperands &operands,
               const KernelRow &kernel, ArrayRef<Value> sums, int64_t rows,
               ArrayRef<Value> batch, Value row, Value panel);

/// Visits the columns of a panel as `parts` equal vectors: `count` is null
/// where all lanes are columns, else how many are (perhaps none or less).
void forParts(
    Emission &e, int64_t lanes, Value panel, Value columns, int64_t parts,
    llvm::function_ref<void(int64_t part, Value column, Value count)> body);

/// Batches and panels in parallel, tiles of rows inside: a panel stays in the
/// first-level cache while all rows pass.
LogicalResult emitPanelNest(Emission &e, PackedMatmulOp op,
                            const MatmulOperands &operands,
                            const KernelRow &kernel, EmitTile emitTile);

/// Products of levels from products of codes (vectors of i32, one for each row)
/// and from sums of codes: `columnCodes` gives those of the panel as i32 lanes,
/// `rowCodes` the last packed word of a row of the tile. Codes of the right
/// side are stored less `centre`. The formula stands in PopcountMatmul.cpp.
SmallVector<Value> addLevelTerms(Emission &e, const MatmulOperands &operands,
                                 LevelsType lhs, LevelsType rhs,
                                 ArrayRef<Value> products,
                                 llvm::function_ref<Value()> columnCodes,
                                 llvm::function_ref<Value(int64_t)> rowCodes,
                                 int64_t centre = 0);

/// Of words in the order `quads`, whose codes have `bits` bits, the four codes
/// of each lane that lie `index` places up in its bytes.
Value unpackQuad(Emission &e, Value words, int64_t bits, int64_t index);

/// The tile product of levels, by the order of the right side.
SmallVector<Value> emitLevelsTile(Emission &e, const MatmulOperands &operands,
                                  const MatmulTile &tile,
                                  const KernelRow &kernel, LevelsType lhs,
                                  PackingAttr rhs);

/// The tile products of the families of rows.
SmallVector<Value> emitByteTile(Emission &e, const MatmulOperands &operands,
                                const MatmulTile &tile, const KernelRow &kernel,
                                LevelsType lhs, PackingAttr rhs);
/// The same from word `begin` of the right side on, which has a byte for each
/// code; `sums` are those of the products before.
SmallVector<Value> emitByteTile(Emission &e, const MatmulOperands &operands,
                                const MatmulTile &tile, const KernelRow &kernel,
                                LevelsType lhs, PackingAttr rhs,
                                ArrayRef<Value> sums, Value begin);
SmallVector<Value> emitDwordTile(Emission &e, const MatmulOperands &operands,
                                 const MatmulTile &tile,
                                 const KernelRow &kernel, LevelsType lhs,
                                 PackingAttr rhs);
SmallVector<Value> emitPopcountTile(Emission &e, const MatmulOperands &operands,
                                    const MatmulTile &tile,
                                    const KernelRow &kernel, LevelsType lhs,
                                    LevelsType rhs);
SmallVector<Value> emitFloatTile(Emission &e, const MatmulOperands &operands,
                                 const MatmulTile &tile,
                                 const KernelRow &kernel, LevelsType rhs);

/// The whole product by table lookup, which has a nest of its own: of four or
/// of six weights at a time.
LogicalResult emitLookupMatmul(Emission &e, PackedMatmulOp op,
                               const MatmulOperands &operands,
                               const KernelRow &kernel);

LogicalResult emitSextetMatmul(Emission &e, PackedMatmulOp op,
                               const MatmulOperands &operands,
                               const KernelRow &kernel);

/// The whole product in tiles of AMX, of operands that were merged into rows
/// and have a scratch buffer.
void emitTileMatmul(Emission &e, PackedMatmulOp op,
                    const MatmulOperands &operands, const KernelRow &kernel);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_KERNELS_MATMULNEST_H
