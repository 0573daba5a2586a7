//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The loop nest of packed matmuls: see MatmulNest.h.
//
//===----------------------------------------------------------------------===//

#include "MatmulNest.h"
#include "lowbit/Kernels/Emitters.h"

using namespace mlir;
using namespace mlir::lowbit;

/// Rows that are multiplied together where a whole tile does not fit.
static constexpr int64_t kLowTile = 4;

/// Columns that a thread takes at a time: few enough to share 768 evenly.
static constexpr int64_t kGrainColumns = 128;

static MemRefType typeOf(Value value) {
  return cast<MemRefType>(value.getType());
}

/// Merges all dimensions but the last.
static Value mergeLeading(Emission &e, Value memref) {
  int64_t rank = typeOf(memref).getRank();
  if (rank <= 2)
    return memref;
  SmallVector<ReassociationIndices> groups(2);
  for (int64_t i = 0; i + 1 < rank; ++i)
    groups[0].push_back(i);
  groups[1].push_back(rank - 1);
  return memref::CollapseShapeOp::create(e.b, e.loc, memref, groups);
}

/// Whether an epilogue operand of the rank of the product has all its leading
/// dimensions, so that merging them keeps its meaning.
static bool hasLeadingDims(MemRefType operand, ArrayRef<int64_t> product) {
  for (auto [extent, whole] :
       llvm::zip(operand.getShape().drop_back(), product.drop_back()))
    if (extent == 1 && whole != 1)
      return false;
  return operand.getLayout().isIdentity();
}

/// With a right side that all batches share, batches are just more rows.
static MatmulOperands gather(Emission &e, PackedMatmulOp op) {
  MatmulOperands operands{op.getLhs(),
                          op.getRhs(),
                          op.getInit(),
                          op.getScratch(),
                          llvm::to_vector(op.getEpilogue()),
                          op.getProductShape(),
                          Value(),
                          Value()};
  operands.size =
      op.getDynamicSize() ? op.getDynamicSize() : e.index(op.getSize());
  operands.columns = op.getDynamicColumns() ? op.getDynamicColumns()
                                            : e.index(op.getColumns());
  MemRefType result = typeOf(op.getInit());
  bool merge = typeOf(op.getRhs()).getRank() == 3 && result.getRank() > 2 &&
               typeOf(op.getLhs()).getLayout().isIdentity() &&
               result.getLayout().isIdentity();
  for (Value operand : op.getEpilogue())
    merge &= typeOf(operand).getRank() < 2 ||
             hasLeadingDims(typeOf(operand), operands.shape);
  if (!merge)
    return operands;
  operands.lhs = mergeLeading(e, operands.lhs);
  operands.init = mergeLeading(e, operands.init);
  for (Value &operand : operands.epilogue)
    operand = mergeLeading(e, operand);
  operands.shape = {typeOf(operands.init).getDimSize(0), operands.shape.back()};
  return operands;
}

SmallVector<Value> mlir::lowbit::addLevelTerms(
    Emission &e, const MatmulOperands &operands, LevelsType lhs, LevelsType rhs,
    ArrayRef<Value> products, llvm::function_ref<Value()> columnCodes,
    llvm::function_ref<Value(int64_t)> rowCodes, int64_t centre) {
  Type i32 = e.b.getI32Type();
  auto type = cast<VectorType>(products.front().getType());
  int64_t a0 = lhs.getFirst(), sa = lhs.getStep();
  int64_t sw = rhs.getStep(), w0 = rhs.getFirst() + sw * centre;
  Value columns, fixed;
  if (a0 != 0)
    columns = e.mul(columnCodes(), e.constant(type, a0 * sw));
  if (a0 * w0 != 0)
    fixed = e.mul(arith::IndexCastOp::create(e.b, e.loc, i32, operands.size),
                  e.i32(a0 * w0));
  SmallVector<Value> result;
  for (auto [row, product] : llvm::enumerate(products)) {
    Value sum = e.mul(product, e.constant(type, sa * sw));
    Value same = fixed;
    if (w0 != 0) {
      Value codes = rowCodes(row);
      if (codes.getType() != i32)
        codes = arith::TruncIOp::create(e.b, e.loc, i32, codes);
      codes = e.mul(codes, e.i32(w0 * sa));
      same = same ? e.add(same, codes) : codes;
    }
    if (same)
      sum = e.add(sum, e.broadcast(same, type.getNumElements()));
    if (columns)
      sum = e.add(sum, columns);
    result.push_back(sum);
  }
  return result;
}

