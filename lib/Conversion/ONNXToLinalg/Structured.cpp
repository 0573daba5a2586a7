//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Broadcasting, elementwise maps and reductions as linalg.generic. Broadcast
// dimensions of size 1 are dropped from an operand, so that every indexing map
// is a projected permutation.
//
//===----------------------------------------------------------------------===//

#include "Structured.h"
#include "lowbit/Constants/Constants.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::lowbit;
using utils::IteratorType;

std::optional<int64_t> mlir::lowbit::normalizeAxis(int64_t axis, int64_t rank) {
  if (axis < 0)
    axis += rank;
  return axis >= 0 && axis < rank ? std::optional(axis) : std::nullopt;
}

Value mlir::lowbit::createConstant(OpBuilder &b, Location loc, Type type,
                                   double value) {
  TypedAttr attr = isa<FloatType>(type)
                       ? TypedAttr(b.getFloatAttr(type, value))
                       : TypedAttr(b.getIntegerAttr(type, int64_t(value)));
  return arith::ConstantOp::create(b, loc, attr);
}

RankedTensorType mlir::lowbit::getTensorType(ArrayRef<OpFoldResult> sizes,
                                             Type elementType) {
  SmallVector<int64_t> shape;
  for (OpFoldResult size : sizes)
    shape.push_back(getConstantSize(size).value_or(ShapedType::kDynamic));
  return RankedTensorType::get(shape, elementType);
}

Value mlir::lowbit::createEmpty(Lowering &l, ArrayRef<OpFoldResult> sizes,
                                Type elementType) {
  SmallVector<Value> dynamic;
  for (OpFoldResult size : sizes)
    if (!getConstantSize(size))
      dynamic.push_back(cast<Value>(size));
  Value empty = tensor::EmptyOp::create(
      l.getBuilder(), l.getLoc(), getTensorType(sizes, elementType), dynamic);
  l.setSizes(empty, sizes);
  return empty;
}

Value mlir::lowbit::createFilled(Lowering &l, ArrayRef<OpFoldResult> sizes,
                                 Value scalar) {
  Value empty = createEmpty(l, sizes, scalar.getType());
  Value filled =
      linalg::FillOp::create(l.getBuilder(), l.getLoc(), scalar, empty)
          .getResult(0);
  l.setSizes(filled, sizes);
  return filled;
}

SmallVector<int64_t> mlir::lowbit::getTrailingLoops(int64_t rank,
                                                    int64_t numLoops) {
  return llvm::to_vector(llvm::seq<int64_t>(numLoops - rank, numLoops));
}

//===----------------------------------------------------------------------===//
// Broadcasting
//===----------------------------------------------------------------------===//

/// The size that two dimensions broadcast to.
static FailureOr<OpFoldResult> broadcastSize(Lowering &l, OpFoldResult a,
                                             OpFoldResult b) {
  ScalarMath &math = l.getMath();
  constexpr StringLiteral message = "dimensions do not broadcast";
  std::optional<int64_t> fixedA = getConstantSize(a),
                         fixedB = getConstantSize(b);
  if (fixedB == 1 || math.equal(a, b))
    return a;
  if (fixedA == 1)
    return b;
  if (fixedA && fixedB)
    return l.fail("has operands whose dimensions " + Twine(*fixedA) + " and " +
                  Twine(*fixedB) + " do not broadcast");
  if (l.isClampedFrom(a, b) || l.isClampedFrom(b, a)) {
    l.assertEqual(a, b, message);
    return l.isClampedFrom(a, b) ? b : a;
  }
  Value isOneA = math.isEqual(a, math.index(1));
  Value isOneB = math.isEqual(b, math.index(1));
  Value fits = math.isEqual(a, b);
  for (Value one : {isOneA, isOneB})
    fits = math.build([&](OpBuilder &builder, Location loc) {
      return builder.createOrFold<arith::OrIOp>(loc, fits, one);
    });
  l.assertTrue(fits, message);
  if (fixedA || fixedB)
    return fixedA ? a : b;
  Value valueA = math.toValue(a), valueB = math.toValue(b);
  Value size = math.build([&](OpBuilder &builder, Location loc) {
    return builder.createOrFold<arith::SelectOp>(loc, isOneA, valueB, valueA);
  });
  return OpFoldResult(size);
}

