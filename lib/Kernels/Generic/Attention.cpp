//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention, a few rows at a time: see `lowbit.packed_attention`. The scores of
// the rows stay in the first-level cache: products and their region, a row's
// maximum, exponentials and their sum, the bits of the codes, the product with
// the values.
//
// A code is 1 where round(fl(fl(e / sum) / scale)) >= 1, half to even, that is
// where the quotient exceeds 1/2. It ascends with e, so one number of a row
// tells all of its codes: the least e whose code is 1. It lies within a few
// units in the last place of scale * sum / 2; the sixteen numbers around are
// tried with the very formula. That holds for scales far from zero; for others
// (and negative ones, with which no code is 1) the number is found by halving.
//
// The sum is taken in the order of `lowbit.softmax`, so that the codes are the
// same whether attention is one operation or not.
//
//===----------------------------------------------------------------------===//

#include "../MatmulNest.h"
#include "lowbit/Kernels/Emitters.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <limits>

using namespace mlir;
using namespace mlir::lowbit;

static MemRefType typeOf(Value value) {
  return cast<MemRefType>(value.getType());
}

namespace {

/// Scales from here on keep every number of `Attention::tryAround` normal: sums
/// of exponentials are 1 or more, and a quotient near the threshold is half the
/// scale.
constexpr double kLeastUsualScale = 0x1p-100;

class Attention {
public:
  Attention(Emission &e, PackedAttentionOp op, const KernelRow &kernel,
            const KernelRow &contextKernel, const Target &target)
      : e(e), op(op), kernel(kernel), contextKernel(contextKernel),
        lanes(getFloatLanes(target)),
        type(VectorType::get({lanes}, e.b.getF32Type())),
        scores(op.getScratch()[0]), codes(op.getScratch()[1]),
        keys(op.getKeys()), scoreOperands(op.getScoreOperands()),
        contextOperands(op.getContextOperands()),
        scoresShape(op.getScoresShape()), contextShape(op.getContextShape()) {}

  void emit() {
    int64_t rank = typeOf(op.getQ()).getRank();
    Value rows = e.dim(op.getQ(), rank - 2);
    words = e.ceilDiv(keys, 64);
    scale = memref::LoadOp::create(e.b, e.loc, op.getScale());
    isUsualScale =
        arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::OGE, scale,
                              e.constant(e.b.getF32Type(), kLeastUsualScale));
    // Whole tiles for all parts but the last.
    int64_t tile = std::min(
        {kernel.rowsPerTile, contextKernel.rowsPerTile, kAttentionRows});
    Value perPart =
        e.mul(e.ceilDiv(rows, kAttentionParts * tile), e.index(tile));
    SmallVector<Value> extents;
    for (int64_t i = 0; i < rank - 2; ++i)
      extents.push_back(e.dim(op.getQ(), i));
    extents.push_back(e.index(kAttentionParts));
    e.parallel(extents, /*grain=*/1, [&](ValueRange ivs) {
      batch = SmallVector<Value>(ivs.drop_back());
      part = ivs.back();
      Value begin = e.min(e.mul(part, perPart), rows);
      Value end = e.min(e.add(begin, perPart), rows);
      Value whole = e.add(
          begin, e.mul(e.floorDiv(e.sub(end, begin), tile), e.index(tile)));
      e.forLoop(begin, whole, tile, [&](Value row) { emitRows(row, tile); });
      e.forLoop(whole, end, 1, [&](Value row) { emitRows(row, 1); });
    });
    if (std::optional<PackingAttr> packing = op.getResultPacking())
      finishPackedRows(e, op.getInit(), *packing,
                       contextShape[1] * contextShape.back());
  }

private:
  void emitRows(Value row, int64_t count) {
    SmallVector<Value> maxima = emitScores(row, count);
    SmallVector<Value> sums = emitExponentials(maxima);
    emitCodes(sums);
    emitContext(row, count);
  }

  SmallVector<Value> scratchAt(int64_t row, Value position) {
    SmallVector<Value> indices(batch);
    indices.append({part, e.index(row), position});
    return indices;
  }

  SmallVector<Value> emitTile(const MatmulOperands &operands,
                              const MatmulTile &tile, const KernelRow &row,
                              PackingAttr lhs, PackingAttr rhs) {
    if (rhs.getOrder() == Order::dwords)
      return emitDwordTile(e, operands, tile, row, lhs.getLevels(), rhs);
    return emitPopcountTile(e, operands, tile, row, lhs.getLevels(),
                            rhs.getLevels());
  }

