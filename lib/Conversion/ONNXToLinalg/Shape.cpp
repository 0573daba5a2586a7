//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Shape, Size, Expand, Range: dimensions as scalars, and what is made from
// them.
//
//===----------------------------------------------------------------------===//

#include "Structured.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::lowbit;

static LogicalResult lowerShape(onnx::ShapeOp op, Lowering &l) {
  SmallVector<OpFoldResult> sizes = l.getSizes(l.operand(op.getData()));
  int64_t rank = sizes.size();
  auto clamp = [&](int64_t position) {
    return std::clamp<int64_t>(position < 0 ? position + rank : position, 0,
                               rank);
  };
  int64_t begin = clamp(op.getStart());
  int64_t end = clamp(op.getEnd() ? *op.getEnd() : rank);
  Type elementType = l.getDeclaredType(op.getShape()).getElementType();
  SmallVector<Value> scalars;
  for (int64_t i = begin; i < end; ++i)
    scalars.push_back(l.getMath().toInteger(sizes[i], elementType));
  int64_t count = scalars.size();
  return l.replace(
      op.getResult(),
      l.fromScalars(scalars, RankedTensorType::get(count, elementType)));
}

static LogicalResult lowerSize(onnx::SizeOp op, Lowering &l) {
  ScalarMath &math = l.getMath();
  RankedTensorType type = l.getDeclaredType(op.getSize());
  OpFoldResult count = math.product(l.getSizes(l.operand(op.getData())));
  Value scalar = math.toInteger(count, type.getElementType());
  return l.replace(
      op.getResult(),
      l.fromScalars(scalar, RankedTensorType::get({}, type.getElementType())));
}

static LogicalResult lowerExpand(onnx::ExpandOp op, Lowering &l) {
  Value input = l.operand(op.getInput()), shape = l.operand(op.getShape());
  if (!Lowering::isSmall(cast<RankedTensorType>(shape.getType())))
    return l.fail("is unsupported with a shape of unknown length");
  FailureOr<SmallVector<OpFoldResult>> broadcast =
      broadcastSizes(l, {l.getSizes(input), l.getIndices(shape)});
  if (failed(broadcast))
    return failure();
  RankedTensorType declared = l.getDeclaredType(op.getOutput());
  int64_t rank = broadcast->size();
  if (rank != declared.getRank())
    return l.fail("has a result of rank " + Twine(declared.getRank()) +
                  " and a shape of rank " + Twine(rank));
  SmallVector<OpFoldResult> sizes = l.refine(*broadcast, declared);

  SmallVector<OpFoldResult> given = l.getSizes(input);
  bool same = given.size() == sizes.size() &&
              llvm::all_of(llvm::zip(given, sizes), [&](auto pair) {
                return l.getMath().equal(std::get<0>(pair), std::get<1>(pair));
              });
  if (same)
    return l.replace(op.getResult(), input);
  Type elementType = declared.getElementType();
  RankedTensorType type = getTensorType(sizes, elementType);
  if (rank <= 1 && Lowering::isSmall(type) && l.isScalars(input)) {
    SmallVector<Value> scalars = l.getScalars(input);
    scalars.resize(type.getNumElements(), scalars.front());
    return l.replace(op.getResult(), l.fromScalars(scalars, type));
  }
  Operand operand =
      alignOperand(l, input, getTrailingLoops(given.size(), rank), sizes);
  Operand init{createEmpty(l, sizes, elementType),
               getTrailingLoops(rank, rank)};
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  return l.replace(op.getResult(), createGeneric(l, operand, init, iterators,
                                                 [](OpBuilder &, Location,
                                                    ValueRange elements) {
                                                   return elements.front();
                                                 }));
}