FailureOr<SmallVector<OpFoldResult>>
mlir::lowbit::broadcastSizes(Lowering &l,
                             ArrayRef<SmallVector<OpFoldResult>> shapes) {
  size_t rank = 0;
  for (const auto &shape : shapes)
    rank = std::max(rank, shape.size());
  SmallVector<OpFoldResult> result(rank, l.getMath().index(1));
  for (const auto &shape : shapes) {
    size_t offset = rank - shape.size();
    for (auto [i, size] : llvm::enumerate(shape)) {
      FailureOr<OpFoldResult> merged =
          broadcastSize(l, result[offset + i], size);
      if (failed(merged))
        return failure();
      result[offset + i] = *merged;
    }
  }
  return result;
}

Operand mlir::lowbit::alignOperand(Lowering &l, Value tensor,
                                   ArrayRef<int64_t> loops,
                                   ArrayRef<OpFoldResult> loopSizes) {
  ScalarMath &math = l.getMath();
  SmallVector<OpFoldResult> sizes = l.getSizes(tensor);
  SmallVector<OpFoldResult> resolved = sizes, kept;
  SmallVector<int64_t> unknown;
  Operand operand;
  for (auto [i, size] : llvm::enumerate(sizes)) {
    OpFoldResult loopSize = loopSizes[loops[i]];
    if (getConstantSize(size) == 1 && getConstantSize(loopSize) != 1)
      continue;
    operand.loops.push_back(loops[i]);
    kept.push_back(loopSize);
    if (!math.equal(size, loopSize)) {
      unknown.push_back(i);
      resolved[i] = loopSize;
    }
  }
  if (!unknown.empty()) {
    // Whether this dimension is 1 shows in the run: read index 0 then.
    SmallVector<Value> isOne(sizes.size());
    for (int64_t i : unknown)
      isOne[i] = math.isEqual(sizes[i], math.index(1));
    Type elementType =
        cast<RankedTensorType>(tensor.getType()).getElementType();
    Value zero = math.toValue(math.index(0));
    tensor = createIndexed(
        l, resolved, elementType,
        [&](OpBuilder &b, Location loc, ValueRange indices,
            ValueRange) -> Value {
          SmallVector<Value> position(indices);
          for (int64_t i : unknown)
            position[i] =
                arith::SelectOp::create(b, loc, isOne[i], zero, indices[i]);
          return tensor::ExtractOp::create(b, loc, tensor, position);
        });
  }
  operand.value =
      kept.size() == sizes.size() ? tensor : createReshape(l, tensor, kept);
  return operand;
}

//===----------------------------------------------------------------------===//
// Generic operations
//===----------------------------------------------------------------------===//

