//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Arithmetic on constants, element by element after broadcasting: float32 as
// the machine computes it, integers that wrap at their width.
//
//===----------------------------------------------------------------------===//

#include "Evaluate.h"
#include "lowbit/Constants/Constants.h"
#include "lowbit/Dialect/ONNX/IR/ONNX.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;
using namespace mlir::lowbit;

namespace {

/// One number of either kind.
struct Number {
  float real = 0;
  int64_t integer = 0;
};

/// A constant with its elements as floats or as integers.
class Operand {
public:
  static std::optional<Operand> read(ElementsAttr attr) {
    Operand operand;
    operand.type = attr.getShapedType();
    Type element = attr.getElementType();
    operand.isReal = element.isF32();
    if (operand.isReal) {
      std::optional<ConstantElements<float>> reals =
          getConstantElements<float>(attr);
      if (!reals)
        return std::nullopt;
      operand.reals = reals->toVector();
      return operand;
    }
    if (element.isF64()) {
      std::optional<std::vector<double>> wide =
          getConstantFloats(attr, attr.getNumElements());
      if (!wide)
        return std::nullopt;
      operand.isReal = true;
      operand.reals.assign(wide->begin(), wide->end());
      return operand;
    }
    if (!isa<IntegerType>(element))
      return std::nullopt;
    std::optional<std::vector<int64_t>> integers = getConstantInts(attr);
    if (!integers)
      return std::nullopt;
    operand.integers = std::move(*integers);
    return operand;
  }

  bool isReal = false;

  /// The element that broadcasting brings to element `index` of `result`.
  Number at(ArrayRef<int64_t> result, int64_t index) const {
    ArrayRef<int64_t> shape = type.getShape();
    int64_t position = 0, stride = 1;
    size_t offset = result.size() - shape.size();
    for (size_t d = result.size(); d-- > 0;) {
      int64_t coordinate = index % result[d];
      index /= result[d];
      if (d < offset)
        continue;
      int64_t extent = shape[d - offset];
      if (extent != 1)
        position += coordinate * stride;
      stride *= extent;
    }
    return isReal ? Number{reals[position], 0} : Number{0, integers[position]};
  }

private:
  ShapedType type;
  std::vector<float> reals;
  std::vector<int64_t> integers;
};

} // namespace

/// Wraps `value` to the width of `type`.
static int64_t wrap(int64_t value, Type type) {
  unsigned bits = type.getIntOrFloatBitWidth();
  if (bits >= 64)
    return value;
  uint64_t low = static_cast<uint64_t>(value) & ((uint64_t(1) << bits) - 1);
  bool negative = !type.isUnsignedInteger() && bits > 1 && (low >> (bits - 1));
  return static_cast<int64_t>(negative ? low | ~uint64_t(0) << bits : low);
}

/// The float value of an operator, empty when it does not compute floats.
static std::optional<float> computeReal(Operation *op, ArrayRef<Number> in) {
  float a = in[0].real, b = in.size() > 1 ? in[1].real : 0;
  auto nan = std::isnan(a) ? a : b;
  return llvm::TypeSwitch<Operation *, std::optional<float>>(op)
      .Case<onnx::AbsOp>([&](auto) { return std::fabs(a); })
      .Case<onnx::NegOp>([&](auto) { return -a; })
      .Case<onnx::SqrtOp>([&](auto) { return std::sqrt(a); })
      .Case<onnx::ReciprocalOp>([&](auto) { return 1.0f / a; })
      .Case<onnx::FloorOp>([&](auto) { return std::floor(a); })
      .Case<onnx::CeilOp>([&](auto) { return std::ceil(a); })
      .Case<onnx::RoundOp>([&](auto) { return std::nearbyint(a); })
      .Case<onnx::AddOp>([&](auto) { return a + b; })
      .Case<onnx::SubOp>([&](auto) { return a - b; })
      .Case<onnx::MulOp>([&](auto) { return a * b; })
      .Case<onnx::DivOp>([&](auto) { return a / b; })
      .Case<onnx::MaxOp>([&](auto) {
        return std::isnan(a) || std::isnan(b) ? nan : std::max(a, b);
      })
      .Case<onnx::MinOp>([&](auto) {
        return std::isnan(a) || std::isnan(b) ? nan : std::min(a, b);
      })
      .Case<onnx::WhereOp>(
          [&](auto) { return in[0].integer ? in[1].real : in[2].real; })
      .Default([](Operation *) { return std::nullopt; });
}

