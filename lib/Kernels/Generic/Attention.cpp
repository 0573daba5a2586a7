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
// With tiles, 16 rows are multiplied at once. Their sums wait, of scores where
// the scores will be, and all else is done for a few rows at a time as ever.
//
//===----------------------------------------------------------------------===//

#include "../MatmulNest.h"
#include "AttentionCodes.h"
#include "AttentionMinimum.h"
#include "AttentionProduct.h"
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
      : e(e), op(op), lanes(getFloatLanes(target)),
        type(VectorType::get({lanes}, e.b.getF32Type())),
        scores(op.getScratch()[0]), codes(e, op, lanes), keys(op.getKeys()),
        scoreProduct(
            e, getSides(op.getQ(), op.getK(), e.index(op.getSize()), keys),
            kernel, op.getQPacking().getLevels(), op.getKPacking()),
        contextProduct(e,
                       getSides(op.getScratch()[1], op.getV(), keys,
                                e.index(op.getColumns())),
                       contextKernel, op.getCodes().getLevels(),
                       op.getVPacking()),
        scoreOperands(op.getScoreOperands()),
        contextOperands(op.getContextOperands()),
        scoresShape(op.getScoresShape()), contextShape(op.getContextShape()) {
    if (op.getSubtractMinimum())
      contextOperands.insert(contextOperands.begin(),
                             AttentionMinimum::getBuffer(op));
  }

  void emit() {
    if (op.getSubtractMinimum())
      emitSweeps();
    else
      forTiles([&](Value row, int64_t count) {
        emitScoresAndThen(row, count, [&](ArrayRef<Value> sums) {
          emitCodes(sums, /*least=*/Value());
        });
        emitContext(row, count);
      });
    if (std::optional<PackingAttr> packing = op.getResultPacking())
      finishPackedRows(e, op.getInit(), *packing,
                       contextShape[1] * contextShape.back());
  }

