//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See the header.
//
//===----------------------------------------------------------------------===//

#include "Codes.h"

#include "Match.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace mlir;
using namespace mlir::lowbit;

/// `min(max(x, low), high)` as Clip, as one Clip for each bound, or as Min and
/// Max.
static std::optional<Value> matchClip(Value value, std::optional<float> &low,
                                      std::optional<float> &high) {
  if (auto clip = value.getDefiningOp<onnx::ClipOp>()) {
    Value min = clip.getMin(), max = clip.getMax();
    Value input = clip.getInput();
    if (auto inner = input.getDefiningOp<onnx::ClipOp>();
        inner && !min != !max && !inner.getMin() == !max &&
        !inner.getMax() == !min) {
      min = min ? min : Value(inner.getMin());
      max = max ? max : Value(inner.getMax());
      input = inner.getInput();
    }
    if (min)
      low = getConstantScalar(min);
    if (max)
      high = getConstantScalar(max);
    return input;
  }
  if (auto outer = matchScalarOperand<onnx::MinOp>(value))
    if (auto inner = matchScalarOperand<onnx::MaxOp>(outer->first)) {
      high = outer->second;
      low = inner->second;
      return inner->first;
    }
  if (auto outer = matchScalarOperand<onnx::MaxOp>(value))
    if (auto inner = matchScalarOperand<onnx::MinOp>(outer->first)) {
      low = outer->second;
      high = inner->second;
      return inner->first;
    }
  return std::nullopt;
}

std::optional<Codes> lowbit::matchCodes(Value value, std::string &reason) {
  Codes codes;
  std::optional<float> low, high;
  if (auto round = value.getDefiningOp<onnx::RoundOp>()) {
    std::optional<Value> input = matchClip(round.getX(), low, high);
    if (!input)
      return std::nullopt;
    codes.input = *input;
  } else {
    std::optional<Value> input = matchClip(value, low, high);
    if (!input)
      return std::nullopt;
    auto rounded = input->getDefiningOp<onnx::RoundOp>();
    if (!rounded)
      return std::nullopt;
    codes.input = rounded.getX();
  }
  if (codes.input.getType() != value.getType() || !getFloatTensor(value))
    return std::nullopt;
  llvm::raw_string_ostream out(reason);
  if (!low || !high) {
    out << "the bounds of Clip are not two constants";
    return std::nullopt;
  }
  if (std::nearbyint(*low) != *low || std::nearbyint(*high) != *high ||
      *low >= *high) {
    out << "the bounds of Clip, " << *low << " and " << *high
        << ", are not ascending whole numbers";
    return std::nullopt;
  }
  if (double(*high) - *low >= LevelsType::kMaxLevels ||
      std::fabs(*low) > LevelsType::kMaxLevels) {
    out << "there are more than " << LevelsType::kMaxLevels << " levels";
    return std::nullopt;
  }
  codes.first = static_cast<int64_t>(*low);
  codes.last = static_cast<int64_t>(*high);
  return codes;
}

std::optional<ScaledCodes> lowbit::matchScaledCodes(Value value,
                                                    std::string &reason) {
  auto product = matchScalarOperand<onnx::MulOp>(value);
  if (!product)
    return std::nullopt;
  auto codes = matchCodes(product->first, reason);
  if (!codes)
    return std::nullopt;
  llvm::raw_string_ostream out(reason);
  auto quotient = codes->input.getDefiningOp<onnx::DivOp>();
  if (!quotient || quotient.getA().getType() != value.getType()) {
    out << "what is rounded is not a quotient";
    return std::nullopt;
  }
  std::optional<float> divisor = getConstantScalar(quotient.getB());
  if (!divisor) {
    out << "the divisor is not a constant number";
    return std::nullopt;
  }
  if (*divisor != product->second) {
    out << "divides by " << *divisor << " but multiplies by "
        << product->second;
    return std::nullopt;
  }
  return ScaledCodes{*codes, quotient.getA(), *divisor};
}
