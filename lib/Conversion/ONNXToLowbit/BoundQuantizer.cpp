//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// BMT's binarizer, `(floor(clip(x * r)) + 0.5) / r` with `r = 1 / bound`: half
// the bound with the sign of x, and zero is positive. Levels -1 and 1, scale
// bound / 2; the bound is fixed, or belongs to the tensor or to a token: (Q12).
// A token may have several dimensions, as heads by size: they are merged for
// the quantizer and split behind it.
//
//===----------------------------------------------------------------------===//

#include "Match.h"
#include "Recognisers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

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

/// How many of the last dimensions of `input` share one number of `bound`; 0
/// where `bound` does not give one to each token.
static int64_t getTokenRank(Value bound, Value input) {
  RankedTensorType type = getFloatTensor(bound);
  RankedTensorType inputType = getFloatTensor(input);
  if (!type || !inputType || type.getRank() != inputType.getRank())
    return 0;
  int64_t rank = type.getRank(), count = 0;
  while (count + 1 < rank && type.getDimSize(rank - 1 - count) == 1)
    ++count;
  // Dimensions of one that the input has, too, may belong to either.
  while (count > 1 && inputType.getDimSize(rank - count) == 1)
    --count;
  if (type.getShape().drop_back(count) != inputType.getShape().drop_back(count))
    return 0;
  bool merges = count > 1;
  for (int64_t extent : inputType.getShape().take_back(count))
    if (merges && (ShapedType::isDynamic(extent) || extent == 0))
      return 0;
  return count;
}

/// `value` with its last dimensions as `tail`.
static Value replaceLastDimensions(OpBuilder &builder, Location loc,
                                   Value value, int64_t count,
                                   ArrayRef<int64_t> tail) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> shape(type.getShape().drop_back(count));
  SmallVector<int64_t> target(shape.size(), 0); // Copied.
  shape.append(tail.begin(), tail.end());
  target.append(tail.begin(), tail.end());
  auto vector = RankedTensorType::get(static_cast<int64_t>(target.size()),
                                      builder.getI64Type());
  Value constant = onnx::ConstantOp::create(
      builder, loc, vector,
      DenseElementsAttr::get(vector, ArrayRef<int64_t>(target)));
  return onnx::ReshapeOp::create(builder, loc, type.clone(shape), value,
                                 constant);
}

/// Simplifies reshapes of `value`: what merges the dimensions of a token again
/// then reads the quantizer itself.
static void simplifyReshapesOf(Value value) {
  SmallVector<Operation *> reshapes;
  for (Operation *user : value.getUsers())
    if (isa<onnx::ReshapeOp>(user) && user->getOperand(0) == value)
      reshapes.push_back(user);
  RewritePatternSet patterns(value.getContext());
  onnx::ReshapeOp::getCanonicalizationPatterns(patterns, value.getContext());
  (void)applyOpPatternsGreedily(reshapes, std::move(patterns));
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
    Location loc = div.getLoc();
    rewriter.setInsertionPoint(div);
    int64_t tokenRank = 0;
    Value scale;
    if (auto fixed = getConstantScalar(reciprocal); fixed && *fixed > 0) {
      scale = createScalar(rewriter, loc, 0.5f / *fixed);
    } else {
      Value bound = matchReciprocal(reciprocal);
      if (!bound || !isPositiveBound(bound)) {
        div.emitRemark() << "not a bound quantizer: the bound is neither "
                            "constant nor the largest magnitude plus a "
                            "positive constant";
        continue;
      }
      bool isToken = !isSingleElement(bound);
      tokenRank = isToken ? getTokenRank(bound, input) : 0;
      if (isToken && tokenRank == 0) {
        div.emitRemark() << "not a bound quantizer: the bound is neither one "
                            "number nor one for each token";
        continue;
      }
      scale = onnx::MulOp::create(rewriter, loc, bound.getType(), bound,
                                  createScalar(rewriter, loc, 0.5f));
    }
    auto type = cast<RankedTensorType>(input.getType());
    ArrayRef<int64_t> token = type.getShape().take_back(tokenRank);
    if (tokenRank > 1) {
      input = replaceLastDimensions(rewriter, loc, input, tokenRank,
                                    llvm::product_of(token));
      scale = replaceLastDimensions(rewriter, loc, scale, tokenRank, 1);
    }
    Quantizer quantizer;
    quantizer.levels = LevelsType::get(div.getContext(), {-1, 1});
    quantizer.rounding = Rounding::step;
    quantizer.granularity =
        tokenRank > 0 ? Granularity::token : Granularity::tensor;
    quantizer.dequantizeScale = tokenRank > 0
                                    ? createTokenVector(rewriter, loc, scale)
                                    : createRankZero(rewriter, loc, scale);
    Value result = createFakeQuantize(rewriter, loc, input, quantizer);
    if (tokenRank <= 1) {
      rewriter.replaceOp(div, result);
      continue;
    }
    result = replaceLastDimensions(rewriter, loc, result, 1, token);
    rewriter.replaceOp(div, result);
    simplifyReshapesOf(result);
  }
}