private:
  /// Rows that are worked on together in registers.
  int64_t getGroup() {
    return std::min({scoreProduct.getKernel().rowsPerTile,
                     contextProduct.getKernel().rowsPerTile, kAttentionRows});
  }

  /// Visits all rows, a tile at a time; parts of them run in parallel.
  void forTiles(llvm::function_ref<void(Value row, int64_t count)> visit) {
    int64_t rank = typeOf(op.getQ()).getRank();
    Value rows = e.dim(op.getQ(), rank - 2);
    // Whole tiles for all parts but the last.
    bool inTiles = scoreProduct.isInTiles() || contextProduct.isInTiles();
    int64_t tile = inTiles ? kTileRows : getGroup();
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
      auto visitWhole = [&](int64_t count) {
        Value whole = e.add(
            begin, e.mul(e.floorDiv(e.sub(end, begin), count), e.index(count)));
        e.forLoop(begin, whole, count, [&](Value row) { visit(row, count); });
        begin = whole;
      };
      if (inTiles)
        visitInTiles(begin, end, [&] { visitWhole(kTileRows); });
      visitWhole(getGroup());
      visitWhole(1);
    });
  }

  /// Makes the tiles ready where there are enough rows.
  void visitInTiles(Value begin, Value end, llvm::function_ref<void()> visit) {
    Value isEnough =
        arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::uge,
                              e.sub(end, begin), e.index(kTileRows));
    Tiles tiles(e);
    if (contextProduct.isInTiles())
      contextSums = memref::AllocaOp::create(
          e.b, e.loc,
          MemRefType::get({getContextPanels(), kTileRows, kTileColumns},
                          e.b.getI32Type()),
          e.b.getI64IntegerAttr(64));
    e.ifElse(isEnough, [&] { tiles.configure(op); }, [] {});
    visit();
    e.ifElse(isEnough, [&] { tiles.release(); }, [] {});
  }

  /// Does something for all rows of a tile, a group at a time.
  void forGroups(Value row, int64_t count,
                 llvm::function_ref<void(int64_t count)> visit) {
    inPart = e.index(0);
    firstRow = row;
    if (count <= getGroup())
      return visit(count);
    e.forLoop(e.index(0), e.index(count), getGroup(), [&](Value group) {
      inPart = group;
      firstRow = e.add(row, group);
      visit(getGroup());
    });
    inPart = e.index(0);
    firstRow = row;
  }

  /// Exponentials of the rows of a tile; `visit` gets the sums of those of each
  /// group.
  void emitScoresAndThen(Value row, int64_t count,
                         llvm::function_ref<void(ArrayRef<Value>)> visit) {
    bool inTiles = scoreProduct.isInTiles() && count == kTileRows;
    if (inTiles)
      multiplyScores(row);
    forGroups(row, count, [&](int64_t count) {
      visit(emitExponentials(emitScores(count, inTiles)));
    });
  }

  /// The context of the rows of a tile.
  void emitContext(Value row, int64_t count) {
    bool inTiles = contextProduct.isInTiles() && count == kTileRows;
    if (inTiles)
      multiplyContext(row);
    forGroups(row, count, [&](int64_t count) { emitContext(count, inTiles); });
  }

  static MatmulOperands getSides(Value lhs, Value rhs, Value size,
                                 Value columns) {
    MatmulOperands operands;
    operands.lhs = lhs;
    operands.rhs = rhs;
    operands.size = size;
    operands.columns = columns;
    return operands;
  }

  int64_t getContextPanels() {
    return llvm::divideCeil(op.getColumns(), contextProduct.getKernel().lanes);
  }

  /// The sums of the scores of 16 rows, where the scores will be.
  void multiplyScores(Value row) {
    inPart = e.index(0);
    firstRow = row;
    MatmulTile tile{batch, batch, row, /*panel=*/Value(), kTileRows};
    e.forLoop(e.index(0), e.ceilDiv(keys, kTileColumns), 1, [&](Value panel) {
      tile.panel = panel;
      Value column = e.mul(panel, e.index(kTileColumns));
      scoreProduct.multiply(tile, scores, scoreAt(0, column));
    });
  }

  void multiplyContext(Value row) {
    MatmulTile tile{batch, batch, e.index(0), /*panel=*/Value(), kTileRows};
    tile.lhsBatch.push_back(part);
    e.forLoop(e.index(0), e.index(getContextPanels()), 1, [&](Value panel) {
      tile.panel = panel;
      contextProduct.multiply(tile, contextSums,
                              {panel, e.index(0), e.index(0)});
    });
  }

  void emitCodes(ArrayRef<Value> sums, Value least) {
    codes.emit(
        sums, least,
        [&](int64_t row, Value position) { return scoreAt(row, position); },
        [&](int64_t row, Value position) { return partAt(row, position); });
  }

  /// Exponentials of all rows, the least probability, then the context.
  void emitSweeps() {
    AttentionMinimum minimum(e, op, lanes);
    minimum.clear();
    forTiles([&](Value row, int64_t count) {
      emitScoresAndThen(row, count, [&](ArrayRef<Value> sums) {
        SmallVector<Value> partial(batch);
        partial.push_back(part);
        minimum.add(sums, partial, rowAt(0), [&](int64_t row, Value position) {
          return scoreAt(row, position);
        });
      });
    });
    Value least = minimum.finish();
    forTiles([&](Value row, int64_t count) {
      forGroups(row, count, [&](int64_t count) {
        emitCodes(minimum.loadSums(count, rowAt(0)), least);
      });
      emitContext(row, count);
    });
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
    indices.append({part, e.add(inPart, e.index(row)), position});
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
  /// maximum of each row. The sums are there where they come from tiles.
  SmallVector<Value> emitScores(int64_t count, bool inTiles) {
    const KernelRow &kernel = scoreProduct.getKernel();
    MatmulTile tile{batch, batch, firstRow, /*panel=*/Value(), count};
    double least = -std::numeric_limits<double>::infinity();
    // Maxima are kept in vectors that no part of a tile is shorter than.
    auto maximaType =
        VectorType::get({std::min(lanes, kernel.lanes)}, e.b.getF32Type());

    auto emitPanel = [&](Value panel, bool whole, ValueRange carried) {
      tile.panel = panel;
      SmallVector<Value> sums;
      if (inTiles)
        sums = scoreProduct.finishSums(
            tile, [&](int64_t r, int64_t first) -> Value {
              Value column =
                  e.add(e.mul(panel, e.index(kTileColumns)), e.index(first));
              Value stored = e.load(scores, scoreAt(r, column), kTileRows);
              return arith::BitcastOp::create(
                  e.b, e.loc, VectorType::get({kTileRows}, e.b.getI32Type()),
                  stored);
            });
      else
        sums = scoreProduct.getSums(tile);
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
          position.append({e.add(firstRow, e.index(r)), column});
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
  void emitContext(int64_t count, bool inTiles) {
    const KernelRow &kernel = contextProduct.getKernel();
    MatmulTile tile{batch, batch, inPart, /*panel=*/Value(), count};
    tile.lhsBatch.push_back(part);
    Value panels = e.index(getContextPanels());
    e.forLoop(e.index(0), panels, 1, [&](Value panel) {
      tile.panel = panel;
      SmallVector<Value> sums;
      if (inTiles)
        sums = contextProduct.finishSums(tile, [&](int64_t r, int64_t first) {
          return e.load(contextSums,
                        {panel, e.add(inPart, e.index(r)), e.index(first)},
                        kTileRows);
        });
      else
        sums = contextProduct.getSums(tile);
      int64_t parts = sums.size() / count;
      Epilogue epilogue(e, op.getContextBody().front(), contextOperands,
                        contextShape, kernel.lanes / parts);
      forParts(e, kernel.lanes, panel, e.index(op.getColumns()), parts,
               [&](int64_t i, Value column, Value left) {
                 for (int64_t r = 0; r < count; ++r)
                   storeContext(epilogue, sums[r * parts + i],
                                e.add(firstRow, e.index(r)), column, left);
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
  int64_t lanes;
  VectorType type;
  Value scores;
  AttentionCodes codes;
  Value keys;
  AttentionProduct scoreProduct, contextProduct;
  SmallVector<Value> scoreOperands, contextOperands;
  SmallVector<int64_t> scoresShape, contextShape;
  SmallVector<Value> batch;
  /// The part of the work, the first row of the group that is worked on, and
  /// its place among the scratch rows of the part.
  Value part, firstRow, inPart;
  /// Sums of a tile of the context, of this thread.
  Value contextSums;
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
        lhs.getOrder() != kernel->getLhsOrder() || !packing.getSums() ||
        (!kernel->fewRows.empty() && packing.getBits() != 8))
      return op.emitOpError("is not packed as kernel '") << name << "' expects";
  }
  if (op.getResultPacking() && !typeOf(op.getInit()).getLayout().isIdentity())
    return op.emitOpError("cannot pack the result in this layout");
  Emission e(rewriter, op.getLoc(), target);
  Attention(e, op, *kernels[0], *kernels[1], target).emit();
  rewriter.eraseOp(op);
  return success();
}
