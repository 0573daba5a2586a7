//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See QuantizerPlanes.h.
//
//===----------------------------------------------------------------------===//

#include "QuantizerPlanes.h"
#include "lowbit/Constants/Constants.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/bit.h"
#include <cmath>

using namespace mlir;
using namespace mlir::lowbit;

/// Up to so many levels the steps of a code are compared one by one.
static constexpr int64_t kMostComparedLevels = 4;

/// The least number whose quotient with a positive scale rounds to `level` or
/// more, half to even.
static float findStep(float scale, int64_t level) {
  // Bits of floats as integers that ascend with the numbers.
  auto toFloat = [](int32_t ordered) {
    int32_t bits = ordered >= 0 ? ordered : INT32_MIN - ordered;
    return llvm::bit_cast<float>(bits);
  };
  constexpr int32_t kInfinity = 0x7f800000;
  int64_t below = -int64_t(kInfinity) - 1, at = kInfinity;
  while (below + 1 < at) {
    int64_t middle = below + (at - below) / 2;
    bool reaches = std::nearbyint(toFloat(middle) / scale) >= level;
    (reaches ? at : below) = middle;
  }
  return toFloat(at);
}

/// Planes from comparisons with the steps of the code, without a division.
static SmallVector<Value> createSteps(OpBuilder &b, Location loc, Value x,
                                      float scale, LevelsType levels) {
  SmallVector<Value> reached;
  for (int64_t level = levels.getFirst() + 1; level <= levels.getLast();
       ++level)
    reached.push_back(arith::CmpFOp::create(
        b, loc, arith::CmpFPredicate::OGE, x,
        arith::ConstantOp::create(b, loc,
                                  b.getF32FloatAttr(findStep(scale, level)))));
  if (reached.size() == 1)
    return reached;
  // Codes from 2 on have reached the second step, odd ones an odd number.
  Value odd = reached[0];
  for (Value other : ArrayRef(reached).drop_front())
    odd = arith::XOrIOp::create(b, loc, odd, other);
  return {odd, reached[1]};
}

/// The planes of the code of `x`, or the code where no plane is at hand: what
/// `lowbit.quantize_pack` does with one element.
static SmallVector<Value> createCode(OpBuilder &b, Location loc, Value x,
                                     Value scale, Value shift, Value offset,
                                     Rounding rounding, LevelsType levels,
                                     std::optional<double> knownScale) {
  auto number = [&](double value) -> Value {
    return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(value));
  };
  auto compare = [&](arith::CmpFPredicate predicate, double value) -> Value {
    return arith::CmpFOp::create(b, loc, predicate, x, number(value));
  };
  if (shift)
    x = arith::AddFOp::create(b, loc, x, shift);
  if (rounding == Rounding::step)
    return {compare(arith::CmpFPredicate::OGE, 0)};
  if (rounding == Rounding::sign) {
    Value positive = compare(arith::CmpFPredicate::OGT, 0);
    if (levels.getPlanes() == 1)
      return {positive};
    // Codes of -1, 0, 1 are 0, 1, 2; NaN counts as zero.
    return {compare(arith::CmpFPredicate::UEQ, 0), positive};
  }
  if (offset)
    x = arith::SubFOp::create(b, loc, x, offset);
  if (knownScale && *knownScale > 0 && std::isfinite(*knownScale) &&
      levels.getCount() <= kMostComparedLevels && levels.getStep() == 1)
    return createSteps(b, loc, x, *knownScale, levels);
  x = arith::DivFOp::create(b, loc, x, scale);
  if (levels.getFirst() == 0 && levels.getLast() == 1)
    // round(x) >= 1, half to even, is x > 0.5.
    return {compare(arith::CmpFPredicate::OGT, 0.5)};
  x = math::RoundEvenOp::create(b, loc, x);
  x = arith::MaxNumFOp::create(b, loc, x, number(levels.getFirst()));
  x = arith::MinNumFOp::create(b, loc, x, number(levels.getLast()));
  return {arith::SubIOp::create(
      b, loc, arith::FPToSIOp::create(b, loc, b.getI32Type(), x),
      arith::ConstantIntOp::create(b, loc, levels.getFirst(), 32))};
}

/// The bits of a code.
static SmallVector<Value> splitCode(OpBuilder &b, Location loc, Value code,
                                    unsigned count) {
  SmallVector<Value> planes;
  for (unsigned plane = 0; plane < count; ++plane)
    planes.push_back(arith::TruncIOp::create(
        b, loc, b.getI1Type(),
        arith::ShRUIOp::create(
            b, loc, code, arith::ConstantIntOp::create(b, loc, plane, 32))));
  return planes;
}

/// The code of bits.
static Value joinPlanes(OpBuilder &b, Location loc, ArrayRef<Value> planes) {
  Value code = arith::ExtUIOp::create(b, loc, b.getI32Type(), planes.front());
  for (auto [i, plane] : llvm::enumerate(planes.drop_front())) {
    Value weight = arith::ConstantIntOp::create(b, loc, 2 << i, 32);
    Value zero = arith::ConstantIntOp::create(b, loc, 0, 32);
    code = arith::AddIOp::create(
        b, loc, code, arith::SelectOp::create(b, loc, plane, weight, zero));
  }
  return code;
}

SmallVector<Value> mlir::lowbit::appendQuantizer(OpBuilder &builder,
                                                 Block *body,
                                                 QuantizePackOp quantize,
                                                 Value x) {
  Location loc = quantize.getLoc();
  auto argumentFor = [&](Value operand) -> Value {
    if (!operand)
      return Value();
    return body->addArgument(builder.getF32Type(), loc);
  };
  Value scale = argumentFor(quantize.getScale());
  Value shift = argumentFor(quantize.getShift());
  Value offset = argumentFor(quantize.getOffset());
  PackingAttr packing = quantize.getPacking();
  SmallVector<Value> planes = createCode(
      builder, loc, x, scale, shift, offset, quantize.getRounding(),
      packing.getLevels(),
      quantize.getScale() ? getConstantScalarFloat(quantize.getScale())
                          : std::nullopt);
  bool isCode = planes.front().getType().isInteger(32);
  if (packing.hasWholeCodes())
    return isCode ? planes
                  : SmallVector<Value>{joinPlanes(builder, loc, planes)};
  return isCode ? splitCode(builder, loc, planes.front(), packing.getPlanes())
                : planes;
}
