//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The erf form of GELU, taken apart: the product, in any order, of x, one half
// and `1 + erf(x / sqrt(2))` becomes the operator Gelu. Halving is exact, so
// that the order does not matter.
//
//===----------------------------------------------------------------------===//

#include "Match.h"
#include "Recognisers.h"
#include <cmath>

using namespace mlir;
using namespace mlir::lowbit;

/// x of `1 + erf(x / sqrt(2))`.
static Value matchOnePlusErf(Value value) {
  auto sum = matchScalarOperand<onnx::AddOp>(value);
  if (!sum || sum->second != 1.0f)
    return {};
  auto erf = sum->first.getDefiningOp<onnx::ErfOp>();
  if (!erf)
    return {};
  auto isClose = [](float value, double to) {
    return std::fabs(value - to) < 1e-6;
  };
  if (auto div = erf.getX().getDefiningOp<onnx::DivOp>()) {
    auto divisor = getConstantScalar(div.getB());
    return divisor && isClose(*divisor, std::sqrt(2.0)) ? Value(div.getA())
                                                        : Value();
  }
  auto product = matchScalarOperand<onnx::MulOp>(erf.getX());
  return product && isClose(product->second, std::sqrt(0.5)) ? product->first
                                                             : Value();
}

/// The factors of a product of products that are used nowhere else.
static void collectFactors(Value value, bool isRoot,
                           SmallVectorImpl<Value> &factors) {
  auto mul = value.getDefiningOp<onnx::MulOp>();
  if (!mul || factors.size() > 3 || (!isRoot && !value.hasOneUse())) {
    factors.push_back(value);
    return;
  }
  collectFactors(mul.getA(), false, factors);
  collectFactors(mul.getB(), false, factors);
}

/// The input of the GELU whose last product is `root`.
static Value matchGelu(onnx::MulOp root) {
  SmallVector<Value> factors;
  collectFactors(root.getC(), true, factors);
  if (factors.size() != 3)
    return {};
  Value input;
  for (Value factor : factors)
    if (Value x = matchOnePlusErf(factor))
      input = x;
  if (!input || input.getType() != root.getC().getType())
    return {};
  int xs = llvm::count(factors, input);
  int halves = llvm::count_if(
      factors, [](Value factor) { return getConstantScalar(factor) == 0.5f; });
  return xs == 1 && halves == 1 ? input : Value();
}

void lowbit::recogniseGelus(FunctionOpInterface function,
                            RewriterBase &rewriter) {
  for (auto mul : collect<onnx::MulOp>(function)) {
    if (!getFloatTensor(mul.getC()))
      continue;
    Value input = matchGelu(mul);
    if (!input)
      continue;
    rewriter.setInsertionPoint(mul);
    rewriter.replaceOpWithNewOp<onnx::GeluOp>(mul, mul.getC().getType(), input,
                                              rewriter.getStringAttr("none"));
  }
}
