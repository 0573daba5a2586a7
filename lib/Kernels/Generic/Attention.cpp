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
// The sum is taken in the order of `lowbit.softmax`, so that the codes are the
// same whether attention is one operation or not.
//
// Where codes are of probabilities less the least of all, there are two sweeps:
// exponentials, sums and minima of all rows, then codes and the product with
// the values. The least quotient of a row is that of its least exponential.
//
//===----------------------------------------------------------------------===//

#include "../MatmulNest.h"
#include "AttentionCodes.h"
#include "lowbit/Kernels/Emitters.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <limits>

using namespace mlir;
using namespace mlir::lowbit;

static MemRefType typeOf(Value value) {
  return cast<MemRefType>(value.getType());
}

namespace {

class Attention {
public:
  Attention(Emission &e, PackedAttentionOp op, const KernelRow &kernel,
            const KernelRow &contextKernel, const Target &target)
      : e(e), op(op), kernel(kernel), contextKernel(contextKernel),
        lanes(getFloatLanes(target)),
        type(VectorType::get({lanes}, e.b.getF32Type())),
        scores(op.getScratch()[0]), codes(e, op, lanes), keys(op.getKeys()),
        scoreOperands(op.getScoreOperands()),
        contextOperands(op.getContextOperands()),
        scoresShape(op.getScoresShape()), contextShape(op.getContextShape()) {
    if (op.getSubtractMinimum())
      contextOperands.insert(contextOperands.begin(), op.getScratch()[4]);
  }

  void emit() {
    if (op.getSubtractMinimum())
      emitSweeps();
    else
      forTiles([&](Value row, int64_t count) { emitRows(row, count); });
    if (std::optional<PackingAttr> packing = op.getResultPacking())
      finishPackedRows(e, op.getInit(), *packing,
                       contextShape[1] * contextShape.back());
  }

private:
  /// Visits all rows, a tile at a time; parts of them run in parallel.
  void forTiles(llvm::function_ref<void(Value row, int64_t count)> visit) {
    int64_t rank = typeOf(op.getQ()).getRank();
    Value rows = e.dim(op.getQ(), rank - 2);
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
      e.forLoop(begin, whole, tile, [&](Value row) { visit(row, tile); });
      e.forLoop(whole, end, 1, [&](Value row) { visit(row, 1); });
    });
  }

  void emitRows(Value row, int64_t count) {
    firstRow = row;
    SmallVector<Value> maxima = emitScores(row, count);
    SmallVector<Value> sums = emitExponentials(maxima);
    emitCodes(sums, /*least=*/Value());
    emitContext(row, count);
  }

  void emitCodes(ArrayRef<Value> sums, Value least) {
    codes.emit(
        sums, least,
        [&](int64_t row, Value position) { return scoreAt(row, position); },
        [&](int64_t row, Value position) { return partAt(row, position); });
  }

  /// Exponentials of all rows, the least probability, then the context.
  void emitSweeps() {
    Value sums = op.getScratch()[2], minima = op.getScratch()[3];
    Value least = op.getScratch()[4];
    Type f32 = e.b.getF32Type();
    Value infinity = e.constant(f32, std::numeric_limits<double>::infinity());
    fill(minima, infinity);
    forTiles([&](Value row, int64_t count) {
      firstRow = row;
      SmallVector<Value> maxima = emitScores(row, count);
      SmallVector<Value> found = emitExponentials(maxima);
      SmallVector<Value> at(batch);
      at.push_back(part);
      Value minimum = memref::LoadOp::create(e.b, e.loc, minima, at);
      for (auto [r, sum, exponential] :
           llvm::enumerate(found, emitMinima(count))) {
        memref::StoreOp::create(e.b, e.loc, sum, sums, rowAt(r));
        Value p = arith::DivFOp::create(e.b, e.loc, exponential, sum);
        minimum = arith::MinimumFOp::create(e.b, e.loc, minimum, p);
      }
      memref::StoreOp::create(e.b, e.loc, minimum, minima, at);
    });
    memref::StoreOp::create(e.b, e.loc, reduceMinimum(minima, infinity), least);
    Value subtracted = memref::LoadOp::create(e.b, e.loc, least);
    forTiles([&](Value row, int64_t count) {
      firstRow = row;
      SmallVector<Value> found;
      for (int64_t r = 0; r < count; ++r)
        found.push_back(memref::LoadOp::create(e.b, e.loc, sums, rowAt(r)));
      emitCodes(found, subtracted);
      emitContext(row, count);
    });
  }

  /// All elements of a buffer without its shape.
  Value flatten(Value buffer) {
    ReassociationIndices all =
        llvm::to_vector(llvm::seq<int64_t>(typeOf(buffer).getRank()));
    return memref::CollapseShapeOp::create(e.b, e.loc, buffer,
                                           ArrayRef<ReassociationIndices>(all));
  }

  void fill(Value buffer, Value value) {
    Value flat = flatten(buffer);
    e.forLoop(e.index(0), e.dim(flat, 0), 1, [&](Value i) {
      memref::StoreOp::create(e.b, e.loc, value, flat, i);
    });
  }

  Value reduceMinimum(Value buffer, Value init) {
    Value flat = flatten(buffer);
    return e
        .forLoop(e.index(0), e.dim(flat, 0), 1, init,
                 [&](Value i, ValueRange carried) -> SmallVector<Value> {
                   Value x = memref::LoadOp::create(e.b, e.loc, flat, i);
                   return {arith::MinimumFOp::create(e.b, e.loc, carried[0], x)
                               .getResult()};
                 })
        .front();
  }

  /// The least exponential of each row; a NaN may get lost, but not from the
  /// sum of the row.
  SmallVector<Value> emitMinima(int64_t count) {
    double most = std::numeric_limits<double>::infinity();
    SmallVector<Value> minima(count, e.constant(type, most));
    minima = e.forVectors(
        keys, lanes, minima, [&](Value k, Value left, ValueRange carried) {
          SmallVector<Value> next;
          for (int64_t r = 0; r < count; ++r)
            next.push_back(e.less(
                carried[r], e.load(scores, scoreAt(r, k), lanes, left, most)));
          return next;
        });
    for (Value &value : minima)
      value = e.reduce(value, [&](Value a, Value b) { return e.less(a, b); });
    return minima;
  }

  /// The indices of a row's sum.
  SmallVector<Value> rowAt(int64_t row) {
    SmallVector<Value> indices(batch);
    indices.push_back(e.add(firstRow, e.index(row)));
    return indices;
  }

  /// The indices of an element of the buffers of a part of the work.
  SmallVector<Value> partAt(int64_t row, Value position) {
    SmallVector<Value> indices(batch);
    indices.append({part, e.index(row), position});
    return indices;
  }

  /// The indices of a score: all rows are kept where a sweep follows.
  SmallVector<Value> scoreAt(int64_t row, Value position) {
    if (!op.getSubtractMinimum())
      return partAt(row, position);
    SmallVector<Value> indices = rowAt(row);
    indices.push_back(position);
    return indices;
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
          emitLevelsTile(e, operands, tile, kernel,
                         op.getQPacking().getLevels(), op.getKPacking());
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
          e.store(score, scores, scoreAt(r, column));
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
                            scoreAt(r, column));
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
                       SmallVector<Value> at = scoreAt(r, k);
                       Value x = arith::SubFOp::create(
                           e.b, e.loc, e.load(scores, at, lanes), broadcast[r]);
                       Value y = math::ExpOp::create(e.b, e.loc, x);
                       e.store(y, scores, at);
                       return y;
                     });
  }

  /// The codes times the values.
  void emitContext(Value row, int64_t count) {
    MatmulOperands operands;
    operands.lhs = op.getScratch()[1];
    operands.rhs = op.getV();
    operands.size = keys;
    operands.columns = e.index(op.getColumns());
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
          emitLevelsTile(e, operands, tile, contextKernel,
                         op.getCodes().getLevels(), op.getVPacking());
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
    storePacked(e, *op.getResultPacking(), stored, op.getInit(),
                ArrayRef(position).take_front(2),
                e.add(e.mul(head, e.index(size)), column), unit, left);
  }

  Emission &e;
  PackedAttentionOp op;
  const KernelRow &kernel, &contextKernel;
  int64_t lanes;
  VectorType type;
  Value scores;
  AttentionCodes codes;
  Value keys;
  SmallVector<Value> scoreOperands, contextOperands;
  SmallVector<int64_t> scoresShape, contextShape;
  SmallVector<Value> batch;
  Value part, firstRow;
};

} // namespace

