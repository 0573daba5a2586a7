//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The activation quantizer with a learned (elastic) scale,
// `scale * clip(round(x / scale), first, last)`: signed and unsigned, any range
// of up to 256 levels: (Q5) and (Q6).
//
//===----------------------------------------------------------------------===//

#include "Codes.h"
#include "Match.h"
#include "Recognisers.h"

using namespace mlir;
using namespace mlir::lowbit;

/// Codes that a product reads as they are: exporters drop `* 1.0` and `/ 1.0`,
/// and optimizers scale the product instead.
static void recogniseUnscaled(Operation *op, RewriterBase &rewriter) {
  std::string reason;
  Value value = op->getResult(0);
  std::optional<Codes> codes;
  if (value.use_empty() || !feedsMatmul(value) || isConstantExpression(value) ||
      !(codes = matchCodes(value, reason)))
    return;
  Value input = codes->input;
  float scale = 1.0f;
  if (auto quotient = matchScalarDivisor(input))
    std::tie(input, scale) = *quotient;
  rewriter.setInsertionPoint(op);
  Quantizer quantizer;
  quantizer.levels =
      LevelsType::getRange(op->getContext(), codes->first, codes->last);
  quantizer.scale = createScalar(rewriter, op->getLoc(), scale);
  quantizer.dequantizeScale = createScalar(rewriter, op->getLoc(), 1.0f);
  rewriter.replaceOp(
      op, createFakeQuantize(rewriter, op->getLoc(), input, quantizer));
}

void lowbit::recogniseElasticQuantizers(FunctionOpInterface function,
                                        RewriterBase &rewriter) {
  for (auto mul : collect<onnx::MulOp>(function)) {
    if (mul->use_empty())
      continue;
    std::string reason;
    auto scaled = matchScaledCodes(mul.getC(), reason);
    if (!scaled) {
      if (!reason.empty())
        mul.emitRemark() << "not an elastic quantizer: " << reason;
      continue;
    }
    if (isConstantExpression(scaled->numerator))
      continue;
    rewriter.setInsertionPoint(mul);
    Quantizer quantizer;
    quantizer.levels = LevelsType::getRange(
        mul.getContext(), scaled->codes.first, scaled->codes.last);
    quantizer.scale = createScalar(rewriter, mul.getLoc(), scaled->scale);
    quantizer.dequantizeScale = quantizer.scale;
    rewriter.replaceOp(mul, createFakeQuantize(rewriter, mul.getLoc(),
                                               scaled->numerator, quantizer));
  }
  SmallVector<Operation *> lasts;
  function->walk([&](Operation *op) {
    if (isa<onnx::ClipOp, onnx::MaxOp, onnx::MinOp, onnx::RoundOp>(op))
      lasts.push_back(op);
  });
  for (Operation *last : lasts)
    recogniseUnscaled(last, rewriter);
}