/// The integer or bool value of an operator; empty when it has none.
static std::optional<int64_t> computeInteger(Operation *op, bool realOperands,
                                             ArrayRef<Number> in) {
  using Result = std::optional<int64_t>;
  int64_t a = in[0].integer, b = in.size() > 1 ? in[1].integer : 0;
  float x = in[0].real, y = in.size() > 1 ? in[1].real : 0;
  // Unsigned arithmetic wraps without being undefined.
  uint64_t ua = a, ub = b;
  auto compare = [&](auto predicate) -> Result {
    return realOperands ? predicate(x, y) : predicate(a, b);
  };
  if (isa<onnx::EqualOp>(op))
    return compare([](auto l, auto r) { return l == r; });
  if (isa<onnx::GreaterOp>(op))
    return compare([](auto l, auto r) { return l > r; });
  if (isa<onnx::GreaterOrEqualOp>(op))
    return compare([](auto l, auto r) { return l >= r; });
  if (isa<onnx::LessOp>(op))
    return compare([](auto l, auto r) { return l < r; });
  if (isa<onnx::LessOrEqualOp>(op))
    return compare([](auto l, auto r) { return l <= r; });
  if (isa<onnx::WhereOp>(op))
    return in[0].integer ? in[1].integer : in[2].integer;
  if (realOperands)
    return std::nullopt;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case<onnx::NotOp>([&](auto) { return !a; })
      .Case<onnx::AndOp>([&](auto) { return a && b; })
      .Case<onnx::OrOp>([&](auto) { return a || b; })
      .Case<onnx::XorOp>([&](auto) { return a != b; })
      .Case<onnx::AbsOp>([&](auto) { return a < 0 ? int64_t(0 - ua) : a; })
      .Case<onnx::NegOp>([&](auto) { return int64_t(0 - ua); })
      .Case<onnx::SignOp>([&](auto) { return (a > 0) - (a < 0); })
      .Case<onnx::ReluOp>([&](auto) { return std::max<int64_t>(a, 0); })
      .Case<onnx::AddOp>([&](auto) { return int64_t(ua + ub); })
      .Case<onnx::SubOp>([&](auto) { return int64_t(ua - ub); })
      .Case<onnx::MulOp>([&](auto) { return int64_t(ua * ub); })
      .Case<onnx::DivOp>([&](auto) -> Result {
        if (b == 0)
          return std::nullopt;
        return b == -1 ? int64_t(0 - ua) : a / b;
      })
      .Case<onnx::MaxOp>([&](auto) { return std::max(a, b); })
      .Case<onnx::MinOp>([&](auto) { return std::min(a, b); })
      .Default([](Operation *) { return std::nullopt; });
}

/// Cast between floats, integers and bools; empty where the result is
/// undefined.
static std::optional<Number> computeCast(Number in, bool fromReal, Type to) {
  if (to.isF32())
    return Number{fromReal ? in.real : static_cast<float>(in.integer), 0};
  if (to.isInteger(1))
    return Number{0, fromReal ? in.real != 0 : in.integer != 0};
  if (!fromReal)
    return Number{0, wrap(in.integer, to)};
  unsigned bits = to.getIntOrFloatBitWidth();
  bool isUnsigned = to.isUnsignedInteger();
  double value = std::trunc(static_cast<double>(in.real));
  double low = isUnsigned ? 0 : -std::ldexp(1.0, bits - 1);
  double high = std::ldexp(1.0, isUnsigned ? bits : bits - 1);
  if (!(value >= low && value < high))
    return std::nullopt;
  return Number{0, static_cast<int64_t>(value)};
}

ElementsAttr lowbit::evaluateArithmetic(Operation *op,
                                        ArrayRef<ElementsAttr> attrs) {
  auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  if (!type || !type.hasStaticShape() || op->getNumResults() != 1 ||
      attrs.empty() || attrs.size() > 3)
    return nullptr;
  Type element = type.getElementType();
  bool makesReal = element.isF32();
  if (!makesReal && !element.isSignlessInteger() &&
      !element.isUnsignedInteger(8))
    return nullptr;
  SmallVector<Operand> operands;
  for (ElementsAttr attr : attrs) {
    // Only what rounds doubles may read them as floats.
    if (attr.getElementType().isF64() && !(isa<onnx::CastOp>(op) && makesReal))
      return nullptr;
    std::optional<Operand> operand = Operand::read(attr);
    if (!operand)
      return nullptr;
    operands.push_back(std::move(*operand));
  }
  bool realOperands = operands[0].isReal;
  int64_t count = type.getNumElements();
  std::vector<float> reals;
  std::vector<int64_t> integers;
  for (int64_t i = 0; i < count; ++i) {
    SmallVector<Number> in;
    for (const Operand &operand : operands)
      in.push_back(operand.at(type.getShape(), i));
    std::optional<Number> number;
    if (isa<onnx::CastOp>(op)) {
      number = computeCast(in[0], realOperands, element);
    } else if (makesReal) {
      if (std::optional<float> real = computeReal(op, in))
        number = Number{*real, 0};
    } else if (std::optional<int64_t> integer =
                   computeInteger(op, realOperands, in)) {
      number = Number{0, wrap(*integer, element)};
    }
    if (!number)
      return nullptr;
    if (makesReal)
      reals.push_back(number->real);
    else
      integers.push_back(number->integer);
  }
  if (makesReal)
    return makeConstant(type, std::move(reals));
  auto narrow = [&](auto zero) {
    return makeConstant(
        type, std::vector<decltype(zero)>(integers.begin(), integers.end()));
  };
  if (element.isUnsignedInteger(8) || element.isInteger(1))
    return narrow(uint8_t());
  if (element.isSignlessInteger(8))
    return narrow(int8_t());
  if (element.isSignlessInteger(32))
    return narrow(int32_t());
  if (element.isSignlessInteger(64))
    return narrow(int64_t());
  return nullptr;
}