  /// Scores into the scratch rows, -inf in lanes beyond the keys; returns the
  /// maximum of each row.
  SmallVector<Value> emitScores(Value row, int64_t count) {
    MatmulOperands operands;
    operands.lhs = op.getQ();
    operands.rhs = op.getK();
    operands.size = e.index(op.getSize());
    operands.columns = keys;
    MatmulTile tile;
    tile.lhsBatch = batch;
    tile.rhsBatch = batch;
    tile.row = row;
    tile.rows = count;
    double least = -std::numeric_limits<double>::infinity();
    // Maxima are kept in vectors that no part of a tile is shorter than.
    auto maximaType =
        VectorType::get({std::min(lanes, kernel.lanes)}, e.b.getF32Type());

    auto emitPanel = [&](Value panel, bool whole, ValueRange carried) {
      tile.panel = panel;
      SmallVector<Value> sums =
          emitTile(operands, tile, kernel, op.getQPacking(), op.getKPacking());
      int64_t parts = sums.size() / count, width = kernel.lanes / parts;
      Epilogue epilogue(e, op.getScoreBody().front(), scoreOperands,
                        scoresShape, width);
      Value first = e.mul(panel, e.index(kernel.lanes));
      SmallVector<Value> maxima(carried);
      for (int64_t i = 0; i < parts; ++i) {
        Value column = e.add(first, e.index(i * width)), left;
        if (!whole)
          left = e.sub(keys, column);
        for (int64_t r = 0; r < count; ++r) {
          SmallVector<Value> position(batch);
          position.append({e.add(row, e.index(r)), column});
          Value score =
              epilogue.apply(sums[r * parts + i], position, left).front();
          if (left)
            score = arith::SelectOp::create(
                e.b, e.loc,
                vector::CreateMaskOp::create(
                    e.b, e.loc, VectorType::get({width}, e.b.getI1Type()),
                    left),
                score, e.constant(score.getType(), least));
          e.store(score, scores, scratchAt(r, column));
          maxima[r] = maximum(maxima[r], score);
        }
      }
      return maxima;
    };
    auto init = [&] {
      return SmallVector<Value>(count, e.constant(maximaType, least));
    };
    Value whole = e.floorDiv(keys, kernel.lanes);
    SmallVector<Value> maxima = e.forLoop(
        e.index(0), whole, 1, init(), [&](Value panel, ValueRange carried) {
          return emitPanel(panel, /*whole=*/true, carried);
        });
    maxima = e.forLoop(whole, e.ceilDiv(keys, kernel.lanes), 1, maxima,
                       [&](Value panel, ValueRange carried) {
                         return emitPanel(panel, /*whole=*/false, carried);
                       });
    for (Value &value : maxima)
      value =
          e.reduce(value, [&](Value a, Value b) { return e.greater(a, b); });
    // Lanes of the last vector that no panel reaches.
    if (kernel.lanes < lanes)
      e.forLoop(e.mul(e.ceilDiv(keys, kernel.lanes), e.index(kernel.lanes)),
                e.mul(e.ceilDiv(keys, lanes), e.index(lanes)), kernel.lanes,
                [&](Value column) {
                  for (int64_t r = 0; r < count; ++r)
                    e.store(e.constant(maximaType, least), scores,
                            scratchAt(r, column));
                });
    return maxima;
  }

  /// The elementwise maximum of a vector and pieces of a longer one. A NaN may
  /// get lost; the sum of exponentials keeps it.
  Value maximum(Value carried, Value score) {
    int64_t width = cast<VectorType>(score.getType()).getNumElements();
    int64_t lanes = cast<VectorType>(carried.getType()).getNumElements();
    for (int64_t first = 0; first < width; first += lanes) {
      Value piece = score;
      if (width > lanes)
        piece = vector::ExtractStridedSliceOp::create(
            e.b, e.loc, score, ArrayRef<int64_t>{first},
            ArrayRef<int64_t>{lanes}, ArrayRef<int64_t>{1});
      carried = e.greater(carried, piece);
    }
    return carried;
  }

  /// exp(score - maximum) into the scratch rows; returns the sum of each row,
  /// taken as `lowbit.softmax` does. The scratch rows are padded with scores
  /// whose exponential is 0.
  SmallVector<Value> emitExponentials(ArrayRef<Value> maxima) {
    SmallVector<Value> broadcast;
    for (Value value : maxima)
      broadcast.push_back(e.broadcast(value, lanes));
    return e.sumRows(maxima.size(), keys, lanes, /*padded=*/true,
                     [&](size_t r, Value k, Value) {
                       SmallVector<Value> at = scratchAt(r, k);
                       Value x = arith::SubFOp::create(
                           e.b, e.loc, e.load(scores, at, lanes), broadcast[r]);
                       Value y = math::ExpOp::create(e.b, e.loc, x);
                       e.store(y, scores, at);
                       return y;
                     });
  }

