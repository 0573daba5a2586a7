//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See FloatProduct.h. A thread takes a block of columns, so wide that memory is
// read in long runs. Along K it takes a part that stays in the second-level
// cache while all rows pass, four at a time; their sums wait in the result.
//
//===----------------------------------------------------------------------===//

#include "FloatProduct.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::lowbit;

/// Columns and rows of a block, and rows of the right side that stay in cache.
static constexpr int64_t kColumns = 1024, kRows = 64, kDepth = 32;
/// Rows that are multiplied together.
static constexpr int64_t kTile = 4;

/// Rows of the right side for which sums stay in registers: with few rows there
/// are registers for more of them.
static int64_t getSteps(int64_t rows) {
  return rows == 1 ? 16 : rows == 2 ? 8 : 4;
}

/// The operations of `body` that make a value of its first argument and of
/// values from outside, in order; false where there are others on the way.
static bool collectSteps(Value value, Block &body,
                         SmallVectorImpl<Operation *> &steps) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return argument.getOwner() != &body || argument.getArgNumber() == 0;
  Operation *step = value.getDefiningOp();
  if (step->getBlock() != &body || llvm::is_contained(steps, step))
    return true;
  if ((!OpTrait::hasElementwiseMappableTraits(step) &&
       !step->hasTrait<OpTrait::ConstantLike>()) ||
      !isMemoryEffectFree(step))
    return false;
  for (Value operand : step->getOperands())
    if (!collectSteps(operand, body, steps))
      return false;
  steps.push_back(step);
  return true;
}

/// The product of a body that adds one to the result; null for others.
static arith::MulFOp getProduct(Block &body) {
  auto add = body.getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!add || body.getNumArguments() != 3)
    return nullptr;
  Value sum = body.getArgument(2);
  if (add.getLhs() != sum && add.getRhs() != sum)
    return nullptr;
  return (add.getLhs() == sum ? add.getRhs() : add.getLhs())
      .getDefiningOp<arith::MulFOp>();
}

/// The factor of the body result + f(left) * right; null for other bodies.
static Value getLeftFactor(Block &body, SmallVectorImpl<Operation *> &steps) {
  arith::MulFOp product = getProduct(body);
  if (!product)
    return nullptr;
  Value right = body.getArgument(1), factor;
  if (product.getRhs() == right)
    factor = product.getLhs();
  else if (product.getLhs() == right)
    factor = product.getRhs();
  // Nothing else but the product, the sum and what yields it.
  bool isAll = factor && collectSteps(factor, body, steps) &&
               body.getOperations().size() == steps.size() + 3;
  return isAll ? factor : nullptr;
}

/// Whether the body is result + left * right; the right element may be bf16 or
/// i8.
static bool multipliesAndAdds(Block &body) {
  arith::MulFOp product = getProduct(body);
  if (!product)
    return false;
  Value left = body.getArgument(0), right = body.getArgument(1);
  int64_t operations = 3;
  if (right.hasOneUse() &&
      isa<arith::ExtFOp, arith::SIToFPOp>(*right.user_begin())) {
    right = right.user_begin()->getResult(0);
    ++operations;
  }
  if (std::distance(body.begin(), body.end()) != operations)
    return false;
  return (product.getLhs() == left && product.getRhs() == right) ||
         (product.getLhs() == right && product.getRhs() == left);
}

/// Whether the operation has the loops and the operands of a product.
static bool hasProductLoops(linalg::LinalgOp op) {
  unsigned loops = op.getNumLoops();
  if (loops < 2 || op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1)
    return false;
  for (OpOperand &operand : op->getOpOperands()) {
    auto type = dyn_cast<ShapedType>(operand.get().getType());
    if (!type)
      return false;
    Type element = type.getElementType();
    bool isNarrow = element.isBF16() || element.isInteger(8);
    if (!element.isF32() && !(isNarrow && &operand == op.getDpsInputOperand(1)))
      return false;
  }
  // Loops over rows, K and columns, in this order.
  SmallVector<utils::IteratorType> kinds(loops, utils::IteratorType::parallel);
  kinds[loops - 2] = utils::IteratorType::reduction;
  auto identity = AffineMap::getMultiDimIdentityMap(loops, op.getContext());
  return op.getIteratorTypesArray() == kinds &&
         op.getMatchingIndexingMap(op.getDpsInputOperand(0)) ==
             identity.dropResult(loops - 1) &&
         op.getMatchingIndexingMap(op.getDpsInitOperand(0)) ==
             identity.dropResult(loops - 2);
}

bool mlir::lowbit::isFloatProduct(linalg::LinalgOp op) {
  return hasProductLoops(op) && multipliesAndAdds(*op.getBlock());
}