/// The number of elements from `start` by `delta` before `limit`: integers.
static OpFoldResult countIntegers(Lowering &l, OpFoldResult start,
                                  OpFoldResult limit, OpFoldResult delta) {
  ScalarMath &math = l.getMath();
  OpFoldResult zero = math.index(0);
  if (std::optional<int64_t> step = getConstantSize(delta)) {
    OpFoldResult distance =
        *step > 0 ? math.sub(limit, start) : math.sub(start, limit);
    return math.ceilDiv(math.max(distance, zero), math.index(std::abs(*step)));
  }
  Value isDown = math.build([&](OpBuilder &b, Location loc) {
    return b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::slt,
                                         math.toValue(delta),
                                         math.toValue(zero));
  });
  auto choose = [&](OpFoldResult down, OpFoldResult up) -> OpFoldResult {
    Value first = math.toValue(down), second = math.toValue(up);
    return getAsOpFoldResult(math.build([&](OpBuilder &b, Location loc) {
      return b.createOrFold<arith::SelectOp>(loc, isDown, first, second);
    }));
  };
  OpFoldResult distance =
      choose(math.sub(start, limit), math.sub(limit, start));
  OpFoldResult step = choose(math.sub(zero, delta), delta);
  return math.ceilDiv(math.max(distance, zero), math.max(step, math.index(1)));
}

static OpFoldResult countFloats(Lowering &l, Value start, Value limit,
                                Value delta) {
  Value count = l.getMath().build([&](OpBuilder &b, Location loc) -> Value {
    Value distance = b.createOrFold<arith::SubFOp>(loc, limit, start);
    Value steps = b.createOrFold<arith::DivFOp>(loc, distance, delta);
    Value whole = b.createOrFold<math::CeilOp>(loc, steps);
    return b.createOrFold<arith::FPToSIOp>(loc, b.getI64Type(), whole);
  });
  return l.getMath().max(l.getMath().toIndex(count), l.getMath().index(0));
}

static LogicalResult lowerRange(onnx::RangeOp op, Lowering &l) {
  ScalarMath &math = l.getMath();
  SmallVector<Value> scalars;
  for (Value value : op->getOperands()) {
    Value tensor = l.operand(value);
    auto type = cast<RankedTensorType>(tensor.getType());
    if (!type.hasStaticShape() || type.getNumElements() != 1)
      return l.fail("takes three scalars, got an operand of type " +
                    Twine(debugString(type)));
    scalars.push_back(l.getScalars(tensor).front());
  }
  Value start = scalars[0], delta = scalars[2];
  RankedTensorType declared = l.getDeclaredType(op.getOutput());
  Type elementType = declared.getElementType();
  bool isFloat = isa<FloatType>(elementType);
  Value isNonZero = math.build([&](OpBuilder &b, Location loc) -> Value {
    Value zero = createConstant(b, loc, elementType, 0);
    if (isFloat)
      return b.createOrFold<arith::CmpFOp>(loc, arith::CmpFPredicate::UNE,
                                           delta, zero);
    return b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::ne, delta,
                                         zero);
  });
  l.assertTrue(isNonZero, "the step is zero");
  OpFoldResult count =
      isFloat ? countFloats(l, start, scalars[1], delta)
              : countIntegers(l, math.toIndex(start), math.toIndex(scalars[1]),
                              math.toIndex(delta));
  SmallVector<OpFoldResult> sizes = l.refine(count, declared);
  auto element = [&](OpBuilder &b, Location loc, Value position) -> Value {
    Value integer = b.createOrFold<arith::IndexCastOp>(
        loc, isFloat ? b.getI64Type() : elementType, position);
    if (!isFloat) {
      Value offset = b.createOrFold<arith::MulIOp>(loc, integer, delta);
      return b.createOrFold<arith::AddIOp>(loc, start, offset);
    }
    Value real = b.createOrFold<arith::SIToFPOp>(loc, elementType, integer);
    Value offset = b.createOrFold<arith::MulFOp>(loc, real, delta);
    return b.createOrFold<arith::AddFOp>(loc, start, offset);
  };
  RankedTensorType type = getTensorType(sizes, elementType);
  if (Lowering::isSmall(type)) {
    SmallVector<Value> elements;
    for (int64_t i = 0; i < type.getNumElements(); ++i) {
      Value position = math.toValue(math.index(i));
      elements.push_back(math.build([&](OpBuilder &b, Location loc) {
        return element(b, loc, position);
      }));
    }
    return l.replace(op.getResult(), l.fromScalars(elements, type));
  }
  return l.replace(op.getResult(),
                   createIndexed(l, sizes, elementType,
                                 [&](OpBuilder &b, Location loc,
                                     ValueRange indices, ValueRange) {
                                   return element(b, loc, indices.front());
                                 }));
}

void mlir::lowbit::populateShapeLowerings(LoweringTable &table) {
  table.add(lowerShape);
  table.add(lowerSize);
  table.add(lowerExpand);
  table.add(lowerRange);
}