  /// The least exponential with code 1 of each row, +inf when there is none.
  SmallVector<Value> emitThresholds(ArrayRef<Value> sums) {
    SmallVector<Type> types(sums.size(), e.b.getF32Type());
    auto branch = scf::IfOp::create(e.b, e.loc, types, isUsualScale,
                                    /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(e.b);
    auto emitBranch = [&](Block *block, auto threshold) {
      e.b.setInsertionPointToStart(block);
      SmallVector<Value> found;
      for (Value sum : sums)
        found.push_back(threshold(sum));
      scf::YieldOp::create(e.b, e.loc, found);
    };
    emitBranch(branch.thenBlock(), [&](Value sum) { return tryAround(sum); });
    emitBranch(branch.elseBlock(), [&](Value sum) { return halve(sum); });
    return SmallVector<Value>(branch.getResults());
  }

  /// The quantizer's formula: whether the codes of exponentials are 1.
  Value isOne(Value exponentials, Value sum) {
    Type type = exponentials.getType();
    auto widen = [&](Value scalar) {
      if (auto vector = dyn_cast<VectorType>(type))
        return e.broadcast(scalar, vector.getNumElements());
      return scalar;
    };
    Value p = arith::DivFOp::create(e.b, e.loc, exponentials, widen(sum));
    Value scaled = arith::DivFOp::create(e.b, e.loc, p, widen(scale));
    return arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::OGT, scaled,
                                 e.constant(type, 0.5));
  }

  /// The threshold of a usual scale: three roundings lie between it and the
  /// estimate, and with no subnormal number on the way they amount to four
  /// units at most.
  Value tryAround(Value sum) {
    constexpr int64_t kTried = 16;
    auto ints = VectorType::get({kTried}, e.b.getI32Type());
    auto floats = VectorType::get({kTried}, e.b.getF32Type());
    Type f32 = e.b.getF32Type(), i32 = e.b.getI32Type();
    Value estimate = arith::MulFOp::create(
        e.b, e.loc, arith::MulFOp::create(e.b, e.loc, sum, scale),
        e.constant(f32, 0.5));
    SmallVector<int32_t> steps;
    for (int32_t i = 0; i < kTried; ++i)
      steps.push_back(i - kTried / 2);
    Value first = arith::BitcastOp::create(e.b, e.loc, i32, estimate);
    Value bits =
        e.add(e.broadcast(first, kTried),
              arith::ConstantOp::create(
                  e.b, e.loc, DenseElementsAttr::get(ints, ArrayRef(steps))));
    Value tried = arith::BitcastOp::create(e.b, e.loc, floats, bits);
    Value infinity =
        e.constant(floats, std::numeric_limits<double>::infinity());
    return e.reduce(
        arith::SelectOp::create(e.b, e.loc, isOne(tried, sum), tried, infinity),
        [&](Value a, Value b) { return e.less(a, b); });
  }

  /// The threshold of any scale: the code ascends with the exponential, whose
  /// bits ascend from those of 0, which has the code 0, to those of infinity.
  Value halve(Value sum) {
    constexpr int64_t kInfinity = 0x7f800000, kSteps = 31;
    Type f32 = e.b.getF32Type();
    Value bits = e.forLoop(
        e.index(0), e.index(kSteps), 1, {e.i32(0), e.i32(kInfinity)},
        [&](Value, ValueRange carried) -> SmallVector<Value> {
          Value zero = carried[0], one = carried[1];
          Value middle =
              arith::ShRUIOp::create(e.b, e.loc, e.add(zero, one), e.i32(1));
          Value isAbove =
              isOne(arith::BitcastOp::create(e.b, e.loc, f32, middle), sum);
          return {arith::SelectOp::create(e.b, e.loc, isAbove, zero, middle),
                  arith::SelectOp::create(e.b, e.loc, isAbove, middle, one)};
        })[1];
    return arith::BitcastOp::create(e.b, e.loc, f32, bits);
  }

  /// The packed rows of codes, with their last words.
  void emitCodes(ArrayRef<Value> sums) {
    SmallVector<Value> thresholds;
    for (Value threshold : emitThresholds(sums))
      thresholds.push_back(e.broadcast(threshold, lanes));
    SmallVector<Value> zeros(sums.size(), e.i64(0));
    SmallVector<Value> ones = e.forVectors(
        keys, 64, zeros, [&](Value begin, Value count, ValueRange carried) {
          SmallVector<Value> next;
          for (auto [r, sum] : llvm::enumerate(carried)) {
            SmallVector<Value> parts;
            for (int64_t first = 0; first < 64; first += lanes) {
              Value left;
              if (count)
                left = arith::MaxSIOp::create(
                    e.b, e.loc, e.sub(count, e.index(first)), e.index(0));
              Value y =
                  e.load(scores, scratchAt(r, e.add(begin, e.index(first))),
                         lanes, left);
              Value bits = arith::CmpFOp::create(
                  e.b, e.loc, arith::CmpFPredicate::OGE, y, thresholds[r]);
              if (left)
                bits = arith::AndIOp::create(
                    e.b, e.loc, bits,
                    vector::CreateMaskOp::create(e.b, e.loc, bits.getType(),
                                                 left));
              parts.push_back(bits);
            }
            Value word = e.joinBits(parts);
            memref::StoreOp::create(e.b, e.loc, word, codes,
                                    scratchAt(r, e.floorDiv(begin, 64)));
            next.push_back(e.add(sum, math::CtPopOp::create(e.b, e.loc, word)));
          }
          return next;
        });
    for (auto [r, count] : llvm::enumerate(ones))
      memref::StoreOp::create(e.b, e.loc, e.addPlane(e.i64(0), count, 0), codes,
                              scratchAt(r, words));
  }

