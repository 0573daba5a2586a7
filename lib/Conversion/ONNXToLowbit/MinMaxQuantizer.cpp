//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// TBT's asymmetric eight bits, with `range = max - min + epsilon` of the whole
// tensor: `round((x - min) / range * 255) / 255 * range + min`. The codes are
// those of the formula as written; a level stands for `level * (range / 255) +
// min`: (Q11).
//
//===----------------------------------------------------------------------===//

#include "Match.h"
#include "Recognisers.h"

using namespace mlir;
using namespace mlir::lowbit;

namespace {

struct MinMaxQuantizer {
  /// What is rounded.
  Value scaled;
  Value range;
  Value minimum;
  float last = 0;
};

/// `op` applied to `a` and a value of one element, which is returned.
template <typename OpTy> std::pair<Value, Value> matchWithSingle(Value value) {
  auto op = value.getDefiningOp<OpTy>();
  if (!op)
    return {};
  if (isSingleElement(op.getB()) && op.getA().getType() == value.getType())
    return {op.getA(), op.getB()};
  if (isa<onnx::DivOp, onnx::SubOp>(op.getOperation()))
    return {};
  if (isSingleElement(op.getA()) && op.getB().getType() == value.getType())
    return {op.getB(), op.getA()};
  return {};
}

template <typename OpTy> bool isWholeReduction(Value value, Value input) {
  auto op = value.getDefiningOp<OpTy>();
  return op && op.getData() == input && isSingleElement(value);
}

std::optional<MinMaxQuantizer> match(onnx::AddOp add) {
  MinMaxQuantizer result;
  Value product, quotient, difference;
  std::tie(product, result.minimum) = matchWithSingle<onnx::AddOp>(add.getC());
  if (!product)
    return std::nullopt;
  std::tie(quotient, result.range) = matchWithSingle<onnx::MulOp>(product);
  if (!quotient)
    return std::nullopt;
  auto divided = quotient.getDefiningOp<onnx::DivOp>();
  auto last = divided ? getConstantScalar(divided.getB()) : std::nullopt;
  auto round =
      divided ? divided.getA().getDefiningOp<onnx::RoundOp>() : onnx::RoundOp();
  if (!last || !round)
    return std::nullopt;
  result.scaled = round.getX();
  result.last = *last;
  auto steps = matchScalarOperand<onnx::MulOp>(round.getX());
  if (!steps || steps->second != *last)
    return std::nullopt;
  Value range, minimum;
  std::tie(difference, range) = matchWithSingle<onnx::DivOp>(steps->first);
  if (!difference || range != result.range)
    return std::nullopt;
  Value input;
  std::tie(input, minimum) = matchWithSingle<onnx::SubOp>(difference);
  if (!input || minimum != result.minimum ||
      !isWholeReduction<onnx::ReduceMinOp>(minimum, input))
    return std::nullopt;
  // onnxscript's optimizer takes a small epsilon for zero.
  auto sum = matchScalarOperand<onnx::AddOp>(range);
  auto width = (sum ? sum->first : range).getDefiningOp<onnx::SubOp>();
  if (!width || (sum && !(sum->second >= 0)) || width.getB() != minimum ||
      !isWholeReduction<onnx::ReduceMaxOp>(width.getA(), input))
    return std::nullopt;
  return result;
}

} // namespace

void lowbit::recogniseMinMaxQuantizers(FunctionOpInterface function,
                                       RewriterBase &rewriter) {
  for (auto add : collect<onnx::AddOp>(function)) {
    auto found = match(add);
    if (!found)
      continue;
    if (!(found->last >= 1 && found->last <= 255) ||
        found->last != static_cast<int64_t>(found->last)) {
      add.emitRemark() << "not a minimum and maximum quantizer: " << found->last
                       << " is not a whole number from 1 to 255";
      continue;
    }
    Location loc = add.getLoc();
    rewriter.setInsertionPoint(add);
    Value step =
        onnx::DivOp::create(rewriter, loc, found->range.getType(), found->range,
                            createScalar(rewriter, loc, found->last));
    auto levels = LevelsType::getRange(add.getContext(), 0,
                                       static_cast<int64_t>(found->last));
    Value codes = QuantizeOp::create(rewriter, loc, found->scaled,
                                     createScalar(rewriter, loc, 1.0f), Value(),
                                     Value(), levels, Rounding::half_even)
                      .getResult();
    rewriter.replaceOp(add, DequantizeOp::create(
                                rewriter, loc, codes,
                                createRankZero(rewriter, loc, step),
                                createRankZero(rewriter, loc, found->minimum)));
  }
}
