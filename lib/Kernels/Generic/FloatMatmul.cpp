//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Products of a float left side and packed levels.
//
// The bits of a step of the contraction are expanded to levels in registers, one
// for each lane, and multiplied with the rows of the tile: the weights cost 1/32
// of the memory traffic of floats.
//
//===----------------------------------------------------------------------===//

#include "../MatmulNest.h"

using namespace mlir;
using namespace mlir::lowbit;

/// The levels of one step as floats, `lanes` of them from byte `byte` on.
static Value expandLevels(Emission &e, const MatmulOperands &operands,
                          const MatmulTile &tile, LevelsType levels, Value step,
                          int64_t byte, int64_t lanes) {
  auto floats = VectorType::get({lanes}, e.b.getF32Type());
  auto bits = VectorType::get({lanes}, e.b.getI1Type());
  unsigned planes = levels.getPlanes();
  Value sum;
  for (unsigned plane = 0; plane < planes; ++plane) {
    SmallVector<Value> indices(tile.rhsBatch);
    Value at = e.add(e.mul(step, e.index(planes)), e.index(plane));
    indices.append({tile.panel, at, e.index(byte)});
    Value mask = vector::BitCastOp::create(
        e.b, e.loc, bits, e.load(operands.rhs, indices, lanes / 8));
    // The first plane carries the smallest level.
    int64_t base = plane == 0 ? levels.getFirst() : 0;
    Value term = arith::SelectOp::create(
        e.b, e.loc, mask,
        e.constant(floats, base + (levels.getStep() << plane)),
        e.constant(floats, base));
    sum = sum ? arith::AddFOp::create(e.b, e.loc, sum, term) : term;
  }
  return sum;
}

SmallVector<Value> mlir::lowbit::emitFloatTile(Emission &e,
                                               const MatmulOperands &operands,
                                               const MatmulTile &tile,
                                               const KernelRow &kernel,
                                               LevelsType rhs, bool fma) {
  int64_t lanes = kernel.vectorLanes < 8 ? 8 : kernel.vectorLanes;
  int64_t vectors = kernel.lanes / lanes;
  auto type = VectorType::get({lanes}, e.b.getF32Type());
  SmallVector<Value> zeros(tile.rows * vectors, e.constant(type, 0));
  SmallVector<Value> sums = e.forLoop(
      e.index(0), operands.size, 1, zeros,
      [&](Value step, ValueRange carried) {
        SmallVector<Value> weights, next;
        for (int64_t v = 0; v < vectors; ++v)
          weights.push_back(expandLevels(e, operands, tile, rhs, step,
                                         v * lanes / 8, lanes));
        for (int64_t row = 0; row < tile.rows; ++row) {
          SmallVector<Value> indices(tile.lhsBatch);
          indices.append({e.add(tile.row, e.index(row)), step});
          Value x = e.broadcast(
              memref::LoadOp::create(e.b, e.loc, operands.lhs, indices), lanes);
          for (int64_t v = 0; v < vectors; ++v) {
            Value sum = carried[row * vectors + v];
            if (fma) {
              next.push_back(
                  vector::FMAOp::create(e.b, e.loc, x, weights[v], sum));
              continue;
            }
            Value product = arith::MulFOp::create(e.b, e.loc, x, weights[v]);
            next.push_back(arith::AddFOp::create(e.b, e.loc, sum, product));
          }
        }
        return next;
      });
  SmallVector<Value> result;
  for (int64_t row = 0; row < tile.rows; ++row)
    result.push_back(
        e.concat(ArrayRef<Value>(sums).slice(row * vectors, vectors)));
  return result;
}
