//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See PanelProduct.h. A thread takes a panel. Along K it takes a part that
// stays in the first-level cache while all rows pass, several at a time;
// between parts their sums wait in the result.
//
//===----------------------------------------------------------------------===//

#include "PanelProduct.h"

#include "FloatProduct.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::lowbit;

/// The longest part along K: 32 KiB of a panel.
static constexpr int64_t kDepth = 256;
/// Rows of a thread where there are too few panels for many threads; whole
/// tiles of all targets.
static constexpr int64_t kRows = 96, kFewPanels = 16;
/// How far ahead the table is asked for, and the bytes of a cache line.
static constexpr int64_t kAhead = 2048, kLine = 64;

AffineMap mlir::lowbit::getPanelMap(MLIRContext *context, unsigned loops) {
  AffineExpr k = getAffineDimExpr(loops - 2, context);
  AffineExpr column = getAffineDimExpr(loops - 1, context);
  return AffineMap::get(
      loops, 0, {column.floorDiv(kPanelColumns), k, column % kPanelColumns},
      context);
}

PanelProduct::PanelProduct(linalg::LinalgOp op, int64_t columns,
                           const Target &target)
    : op(op), columns(columns), lanes(target.getVectorBits() / 32),
      registers(target.getVectorBits() == 512 ? 32 : 16),
      fma(target.has("fma")) {}

std::optional<PanelProduct> PanelProduct::match(linalg::LinalgOp op,
                                                const Target &target) {
  if (!isFloatProduct(op) || !op.hasPureBufferSemantics())
    return std::nullopt;
  OpOperand *right = op.getDpsInputOperand(1);
  auto table = cast<MemRefType>(right->get().getType());
  if (op.getMatchingIndexingMap(right) !=
          getPanelMap(op.getContext(), op.getNumLoops()) ||
      !table.hasStaticShape() || !table.getLayout().isIdentity() ||
      table.getDimSize(2) != kPanelColumns)
    return std::nullopt;
  auto result = cast<MemRefType>(op.getDpsInitOperand(0)->get().getType());
  int64_t columns = result.getShape().back();
  if (!result.isLastDimUnitStride() || ShapedType::isDynamic(columns))
    return std::nullopt;
  return PanelProduct(op, columns, target);
}

