//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The activation quantizer `x >= 0 ? scale : -scale`, written with Where: (Q9).
// The scale is a constant, or a value that is negated in the graph and belongs
// to a tensor or a token.
//
//===----------------------------------------------------------------------===//

#include "Match.h"
#include "Recognisers.h"

using namespace mlir;
using namespace mlir::lowbit;

namespace {

/// `condition` as a comparison of a tensor with a constant.
struct Comparison {
  Value input;
  float bound = 0;
  /// Whether it holds from the bound on (`>=`), else below it (`<`).
  bool above = false;
  /// Whether the bound itself is on the side that makes a step (`>=`, `<`).
  bool step = false;
};

std::optional<Comparison> matchComparison(Value condition) {
  Operation *op = condition.getDefiningOp();
  if (!op || !isa<onnx::GreaterOrEqualOp, onnx::GreaterOp, onnx::LessOp,
                  onnx::LessOrEqualOp>(op))
    return std::nullopt;
  std::optional<float> bound = getConstantScalar(op->getOperand(1));
  if (!bound)
    return std::nullopt;
  return Comparison{op->getOperand(0), *bound,
                    isa<onnx::GreaterOrEqualOp, onnx::GreaterOp>(op),
                    isa<onnx::GreaterOrEqualOp, onnx::LessOp>(op)};
}

/// Whether `negative` is `-positive`, as constants or by an operator.
bool isNegation(Value positive, Value negative) {
  if (auto neg = negative.getDefiningOp<onnx::NegOp>();
      neg && neg.getX() == positive)
    return true;
  auto a = getConstantScalar(positive), b = getConstantScalar(negative);
  return a && b && *a == -*b;
}

} // namespace

void lowbit::recogniseStepQuantizers(FunctionOpInterface function,
                                     RewriterBase &rewriter) {
  for (auto where : collect<onnx::WhereOp>(function)) {
    auto comparison = matchComparison(where.getCondition());
    if (!comparison || !getFloatTensor(where.getOutput()) ||
        comparison->input.getType() != where.getOutput().getType() ||
        isConstantExpression(comparison->input))
      continue;
    Value positive = comparison->above ? where.getX() : where.getY();
    Value negative = comparison->above ? where.getY() : where.getX();
    if (!isNegation(positive, negative))
      continue;
    if (!comparison->step || comparison->bound != 0) {
      where.emitRemark()
          << "not a step quantizer: the comparison is not x >= 0";
      continue;
    }
    Quantizer quantizer;
    rewriter.setInsertionPoint(where);
    if (isSingleElement(positive)) {
      quantizer.dequantizeScale =
          createRankZero(rewriter, where.getLoc(), positive);
    } else if (isTokenScale(positive, comparison->input)) {
      quantizer.granularity = Granularity::token;
      quantizer.dequantizeScale =
          createTokenVector(rewriter, where.getLoc(), positive);
    } else {
      where.emitRemark() << "not a step quantizer: the scale is neither one "
                            "number nor one for each token";
      continue;
    }
    quantizer.levels = LevelsType::get(where.getContext(), {-1, 1});
    quantizer.rounding = Rounding::step;
    rewriter.replaceOp(where, createFakeQuantize(rewriter, where.getLoc(),
                                                 comparison->input, quantizer));
  }
}
