//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Products of a float left side and packed levels.
//
// The bits of a step of the contraction are expanded to levels in registers,
// one for each lane, and multiplied with the rows of the tile: the weights cost
// 1/32 of the memory traffic of floats.
//
// With mask registers the bits of a single plane need no expansion. They mask
// the accumulators to which a number is added, and with f + s·bit for the
// levels
//
//   Σ_k w_k·x_k = f · Σ_k x_k + s · Σ_{k: bit} x_k.
//
// Half of the sums use the multiplier's adders, with a factor of two, so that
// the pipes of additions and those of multiplications work side by side.
//
//===----------------------------------------------------------------------===//

#include "../MatmulNest.h"
#include "mlir/Dialect/Math/IR/Math.h"

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

/// Steps after which masked sums are turned into sums of levels: they grow with
/// the mean of the numbers, which the levels would take out, and rounding with
/// them.
static constexpr int64_t kMaskedSteps = 384;

/// Sums that grow side by side: enough to hide the latency of an addition.
static constexpr int64_t kMaskedSums = 16;

/// Lanes of the machine that has mask registers for floats.
static constexpr int64_t kMaskedLanes = 16;

/// Whether the elements of a row are one behind the other.
static bool hasContiguousRows(Value memref) {
  SmallVector<int64_t> strides;
  int64_t offset;
  return succeeded(cast<MemRefType>(memref.getType())
                       .getStridesAndOffset(strides, offset)) &&
         strides.back() == 1;
}

namespace {

/// The tile of weights with one plane on masks.
class MaskedTile {
public:
  MaskedTile(Emission &e, const MatmulOperands &operands,
             const MatmulTile &tile, int64_t vectors, LevelsType levels)
      : e(e), operands(operands), tile(tile), vectors(vectors), levels(levels),
        type(VectorType::get({kMaskedLanes}, e.b.getF32Type())) {}

  /// One vector for each row and each vector of columns.
  SmallVector<Value> emit() {
    Value zero = e.constant(type, 0);
    SmallVector<Value> zeros(tile.rows * vectors, zero);
    return e.forLoop(
        e.index(0), operands.size, kMaskedSteps, zeros,
        [&](Value begin, ValueRange sums) {
          Value end = e.min(e.add(begin, e.index(kMaskedSteps)), operands.size);
          return addBlock(begin, end, sumMasked(begin, end, zeros), sums);
        });
  }

private:
  SmallVector<Value> rowIndices(int64_t row, Value step) {
    SmallVector<Value> indices(tile.lhsBatch);
    indices.append({e.add(tile.row, e.index(row)), step});
    return indices;
  }

  /// Whether a sum is twice what it should be.
  bool isDoubled(int64_t row, int64_t vector) const {
    return (row + vector) % 2 == 0;
  }

  /// The masked sums over [begin, end). A low tile takes several steps at once,
  /// each into sums of its own: one alone would wait for the last addition.
  SmallVector<Value> sumMasked(Value begin, Value end, ValueRange zeros) {
    int64_t sums = zeros.size(), sets = 1;
    while (2 * sets * sums <= kMaskedSums)
      sets *= 2;
    SmallVector<Value> result;
    for (int64_t set = 0; set < sets; ++set)
      llvm::append_range(result, zeros);
    Value size = e.sub(end, begin);
    Value whole = e.add(begin, e.mul(e.floorDiv(size, sets), e.index(sets)));
    result = e.forLoop(
        begin, whole, sets, result, [&](Value step, ValueRange carried) {
          SmallVector<Value> next;
          for (int64_t set = 0; set < sets; ++set)
            llvm::append_range(next, addStep(e.add(step, e.index(set)),
                                             carried.slice(set * sums, sums)));
          return next;
        });
    SmallVector<Value> total(ArrayRef(result).take_front(sums));
    for (int64_t set = 1; set < sets; ++set)
      for (int64_t i = 0; i < sums; ++i)
        total[i] =
            arith::AddFOp::create(e.b, e.loc, total[i], result[set * sums + i]);
    if (sets == 1)
      return total;
    return e.forLoop(whole, end, 1, total, [&](Value step, ValueRange carried) {
      return addStep(step, carried);
    });
  }

