//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Softmax, LayerNormalization and RMSNormalization along any axes. The common
// cases on the last axis have become lowbit operations before; these are the
// rest. Statistics of narrow floats are taken in float32.
//
//===----------------------------------------------------------------------===//

#include "Normalization.h"
#include "Structured.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::lowbit;

/// Reduces `axes` to dimensions of 1.
static Value reduceKeeping(Lowering &l, Value input, ArrayRef<int64_t> axes,
                           double init, ElementFn combine) {
  Type type = cast<RankedTensorType>(input.getType()).getElementType();
  Value reduced = createReduction(
      l, input, axes, l.getBuilder().getFloatAttr(type, init), combine);
  SmallVector<OpFoldResult> kept = l.getSizes(input);
  for (int64_t axis : axes)
    kept[axis] = l.getMath().index(1);
  return createReshape(l, reduced, kept);
}

static Value emitSum(OpBuilder &b, Location loc, Value x, Value sum) {
  return arith::AddFOp::create(b, loc, x, sum, arith::FastMathFlags::reassoc);
}

FailureOr<Value> mlir::lowbit::createSoftmax(Lowering &l, Value input,
                                             int64_t axis,
                                             bool zeroWithoutMaximum) {
  Type type = cast<RankedTensorType>(input.getType()).getElementType();
  Value max = reduceKeeping(
      l, input, axis, -std::numeric_limits<double>::infinity(),
      [](OpBuilder &b, Location loc, ValueRange elements) -> Value {
        return arith::MaximumFOp::create(b, loc, elements[0], elements[1]);
      });
  FailureOr<Value> powers = createElementwise(
      l, {input, max}, type,
      [&](OpBuilder &b, Location loc, ValueRange elements) -> Value {
        Value difference =
            arith::SubFOp::create(b, loc, elements[0], elements[1]);
        Value power = math::ExpOp::create(b, loc, difference);
        if (!zeroWithoutMaximum)
          return power;
        Value lowest = createConstant(b, loc, type,
                                      -std::numeric_limits<double>::infinity());
        Value isEmpty = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ,
                                              elements[1], lowest);
        Value zero = createConstant(b, loc, type, 0);
        return arith::SelectOp::create(b, loc, isEmpty, zero, power);
      });
  if (failed(powers))
    return failure();
  Value sum =
      reduceKeeping(l, *powers, axis, 0.0,
                    [](OpBuilder &b, Location loc, ValueRange elements) {
                      return emitSum(b, loc, elements[0], elements[1]);
                    });
  return createElementwise(
      l, {*powers, sum}, type,
      [&](OpBuilder &b, Location loc, ValueRange elements) -> Value {
        Value divisor = elements[1];
        if (zeroWithoutMaximum) {
          Value zero = createConstant(b, loc, type, 0);
          Value one = createConstant(b, loc, type, 1);
          Value isEmpty = arith::CmpFOp::create(
              b, loc, arith::CmpFPredicate::OEQ, divisor, zero);
          divisor = arith::SelectOp::create(b, loc, isEmpty, one, divisor);
        }
        return arith::DivFOp::create(b, loc, elements[0], divisor);
      });
}

static LogicalResult lowerSoftmax(onnx::SoftmaxOp op, Lowering &l) {
  Value input = l.operand(op.getInput());
  auto type = cast<RankedTensorType>(input.getType());
  std::optional<int64_t> axis = normalizeAxis(op.getAxis(), type.getRank());
  if (!axis)
    return l.fail("has axis " + Twine(op.getAxis()) + " for an input of rank " +
                  Twine(type.getRank()));
  FailureOr<Value> result = createSoftmax(l, input, *axis);
  return failed(result) ? failure() : l.replace(op.getResult(), *result);
}

/// The input as a float of at least 32 bits.
static FailureOr<Value> widen(Lowering &l, Value input) {
  Type type = cast<RankedTensorType>(input.getType()).getElementType();
  if (!isa<FloatType>(type))
    return l.fail("is unsupported on elements of type " +
                  Twine(debugString(type)));
  if (type.getIntOrFloatBitWidth() >= 32)
    return input;
  Type wide = l.getBuilder().getF32Type();
  return createElementwise(
      l, input, wide,
      [&](OpBuilder &b, Location loc, ValueRange elements) -> Value {
        return arith::ExtFOp::create(b, loc, wide, elements[0]);
      });
}

namespace {
/// The axes from `axis` on and how many elements they hold, as a float.
struct NormalizedAxes {
  SmallVector<int64_t> axes;
  Value count;
};
} // namespace

static FailureOr<NormalizedAxes> getNormalizedAxes(Lowering &l, Value input,
                                                   int64_t axis) {
  auto type = cast<RankedTensorType>(input.getType());
  std::optional<int64_t> first = normalizeAxis(axis, type.getRank());
  if (!first)
    return l.fail("has axis " + Twine(axis) + " for an input of rank " +
                  Twine(type.getRank()));
  NormalizedAxes result;
  result.axes = llvm::to_vector(llvm::seq<int64_t>(*first, type.getRank()));
  ScalarMath &math = l.getMath();
  SmallVector<OpFoldResult> sizes = l.getSizes(input);
  Value count = math.toInteger(math.product(ArrayRef(sizes).drop_front(*first)),
                               l.getBuilder().getI64Type());
  result.count = math.build([&](OpBuilder &b, Location loc) {
    return b.createOrFold<arith::SIToFPOp>(loc, type.getElementType(), count);
  });
  return result;
}

