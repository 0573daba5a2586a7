//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Canonicalizations. Each holds bit for bit, for every input, NaN and both
// zeros included; where that needs a fact about a scale, the scale must be
// constant.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Constants/Constants.h"
#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/PatternMatch.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::lowbit;

namespace {

/// The most elements of a constant that is quantized here: what is larger costs
/// more as levels in the module than as work at run time.
constexpr int64_t kMaxQuantizedElements = 1 << 16;

bool isZero(Value value) {
  auto elements = getConstantElements<float>(value);
  if (!elements)
    return false;
  for (int64_t i = 0, end = elements->isSplat() ? 1 : elements->size(); i < end;
       ++i)
    if ((*elements)[i] != 0.0f)
      return false;
  return true;
}

/// Whether every scale is constant, positive, and so far from the ends of
/// float32 that its product with a level neither overflows nor underflows.
bool isPlainScale(Value scale) {
  auto elements = getConstantElements<float>(scale);
  if (!elements)
    return false;
  constexpr float kLargest = std::numeric_limits<float>::max() / 256.0f;
  for (int64_t i = 0; i < elements->size(); ++i)
    if (!((*elements)[i] >= std::numeric_limits<float>::min()) ||
        !((*elements)[i] <= kLargest))
      return false;
  return true;
}

LevelsType getLevels(Value value) {
  return cast<LevelsType>(cast<ShapedType>(value.getType()).getElementType());
}

//===----------------------------------------------------------------------===//
// lowbit.quantize
//===----------------------------------------------------------------------===//

/// quantize(dequantize(q, s), s) -> q. The quotient of the rounded product
/// `q * s` and `s` is within a relative 2^-23 of the level q, so it rounds to
/// q. A sign needs no quotient: the scale is positive and the levels are -1,
/// 0, 1.
struct LevelsOfDequantize : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    auto source = op.getInput().getDefiningOp<DequantizeOp>();
    if (!source || op.getShift() || op.getOffset() || source.getOffset())
      return rewriter.notifyMatchFailure(
          op, "not a dequantize without shift and offset");
    if (source.getInput().getType() != op.getResult().getType())
      return rewriter.notifyMatchFailure(op, "the levels differ");
    if (!isPlainScale(source.getScale()))
      return rewriter.notifyMatchFailure(op, "no constant, positive scale");
    switch (op.getRounding()) {
    case Rounding::half_even:
      if (source.getScale() != op.getScale() ||
          source.getGranularity() != op.getGranularity())
        return rewriter.notifyMatchFailure(op, "the scales differ");
      break;
    case Rounding::step:
    case Rounding::sign:
      // The levels of the result are those of a sign, hence of the source.
      break;
    }
    rewriter.replaceOp(op, source.getInput());
    return success();
  }
};

/// A shift of zeros and an offset of zero change at most the sign of a zero,
/// and no rounding looks at that.
struct QuantizeWithoutZeros : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    bool shift = op.getShift() && isZero(op.getShift());
    bool offset = op.getOffset() && isZero(op.getOffset());
    if (!shift && !offset)
      return rewriter.notifyMatchFailure(op, "no zeros to drop");
    rewriter.modifyOpInPlace(op, [&] {
      if (shift)
        op.getShiftMutable().clear();
      if (offset)
        op.getOffsetMutable().clear();
    });
    return success();
  }
};

/// The quantizer of a small constant is computed here.
struct ConstantOfQuantize : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  static int64_t quantize(float x, Rounding rounding, float scale, float offset,
                          LevelsType levels) {
    switch (rounding) {
    case Rounding::sign:
      return x > 0.0f ? 1 : x < 0.0f ? -1 : 0;
    case Rounding::step:
      return x >= 0.0f ? 1 : -1;
    case Rounding::half_even: {
      float rounded = std::nearbyint((x - offset) / scale);
      return std::fmin(std::fmax(rounded, levels.getFirst()), levels.getLast());
    }
    }
    llvm_unreachable("unknown rounding");
  }

  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getResult().getType());
    if (!type.hasStaticShape() ||
        type.getNumElements() > kMaxQuantizedElements || op.getShift() ||
        op.getGranularity() != Granularity::tensor)
      return rewriter.notifyMatchFailure(op, "not a small, simple quantizer");
    auto input = getConstantElements<float>(op.getInput());
    if (!input)
      return rewriter.notifyMatchFailure(op, "the input is not constant");
    auto getScalar = [](Value value, float fallback) -> std::optional<float> {
      if (!value)
        return fallback;
      auto elements = getConstantElements<float>(value);
      return elements ? std::optional<float>((*elements)[0]) : std::nullopt;
    };
    std::optional<float> scale = getScalar(op.getScale(), 1.0f);
    std::optional<float> offset = getScalar(op.getOffset(), 0.0f);
    if (!scale || !offset)
      return rewriter.notifyMatchFailure(op, "scale or offset not constant");

    LevelsType levels = getLevels(op.getResult());
    std::vector<int8_t> values(input->size());
    for (int64_t i = 0; i < input->size(); ++i) {
      float x = (*input)[i];
      if (std::isnan((x - *offset) / *scale))
        return rewriter.notifyMatchFailure(op, "not a number");
      int64_t level = quantize(x, op.getRounding(), *scale, *offset, levels);
      if (!levels.contains(level))
        return rewriter.notifyMatchFailure(op, "a zero without a level");
      values[i] = static_cast<int8_t>(level);
    }
    auto valueType = type.clone(rewriter.getIntegerType(8));
    rewriter.replaceOpWithNewOp<ConstantOp>(
        op, type, makeConstant<int8_t>(valueType, std::move(values)));
    return success();
  }
};

