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
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::lowbit;

static MemRefType typeOf(Value value) { return cast<MemRefType>(value.getType()); }

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

/// Whether an epilogue operand of the rank of the result has all its leading
/// dimensions, so that merging them keeps its meaning.
static bool hasLeadingDims(MemRefType operand, MemRefType result) {
  for (int64_t i = 0; i + 1 < result.getRank(); ++i)
    if (operand.getDimSize(i) == 1 && result.getDimSize(i) != 1)
      return false;
  return operand.getLayout().isIdentity();
}

/// With a right side that all batches share, batches are just more rows.
static MatmulOperands gather(Emission &e, PackedMatmulOp op) {
  MatmulOperands operands{op.getLhs(), op.getRhs(), op.getInit(),
                          llvm::to_vector(op.getEpilogue()), Value(), Value()};
  operands.size = op.getDynamicSize() ? op.getDynamicSize()
                                      : e.index(op.getSize());
  operands.columns = op.getDynamicColumns() ? op.getDynamicColumns()
                                            : e.index(op.getColumns());
  MemRefType result = typeOf(op.getInit());
  bool merge = typeOf(op.getRhs()).getRank() == 3 && result.getRank() > 2 &&
               typeOf(op.getLhs()).getLayout().isIdentity() &&
               result.getLayout().isIdentity();
  for (Value operand : op.getEpilogue())
    merge &= typeOf(operand).getRank() < 2 ||
             hasLeadingDims(typeOf(operand), result);
  if (!merge)
    return operands;
  operands.lhs = mergeLeading(e, operands.lhs);
  operands.init = mergeLeading(e, operands.init);
  for (Value &operand : operands.epilogue)
    operand = mergeLeading(e, operand);
  return operands;
}

namespace {

/// Turns sums into stored elements: the epilogue in vector form.
class Epilogue {
public:
  Epilogue(Emission &e, PackedMatmulOp op, const MatmulOperands &operands,
           int64_t lanes)
      : e(e), body(*op.getBody().begin()), operands(operands), lanes(lanes) {}

  /// Applies the region to the sums of one row and stores the result at
  /// `position` (one index for each dimension of the result).
  void store(Value sums, ArrayRef<Value> position, Value count) {
    IRMapping map;
    map.map(body.getArgument(0), sums);
    for (auto [argument, operand] :
         llvm::zip(body.getArguments().drop_front(), operands.epilogue))
      map.map(argument, load(operand, position, count));
    for (Operation &inner : body.without_terminator())
      widen(inner, map);
    Value stored = map.lookup(body.getTerminator()->getOperand(0));
    e.store(stored, operands.init, position, count);
  }

private:
  /// One vector of an epilogue operand, broadcast along dimensions of 1.
  Value load(Value operand, ArrayRef<Value> position, Value count) {
    MemRefType type = typeOf(operand), result = typeOf(operands.init);
    int64_t rank = type.getRank();
    if (rank == 0)
      return e.broadcast(memref::LoadOp::create(e.b, e.loc, operand), lanes);
    SmallVector<Value> indices;
    for (int64_t i = 0; i < rank; ++i) {
      int64_t at = result.getRank() - rank + i;
      bool single = type.getDimSize(i) == 1 && result.getDimSize(at) != 1;
      indices.push_back(single ? e.index(0) : position[at]);
    }
    bool alongLast = type.getDimSize(rank - 1) == 1 &&
                     result.getDimSize(result.getRank() - 1) != 1;
    if (alongLast)
      return e.broadcast(
          memref::LoadOp::create(e.b, e.loc, operand, indices), lanes);
    return e.load(operand, indices, lanes, count);
  }

  /// Clones an elementwise operation with vectors in place of scalars.
  void widen(Operation &inner, IRMapping &map) {
    auto vectorOf = [&](Type type) { return VectorType::get({lanes}, type); };
    if (auto constant = dyn_cast<arith::ConstantOp>(inner)) {
      auto splat = DenseElementsAttr::get(vectorOf(constant.getType()),
                                          constant.getValue());
      map.map(constant.getResult(),
              arith::ConstantOp::create(e.b, e.loc, splat));
      return;
    }
    SmallVector<Value> values;
    for (Value value : inner.getOperands())
      values.push_back(map.lookup(value));
    OperationState state(inner.getLoc(), inner.getName());
    state.addOperands(values);
    for (Type type : inner.getResultTypes())
      state.addTypes(vectorOf(type));
    state.addAttributes(inner.getAttrs());
    state.propertiesAttr = inner.getPropertiesAsAttribute();
    Operation *wide = e.b.create(state);
    map.map(inner.getResults(), wide->getResults());
  }

