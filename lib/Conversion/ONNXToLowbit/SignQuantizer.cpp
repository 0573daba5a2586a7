//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The activation quantizer `scale * sign(x)`, one-bit signed: (Q4) of
// docs/Quantizers.md. Sign is often shared by several products with their own
// scales. Zero is a level.
//
//===----------------------------------------------------------------------===//

#include "Match.h"
#include "Recognisers.h"

using namespace mlir;
using namespace mlir::lowbit;

static void replaceSign(Operation *op, onnx::SignOp sign, float scale,
                        RewriterBase &rewriter) {
  rewriter.setInsertionPoint(op);
  Quantizer quantizer;
  quantizer.levels = LevelsType::getRange(op->getContext(), -1, 1);
  quantizer.rounding = Rounding::sign;
  quantizer.dequantizeScale = createScalar(rewriter, op->getLoc(), scale);
  rewriter.replaceOp(
      op, createFakeQuantize(rewriter, op->getLoc(), sign.getX(), quantizer));
}

void lowbit::recogniseSignQuantizers(FunctionOpInterface function,
                                     RewriterBase &rewriter) {
  for (auto mul : collect<onnx::MulOp>(function)) {
    auto product = matchScalarOperand<onnx::MulOp>(mul.getC());
    if (!product || !getFloatTensor(mul.getC()))
      continue;
    auto sign = product->first.getDefiningOp<onnx::SignOp>();
    if (sign && !isConstantExpression(sign.getX()))
      replaceSign(mul, sign, product->second, rewriter);
  }
  // Exporters drop `* 1.0`, and optimizers scale the product instead.
  for (auto sign : collect<onnx::SignOp>(function)) {
    if (sign->use_empty())
      rewriter.eraseOp(sign);
    else if (getFloatTensor(sign.getY()) && feedsMatmul(sign.getY()) &&
             !isConstantExpression(sign.getX()))
      replaceSign(sign, sign, 1.0f, rewriter);
  }
}