//===----------------------------------------------------------------------===//
// lowbit.dequantize, lowbit.level_sum
//===----------------------------------------------------------------------===//

/// The sum with +0 differs from its first term for -0 only, and with a positive
/// scale the product is never -0.
struct DequantizeWithoutZero : OpRewritePattern<DequantizeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DequantizeOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getOffset() || !isZero(op.getOffset()) ||
        !isPlainScale(op.getScale()))
      return rewriter.notifyMatchFailure(op, "no zero to drop");
    rewriter.modifyOpInPlace(op, [&] { op.getOffsetMutable().clear(); });
    return success();
  }
};

struct SumOfConstant : OpRewritePattern<LevelSumOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(LevelSumOp op,
                                PatternRewriter &rewriter) const override {
    auto constant = op.getInput().getDefiningOp<ConstantOp>();
    if (!constant)
      return rewriter.notifyMatchFailure(op, "the input is not constant");
    auto stored = getConstantElements<int8_t>(constant.getValue());
    auto type = dyn_cast<RankedTensorType>(op.getResult().getType());
    if (!stored || !type || !type.hasStaticShape())
      return rewriter.notifyMatchFailure(op, "no elements to sum");

    LevelsType levels = getLevels(op.getInput());
    ArrayRef<int64_t> shape =
        cast<ShapedType>(op.getInput().getType()).getShape();
    int64_t size = shape[op.getAxis()];
    int64_t inner =
        ShapedType::getNumElements(shape.drop_front(op.getAxis() + 1));
    std::vector<int32_t> sums(type.getNumElements(), 0);
    for (int64_t i = 0, count = sums.size(); i < count; ++i)
      for (int64_t k = 0; k < size; ++k)
        sums[i] += levels.decode(
            (*stored)[(i / inner * size + k) * inner + i % inner]);
    ElementsAttr value = makeConstant<int32_t>(type, std::move(sums));
    rewriter.replaceOpWithNewOp<arith::ConstantOp>(op, cast<TypedAttr>(value));
    return success();
  }
};

//===----------------------------------------------------------------------===//
// lowbit.pack, lowbit.unpack
//===----------------------------------------------------------------------===//

struct InputOfPack : OpRewritePattern<UnpackOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(UnpackOp op,
                                PatternRewriter &rewriter) const override {
    auto source = op.getInput().getDefiningOp<PackOp>();
    if (!source || source.getTranspose() ||
        source.getPacking() != op.getPacking() ||
        source.getInput().getType() != op.getResult().getType())
      return rewriter.notifyMatchFailure(op, "not an equal pack");
    rewriter.replaceOp(op, source.getInput());
    return success();
  }
};

struct InputOfUnpack : OpRewritePattern<PackOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(PackOp op,
                                PatternRewriter &rewriter) const override {
    auto source = op.getInput().getDefiningOp<UnpackOp>();
    if (!source || op.getTranspose() ||
        source.getPacking() != op.getPacking() ||
        source.getInput().getType() != op.getResult().getType())
      return rewriter.notifyMatchFailure(op, "not an equal unpack");
    rewriter.replaceOp(op, source.getInput());
    return success();
  }
};

} // namespace

void QuantizeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                             MLIRContext *context) {
  patterns.add<LevelsOfDequantize, QuantizeWithoutZeros, ConstantOfQuantize>(
      context);
}

void DequantizeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                               MLIRContext *context) {
  patterns.add<DequantizeWithoutZero>(context);
}

void LevelSumOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                             MLIRContext *context) {
  patterns.add<SumOfConstant>(context);
}

void PackOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                         MLIRContext *context) {
  patterns.add<InputOfUnpack>(context);
}

void UnpackOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                           MLIRContext *context) {
  patterns.add<InputOfPack>(context);
}
