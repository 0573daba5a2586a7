//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The kernel table: one row for each way to multiply packed matrices. A row
// says what it needs of the CPU, which level types it takes, how it wants its
// right side packed and what it costs; its emitter writes the loops. The
// portable rows need nothing and always match.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_KERNELS_KERNELS_H
#define LOWBIT_KERNELS_KERNELS_H

#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "lowbit/Target/Target.h"
#include "llvm/ADT/ArrayRef.h"
#include <string>

namespace mlir::lowbit {

/// What a kernel row is asked to multiply.
struct KernelQuery {
  /// Levels of the left side; null when it is f32.
  LevelsType lhs;
  LevelsType rhs;
  /// Whether the right side is a constant, packed at compile time.
  bool constantRhs = false;
  /// The length of the contraction where it is known, else
  /// `ShapedType::kDynamic` (which only constant right sides never have).
  int64_t size = ShapedType::kDynamic;
  /// Columns of the result, `ShapedType::kDynamic` where unknown.
  int64_t columns = ShapedType::kDynamic;
};

/// How the popcount emitter adds up the ones of a word.
enum class PopcountForm {
  /// `ctpop` of 64-bit lanes: one instruction with AVX-512 VPOPCNTDQ.
  Words,
  /// `ctpop` of bytes (a table lookup), widened by `psadbw` before a byte can
  /// overflow: what AVX2 and AVX-512BW do best.
  Bytes
};

/// Estimated picoseconds per 1024 multiply-accumulates: of one pair of planes
/// where planes are multiplied one by one, else of whole codes; measured, see
/// KernelCosts.def.
struct KernelCost {
  int64_t withPopcount, withAMX, withoutPopcount;
};

/// One row of the kernel table.
struct KernelRow {
  llvm::StringLiteral name;
  /// Features that must all be present (LLVM spelling).
  llvm::ArrayRef<llvm::StringLiteral> features;
  /// Whether the left side is packed levels or f32.
  bool floatLhs;
  /// How the right side is packed.
  Order rhsOrder;
  /// Rows (output channels) of the right side in a panel.
  int64_t lanes;
  /// Rows of the left side that are multiplied together.
  int64_t rowsPerTile;
  /// 64-bit (popcount) or 32-bit (float) lanes of a machine vector.
  int64_t vectorLanes;
  PopcountForm form;
  KernelCost cost;
  /// Where products are made in tiles, which are wasted on few rows: the name
  /// of the row that multiplies those, with the same features and packings.
  llvm::StringLiteral fewRows = "";

  /// How a left side of levels is packed.
  Order getLhsOrder() const {
    return rhsOrder == Order::quads ? Order::bytes : Order::rows;
  }
};

/// Into how many parts the rows of one head are split for threads, and how many
/// rows of scores a part holds at a time, at most.
constexpr int64_t kAttentionParts = 2;
constexpr int64_t kAttentionRows = 4;

/// Rows of a left side that products in tiles expand to bytes at a time, rows
/// of a tile, and elements along K that they pad them to.
constexpr int64_t kTileScratchRows = 256;
constexpr int64_t kTileScratchUnit = 16;
constexpr int64_t kTileScratchStep = 64;
/// Columns (and rows) of a block of tiles.
constexpr int64_t kTileColumns = 32;

/// From how many rows on products in tiles are faster than others.
int64_t getLeastTileRows(LevelsType lhs, LevelsType rhs);

/// All rows, the portable ones last.
llvm::ArrayRef<KernelRow> getKernelTable();

/// The row with this name, or null.
const KernelRow *findKernel(llvm::StringRef name);

/// Why a row does not apply to a query on a target; empty when it does.
std::string whyNotApplicable(const KernelRow &row, const Target &target,
                             const KernelQuery &query);

/// The bits of a code that a right side is packed with, 0 for those that follow
/// from its order and levels: what is made at run time is stored as bytes where
/// bytes are multiplied.
int64_t getRhsBits(const KernelRow &row, const KernelQuery &query);

/// Whether the row reads the sums of the codes of a constant right side with
/// these levels; where not, they need not be stored.
bool needsRhsSums(const KernelRow &row, LevelsType lhs, LevelsType rhs);

/// Picoseconds per 1024 multiply-accumulates of levels that the row is expected
/// to take for the query; lanes without a column are computed too.
double estimateCost(const KernelRow &row, const Target &target,
                    const KernelQuery &query);

/// The row called `preferred` when it applies, else the cheapest that applies;
/// null when none does.
const KernelRow *selectKernel(const Target &target, const KernelQuery &query,
                              llvm::StringRef preferred);

} // namespace mlir::lowbit

#endif // LOWBIT_KERNELS_KERNELS_H
