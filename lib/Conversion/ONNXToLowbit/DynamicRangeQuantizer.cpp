//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The activation quantizer with a minimum,
// `scale * clip(round((x - min) / scale), first, last) + min`: the minimum is
// the least element of the whole tensor, or whatever scalar the model subtracts
// and adds again (a constant when an exporter has baked it in): (Q7) and (Q8).
//
//===----------------------------------------------------------------------===//

#include "Codes.h"
#include "Match.h"
#include "Recognisers.h"

using namespace mlir;
using namespace mlir::lowbit;

/// Whether two scalars are the same value or equal constants.
static bool isSameScalar(Value a, Value b) {
  if (a == b)
    return true;
  auto x = getConstantScalar(a), y = getConstantScalar(b);
  return x && y && *x == *y;
}

void lowbit::recogniseDynamicRangeQuantizers(FunctionOpInterface function,
                                             RewriterBase &rewriter) {
  for (auto add : collect<onnx::AddOp>(function))
    for (auto [product, minimum] : {std::pair(add.getA(), add.getB()),
                                    std::pair(add.getB(), add.getA())}) {
      if (!isSingleElement(minimum) || !getFloatTensor(minimum) ||
          product.getType() != add.getC().getType())
        continue;
      // A near miss is told by the elastic recogniser, which comes next.
      std::string reason;
      auto scaled = matchScaledCodes(product, reason);
      if (!scaled)
        continue;
      // Where a baked minimum is 0, only its subtraction disappears.
      if (getConstantScalar(minimum) == 0.0f) {
        rewriter.replaceOp(add, product);
        break;
      }
      auto difference = scaled->numerator.getDefiningOp<onnx::SubOp>();
      if (!difference ||
          difference.getA().getType() != difference.getC().getType() ||
          !isSingleElement(difference.getB()))
        continue;
      if (!isSameScalar(difference.getB(), minimum)) {
        add.emitRemark() << "not a quantizer with a minimum: what is added is "
                            "not what was subtracted";
        continue;
      }
      rewriter.setInsertionPoint(add);
      Quantizer quantizer;
      quantizer.levels = LevelsType::getRange(
          add.getContext(), scaled->codes.first, scaled->codes.last);
      quantizer.scale = createScalar(rewriter, add.getLoc(), scaled->scale);
      quantizer.dequantizeScale = quantizer.scale;
      quantizer.offset = createRankZero(rewriter, add.getLoc(), minimum);
      rewriter.replaceOp(add, createFakeQuantize(rewriter, add.getLoc(),
                                                 difference.getA(), quantizer));
      break;
    }
}