Value mlir::lowbit::createGeneric(Lowering &l, ArrayRef<Operand> inputs,
                                  const Operand &init,
                                  ArrayRef<IteratorType> iterators,
                                  ElementFn body,
                                  ArrayRef<NamedAttribute> attributes) {
  OpBuilder &builder = l.getBuilder();
  auto getMap = [&](const Operand &operand) {
    SmallVector<AffineExpr> exprs;
    for (int64_t loop : operand.loops)
      exprs.push_back(builder.getAffineDimExpr(loop));
    return AffineMap::get(iterators.size(), 0, exprs, builder.getContext());
  };
  // Inputs with one value throughout are used as that scalar.
  SmallVector<Value> scalars(inputs.size()), tensors;
  SmallVector<AffineMap> maps;
  for (auto [i, input] : llvm::enumerate(inputs)) {
    scalars[i] = l.getUniformScalar(input.value);
    if (scalars[i])
      continue;
    tensors.push_back(input.value);
    maps.push_back(getMap(input));
  }
  maps.push_back(getMap(init));
  auto generic = linalg::GenericOp::create(
      builder, l.getLoc(), init.value.getType(), tensors, init.value, maps,
      iterators,
      [&](OpBuilder &b, Location loc, ValueRange arguments) {
        SmallVector<Value> elements;
        unsigned next = 0;
        for (Value scalar : scalars)
          elements.push_back(scalar ? scalar : arguments[next++]);
        elements.push_back(arguments.back());
        linalg::YieldOp::create(b, loc, body(b, loc, elements));
      },
      attributes);
  Value result = generic.getResult(0);
  l.setSizes(result, l.getSizes(init.value));
  return result;
}

Value mlir::lowbit::createIndexed(
    Lowering &l, ArrayRef<OpFoldResult> sizes, Type elementType,
    function_ref<Value(OpBuilder &, Location, ValueRange, ValueRange)> body,
    ArrayRef<Operand> inputs) {
  int64_t rank = sizes.size();
  Operand init{createEmpty(l, sizes, elementType),
               getTrailingLoops(rank, rank)};
  SmallVector<IteratorType> iterators(rank, IteratorType::parallel);
  return createGeneric(l, inputs, init, iterators,
                       [&](OpBuilder &b, Location loc, ValueRange elements) {
                         SmallVector<Value> indices;
                         for (int64_t i = 0; i < rank; ++i)
                           indices.push_back(
                               linalg::IndexOp::create(b, loc, i));
                         return body(b, loc, indices, elements.drop_back());
                       });
}

/// Whether to compute an elementwise operation on scalars: its inputs exist as
/// scalars, or are small vectors of integers, as shapes are.
static bool useScalars(Lowering &l, ValueRange inputs, Type elementType) {
  bool allScalars = true, allIntegers = isa<IntegerType>(elementType);
  for (Value input : inputs) {
    auto type = cast<RankedTensorType>(input.getType());
    if (type.getRank() > 1 || !Lowering::isSmall(type))
      return false;
    allScalars &= l.isScalars(input);
    allIntegers &= isa<IntegerType>(type.getElementType());
  }
  return allScalars || allIntegers;
}

static Value createScalarElementwise(Lowering &l, ValueRange inputs,
                                     ArrayRef<OpFoldResult> sizes,
                                     Type elementType, ElementFn body) {
  SmallVector<SmallVector<Value>> scalars;
  for (Value input : inputs)
    scalars.push_back(l.getScalars(input));
  RankedTensorType type = getTensorType(sizes, elementType);
  SmallVector<Value> results;
  for (int64_t i = 0, count = type.getNumElements(); i < count; ++i) {
    SmallVector<Value> elements;
    for (const auto &list : scalars)
      elements.push_back(list[list.size() == 1 ? 0 : i]);
    results.push_back(l.getMath().build(
        [&](OpBuilder &b, Location loc) { return body(b, loc, elements); }));
  }
  return l.fromScalars(results, type);
}