Value PanelProduct::index(int64_t value) {
  return arith::ConstantIndexOp::create(*b, op.getLoc(), value);
}
Value PanelProduct::add(Value lhs, Value rhs) {
  return b->createOrFold<arith::AddIOp>(op.getLoc(), lhs, rhs);
}
Value PanelProduct::mul(Value lhs, Value rhs) {
  return b->createOrFold<arith::MulIOp>(op.getLoc(), lhs, rhs);
}
Value PanelProduct::min(Value lhs, Value rhs) {
  return b->createOrFold<arith::MinUIOp>(op.getLoc(), lhs, rhs);
}
void PanelProduct::forLoop(Value begin, Value end, int64_t step,
                           llvm::function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(*b, op.getLoc(), begin, end, index(step));
  OpBuilder::InsertionGuard guard(*b);
  b->setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

/// Merges the leading dimensions where they lie one behind the other.
PanelProduct::Rows PanelProduct::mergeRows(Value operand) {
  auto type = cast<MemRefType>(operand.getType());
  int64_t rank = type.getRank();
  if (rank <= 2)
    return {operand, {}};
  SmallVector<ReassociationIndices> groups(2);
  for (int64_t dim = 0; dim + 1 < rank; ++dim)
    groups[0].push_back(dim);
  groups[1].push_back(rank - 1);
  Location loc = op.getLoc();
  if (memref::CollapseShapeOp::isGuaranteedCollapsible(type, groups))
    return {memref::CollapseShapeOp::create(*b, loc, operand, groups), {}};
  Rows rows{operand, {}};
  for (int64_t dim = 0; dim + 1 < rank; ++dim)
    rows.sizes.push_back(b->createOrFold<memref::DimOp>(loc, operand, dim));
  return rows;
}

SmallVector<Value> PanelProduct::getPosition(const Rows &operand, Value row,
                                             Value last) {
  if (cast<MemRefType>(operand.memref.getType()).getRank() == 1)
    return {last};
  Location loc = op.getLoc();
  SmallVector<Value> position{last};
  if (!operand.sizes.empty())
    for (Value size : llvm::reverse(ArrayRef(operand.sizes).drop_front())) {
      position.push_back(b->createOrFold<arith::RemUIOp>(loc, row, size));
      row = b->createOrFold<arith::DivUIOp>(loc, row, size);
    }
  position.push_back(row);
  std::reverse(position.begin(), position.end());
  return position;
}

/// Rows that are multiplied together: with two vectors of each, their sums take
/// half or three quarters of the registers.
static int64_t getTile(int64_t registers, bool fma) {
  return registers == 32 ? 8 : fma ? 6 : 4;
}

void PanelProduct::emit(OpBuilder &builder) {
  b = &builder;
  Location loc = op.getLoc();
  type = VectorType::get({lanes}, builder.getF32Type());
  left = mergeRows(op.getDpsInputOperand(0)->get());
  result = mergeRows(op.getDpsInitOperand(0)->get());
  table = op.getDpsInputOperand(1)->get();
  elements = memref::CollapseShapeOp::create(
      builder, loc, table, ArrayRef<ReassociationIndices>{{0, 1, 2}});
  ArrayRef<int64_t> shape = cast<MemRefType>(table.getType()).getShape();
  depth = shape[1];
  Value rows = index(1);
  for (int64_t dim = 0, e = op.getNumLoops() - 2; dim < e; ++dim)
    rows = mul(rows, builder.createOrFold<memref::DimOp>(
                         loc, op.getDpsInitOperand(0)->get(), dim));

  int64_t tile = getTile(registers, fma);
  auto getWhole = [&](Value first, Value last) {
    Value count = builder.createOrFold<arith::SubIOp>(loc, last, first);
    Value rest = builder.createOrFold<arith::RemUIOp>(loc, count, index(tile));
    return builder.createOrFold<arith::SubIOp>(loc, last, rest);
  };
  Value zero = index(0), one = index(1);
  // One loop's bounds tell how much work an iteration is.
  Value whole = getWhole(zero, rows);
  bool split = shape[0] < kFewPanels;
  SmallVector<Value> extents{index(shape[0])};
  if (split)
    extents.push_back(
        builder.createOrFold<arith::CeilDivUIOp>(loc, rows, index(kRows)));
  auto loop = scf::ParallelOp::create(
      builder, loc, SmallVector<Value>(extents.size(), zero), extents,
      SmallVector<Value>(extents.size(), one));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  Value first = zero, last = rows;
  if (split) {
    first = mul(loop.getInductionVars()[1], index(kRows));
    last = min(add(first, index(kRows)), rows);
    whole = getWhole(first, last);
  }
  emitPanel(loop.getInductionVars()[0], first, last, whole);
}

/// Parts along K of equal length where that is possible.
static int64_t getPartLength(int64_t depth) {
  int64_t parts = llvm::divideCeil(depth, kDepth);
  for (int64_t more = parts; more < 2 * parts; ++more)
    if (depth % more == 0)
      return depth / more;
  return llvm::divideCeil(depth, parts);
}

/// Steps along K that are written out: whole ones in every part.
static int64_t getSteps(int64_t depth) {
  int64_t part = getPartLength(depth);
  return depth % part == 0 && part % 4 == 0 ? 4 : 1;
}

void PanelProduct::emitPanel(Value panel, Value firstRow, Value lastRow,
                             Value whole) {
  this->panel = panel;
  Location loc = op.getLoc();
  int64_t tile = getTile(registers, fma), part = getPartLength(depth);
  forLoop(index(0), index(depth), part, [&](Value begin) {
    Value end = add(begin, index(part));
    if (depth % part != 0)
      end = min(end, index(depth));
    forLoop(firstRow, whole, tile,
            [&](Value row) { emitTile(row, tile, begin, end); });
    // The rest of the rows together, by how many there are.
    Value rest = b->createOrFold<arith::SubIOp>(loc, lastRow, whole);
    auto counts = llvm::to_vector(llvm::seq<int64_t>(1, tile));
    auto choice = scf::IndexSwitchOp::create(*b, loc, TypeRange(), rest, counts,
                                             counts.size());
    OpBuilder::InsertionGuard guard(*b);
    for (auto [region, count] :
         llvm::zip_equal(choice.getCaseRegions(), counts)) {
      b->setInsertionPointToStart(&region.emplaceBlock());
      emitTile(whole, count, begin, end);
      scf::YieldOp::create(*b, loc);
    }
    b->setInsertionPointToStart(&choice.getDefaultRegion().emplaceBlock());
    scf::YieldOp::create(*b, loc);
  });
}

/// Adds the products along K of [begin, end) to `count` rows: all columns of
/// the panel at once where there are registers, else some after the other.
void PanelProduct::emitTile(Value row, int64_t count, Value begin, Value end) {
  int64_t vectors = kPanelColumns / lanes;
  while (vectors > 2 && vectors * count > registers * 3 / 4)
    vectors /= 2;
  forLoop(index(0), index(kPanelColumns), vectors * lanes, [&](Value offset) {
    emitVectors(row, count, vectors, begin, end, offset);
  });
}

void PanelProduct::emitVectors(Value row, int64_t count, int64_t vectors,
                               Value begin, Value end, Value offset) {
  Location loc = op.getLoc();
  Value first = add(mul(panel, index(kPanelColumns)), offset);
  SmallVector<Value> masks(vectors), sums;
  SmallVector<SmallVector<Value>> positions;
  if (columns % kPanelColumns != 0)
    for (auto [v, mask] : llvm::enumerate(masks)) {
      Value rest = b->createOrFold<arith::SubIOp>(loc, index(columns),
                                                  add(first, index(v * lanes)));
      mask = vector::CreateMaskOp::create(
          *b, loc, VectorType::get({lanes}, b->getI1Type()), rest);
    }
  Value zero = arith::ConstantOp::create(*b, loc, type, b->getZeroAttr(type));
  for (int64_t r = 0; r < count; ++r)
    for (int64_t v = 0; v < vectors; ++v) {
      positions.push_back(getPosition(result, add(row, index(r)),
                                      add(first, index(v * lanes))));
      sums.push_back(
          masks[v]
              ? vector::MaskedLoadOp::create(*b, loc, type, result.memref,
                                             positions.back(), masks[v], zero)
                    .getResult()
              : vector::LoadOp::create(*b, loc, type, result.memref,
                                       positions.back())
                    .getResult());
    }

  SmallVector<SmallVector<Value>> rows; // of the left side, at any K
  for (int64_t r = 0; r < count; ++r)
    rows.push_back(getPosition(left, add(row, index(r)), begin));
  int64_t steps = getSteps(depth);
  auto loop = scf::ForOp::create(*b, loc, begin, end, index(steps), sums);
  {
    OpBuilder::InsertionGuard guard(*b);
    b->setInsertionPointToStart(loop.getBody());
    Value k = loop.getInductionVar();
    sums = llvm::to_vector_of<Value>(loop.getRegionIterArgs());
    // A single row waits for nothing else than the table: the hardware alone
    // reads it faster.
    if (count > 1)
      prefetch(k, steps, offset, vectors * lanes);
    for (int64_t step = 0; step < steps; ++step)
      emitStep(rows, add(k, index(step)), offset, sums);
    scf::YieldOp::create(*b, loc, sums);
  }
  for (auto [i, sum] : llvm::enumerate(loop.getResults())) {
    if (Value mask = masks[i % vectors])
      vector::MaskedStoreOp::create(*b, loc, result.memref, positions[i], mask,
                                    sum);
    else
      vector::StoreOp::create(*b, loc, sum, result.memref, positions[i]);
  }
}

/// Adds the products of one step along K to the sums, by row and vector.
void PanelProduct::emitStep(ArrayRef<SmallVector<Value>> rows, Value k,
                            Value offset, MutableArrayRef<Value> sums) {
  Location loc = op.getLoc();
  int64_t vectors = sums.size() / rows.size();
  SmallVector<Value> right;
  Type stored = cast<MemRefType>(table.getType()).getElementType();
  for (int64_t v = 0; v < vectors; ++v) {
    Value vector = vector::LoadOp::create(
        *b, loc, VectorType::get({lanes}, stored), table,
        ValueRange{panel, k, add(offset, index(v * lanes))});
    if (stored.isBF16())
      vector = arith::ExtFOp::create(*b, loc, type, vector);
    else if (stored.isInteger(8))
      vector = arith::SIToFPOp::create(*b, loc, type, vector);
    right.push_back(vector);
  }
  for (auto [r, row] : llvm::enumerate(rows)) {
    SmallVector<Value> position(row);
    position.back() = k;
    Value factor = memref::LoadOp::create(*b, loc, left.memref, position);
    factor = vector::BroadcastOp::create(*b, loc, type, factor);
    for (int64_t v = 0; v < vectors; ++v) {
      Value &sum = sums[r * vectors + v];
      if (fma)
        sum = math::FmaOp::create(*b, loc, factor, right[v], sum);
      else
        sum = arith::AddFOp::create(
            *b, loc, sum, arith::MulFOp::create(*b, loc, factor, right[v]));
    }
  }
}

/// Asks for what the same columns take some steps later, also in the next
/// panel: the hardware does not look ahead far enough while sums take time.
void PanelProduct::prefetch(Value k, int64_t steps, Value offset,
                            int64_t columns) {
  Location loc = op.getLoc();
  auto type = cast<MemRefType>(elements.getType());
  int64_t size = type.getNumElements();
  int64_t line = kLine * 8 / type.getElementTypeBitWidth();
  Value here = mul(add(mul(panel, index(depth)), k), index(kPanelColumns));
  Value ahead =
      min(add(here, index(kAhead)), index(size - steps * kPanelColumns));
  ahead = add(ahead, offset);
  for (int64_t step = 0; step < steps; ++step)
    for (int64_t column = 0; column < columns; column += line)
      memref::PrefetchOp::create(
          *b, loc, elements, add(ahead, index(step * kPanelColumns + column)),
          /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
}
