//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See VectorReduction.h.
//
//===----------------------------------------------------------------------===//

#include "VectorReduction.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace mlir::lowbit;
using linalg::LinalgOp;

/// Accumulators side by side: as many as hide the latency of a minimum.
static constexpr int64_t kAccumulators = 4;

/// Whether the elements of an operand are one behind the other along `dim`; an
/// operand that does not depend on it is read once and broadcast.
static bool isContiguous(LinalgOp op, OpOperand &operand, unsigned dim) {
  AffineMap map = op.getMatchingIndexingMap(&operand);
  if (op.isScalar(&operand) || !map.isFunctionOfDim(dim))
    return true;
  auto type = dyn_cast<MemRefType>(operand.get().getType());
  SmallVector<int64_t> strides;
  int64_t offset;
  if (!type || failed(type.getStridesAndOffset(strides, offset)) ||
      strides.back() != 1)
    return false;
  auto last = dyn_cast<AffineDimExpr>(map.getResults().back());
  // A bit of a vector is no byte of a memref.
  return last && last.getPosition() == dim &&
         !type.getElementType().isInteger(1) &&
         llvm::none_of(map.getResults().drop_back(), [&](AffineExpr expr) {
           return expr.isFunctionOfDim(dim);
         });
}

/// Whether an operation of the body has a form on vectors, safe also in lanes
/// that are masked off.
static bool canWiden(Operation &op) {
  if (isa<arith::ConstantOp>(op))
    return op.getResult(0).getType().isIntOrFloat();
  return OpTrait::hasElementwiseMappableTraits(&op) && isPure(&op) &&
         llvm::all_of(op.getOperandTypes(),
                      [](Type type) { return type.isIntOrFloat(); }) &&
         llvm::all_of(op.getResultTypes(),
                      [](Type type) { return type.isIntOrFloat(); });
}

std::optional<VectorReduction> VectorReduction::match(LinalgOp op, unsigned dim,
                                                      unsigned vectorBits) {
  if (linalg::isParallelIterator(op.getIteratorTypesArray()[dim]))
    return std::nullopt;
  unsigned bits = 8;
  for (OpOperand &operand : op->getOpOperands()) {
    Type element = getElementTypeOrSelf(operand.get().getType());
    if (!element.isIntOrFloat() || !isContiguous(op, operand, dim))
      return std::nullopt;
    bits = std::max(bits, element.getIntOrFloatBitWidth());
  }
  if (!llvm::isPowerOf2_32(bits) ||
      !llvm::all_of(op.getBlock()->without_terminator(), canWiden))
    return std::nullopt;
  int64_t lanes = vectorBits / bits;
  int64_t extent = op.getStaticLoopRanges()[dim];
  if (lanes < 2 || (!ShapedType::isDynamic(extent) && extent < lanes))
    return std::nullopt;
  VectorReduction reduction(op, dim, lanes);
  for (unsigned result = 0; result < op.getNumDpsInits(); ++result) {
    std::optional<Combiner> combiner = findCombiner(op, result);
    if (!combiner || combiner->neutral.getType().isInteger(1))
      return std::nullopt;
    reduction.combiners.push_back(*combiner);
  }
  return reduction;
}

void VectorReduction::prepare(OpBuilder &builder, Value size) {
  Location loc = op.getLoc();
  this->size = size;
  zero = arith::ConstantIndexOp::create(builder, loc, 0);
  one = arith::ConstantIndexOp::create(builder, loc, 1);
  auto roundDown = [&](int64_t step) {
    Value rest = builder.createOrFold<arith::RemUIOp>(
        loc, size, arith::ConstantIndexOp::create(builder, loc, step));
    return builder.createOrFold<arith::SubIOp>(loc, size, rest);
  };
  endOfBlocks = roundDown(lanes * kAccumulators);
  endOfVectors = roundDown(lanes);
}

Value VectorReduction::splat(TypedAttr value) {
  auto type = VectorType::get({lanes}, value.getType());
  return arith::ConstantOp::create(
      *builder, op.getLoc(), DenseElementsAttr::get(type, Attribute(value)));
}