void mlir::lowbit::forParts(
    Emission &e, int64_t lanes, Value panel, Value columns, int64_t parts,
    llvm::function_ref<void(int64_t part, Value column, Value count)> body) {
  int64_t width = lanes / parts;
  Value column = e.mul(panel, e.index(lanes));
  Value left = e.sub(columns, column);
  auto visit = [&](Value count) {
    for (int64_t part = 0; part < parts; ++part) {
      Value first = e.index(part * width);
      body(part, e.add(column, first),
           count && part > 0 ? e.sub(count, first) : count);
    }
  };
  std::optional<int64_t> known = getConstantIntValue(columns);
  if (known && *known % lanes == 0)
    return visit(Value());
  if (known && *known < lanes)
    return visit(left);
  Value full = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::uge,
                                     left, e.index(lanes));
  e.ifElse(full, [&] { visit(Value()); }, [&] { visit(left); });
}

void mlir::lowbit::storeTile(Emission &e, PackedMatmulOp op,
                             const MatmulOperands &operands,
                             const KernelRow &kernel, ArrayRef<Value> sums,
                             int64_t rows, ArrayRef<Value> batch, Value row,
                             Value panel) {
  int64_t parts = sums.size() / rows;
  Epilogue epilogue(e, op.getBody().front(), operands.epilogue, operands.shape,
                    kernel.lanes / parts);
  forParts(e, kernel.lanes, panel, operands.columns, parts,
           [&](int64_t part, Value column, Value count) {
             for (int64_t r = 0; r < rows; ++r) {
               SmallVector<Value> position(batch);
               position.append({e.add(row, e.index(r)), column});
               SmallVector<Value> stored =
                   epilogue.apply(sums[r * parts + part], position, count);
               if (std::optional<PackingAttr> packing = op.getResultPacking())
                 storePacked(e, *packing, stored, operands.init,
                             ArrayRef(position).drop_back(), column,
                             /*unit=*/64, count);
               else
                 e.store(stored.front(), operands.init, position, count);
             }
           });
}