/// `1 / sqrt(mean(square) + epsilon)` for every row of a sum of squares.
static FailureOr<Value> createInverseDeviation(Lowering &l, Value squares,
                                               Value count, double epsilon) {
  return createElementwise(
      l, squares, count.getType(),
      [&](OpBuilder &b, Location loc, ValueRange elements) -> Value {
        Value mean = arith::DivFOp::create(b, loc, elements[0], count);
        Value offset = createConstant(b, loc, count.getType(), epsilon);
        Value sum = arith::AddFOp::create(b, loc, mean, offset);
        Value root = math::SqrtOp::create(b, loc, sum);
        Value one = createConstant(b, loc, count.getType(), 1);
        return arith::DivFOp::create(b, loc, one, root);
      });
}

/// `x * inverse * scale + bias` in the type of the result.
static FailureOr<Value> createScaled(Lowering &l, Value input, Value inverse,
                                     Value scale, Value bias,
                                     RankedTensorType declared) {
  SmallVector<Value> inputs{input, inverse, scale};
  if (bias)
    inputs.push_back(bias);
  Type type = cast<RankedTensorType>(input.getType()).getElementType();
  return createElementwise(
      l, inputs, declared,
      [&](OpBuilder &b, Location loc, ValueRange elements) -> Value {
        auto wide = [&](Value x) -> Value {
          if (x.getType() == type)
            return x;
          return arith::ExtFOp::create(b, loc, type, x);
        };
        Value y = arith::MulFOp::create(b, loc, elements[0], elements[1]);
        y = arith::MulFOp::create(b, loc, y, wide(elements[2]));
        if (bias)
          y = arith::AddFOp::create(b, loc, y, wide(elements[3]));
        if (declared.getElementType() == type)
          return y;
        return arith::TruncFOp::create(b, loc, declared.getElementType(), y);
      });
}

static Value createSumOfSquares(Lowering &l, Value input,
                                ArrayRef<int64_t> axes) {
  return reduceKeeping(
      l, input, axes, 0.0, [](OpBuilder &b, Location loc, ValueRange elements) {
        Value square = arith::MulFOp::create(b, loc, elements[0], elements[0]);
        return emitSum(b, loc, square, elements[1]);
      });
}

static LogicalResult lowerLayerNormalization(onnx::LayerNormalizationOp op,
                                             Lowering &l) {
  FailureOr<Value> input = widen(l, l.operand(op.getX()));
  if (failed(input))
    return failure();
  FailureOr<NormalizedAxes> axes = getNormalizedAxes(l, *input, op.getAxis());
  if (failed(axes))
    return failure();
  Value count = axes->count;
  Value sum =
      reduceKeeping(l, *input, axes->axes, 0.0,
                    [](OpBuilder &b, Location loc, ValueRange elements) {
                      return emitSum(b, loc, elements[0], elements[1]);
                    });
  FailureOr<Value> mean = createElementwise(
      l, sum, count.getType(),
      [&](OpBuilder &b, Location loc, ValueRange elements) -> Value {
        return arith::DivFOp::create(b, loc, elements[0], count);
      });
  if (failed(mean))
    return failure();
  FailureOr<Value> centred = createElementwise(
      l, {*input, *mean}, count.getType(),
      [](OpBuilder &b, Location loc, ValueRange elements) -> Value {
        return arith::SubFOp::create(b, loc, elements[0], elements[1]);
      });
  if (failed(centred))
    return failure();
  FailureOr<Value> inverse =
      createInverseDeviation(l, createSumOfSquares(l, *centred, axes->axes),
                             count, op.getEpsilon().convertToDouble());
  if (failed(inverse))
    return failure();
  FailureOr<Value> result =
      createScaled(l, *centred, *inverse, l.operand(op.getScale()),
                   l.operand(op.getB()), l.getDeclaredType(op.getY()));
  return failed(result) ? failure() : l.replace(op.getResult(), *result);
}

static LogicalResult lowerRMSNormalization(onnx::RMSNormalizationOp op,
                                           Lowering &l) {
  FailureOr<Value> input = widen(l, l.operand(op.getX()));
  if (failed(input))
    return failure();
  FailureOr<NormalizedAxes> axes = getNormalizedAxes(l, *input, op.getAxis());
  if (failed(axes))
    return failure();
  FailureOr<Value> inverse =
      createInverseDeviation(l, createSumOfSquares(l, *input, axes->axes),
                             axes->count, op.getEpsilon().convertToDouble());
  if (failed(inverse))
    return failure();
  FailureOr<Value> result =
      createScaled(l, *input, *inverse, l.operand(op.getScale()), Value(),
                   l.getDeclaredType(op.getY()));
  return failed(result) ? failure() : l.replace(op.getResult(), *result);
}

void mlir::lowbit::populateNormalizationLowerings(LoweringTable &table) {
  table.add(lowerSoftmax);
  table.add(lowerLayerNormalization);
  table.add(lowerRMSNormalization);
}