SmallVector<Value> VectorReduction::emit(OpBuilder &builder,
                                         ArrayRef<unsigned> outer,
                                         MutableArrayRef<Value> ivs,
                                         ArrayRef<Value> bounds,
                                         ValueRange inits) {
  this->builder = &builder;
  this->ivs = ivs;
  this->bounds = bounds;
  // The accumulators of a result lie side by side.
  SmallVector<Value> accumulators;
  for (const Combiner &combiner : combiners)
    accumulators.append(kAccumulators, splat(combiner.neutral));
  accumulators = emitOuter(outer, accumulators);
  SmallVector<Value> results;
  for (auto [i, combiner] : llvm::enumerate(combiners)) {
    ArrayRef<Value> own =
        ArrayRef(accumulators).slice(i * kAccumulators, kAccumulators);
    Value sum = own.front();
    for (Value next : own.drop_front())
      sum = combine(builder, combiner, sum, next);
    results.push_back(
        combine(builder, combiner, inits[i], reduce(combiner, sum)));
  }
  return results;
}

SmallVector<Value> VectorReduction::emitOuter(ArrayRef<unsigned> outer,
                                              ValueRange carried) {
  if (outer.empty())
    return emitRow(carried);
  auto loop = scf::ForOp::create(*builder, op.getLoc(), zero,
                                 bounds[outer.front()], one, carried);
  OpBuilder::InsertionGuard guard(*builder);
  builder->setInsertionPointToStart(loop.getBody());
  ivs[outer.front()] = loop.getInductionVar();
  SmallVector<Value> next =
      emitOuter(outer.drop_front(), loop.getRegionIterArgs());
  scf::YieldOp::create(*builder, op.getLoc(), next);
  return SmallVector<Value>(loop.getResults());
}

/// All elements along `dim`: blocks of one vector for each accumulator, single
/// vectors, a part of a vector.
SmallVector<Value> VectorReduction::emitRow(ValueRange carried) {
  SmallVector<Value> next =
      emitSteps(zero, endOfBlocks, kAccumulators, carried, /*masked=*/false);
  next = emitSteps(endOfBlocks, endOfVectors, 1, next, /*masked=*/false);
  return emitSteps(endOfVectors, size, 1, next, /*masked=*/true);
}

/// A loop over [begin, end) of `vectors` vectors at once.
SmallVector<Value> VectorReduction::emitSteps(Value begin, Value end,
                                              int64_t vectors,
                                              ValueRange carried, bool masked) {
  Location loc = op.getLoc();
  std::optional<int64_t> first = getConstantIntValue(begin);
  if (first && first == getConstantIntValue(end))
    return SmallVector<Value>(carried);
  Value step = arith::ConstantIndexOp::create(*builder, loc, vectors * lanes);
  auto loop = scf::ForOp::create(*builder, loc, begin, end, step, carried);
  OpBuilder::InsertionGuard guard(*builder);
  builder->setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next(loop.getRegionIterArgs());
  for (int64_t i = 0; i < vectors; ++i) {
    Value position = loop.getInductionVar();
    if (i > 0)
      position = arith::AddIOp::create(
          *builder, loc, position,
          arith::ConstantIndexOp::create(*builder, loc, i * lanes));
    Value count;
    if (masked)
      count = arith::SubIOp::create(*builder, loc, size, position);
    SmallVector<Value> accumulators;
    for (size_t result = 0; result < combiners.size(); ++result)
      accumulators.push_back(next[result * kAccumulators + i]);
    accumulators = emitVector(position, accumulators, count);
    for (auto [result, value] : llvm::enumerate(accumulators))
      next[result * kAccumulators + i] = value;
  }
  scf::YieldOp::create(*builder, loc, next);
  return SmallVector<Value>(loop.getResults());
}