std::optional<FloatProduct> FloatProduct::match(linalg::LinalgOp op,
                                                const Target &target) {
  unsigned loops = op.getNumLoops();
  if (loops < 3 || !hasProductLoops(op))
    return std::nullopt;
  SmallVector<Operation *> steps;
  Value factor = getLeftFactor(*op.getBlock(), steps);
  if (!factor)
    return std::nullopt;
  for (OpOperand &operand : op->getOpOperands()) {
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    if (!type || !type.getElementType().isF32() ||
        !type.getLayout().isIdentity())
      return std::nullopt;
  }
  auto identity = AffineMap::getMultiDimIdentityMap(loops, op.getContext());
  AffineMap right = op.getMatchingIndexingMap(op.getDpsInputOperand(1));
  bool batched = loops > 3 && right == identity.dropResult(loops - 3);
  if (!batched && right != identity.getMinorSubMap(2))
    return std::nullopt;
  int64_t lanes = target.getVectorBits() / 32;
  int64_t columns = op.getStaticLoopRanges().back();
  if (!ShapedType::isDynamic(columns) && columns < lanes)
    return std::nullopt;
  FloatProduct product(op, lanes, target.has("fma"), batched);
  product.factor = factor;
  product.steps = std::move(steps);
  return product;
}

Value FloatProduct::index(int64_t value) {
  return arith::ConstantIndexOp::create(*b, op.getLoc(), value);
}
Value FloatProduct::add(Value lhs, Value rhs) {
  return b->createOrFold<arith::AddIOp>(op.getLoc(), lhs, rhs);
}
Value FloatProduct::min(Value lhs, Value rhs) {
  return b->createOrFold<arith::MinUIOp>(op.getLoc(), lhs, rhs);
}
Value FloatProduct::wholeEnd(Value begin, Value end, int64_t step) {
  Location loc = op.getLoc();
  Value count = b->createOrFold<arith::SubIOp>(loc, end, begin);
  Value rest = b->createOrFold<arith::RemUIOp>(loc, count, index(step));
  return b->createOrFold<arith::SubIOp>(loc, end, rest);
}
void FloatProduct::forLoop(Value begin, Value end, int64_t step,
                           llvm::function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(*b, op.getLoc(), begin, end, index(step));
  OpBuilder::InsertionGuard guard(*b);
  b->setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

void FloatProduct::emit(OpBuilder &builder) {
  b = &builder;
  Location loc = op.getLoc();
  type = VectorType::get({lanes}, builder.getF32Type());
  auto toMatrix = [&](Value value) -> Value {
    int64_t rank = cast<MemRefType>(value.getType()).getRank();
    if (rank == 2)
      return value;
    SmallVector<ReassociationIndices> groups(2);
    for (int64_t dim = 0; dim + 1 < rank; ++dim)
      groups[0].push_back(dim);
    groups[1].push_back(rank - 1);
    return memref::CollapseShapeOp::create(builder, loc, value, groups);
  };
  left = op.getDpsInputOperand(0)->get();
  right = op.getDpsInputOperand(1)->get();
  result = op.getDpsInitOperand(0)->get();
  if (!batched) {
    left = toMatrix(left);
    result = toMatrix(result);
  }
  int64_t batch = cast<MemRefType>(right.getType()).getRank() - 2;
  rows = builder.createOrFold<memref::DimOp>(loc, result, batch);
  columns = builder.createOrFold<memref::DimOp>(loc, result, batch + 1);
  size = builder.createOrFold<memref::DimOp>(loc, right, batch);
  auto blocks = [&](Value extent, int64_t size) {
    return builder.createOrFold<arith::CeilDivUIOp>(loc, extent, index(size));
  };
  SmallVector<Value> extents;
  for (int64_t dim = 0; dim < batch; ++dim)
    extents.push_back(builder.createOrFold<memref::DimOp>(loc, right, dim));
  extents.append({blocks(rows, kRows), blocks(columns, kColumns)});
  auto loop = scf::ParallelOp::create(
      builder, loc, SmallVector<Value>(extents.size(), index(0)), extents,
      SmallVector<Value>(extents.size(), index(1)));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> ivs(loop.getInductionVars());
  if (batched)
    for (Value *operand : {&left, &right, &result})
      *operand = getMatrix(*operand, ArrayRef(ivs).take_front(batch));
  auto start = [&](Value block, int64_t size) {
    return builder.createOrFold<arith::MulIOp>(loc, block, index(size));
  };
  emitBlock(start(ivs[batch], kRows), start(ivs[batch + 1], kColumns));
}

Value FloatProduct::getMatrix(Value operand, ValueRange batch) {
  Location loc = op.getLoc();
  auto type = cast<MemRefType>(operand.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), b->getIndexAttr(0));
  SmallVector<OpFoldResult> strides(type.getRank(), b->getIndexAttr(1));
  SmallVector<OpFoldResult> sizes(batch.size(), b->getIndexAttr(1));
  llvm::copy(batch, offsets.begin());
  SmallVector<int64_t> shape(type.getShape().drop_front(batch.size()));
  llvm::append_range(sizes, ArrayRef(memref::getMixedSizes(*b, loc, operand))
                                .drop_front(batch.size()));
  MemRefType matrix = memref::SubViewOp::inferRankReducedResultType(
      shape, type, offsets, sizes, strides);
  return memref::SubViewOp::create(*b, loc, matrix, operand, offsets, sizes,
                                   strides);
}

