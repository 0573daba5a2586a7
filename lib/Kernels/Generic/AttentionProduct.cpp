//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See AttentionProduct.h. What is made at run time has a byte for each code,
// and lies in memory as tiles do: a step of a panel is 16 words of 32 lanes,
// two tiles of 16 rows by 64 bytes side by side.
//
//===----------------------------------------------------------------------===//

#include "AttentionProduct.h"

using namespace mlir;
using namespace mlir::lowbit;

/// The registers: sums of both halves of a panel, left side, right sides.
static constexpr int64_t kSums = 0, kLeft = 2, kRight = 3;
/// Words of four codes in a step.
static constexpr int64_t kStepWords = kTileStep / 4;

AttentionProduct::AttentionProduct(Emission &e, const MatmulOperands &operands,
                                   const KernelRow &kernel, LevelsType lhs,
                                   PackingAttr rhs)
    : e(e), operands(operands), inTiles(!kernel.fewRows.empty()),
      kernel(inTiles ? *findKernel(kernel.fewRows) : kernel), lhs(lhs),
      rhs(rhs) {}

SmallVector<Value> AttentionProduct::getSums(const MatmulTile &tile) {
  return emitLevelsTile(e, operands, tile, kernel, lhs, rhs);
}

void AttentionProduct::multiply(const MatmulTile &tile, Value sums,
                                ArrayRef<Value> first) {
  Tiles tiles(e);
  // Bytes from row to row.
  auto strideOf = [&](Value memref) {
    int64_t rank = cast<MemRefType>(memref.getType()).getRank();
    return arith::IndexCastOp::create(
        e.b, e.loc, e.b.getI64Type(),
        e.mul(e.dim(memref, rank - 1), e.index(4)));
  };
  Value leftStride = strideOf(operands.lhs), sumStride = strideOf(sums);
  Value rightStride = e.i64(kernel.lanes * 4);
  for (int64_t half = 0; half < 2; ++half)
    tiles.zero(kSums + half);
  Value steps = e.floorDiv(operands.size, kTileStep);
  e.forLoop(e.index(0), steps, 1, [&](Value step) {
    Value word = e.mul(step, e.index(kStepWords));
    SmallVector<Value> left(tile.lhsBatch), right(tile.rhsBatch);
    left.append({tile.row, word});
    tiles.load(kLeft, e.pointer(operands.lhs, left), leftStride);
    right.append({tile.panel, word, e.index(0)});
    for (int64_t half = 0; half < 2; ++half) {
      right.back() = e.index(half * kTileRows);
      tiles.load(kRight + half, e.pointer(operands.rhs, right), rightStride);
      tiles.multiplyAdd(kSums + half, kLeft, kRight + half);
    }
  });
  for (int64_t half = 0; half < 2; ++half) {
    SmallVector<Value> at(first);
    at.back() = e.add(at.back(), e.index(half * kTileRows));
    tiles.store(kSums + half, e.pointer(sums, at), sumStride);
  }
}

SmallVector<Value> AttentionProduct::finishSums(const MatmulTile &tile,
                                                Load load) {
  SmallVector<Value> sums;
  for (int64_t row = 0; row < tile.rows; ++row)
    for (int64_t half = 0; half < 2; ++half)
      sums.push_back(load(row, half * kTileRows));
  Value begin =
      e.mul(e.floorDiv(operands.size, kTileStep), e.index(kStepWords));
  return emitByteTile(e, operands, tile, kernel, lhs, rhs, sums, begin);
}
