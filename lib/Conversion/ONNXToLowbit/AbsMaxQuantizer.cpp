//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Quantizers that multiply by a scale computed from the tensor and divide by it
// again, `codes(x * s) / s`: TBT's eight bits (s = 127 / max |x| of the whole
// tensor), and any s of the tensor or a token when Clip gives the range. The
// codes are those of `x * s` as written; a level stands for `level * (1 / s)`:
// (Q10).
//
//===----------------------------------------------------------------------===//

#include "Codes.h"
#include "Match.h"
#include "Recognisers.h"

using namespace mlir;
using namespace mlir::lowbit;

namespace {

/// `factor / max |input|`, written `reciprocal(maximum) * factor`; an Expand is
/// of the maximum or of the scale.
struct AbsMaxScale {
  Value maximum;
  float factor = 0;
};

std::optional<AbsMaxScale> matchAbsMaxScale(Value scale, Value input) {
  if (auto expand = scale.getDefiningOp<onnx::ExpandOp>())
    scale = expand.getInput();
  auto product = matchScalarOperand<onnx::MulOp>(scale);
  if (!product)
    return std::nullopt;
  auto reciprocal = product->first.getDefiningOp<onnx::ReciprocalOp>();
  if (!reciprocal)
    return std::nullopt;
  Value maximum = reciprocal.getX();
  if (auto expand = maximum.getDefiningOp<onnx::ExpandOp>())
    maximum = expand.getInput();
  auto reduce = maximum.getDefiningOp<onnx::ReduceMaxOp>();
  if (!reduce || !isSingleElement(maximum))
    return std::nullopt;
  auto abs = reduce.getData().getDefiningOp<onnx::AbsOp>();
  if (!abs || abs.getX() != input)
    return std::nullopt;
  return AbsMaxScale{maximum, product->second};
}

/// The other factor of a product by `scale`.
Value matchFactor(Value product, Value scale) {
  auto mul = product.getDefiningOp<onnx::MulOp>();
  if (!mul || (mul.getA() != scale && mul.getB() != scale))
    return {};
  Value other = mul.getA() == scale ? mul.getB() : mul.getA();
  return other.getType() == product.getType() ? other : Value();
}

class AbsMaxQuantizer {
public:
  AbsMaxQuantizer(onnx::DivOp op, RewriterBase &rewriter)
      : op(op), rewriter(rewriter) {}

  void recognise();

private:
  void replace(Value scaled, Value scale, int64_t first, int64_t last,
               Granularity granularity);
  void recogniseMaximum(onnx::RoundOp round);

  onnx::DivOp op;
  RewriterBase &rewriter;
};

/// Quantizes `scaled`, which is x * scale, with steps of one.
void AbsMaxQuantizer::replace(Value scaled, Value scale, int64_t first,
                              int64_t last, Granularity granularity) {
  Location loc = op.getLoc();
  Value inverse =
      onnx::ReciprocalOp::create(rewriter, loc, scale.getType(), scale);
  Quantizer quantizer;
  quantizer.levels = LevelsType::getRange(op.getContext(), first, last);
  quantizer.scale = createScalar(rewriter, loc, 1.0f);
  quantizer.dequantizeScale = granularity == Granularity::token
                                  ? createTokenVector(rewriter, loc, inverse)
                                  : createRankZero(rewriter, loc, inverse);
  Value levels =
      QuantizeOp::create(rewriter, loc, scaled, quantizer.scale, Value(),
                         Value(), quantizer.levels, quantizer.rounding)
          .getResult();
  rewriter.replaceOp(op, DequantizeOp::create(rewriter, loc, levels,
                                              quantizer.dequantizeScale,
                                              Value(), granularity));
}

/// No Clip: the scale must be that of the largest magnitude.
void AbsMaxQuantizer::recogniseMaximum(onnx::RoundOp round) {
  Value input = matchFactor(round.getX(), op.getB());
  if (!input)
    return;
  auto scale = matchAbsMaxScale(op.getB(), input);
  if (!scale || !(scale->factor >= 1 && scale->factor <= 127) ||
      scale->factor != static_cast<int64_t>(scale->factor)) {
    op.emitRemark() << "not an absolute maximum quantizer: the range of the "
                       "codes is not known";
    return;
  }
  // The scale is the same for all elements: compute it once.
  Location loc = op.getLoc();
  rewriter.setInsertionPoint(op);
  Type type = scale->maximum.getType();
  Value reciprocal =
      onnx::ReciprocalOp::create(rewriter, loc, type, scale->maximum);
  Value one = onnx::MulOp::create(rewriter, loc, type, reciprocal,
                                  createScalar(rewriter, loc, scale->factor));
  Value scaled =
      onnx::MulOp::create(rewriter, loc, input.getType(), input, one);
  auto last = static_cast<int64_t>(scale->factor);
  replace(scaled, one, -last, last, Granularity::tensor);
}

void AbsMaxQuantizer::recognise() {
  if (!getFloatTensor(op.getC()) || op.getA().getType() != op.getC().getType())
    return;
  std::string reason;
  auto codes = matchCodes(op.getA(), reason);
  if (!codes) {
    if (auto round = op.getA().getDefiningOp<onnx::RoundOp>();
        round && reason.empty())
      recogniseMaximum(round);
    return;
  }
  Value input = matchFactor(codes->input, op.getB());
  if (!input || isConstantExpression(input))
    return;
  Granularity granularity = Granularity::tensor;
  if (!isSingleElement(op.getB())) {
    if (!isTokenScale(op.getB(), input))
      return;
    granularity = Granularity::token;
  }
  rewriter.setInsertionPoint(op);
  replace(codes->input, op.getB(), codes->first, codes->last, granularity);
}

} // namespace

void lowbit::recogniseAbsMaxQuantizers(FunctionOpInterface function,
                                       RewriterBase &rewriter) {
  for (auto div : collect<onnx::DivOp>(function))
    AbsMaxQuantizer(div, rewriter).recognise();
}