Value FloatProduct::getFactor(Value element) {
  IRMapping map;
  map.map(op.getBlock()->getArgument(0), element);
  for (Operation *step : steps)
    b->clone(*step, map);
  return map.lookupOrDefault(factor);
}

void FloatProduct::emitBlock(Value firstRow, Value firstColumn) {
  lastRow = min(add(firstRow, index(kRows)), rows);
  columnBegin = firstColumn;
  columnEnd = min(add(firstColumn, index(kColumns)), columns);
  columnWhole = wholeEnd(columnBegin, columnEnd, lanes);
  Value whole = wholeEnd(firstRow, lastRow, kTile);
  forLoop(index(0), size, kDepth, [&](Value begin) {
    Value end = min(add(begin, index(kDepth)), size);
    forLoop(firstRow, whole, kTile,
            [&](Value row) { emitRows(row, kTile, begin, end); });
    // The rest of the rows together, by how many there are.
    Location loc = op.getLoc();
    Value rest = b->createOrFold<arith::SubIOp>(loc, lastRow, whole);
    for (int64_t count = 1; count < kTile; ++count) {
      Value is = b->createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::eq,
                                                rest, index(count));
      auto branch = scf::IfOp::create(*b, loc, is, /*withElseRegion=*/false);
      OpBuilder::InsertionGuard guard(*b);
      b->setInsertionPointToStart(branch.thenBlock());
      emitRows(whole, count, begin, end);
    }
  });
}

/// Adds the products along K of [begin, end) to `count` rows.
void FloatProduct::emitRows(Value row, int64_t count, Value begin, Value end) {
  int64_t steps = getSteps(count);
  Value whole = wholeEnd(begin, end, steps);
  forLoop(begin, whole, steps,
          [&](Value k) { emitSteps(row, count, k, steps); });
  forLoop(whole, end, 1, [&](Value k) { emitSteps(row, count, k, 1); });
}

void FloatProduct::emitSteps(Value row, int64_t count, Value k, int64_t steps) {
  Location loc = op.getLoc();
  SmallVector<Value> factors;
  for (int64_t r = 0; r < count; ++r)
    for (int64_t step = 0; step < steps; ++step) {
      Value factor = memref::LoadOp::create(
          *b, loc, left, ValueRange{add(row, index(r)), add(k, index(step))});
      factors.push_back(
          vector::BroadcastOp::create(*b, loc, type, getFactor(factor)));
    }
  forLoop(columnBegin, columnWhole, lanes, [&](Value column) {
    emitVector(factors, row, count, k, steps, column, Value());
  });
  // At most one step.
  forLoop(columnWhole, columnEnd, lanes, [&](Value column) {
    Value left = b->createOrFold<arith::SubIOp>(loc, columnEnd, column);
    Value mask = vector::CreateMaskOp::create(
        *b, loc, VectorType::get({lanes}, b->getI1Type()), left);
    emitVector(factors, row, count, k, steps, column, mask);
  });
}

Value FloatProduct::load(Value matrix, Value row, Value column, Value mask) {
  Location loc = op.getLoc();
  SmallVector<Value, 2> indices{row, column};
  if (!mask)
    return vector::LoadOp::create(*b, loc, type, matrix, indices);
  Value zero = arith::ConstantOp::create(*b, loc, type, b->getZeroAttr(type));
  return vector::MaskedLoadOp::create(*b, loc, type, matrix, indices, mask,
                                      zero);
}

void FloatProduct::emitVector(ArrayRef<Value> factors, Value row, int64_t count,
                              Value k, int64_t steps, Value column,
                              Value mask) {
  Location loc = op.getLoc();
  SmallVector<Value> elements;
  for (int64_t step = 0; step < steps; ++step)
    elements.push_back(load(right, add(k, index(step)), column, mask));
  // The next steps are in other pages, where the hardware does not look ahead.
  for (int64_t step = steps; step < 2 * steps && !mask; ++step)
    memref::PrefetchOp::create(*b, loc, right,
                               ValueRange{add(k, index(step)), column},
                               /*isWrite=*/false, /*localityHint=*/3,
                               /*isDataCache=*/true);
  for (int64_t r = 0; r < count; ++r) {
    Value at = add(row, index(r));
    Value sum = load(result, at, column, mask);
    for (int64_t step = 0; step < steps; ++step) {
      Value factor = factors[r * steps + step];
      if (fma)
        sum = math::FmaOp::create(*b, loc, factor, elements[step], sum);
      else
        sum = arith::AddFOp::create(
            *b, loc, sum,
            arith::MulFOp::create(*b, loc, factor, elements[step]));
    }
    if (mask)
      vector::MaskedStoreOp::create(*b, loc, result, ValueRange{at, column},
                                    mask, sum);
    else
      vector::StoreOp::create(*b, loc, sum, result, ValueRange{at, column});
  }
}