  /// Adds the numbers of one step where its bits are set.
  SmallVector<Value> addStep(Value step, ValueRange carried) {
    SmallVector<Value> masks, next;
    for (int64_t v = 0; v < vectors; ++v) {
      SmallVector<Value> indices(tile.rhsBatch);
      indices.append({tile.panel, step, e.index(v * kMaskedLanes / 8)});
      masks.push_back(vector::BitCastOp::create(
          e.b, e.loc, VectorType::get({kMaskedLanes}, e.b.getI1Type()),
          e.load(operands.rhs, indices, kMaskedLanes / 8)));
    }
    Value two = e.constant(type, 2);
    for (int64_t row = 0; row < tile.rows; ++row) {
      Value x = e.broadcast(memref::LoadOp::create(e.b, e.loc, operands.lhs,
                                                   rowIndices(row, step)),
                            kMaskedLanes);
      for (int64_t v = 0; v < vectors; ++v) {
        Value sum = carried[row * vectors + v], added;
        if (isDoubled(row, v))
          added = math::FmaOp::create(e.b, e.loc, x, two, sum);
        else
          added = arith::AddFOp::create(e.b, e.loc, sum, x);
        next.push_back(
            arith::SelectOp::create(e.b, e.loc, masks[v], added, sum));
      }
    }
    return next;
  }

  /// The sum of one row over [begin, end).
  Value sumRow(int64_t row, Value begin, Value end) {
    Value lanes = e.forVectors(
        e.sub(end, begin), kMaskedLanes, {e.constant(type, 0)},
        [&](Value position, Value count,
            ValueRange carried) -> SmallVector<Value> {
          Value x =
              e.load(operands.lhs, rowIndices(row, e.add(begin, position)),
                     kMaskedLanes, count);
          return {arith::AddFOp::create(e.b, e.loc, carried[0], x)};
        })[0];
    return e.reduce(lanes, [&](Value a, Value b) -> Value {
      return arith::AddFOp::create(e.b, e.loc, a, b);
    });
  }

  /// Adds the sums of levels of one block.
  SmallVector<Value> addBlock(Value begin, Value end, ValueRange masked,
                              ValueRange sums) {
    SmallVector<Value> next;
    double first = levels.getFirst(), step = levels.getStep();
    for (int64_t row = 0; row < tile.rows; ++row) {
      Value base;
      if (first != 0)
        base = e.broadcast(
            arith::MulFOp::create(e.b, e.loc, sumRow(row, begin, end),
                                  e.constant(e.b.getF32Type(), first)),
            kMaskedLanes);
      for (int64_t v = 0; v < vectors; ++v) {
        int64_t at = row * vectors + v;
        Value factor = e.constant(type, isDoubled(row, v) ? step / 2 : step);
        Value block = math::FmaOp::create(e.b, e.loc, masked[at], factor,
                                          base ? base : e.constant(type, 0));
        next.push_back(arith::AddFOp::create(e.b, e.loc, sums[at], block));
      }
    }
    return next;
  }

  Emission &e;
  const MatmulOperands &operands;
  const MatmulTile &tile;
  int64_t vectors;
  LevelsType levels;
  VectorType type;
};

} // namespace

/// Joins the vectors of each row.
static SmallVector<Value> joinRows(Emission &e, ArrayRef<Value> sums,
                                   int64_t vectors) {
  SmallVector<Value> result;
  for (; !sums.empty(); sums = sums.drop_front(vectors))
    result.push_back(e.concat(sums.take_front(vectors)));
  return result;
}

SmallVector<Value> mlir::lowbit::emitFloatTile(Emission &e,
                                               const MatmulOperands &operands,
                                               const MatmulTile &tile,
                                               const KernelRow &kernel,
                                               LevelsType rhs) {
  int64_t lanes = kernel.vectorLanes < 8 ? 8 : kernel.vectorLanes;
  int64_t vectors = kernel.lanes / lanes;
  if (lanes == kMaskedLanes && rhs.getPlanes() == 1 &&
      hasContiguousRows(operands.lhs))
    return joinRows(e, MaskedTile(e, operands, tile, vectors, rhs).emit(),
                    vectors);
  auto type = VectorType::get({lanes}, e.b.getF32Type());
  SmallVector<Value> zeros(tile.rows * vectors, e.constant(type, 0));
  SmallVector<Value> sums = e.forLoop(
      e.index(0), operands.size, 1, zeros, [&](Value step, ValueRange carried) {
        SmallVector<Value> weights, next;
        for (int64_t v = 0; v < vectors; ++v)
          weights.push_back(
              expandLevels(e, operands, tile, rhs, step, v * lanes / 8, lanes));
        for (int64_t row = 0; row < tile.rows; ++row) {
          SmallVector<Value> indices(tile.lhsBatch);
          indices.append({e.add(tile.row, e.index(row)), step});
          Value x = e.broadcast(
              memref::LoadOp::create(e.b, e.loc, operands.lhs, indices), lanes);
          for (int64_t v = 0; v < vectors; ++v) {
            Value sum = carried[row * vectors + v];
            if (e.fma) {
              next.push_back(
                  math::FmaOp::create(e.b, e.loc, x, weights[v], sum));
              continue;
            }
            Value product = arith::MulFOp::create(e.b, e.loc, x, weights[v]);
            next.push_back(arith::AddFOp::create(e.b, e.loc, sum, product));
          }
        }
        return next;
      });
  return joinRows(e, sums, vectors);
}
