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
#include "mlir/Dialect/Math/IR/Math.h"
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
  MatmulOperands operands{op.getLhs(), op.getRhs(), op.getInit(),
                          llvm::to_vector(op.getEpilogue()),
                          op.getProductShape(), Value(), Value()};
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

namespace {

/// Turns sums into stored elements: the epilogue in vector form.
class Epilogue {
public:
  Epilogue(Emission &e, PackedMatmulOp op, const MatmulOperands &operands,
           int64_t lanes)
      : e(e), op(op), body(*op.getBody().begin()), operands(operands),
        lanes(lanes) {}

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
    SmallVector<Value> stored = llvm::map_to_vector(
        body.getTerminator()->getOperands(),
        [&](Value value) { return map.lookup(value); });
    if (op.getResultPacking())
      storePlanes(stored, position, count);
    else
      e.store(stored.front(), operands.init, position, count);
  }

private:
  /// Bits of a packed row from a column on that is a multiple of 8. Without
  /// room for whole vectors of bits (`count`), lanes beyond the end stay clear
  /// and words beyond the row are not touched.
  void storePlanes(ArrayRef<Value> planes, ArrayRef<Value> position,
                   Value count) {
    Value column = position.back();
    constexpr int64_t kWord = 64;
    int64_t width = std::min(lanes, kWord);
    for (auto [plane, bits] : llvm::enumerate(planes)) {
      for (int64_t first = 0; first < lanes; first += width) {
        Value part = bits;
        if (width < lanes)
          part = vector::ExtractStridedSliceOp::create(
              e.b, e.loc, bits, ArrayRef<int64_t>{first},
              ArrayRef<int64_t>{width}, ArrayRef<int64_t>{1});
        Value at = e.add(column, e.index(first));
        SmallVector<Value> indices(position.drop_back());
        indices.push_back(
            e.add(e.mul(e.floorDiv(at, kWord),
                        e.index(op.getResultPacking()->getPlanes())),
                  e.index(plane)));
        Value byte = e.floorDiv(
            arith::RemUIOp::create(e.b, e.loc, at, e.index(kWord)), 8);
        if (!count) {
          e.storeBits(part, operands.init, indices, byte);
          continue;
        }
        Value left = e.sub(count, e.index(first));
        Value mask = vector::CreateMaskOp::create(e.b, e.loc, part.getType(),
                                                  left);
        part = arith::AndIOp::create(e.b, e.loc, part, mask);
        Value some = arith::CmpIOp::create(
            e.b, e.loc, arith::CmpIPredicate::sgt, left, e.index(0));
        e.ifElse(
            some, [&] { e.storeBits(part, operands.init, indices, byte); },
            [] {});
      }
    }
  }

  /// One vector of an epilogue operand, broadcast along dimensions of 1.
  Value load(Value operand, ArrayRef<Value> position, Value count) {
    MemRefType type = typeOf(operand);
    ArrayRef<int64_t> product = operands.shape;
    int64_t rank = type.getRank();
    if (rank == 0)
      return e.broadcast(memref::LoadOp::create(e.b, e.loc, operand), lanes);
    SmallVector<Value> indices;
    for (int64_t i = 0; i < rank; ++i) {
      int64_t at = product.size() - rank + i;
      bool single = type.getDimSize(i) == 1 && product[at] != 1;
      indices.push_back(single ? e.index(0) : position[at]);
    }
    bool alongLast = type.getDimSize(rank - 1) == 1 && product.back() != 1;
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
  PackedMatmulOp op;
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
                             int64_t rows, ArrayRef<Value> batch, Value row,
                             Value panel) {
  int64_t parts = sums.size() / rows, width = kernel.lanes / parts;
  Epilogue epilogue(e, op, operands, width);
  Value lanes = e.index(kernel.lanes);
  Value column = e.mul(panel, lanes);
  Value left = e.sub(operands.columns, column);
  auto store = [&](Value count) {
    for (auto [i, sum] : llvm::enumerate(sums)) {
      int64_t first = i % parts * width;
      SmallVector<Value> position(batch);
      position.append({e.add(row, e.index(i / parts)),
                       e.add(column, e.index(first))});
      epilogue.store(sum, position,
                     count && parts > 1 ? e.sub(count, e.index(first))
                                        : count);
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

void mlir::lowbit::finishPackedRows(Emission &e, PackedMatmulOp op,
                                    const MatmulOperands &operands) {
  constexpr int64_t kWord = 64;
  int64_t planes = op.getResultPacking()->getPlanes();
  int64_t columns = operands.shape.back();
  int64_t words = llvm::divideCeil(columns, kWord), tail = columns % kWord;
  SmallVector<Value> extents;
  for (int64_t i = 0, n = operands.shape.size() - 1; i < n; ++i)
    extents.push_back(e.dim(operands.init, i));
  e.parallel(extents, /*grain=*/64, [&](ValueRange row) {
    auto at = [&](Value position) {
      SmallVector<Value> indices(row);
      indices.push_back(position);
      return indices;
    };
    Value sum = e.i64(0);
    for (int64_t plane = 0; plane < planes; ++plane) {
      auto count = [&](Value word, Value ones) {
        return e.add(ones, math::CtPopOp::create(e.b, e.loc, word));
      };
      auto position = [&](Value word) {
        return e.add(e.mul(word, e.index(planes)), e.index(plane));
      };
      Value ones = e.forLoop(
          e.index(0), e.index(tail ? words - 1 : words), 1, e.i64(0),
          [&](Value word, ValueRange carried) -> SmallVector<Value> {
            return {count(memref::LoadOp::create(e.b, e.loc, operands.init,
                                                 at(position(word))),
                          carried[0])};
          })[0];
      if (tail) {
        SmallVector<Value> last = at(position(e.index(words - 1)));
        Value word = memref::LoadOp::create(e.b, e.loc, operands.init, last);
        word = arith::AndIOp::create(e.b, e.loc, word,
                                     e.i64((int64_t(1) << tail) - 1));
        memref::StoreOp::create(e.b, e.loc, word, operands.init, last);
        ones = count(word, ones);
      }
      sum = e.addPlane(sum, ones, plane);
    }
    memref::StoreOp::create(e.b, e.loc, sum, operands.init,
                            at(e.index(words * planes)));
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
        storeTile(e, op, operands, kernel, emitTile(tile), step, batch, row,
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
  if (op.getResultPacking() && (!typeOf(operands.init).getLayout().isIdentity() ||
                                kernel->lanes % 8 != 0))
    return op.emitOpError("cannot pack the result with kernel '")
           << op.getKernel() << "' in this layout";
  if (rhs.getOrder() == Order::nibbles)
    emitted = emitLookupMatmul(e, op, operands, *kernel);
  else
    emitted = emitPanelNest(
        e, op, operands, *kernel, [&](const MatmulTile &tile) {
          if (kernel->floatLhs)
            return emitFloatTile(e, operands, tile, *kernel, rhs.getLevels(),
                                 target.has("fma"));
          if (rhs.getOrder() == Order::dwords)
            return emitDwordTile(e, operands, tile, *kernel,
                                 op.getLhsPacking()->getLevels(),
                                 rhs.getLevels());
          return emitPopcountTile(e, operands, tile, *kernel,
                                  op.getLhsPacking()->getLevels(),
                                  rhs.getLevels());
        });
  if (failed(emitted))
    return failure();
  if (op.getResultPacking())
    finishPackedRows(e, op, operands);
  rewriter.eraseOp(op);
  return success();
}