FailureOr<Value> mlir::lowbit::createElementwise(Lowering &l, ValueRange inputs,
                                                 RankedTensorType declared,
                                                 ElementFn body) {
  SmallVector<SmallVector<OpFoldResult>> shapes;
  for (Value input : inputs)
    shapes.push_back(l.getSizes(input));
  FailureOr<SmallVector<OpFoldResult>> broadcast = broadcastSizes(l, shapes);
  if (failed(broadcast))
    return failure();
  if (static_cast<int64_t>(broadcast->size()) != declared.getRank())
    return l.fail("has a result of rank " + Twine(declared.getRank()) +
                  ", its operands broadcast to rank " +
                  Twine(broadcast->size()));
  SmallVector<OpFoldResult> sizes = l.refine(*broadcast, declared);
  Type elementType = declared.getElementType();
  if (useScalars(l, inputs, elementType))
    return createScalarElementwise(l, inputs, sizes, elementType, body);

  int64_t rank = sizes.size();
  SmallVector<Operand> operands;
  for (Value input : inputs) {
    int64_t inputRank = cast<RankedTensorType>(input.getType()).getRank();
    operands.push_back(
        alignOperand(l, input, getTrailingLoops(inputRank, rank), sizes));
  }
  Operand init{createEmpty(l, sizes, elementType),
               getTrailingLoops(rank, rank)};
  SmallVector<IteratorType> iterators(rank, IteratorType::parallel);
  return createGeneric(l, operands, init, iterators,
                       [&](OpBuilder &b, Location loc, ValueRange elements) {
                         return body(b, loc, elements.drop_back());
                       });
}

FailureOr<Value> mlir::lowbit::createElementwise(Lowering &l, ValueRange inputs,
                                                 Type elementType,
                                                 ElementFn body) {
  int64_t rank = 0;
  for (Value input : inputs)
    rank = std::max(rank, cast<RankedTensorType>(input.getType()).getRank());
  SmallVector<int64_t> shape(rank, ShapedType::kDynamic);
  return createElementwise(l, inputs, RankedTensorType::get(shape, elementType),
                           body);
}

Value mlir::lowbit::createReduction(Lowering &l, Value input,
                                    ArrayRef<int64_t> axes, TypedAttr init,
                                    ElementFn combine) {
  SmallVector<OpFoldResult> sizes = l.getSizes(input), kept;
  int64_t rank = sizes.size();
  SmallVector<IteratorType> iterators(rank, IteratorType::parallel);
  SmallVector<int64_t> keptLoops;
  for (int64_t i = 0; i < rank; ++i) {
    if (llvm::is_contained(axes, i)) {
      iterators[i] = IteratorType::reduction;
      continue;
    }
    keptLoops.push_back(i);
    kept.push_back(sizes[i]);
  }
  Value start = arith::ConstantOp::create(l.getBuilder(), l.getLoc(), init);
  if (keptLoops.empty() && l.isScalars(input)) {
    Value result = start;
    for (Value scalar : l.getScalars(input))
      result = l.getMath().build([&](OpBuilder &b, Location loc) {
        return combine(b, loc, {scalar, result});
      });
    return l.fromScalars(result, RankedTensorType::get({}, init.getType()));
  }
  return createGeneric(l, Operand{input, getTrailingLoops(rank, rank)},
                       Operand{createFilled(l, kept, start), keptLoops},
                       iterators, combine);
}

void mlir::lowbit::assertAll(
    Lowering &l, Value tensor,
    function_ref<Value(OpBuilder &, Location, Value)> predicate,
    const Twine &message) {
  ScalarMath &math = l.getMath();
  SmallVector<Value> scalars;
  if (Value uniform = l.getUniformScalar(tensor))
    scalars.push_back(uniform);
  else if (l.isScalars(tensor))
    scalars = l.getScalars(tensor);
  for (Value scalar : scalars)
    l.assertTrue(math.build([&](OpBuilder &b, Location loc) {
      return predicate(b, loc, scalar);
    }),
                 message);
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!scalars.empty() || (type.hasStaticShape() && type.getNumElements() == 0))
    return;
  SmallVector<int64_t> axes = getTrailingLoops(type.getRank(), type.getRank());
  Value all = createReduction(
      l, tensor, axes, l.getBuilder().getBoolAttr(true),
      [&](OpBuilder &b, Location loc, ValueRange elements) {
        Value holds = predicate(b, loc, elements[0]);
        return b.createOrFold<arith::AndIOp>(loc, elements[1], holds);
      });
  l.assertTrue(
      tensor::ExtractOp::create(l.getBuilder(), l.getLoc(), all, ValueRange()),
      message);
}