/// Asks for a share of the next panel: with `tiles` tiles of rows, tile `tile`
/// asks for one part of it in `tiles`. A panel is too short for the hardware to
/// see where the next one begins.
static void prefetchPanel(Emission &e, Value rhs, Value panel, Value tile,
                          Value tiles) {
  MemRefType type = typeOf(rhs);
  Value depth = e.dim(rhs, 1);
  Value share = arith::CeilDivUIOp::create(e.b, e.loc, depth, tiles);
  Value begin = e.mul(tile, share);
  Value end = e.min(e.add(begin, share), depth);
  int64_t perLine = 64 * 8 / type.getElementTypeBitWidth();
  e.forLoop(begin, end, 1, [&](Value position) {
    for (int64_t lane = 0; lane < type.getDimSize(2); lane += perLine)
      memref::PrefetchOp::create(
          e.b, e.loc, rhs, ValueRange{panel, position, e.index(lane)},
          /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
  });
}

LogicalResult mlir::lowbit::emitPanelNest(Emission &e, PackedMatmulOp op,
                                          const MatmulOperands &operands,
                                          const KernelRow &kernel,
                                          EmitTile emitTile) {
  int64_t rank = typeOf(operands.init).getRank();
  int64_t rhsBatchRank = typeOf(operands.rhs).getRank() - 3;
  if (rhsBatchRank != 0 && rhsBatchRank != rank - 2)
    return op.emitOpError("has a right side of ")
           << rhsBatchRank << " batch dimensions, expected 0 or " << rank - 2;

  Value rows = e.dim(operands.init, rank - 2);
  Value whole =
      e.mul(e.floorDiv(rows, kernel.rowsPerTile), e.index(kernel.rowsPerTile));
  std::optional<int64_t> known = getConstantIntValue(rows);
  SmallVector<Value> extents;
  for (int64_t i = 0; i < rank - 2; ++i)
    extents.push_back(e.dim(operands.init, i));
  extents.push_back(e.dim(operands.rhs, rhsBatchRank));
  int64_t grain = std::max<int64_t>(kGrainColumns / kernel.lanes, 1);
  e.parallel(extents, grain, [&](ValueRange ivs) {
    MatmulTile tile;
    SmallVector<Value> batch(ivs.drop_back());
    tile.lhsBatch = batch;
    if (rhsBatchRank)
      tile.rhsBatch = batch;
    tile.panel = ivs.back();
    auto emitRows = [&](Value begin, Value end, int64_t step) {
      e.forLoop(begin, end, step, [&](Value row) {
        tile.row = row;
        tile.rows = step;
        if (step > 1 && rhsBatchRank == 0)
          prefetchPanel(e, operands.rhs, e.add(tile.panel, e.index(1)),
                        e.floorDiv(row, step), e.floorDiv(rows, step));
        storeTile(e, op, operands, kernel, emitTile(tile), step, batch, row,
                  tile.panel);
      });
    };
    if (!known || *known >= kernel.rowsPerTile)
      emitRows(e.index(0), whole, kernel.rowsPerTile);
    if (known && *known % kernel.rowsPerTile == 0)
      return;
    // Of high tiles many rows may be left.
    Value single = whole;
    if (kernel.rowsPerTile > kLowTile) {
      single = e.add(whole, e.mul(e.floorDiv(e.sub(rows, whole), kLowTile),
                                  e.index(kLowTile)));
      emitRows(whole, single, kLowTile);
    }
    emitRows(single, rows, 1);
  });
  return success();
}

SmallVector<Value>
mlir::lowbit::emitLevelsTile(Emission &e, const MatmulOperands &operands,
                             const MatmulTile &tile, const KernelRow &kernel,
                             LevelsType lhs, PackingAttr rhs) {
  if (rhs.getOrder() == Order::quads)
    return emitByteTile(e, operands, tile, kernel, lhs, rhs);
  if (rhs.getOrder() == Order::dwords)
    return emitDwordTile(e, operands, tile, kernel, lhs, rhs);
  return emitPopcountTile(e, operands, tile, kernel, lhs, rhs.getLevels());
}

/// Tiles for many rows, else the nest of another row of the table.
static LogicalResult
emitByRows(Emission &e, PackedMatmulOp op, const MatmulOperands &operands,
           const KernelRow &kernel,
           llvm::function_ref<LogicalResult(const KernelRow &)> emitNest) {
  const KernelRow &fewRows = *findKernel(kernel.fewRows);
  if (!operands.scratch || typeOf(operands.init).getRank() != 2 ||
      op.getRhsPacking().getBits())
    return emitNest(fewRows);
  LogicalResult emitted = success();
  Value many = arith::CmpIOp::create(
      e.b, e.loc, arith::CmpIPredicate::uge, e.dim(operands.init, 0),
      e.index(getLeastTileRows(op.getLhsPacking()->getLevels(),
                               op.getRhsPacking().getLevels())));
  e.ifElse(
      many, [&] { emitTileMatmul(e, op, operands, kernel); },
      [&] { emitted = emitNest(fewRows); });
  return emitted;
}

LogicalResult mlir::lowbit::emitPackedMatmul(RewriterBase &rewriter,
                                             PackedMatmulOp op,
                                             const Target &target) {
  if (!isa<MemRefType>(op.getInit().getType()))
    return op.emitOpError("must be on buffers before code is emitted for it");
  const KernelRow *kernel = findKernel(op.getKernel());
  if (!kernel)
    return op.emitOpError("names an unknown kernel '") << op.getKernel() << "'";
  PackingAttr rhs = op.getRhsPacking();
  if (rhs.getOrder() != kernel->rhsOrder || rhs.getLanes() != kernel->lanes ||
      kernel->floatLhs == op.getLhsPacking().has_value() ||
      (op.getLhsPacking() &&
       op.getLhsPacking()->getOrder() != kernel->getLhsOrder()))
    return op.emitOpError("is not packed as kernel '")
           << op.getKernel() << "' expects";
  if (!rhs.getSums() &&
      needsRhsSums(*kernel, op.getLhsPacking()->getLevels(), rhs.getLevels()))
    return op.emitOpError("has a right side without the sums of codes that "
                          "kernel '")
           << op.getKernel() << "' needs";
  Emission e(rewriter, op.getLoc(), target);
  MatmulOperands operands = gather(e, op);
  LogicalResult emitted = success();
  if (op.getResultPacking() &&
      (!typeOf(operands.init).getLayout().isIdentity() ||
       kernel->lanes % 8 != 0))
    return op.emitOpError("cannot pack the result with kernel '")
           << op.getKernel() << "' in this layout";
  auto emitNest = [&](const KernelRow &kernel) {
    return emitPanelNest(e, op, operands, kernel, [&](const MatmulTile &tile) {
      if (kernel.floatLhs)
        return emitFloatTile(e, operands, tile, kernel, rhs.getLevels());
      return emitLevelsTile(e, operands, tile, kernel,
                            op.getLhsPacking()->getLevels(), rhs);
    });
  };
  if (rhs.getOrder() == Order::nibbles)
    emitted = emitLookupMatmul(e, op, operands, *kernel);
  else if (rhs.getOrder() == Order::sextets)
    emitted = emitSextetMatmul(e, op, operands, *kernel);
  else if (kernel->fewRows.empty())
    emitted = emitNest(*kernel);
  else
    emitted = emitByRows(e, op, operands, *kernel, emitNest);
  if (failed(emitted))
    return failure();
  if (op.getResultPacking())
    finishPackedRows(e, operands.init, *op.getResultPacking(),
                     operands.shape.back());
  rewriter.eraseOp(op);
  return success();
}
