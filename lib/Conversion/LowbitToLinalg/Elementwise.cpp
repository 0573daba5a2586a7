//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Definitions of constant, quantize, dequantize and threshold.
//
//===----------------------------------------------------------------------===//

#include "Definitions.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::lowbit;
using namespace mlir::lowbit::definitions;

namespace {

/// The stored levels as they are.
struct ConstantOfBytes : OpConversionPattern<ConstantOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(ConstantOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto value = dyn_cast<TypedAttr>(op.getValue());
    if (!value)
      return rewriter.notifyMatchFailure(op, "the value has no type");
    rewriter.replaceOpWithNewOp<arith::ConstantOp>(op, value);
    return success();
  }
};

/// The body of a quantizer: from the shifted number to the stored level.
class LevelOfNumber {
public:
  LevelOfNumber(OpBuilder &builder, Location loc, LevelsType levels)
      : b(builder), loc(loc), levels(levels) {}

  Value sign(Value x) {
    Value negative = select(arith::CmpFPredicate::OLT, x, stored(-1),
                            stored(levels.contains(0) ? 0 : -1));
    return select(arith::CmpFPredicate::OGT, x, stored(1), negative);
  }

  Value step(Value x) {
    return select(arith::CmpFPredicate::OGE, x, stored(1), stored(-1));
  }

  /// NaN becomes the first level.
  Value halfEven(Value x, Value scale, Value offset) {
    if (offset)
      x = arith::SubFOp::create(b, loc, x, offset);
    x = arith::DivFOp::create(b, loc, x, scale);
    x = math::RoundEvenOp::create(b, loc, x);
    x = arith::MaxNumFOp::create(b, loc, x, number(levels.getFirst()));
    x = arith::MinNumFOp::create(b, loc, x, number(levels.getLast()));
    Value level = arith::FPToSIOp::create(b, loc, b.getI32Type(), x);
    return arith::TruncIOp::create(b, loc, b.getI8Type(), level);
  }

private:
  Value number(double value) {
    return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(value));
  }
  Value stored(int64_t level) {
    return arith::ConstantOp::create(b, loc, b.getI8IntegerAttr(level));
  }
  Value select(arith::CmpFPredicate predicate, Value x, Value yes, Value no) {
    Value holds = arith::CmpFOp::create(b, loc, predicate, x, number(0));
    return arith::SelectOp::create(b, loc, holds, yes, no);
  }

  OpBuilder &b;
  Location loc;
  LevelsType levels;
};

struct GenericOfQuantize : OpConversionPattern<QuantizeOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(QuantizeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isa<RankedTensorType>(op.getInput().getType()))
      return rewriter.notifyMatchFailure(op, "not on tensors");
    MLIRContext *context = op.getContext();
    int64_t rank = getRank(op.getInput());
    SmallVector<Value> inputs = {adaptor.getInput()};
    SmallVector<AffineMap> maps = {rewriter.getMultiDimIdentityMap(rank)};
    // An operand that is there is the next input.
    auto add = [&](Value operand, AffineMap map) {
      inputs.push_back(operand);
      maps.push_back(map);
    };
    if (op.getScale())
      add(adaptor.getScale(), getScaleMap(context, op.getGranularity(), rank));
    if (op.getShift())
      add(adaptor.getShift(), getMap(context, rank, {rank - 1}));
    if (op.getOffset())
      add(adaptor.getOffset(), getMap(context, rank, {}));

    LevelsType levels = getLevels(op.getInit());
    auto body = [&](OpBuilder &b, Location loc, ValueRange elements) -> Value {
      unsigned next = 1;
      Value x = elements[0];
      Value scale = op.getScale() ? elements[next++] : Value();
      if (op.getShift())
        x = arith::AddFOp::create(b, loc, x, elements[next++]);
      Value offset = op.getOffset() ? elements[next] : Value();
      LevelOfNumber level(b, loc, levels);
      switch (op.getRounding()) {
      case Rounding::sign:
        return level.sign(x);
      case Rounding::step:
        return level.step(x);
      case Rounding::half_even:
        return level.halfEven(x, scale, offset);
      }
      llvm_unreachable("unknown rounding");
    };
    rewriter.replaceOp(op, createElementwise(rewriter, op.getLoc(), inputs,
                                             maps, adaptor.getInit(), body));
    return success();
  }
};

struct GenericOfDequantize : OpConversionPattern<DequantizeOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(DequantizeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isa<RankedTensorType>(op.getInit().getType()))
      return rewriter.notifyMatchFailure(op, "not on tensors");
    MLIRContext *context = op.getContext();
    int64_t rank = getRank(op.getInput());
    SmallVector<Value> inputs = {adaptor.getInput(), adaptor.getScale()};
    SmallVector<AffineMap> maps = {
        rewriter.getMultiDimIdentityMap(rank),
        getScaleMap(context, op.getGranularity(), rank)};
    if (op.getOffset()) {
      inputs.push_back(adaptor.getOffset());
      maps.push_back(getMap(context, rank, {}));
    }
    LevelsType levels = getLevels(op.getInput());
    auto body = [&](OpBuilder &b, Location loc, ValueRange elements) -> Value {
      Value level = getLevelAsFloat(b, loc, elements[0], levels);
      Value y = arith::MulFOp::create(b, loc, level, elements[1]);
      return op.getOffset() ? arith::AddFOp::create(b, loc, y, elements[2]) : y;
    };
    rewriter.replaceOp(op, createElementwise(rewriter, op.getLoc(), inputs,
                                             maps, adaptor.getInit(), body));
    return success();
  }
};

/// Starts at the first level and climbs one step for each threshold reached.
struct GenericOfThreshold : OpConversionPattern<ThresholdOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(ThresholdOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isa<RankedTensorType>(op.getInput().getType()))
      return rewriter.notifyMatchFailure(op, "not on tensors");
    MLIRContext *context = op.getContext();
    int64_t rank = getRank(op.getInput()), loops = rank + 1;
    AffineMap element = getMapOfFirst(context, loops, rank);
    AffineMap threshold = getMap(context, loops, {rank - 1, rank});
    LevelsType levels = getLevels(op.getInit());
    auto body = [&](OpBuilder &b, Location loc, ValueRange elements) -> Value {
      Value reached = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge,
                                            elements[0], elements[1]);
      Value step = arith::ConstantOp::create(
          b, loc, b.getI8IntegerAttr(static_cast<int8_t>(levels.getStep())));
      Value above = arith::AddIOp::create(b, loc, elements[2], step);
      return arith::SelectOp::create(b, loc, reached, above, elements[2]);
    };
    rewriter.replaceOp(
        op, createReduction(rewriter, op.getLoc(),
                            {adaptor.getInput(), adaptor.getThresholds()},
                            {element, threshold}, adaptor.getInit(), element,
                            /*reduced=*/1,
                            rewriter.getI8IntegerAttr(
                                static_cast<int8_t>(levels.getFirst())),
                            body));
    return success();
  }
};

} // namespace

void definitions::populateElementwise(const TypeConverter &converter,
                                      RewritePatternSet &patterns) {
  patterns.add<ConstantOfBytes, GenericOfQuantize, GenericOfDequantize,
               GenericOfThreshold>(converter, patterns.getContext());
}
