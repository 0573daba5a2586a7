//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// BMT's binarizer, `(floor(clip(x * r)) + 0.5) / r` with `r = 1 / bound`: half
// the bound with the sign of x, and zero is positive. Levels -1 and 1, scale
// bound / 2; the bound belongs to the tensor or to a token: (Q12).
//
//===----------------------------------------------------------------------===//

#include "Match.h"
#include "Recognisers.h"

using namespace mlir;
using namespace mlir::lowbit;

/// `1 / bound`, also when an exporter has multiplied it by one.
static Value matchReciprocal(Value value) {
  if (auto scaled = matchScalarOperand<onnx::MulOp>(value);
      scaled && scaled->second == 1.0f)
    value = scaled->first;
  if (auto reciprocal = value.getDefiningOp<onnx::ReciprocalOp>())
    return reciprocal.getX();
  auto quotient = value.getDefiningOp<onnx::DivOp>();
  if (quotient && getConstantScalar(quotient.getA()) == 1.0f)
    return quotient.getB();
  return {};
}

/// Whether `bound` is `max |...| + epsilon`, which is positive.
static bool isPositiveBound(Value bound) {
  auto sum = matchScalarOperand<onnx::AddOp>(bound);
  if (!sum || !(sum->second > 0))
    return false;
  auto maximum = sum->first.getDefiningOp<onnx::ReduceMaxOp>();
  return maximum && maximum.getData().getDefiningOp<onnx::AbsOp>();
}

void lowbit::recogniseBoundQuantizers(FunctionOpInterface function,
                                      RewriterBase &rewriter) {
  for (auto div : collect<onnx::DivOp>(function)) {
    auto half = matchScalarOperand<onnx::AddOp>(div.getA());
    auto floor =
        half ? half->first.getDefiningOp<onnx::FloorOp>() : onnx::FloorOp();
    auto clip =
        floor ? floor.getX().getDefiningOp<onnx::ClipOp>() : onnx::ClipOp();
    auto mul =
        clip ? clip.getInput().getDefiningOp<onnx::MulOp>() : onnx::MulOp();
    if (!mul || half->second != 0.5f || !getFloatTensor(div.getC()) ||
        isConstantExpression(div.getC()))
      continue;
    Value reciprocal = div.getB();
    Value input = mul.getA() == reciprocal ? mul.getB() : mul.getA();
    if ((mul.getA() != reciprocal && mul.getB() != reciprocal) ||
        input.getType() != div.getC().getType()) {
      div.emitRemark() << "not a bound quantizer: what divides is not what "
                          "multiplies";
      continue;
    }
    auto low = clip.getMin() ? getConstantScalar(clip.getMin()) : std::nullopt;
    auto high = clip.getMax() ? getConstantScalar(clip.getMax()) : std::nullopt;
    if (!low || !high || !(*low >= -1 && *low < 0 && *high > 0 && *high < 1)) {
      div.emitRemark() << "not a bound quantizer: the bounds of Clip leave "
                          "more than two levels";
      continue;
    }
    Value bound = matchReciprocal(reciprocal);
    if (!bound || !isPositiveBound(bound)) {
      div.emitRemark() << "not a bound quantizer: the bound is not the largest "
                          "magnitude plus a positive constant";
      continue;
    }
    bool isToken = !isSingleElement(bound);
    if (isToken && !isTokenScale(bound, input)) {
      div.emitRemark() << "not a bound quantizer: the bound is neither one "
                          "number nor one for each token";
      continue;
    }
    Location loc = div.getLoc();
    rewriter.setInsertionPoint(div);
    Value scale = onnx::MulOp::create(rewriter, loc, bound.getType(), bound,
                                      createScalar(rewriter, loc, 0.5f));
    Quantizer quantizer;
    quantizer.levels = LevelsType::get(div.getContext(), {-1, 1});
    quantizer.rounding = Rounding::step;
    quantizer.granularity = isToken ? Granularity::token : Granularity::tensor;
    quantizer.dequantizeScale = isToken
                                    ? createTokenVector(rewriter, loc, scale)
                                    : createRankZero(rewriter, loc, scale);
    rewriter.replaceOp(div,
                       createFakeQuantize(rewriter, loc, input, quantizer));
  }
}