/// The body for one vector of elements, `count` of them where that is given.
SmallVector<Value> VectorReduction::emitVector(Value position,
                                               ValueRange accumulators,
                                               Value count) {
  Location loc = op.getLoc();
  Value mask;
  if (count)
    mask = vector::CreateMaskOp::create(
        *builder, loc, VectorType::get({lanes}, builder->getI1Type()), count);
  IRMapping map;
  Block *block = op.getBlock();
  for (OpOperand *input : op.getDpsInputOperands()) {
    BlockArgument argument = op.getMatchingBlockArgument(input);
    if (!argument.use_empty())
      map.map(argument, load(*input, position, mask));
  }
  SmallVector<Operation *> body;
  for (Operation &inner : block->without_terminator())
    if (llvm::none_of(combiners, [&](const Combiner &combiner) {
          return combiner.op == &inner;
        }))
      widen(inner, map, body);
  SmallVector<Value> results;
  for (auto [combiner, accumulator] :
       llvm::zip_equal(combiners, accumulators)) {
    Value value = combiner.op->getOperand(combiner.value);
    if (Value wide = map.lookupOrNull(value))
      value = wide;
    else // from outside the operation
      value = vector::BroadcastOp::create(
          *builder, loc, VectorType::get({lanes}, value.getType()), value);
    if (mask)
      value = arith::SelectOp::create(*builder, loc, mask, value,
                                      splat(combiner.neutral));
    results.push_back(combine(*builder, combiner, accumulator, value));
    body.push_back(results.back().getDefiningOp());
  }
  relaxReduction(body, accumulators, /*innermost=*/false); // in this order
  return results;
}

Value VectorReduction::load(OpOperand &operand, Value position, Value mask) {
  Location loc = op.getLoc();
  Value source = operand.get();
  auto type = VectorType::get({lanes}, getElementTypeOrSelf(source.getType()));
  if (op.isScalar(&operand))
    return vector::BroadcastOp::create(*builder, loc, type, source);
  AffineMap map = op.getMatchingIndexingMap(&operand);
  ivs[dim] = position;
  SmallVector<Value> indices;
  for (unsigned i = 0; i < map.getNumResults(); ++i) {
    if (auto position = dyn_cast<AffineDimExpr>(map.getResult(i)))
      indices.push_back(ivs[position.getPosition()]);
    else
      indices.push_back(affine::makeComposedAffineApply(
          *builder, loc, map.getSubMap({i}), getAsOpFoldResult(ivs)));
  }
  if (!map.isFunctionOfDim(dim))
    return vector::BroadcastOp::create(
        *builder, loc, type,
        memref::LoadOp::create(*builder, loc, source, indices));
  if (!mask)
    return vector::LoadOp::create(*builder, loc, type, source, indices);
  Value none = arith::ConstantOp::create(
      *builder, loc, type, cast<TypedAttr>(builder->getZeroAttr(type)));
  return vector::MaskedLoadOp::create(*builder, loc, type, source, indices,
                                      mask, none);
}

/// Clones an operation of the body with vectors in place of scalars.
void VectorReduction::widen(Operation &inner, IRMapping &map,
                            SmallVectorImpl<Operation *> &body) {
  if (auto constant = dyn_cast<arith::ConstantOp>(inner)) {
    map.map(constant.getResult(), splat(constant.getValue()));
    return;
  }
  OperationState state(inner.getLoc(), inner.getName());
  for (Value value : inner.getOperands()) {
    if (!map.contains(value)) // from outside the operation
      map.map(value, vector::BroadcastOp::create(
                         *builder, inner.getLoc(),
                         VectorType::get({lanes}, value.getType()), value));
    state.addOperands(map.lookup(value));
  }
  for (Type type : inner.getResultTypes())
    state.addTypes(VectorType::get({lanes}, type));
  state.addAttributes(inner.getAttrs());
  state.propertiesAttr = inner.getPropertiesAsAttribute();
  Operation *wide = builder->create(state);
  map.map(inner.getResults(), wide->getResults());
  body.push_back(wide);
}

/// The lanes of a vector combined, halves first.
Value VectorReduction::reduce(const Combiner &combiner, Value vector) {
  Location loc = op.getLoc();
  for (int64_t half = lanes / 2; half > 0; half /= 2) {
    auto part = [&](int64_t first) -> Value {
      return vector::ExtractStridedSliceOp::create(
          *builder, loc, vector, ArrayRef<int64_t>{first},
          ArrayRef<int64_t>{half}, ArrayRef<int64_t>{1});
    };
    Value low = part(0), high = part(half);
    vector = combine(*builder, combiner, low, high);
  }
  return vector::ExtractOp::create(*builder, loc, vector, 0);
}
