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
}