  Emission &e;
  Block &body;
  const MatmulOperands &operands;
  int64_t lanes;
};

} // namespace

SmallVector<Value> mlir::lowbit::addLevelTerms(
    Emission &e, const MatmulOperands &operands, LevelsType lhs,
    LevelsType rhs, ArrayRef<Value> products,
    llvm::function_ref<Value()> columnCodes,
    llvm::function_ref<Value(int64_t)> rowCodes) {
  Type i32 = e.b.getI32Type();
  auto type = cast<VectorType>(products.front().getType());
  int64_t a0 = lhs.getFirst(), sa = lhs.getStep();
  int64_t w0 = rhs.getFirst(), sw = rhs.getStep();
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
      Value codes =
          arith::TruncIOp::create(e.b, e.loc, i32, rowCodes(row));
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

void mlir::lowbit::storeTile(Emission &e, PackedMatmulOp op,
                             const MatmulOperands &operands,
                             const KernelRow &kernel, ArrayRef<Value> sums,
                             ArrayRef<Value> batch, Value row, Value panel) {
  Epilogue epilogue(e, op, operands, kernel.lanes);
  Value lanes = e.index(kernel.lanes);
  Value column = e.mul(panel, lanes);
  Value left = e.sub(operands.columns, column);
  auto store = [&](Value count) {
    for (auto [i, sum] : llvm::enumerate(sums)) {
      SmallVector<Value> position(batch);
      position.append({e.add(row, e.index(i)), column});
      epilogue.store(sum, position, count);
    }
  };
  std::optional<int64_t> columns = getConstantIntValue(operands.columns);
  if (columns && *columns % kernel.lanes == 0)
    return store(Value());
  if (columns && *columns < kernel.lanes)
    return store(left);
  Value full = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::uge,
                                     left, lanes);
  e.ifElse(full, [&] { store(Value()); }, [&] { store(left); });
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
  Value whole = e.mul(e.floorDiv(rows, kernel.rowsPerTile),
                      e.index(kernel.rowsPerTile));
  std::optional<int64_t> known = getConstantIntValue(rows);
  SmallVector<Value> extents;
  for (int64_t i = 0; i < rank - 2; ++i)
    extents.push_back(e.dim(operands.init, i));
  extents.push_back(e.dim(operands.rhs, rhsBatchRank));
  e.parallel(extents, /*grain=*/4, [&](ValueRange ivs) {
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
        storeTile(e, op, operands, kernel, emitTile(tile), batch, row,
                  tile.panel);
      });
    };
    if (!known || *known >= kernel.rowsPerTile)
      emitRows(e.index(0), whole, kernel.rowsPerTile);
    if (!known || *known % kernel.rowsPerTile != 0)
      emitRows(whole, rows, 1);
  });
  return success();
}

LogicalResult mlir::lowbit::emitPackedMatmul(RewriterBase &rewriter,
                                             PackedMatmulOp op,
                                             const Target &target) {
  if (!isa<MemRefType>(op.getInit().getType()))
    return op.emitOpError("must be on buffers before code is emitted for it");
  const KernelRow *kernel = findKernel(op.getKernel());
  if (!kernel)
    return op.emitOpError("names an unknown kernel '")
           << op.getKernel() << "'";
  PackingAttr rhs = op.getRhsPacking();
  if (rhs.getOrder() != kernel->rhsOrder || rhs.getLanes() != kernel->lanes ||
      kernel->floatLhs == op.getLhsPacking().has_value())
    return op.emitOpError("is not packed as kernel '")
           << op.getKernel() << "' expects";
  Emission e(rewriter, op.getLoc());
  MatmulOperands operands = gather(e, op);
  LogicalResult emitted = success();
  if (rhs.getOrder() == Order::nibbles)
    emitted = emitLookupMatmul(e, op, operands, *kernel);
  else
    emitted = emitPanelNest(
        e, op, operands, *kernel, [&](const MatmulTile &tile) {
          if (kernel->floatLhs)
            return emitFloatTile(e, operands, tile, *kernel, rhs.getLevels(),
                                 target.has("fma"));
          return emitPopcountTile(e, operands, tile, *kernel,
                                  op.getLhsPacking()->getLevels(),
                                  rhs.getLevels());
        });
  if (succeeded(emitted))
    rewriter.eraseOp(op);
  return emitted;
}