  /// The codes times the values.
  void emitContext(Value row, int64_t count) {
    MatmulOperands operands;
    operands.lhs = codes;
    operands.rhs = op.getV();
    operands.size = keys;
    operands.columns = e.index(op.getColumns());
    auto levels = LevelsType::getRange(op.getContext(), 0, 1);
    auto packing = PackingAttr::get(op.getContext(), levels, Order::rows, 1);
    MatmulTile tile;
    tile.lhsBatch = batch;
    tile.lhsBatch.push_back(part);
    tile.rhsBatch = batch;
    tile.row = e.index(0);
    tile.rows = count;
    Value panels =
        e.index(llvm::divideCeil(op.getColumns(), contextKernel.lanes));
    e.forLoop(e.index(0), panels, 1, [&](Value panel) {
      tile.panel = panel;
      SmallVector<Value> sums =
          emitTile(operands, tile, contextKernel, packing, op.getVPacking());
      int64_t parts = sums.size() / count;
      Epilogue epilogue(e, op.getContextBody().front(), contextOperands,
                        contextShape, contextKernel.lanes / parts);
      forParts(e, contextKernel.lanes, panel, operands.columns, parts,
               [&](int64_t i, Value column, Value left) {
                 for (int64_t r = 0; r < count; ++r)
                   storeContext(epilogue, sums[r * parts + i],
                                e.add(row, e.index(r)), column, left);
               });
    });
  }

  void storeContext(Epilogue &epilogue, Value sums, Value row, Value column,
                    Value left) {
    SmallVector<Value> position(batch);
    position.append({row, column});
    SmallVector<Value> stored = epilogue.apply(sums, position, left);
    if (op.getTransposed())
      std::swap(position[1], position[2]);
    if (!op.getResultPacking())
      return e.store(stored.front(), op.getInit(), position, left);
    // Heads lie side by side in a row.
    int64_t size = op.getColumns();
    int64_t unit = std::min<int64_t>(64, size & -size);
    Value head = position[2];
    storePlanes(e, stored, op.getInit(), ArrayRef(position).take_front(2),
                e.add(e.mul(head, e.index(size)), column), unit, left);
  }

  Emission &e;
  PackedAttentionOp op;
  const KernelRow &kernel, &contextKernel;
  int64_t lanes;
  VectorType type;
  Value scores, codes, keys, words, scale, isUsualScale;
  SmallVector<Value> scoreOperands, contextOperands;
  SmallVector<int64_t> scoresShape, contextShape;
  SmallVector<Value> batch;
  Value part;
};

} // namespace

LogicalResult mlir::lowbit::emitPackedAttention(RewriterBase &rewriter,
                                                PackedAttentionOp op,
                                                const Target &target) {
  if (!isa<MemRefType>(op.getInit().getType()))
    return op.emitOpError("must be on buffers before code is emitted for it");
  StringRef names[] = {op.getKernel(),
                       op.getContextKernel().value_or(op.getKernel())};
  PackingAttr packings[] = {op.getKPacking(), op.getVPacking()};
  SmallVector<const KernelRow *> kernels;
  for (auto [name, packing] : llvm::zip_equal(names, packings)) {
    const KernelRow *kernel = kernels.emplace_back(findKernel(name));
    if (!kernel)
      return op.emitOpError("names an unknown kernel '") << name << "'";
    if (packing.getOrder() != kernel->rhsOrder ||
        packing.getLanes() != kernel->lanes || kernel->floatLhs ||
        !packing.getSums())
      return op.emitOpError("is not packed as kernel '") << name << "' expects";
  }
  if (op.getResultPacking() && !typeOf(op.getInit()).getLayout().isIdentity())
    return op.emitOpError("cannot pack the result in this layout");
  Emission e(rewriter, op.getLoc());
  Attention(e, op, *kernels[0], *kernels[1], target).emit();
  rewriter.eraseOp(op);
  return success();
}