LogicalResult mlir::lowbit::emitPackedAttention(RewriterBase &rewriter,
                                                PackedAttentionOp op,
                                                const Target &target) {
  if (!isa<MemRefType>(op.getInit().getType()))
    return op.emitOpError("must be on buffers before code is emitted for it");
  StringRef names[] = {op.getKernel(),
                       op.getContextKernel().value_or(op.getKernel())};
  PackingAttr left[] = {op.getQPacking(), op.getCodes()};
  PackingAttr right[] = {op.getKPacking(), op.getVPacking()};
  SmallVector<const KernelRow *> kernels;
  for (auto [name, lhs, packing] : llvm::zip_equal(names, left, right)) {
    const KernelRow *kernel = kernels.emplace_back(findKernel(name));
    if (!kernel)
      return op.emitOpError("names an unknown kernel '") << name << "'";
    if (packing.getOrder() != kernel->rhsOrder ||
        packing.getLanes() != kernel->lanes || kernel->floatLhs ||
        lhs.getOrder() != kernel->getLhsOrder() || !packing.getSums())
      return op.emitOpError("is not packed as kernel '") << name << "' expects";
  }
  if (op.getResultPacking() && !typeOf(op.getInit()).getLayout().isIdentity())
    return op.emitOpError("cannot pack the result in this layout");
  Emission e(rewriter, op.getLoc(), target);
  Attention(e, op, *kernels[0], *kernels[1], target).emit();
  rewriter.eraseOp(op);
  return success();
}
