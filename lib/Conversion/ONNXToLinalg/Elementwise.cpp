//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operators that compute every element on its own, with numpy broadcasting.
// Floats follow the graph as written (no reassociation, no contraction). The
// sign of NaN is 0, as in PyTorch; ONNX leaves it open.
//
//===----------------------------------------------------------------------===//

#include "Structured.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::lowbit;
using arith::CmpFPredicate;
using arith::CmpIPredicate;

//===----------------------------------------------------------------------===//
// One input
//===----------------------------------------------------------------------===//

using UnaryFn = Value (*)(OpBuilder &, Location, Value);

template <typename OpTy, UnaryFn function>
static LogicalResult lowerUnary(OpTy op, Lowering &l) {
  FailureOr<Value> result =
      createElementwise(l, l.operand(op.getX()), l.getDeclaredType(op.getY()),
                        [](OpBuilder &b, Location loc, ValueRange elements) {
                          return function(b, loc, elements[0]);
                        });
  return failed(result) ? failure() : l.replace(op.getResult(), *result);
}

/// An operation of the math dialect, for floats only.
template <typename OpTy>
static Value emitMath(OpBuilder &b, Location loc, Value x) {
  if (!isa<FloatType>(x.getType()))
    return x; // rounding an integer changes nothing
  return b.createOrFold<OpTy>(loc, x);
}

static Value emitAbs(OpBuilder &b, Location loc, Value x) {
  if (isa<FloatType>(x.getType()))
    return b.createOrFold<math::AbsFOp>(loc, x);
  return b.createOrFold<math::AbsIOp>(loc, x);
}

static Value emitNeg(OpBuilder &b, Location loc, Value x) {
  if (isa<FloatType>(x.getType()))
    return b.createOrFold<arith::NegFOp>(loc, x);
  Value zero = createConstant(b, loc, x.getType(), 0);
  return b.createOrFold<arith::SubIOp>(loc, zero, x);
}

static Value emitNot(OpBuilder &b, Location loc, Value x) {
  Value yes = createConstant(b, loc, x.getType(), 1);
  return b.createOrFold<arith::XOrIOp>(loc, x, yes);
}

static Value emitReciprocal(OpBuilder &b, Location loc, Value x) {
  Value one = createConstant(b, loc, x.getType(), 1);
  return b.createOrFold<arith::DivFOp>(loc, one, x);
}

static Value emitRelu(OpBuilder &b, Location loc, Value x) {
  Value zero = createConstant(b, loc, x.getType(), 0);
  if (isa<FloatType>(x.getType()))
    return b.createOrFold<arith::MaximumFOp>(loc, x, zero);
  return b.createOrFold<arith::MaxSIOp>(loc, x, zero);
}

static Value emitSigmoid(OpBuilder &b, Location loc, Value x) {
  Value one = createConstant(b, loc, x.getType(), 1);
  Value negated = b.createOrFold<arith::NegFOp>(loc, x);
  Value power = b.createOrFold<math::ExpOp>(loc, negated);
  Value sum = b.createOrFold<arith::AddFOp>(loc, power, one);
  return b.createOrFold<arith::DivFOp>(loc, one, sum);
}

static Value emitSign(OpBuilder &b, Location loc, Value x) {
  Type type = x.getType();
  Value zero = createConstant(b, loc, type, 0);
  Value one = createConstant(b, loc, type, 1);
  Value minusOne = createConstant(b, loc, type, -1);
  Value isAbove, isBelow;
  if (isa<FloatType>(type)) {
    isAbove = b.createOrFold<arith::CmpFOp>(loc, CmpFPredicate::OGT, x, zero);
    isBelow = b.createOrFold<arith::CmpFOp>(loc, CmpFPredicate::OLT, x, zero);
  } else {
    isAbove = b.createOrFold<arith::CmpIOp>(loc, CmpIPredicate::sgt, x, zero);
    isBelow = b.createOrFold<arith::CmpIOp>(loc, CmpIPredicate::slt, x, zero);
  }
  Value notAbove =
      b.createOrFold<arith::SelectOp>(loc, isBelow, minusOne, zero);
  return b.createOrFold<arith::SelectOp>(loc, isAbove, one, notAbove);
}

static LogicalResult lowerGelu(onnx::GeluOp op, Lowering &l) {
  bool isTanh = op.getApproximate() == "tanh";
  if (!isTanh && op.getApproximate() != "none")
    return l.fail("has an unknown approximation '" + op.getApproximate() + "'");
  FailureOr<Value> result = createElementwise(
      l, l.operand(op.getX()), l.getDeclaredType(op.getY()),
      [&](OpBuilder &b, Location loc, ValueRange elements) -> Value {
        Value x = elements[0];
        auto constant = [&](double value) {
          return createConstant(b, loc, x.getType(), value);
        };
        auto mul = [&](Value lhs, Value rhs) -> Value {
          return arith::MulFOp::create(b, loc, lhs, rhs);
        };
        Value inner;
        if (isTanh) {
          Value cube = mul(mul(x, x), x);
          Value sum =
              arith::AddFOp::create(b, loc, x, mul(constant(0.044715), cube));
          inner = math::TanhOp::create(
              b, loc, mul(constant(0.79788456080286535588), sum));
        } else {
          inner = math::ErfOp::create(b, loc,
                                      mul(x, constant(0.70710678118654752440)));
        }
        Value sum = arith::AddFOp::create(b, loc, constant(1), inner);
        return mul(mul(constant(0.5), x), sum);
      });
  return failed(result) ? failure() : l.replace(op.getResult(), *result);
}

//===----------------------------------------------------------------------===//
// Two inputs
//===----------------------------------------------------------------------===//

using BinaryFn = Value (*)(OpBuilder &, Location, Value, Value, bool);

template <typename OpTy, BinaryFn function>
static LogicalResult lowerBinary(OpTy op, Lowering &l) {
  bool isUnsigned = cast<ShapedType>(op.getA().getType())
                        .getElementType()
                        .isUnsignedInteger();
  FailureOr<Value> result = createElementwise(
      l, {l.operand(op.getA()), l.operand(op.getB())},
      l.getDeclaredType(op.getC()),
      [&](OpBuilder &b, Location loc, ValueRange elements) {
        return function(b, loc, elements[0], elements[1], isUnsigned);
      });
  return failed(result) ? failure() : l.replace(op.getResult(), *result);
}

template <typename FloatOp, typename SignedOp, typename UnsignedOp>
static Value emitArith(OpBuilder &b, Location loc, Value x, Value y,
                       bool isUnsigned) {
  if (isa<FloatType>(x.getType()))
    return b.createOrFold<FloatOp>(loc, x, y);
  if (isUnsigned)
    return b.createOrFold<UnsignedOp>(loc, x, y);
  return b.createOrFold<SignedOp>(loc, x, y);
}

template <typename OpTy>
static Value emitLogic(OpBuilder &b, Location loc, Value x, Value y, bool) {
  return b.createOrFold<OpTy>(loc, x, y);
}

template <CmpFPredicate real, CmpIPredicate isSigned, CmpIPredicate isUnsigned>
static Value emitCompare(OpBuilder &b, Location loc, Value x, Value y,
                         bool withoutSign) {
  if (isa<FloatType>(x.getType()))
    return b.createOrFold<arith::CmpFOp>(loc, real, x, y);
  return b.createOrFold<arith::CmpIOp>(loc, withoutSign ? isUnsigned : isSigned,
                                       x, y);
}

/// A quotient that no operand can make trap: -1 divides by negation.
static Value emitDiv(OpBuilder &b, Location loc, Value x, Value y,
                     bool isUnsigned) {
  Type type = x.getType();
  if (isa<FloatType>(type))
    return b.createOrFold<arith::DivFOp>(loc, x, y);
  APInt divisor;
  bool safe = matchPattern(y, m_ConstantInt(&divisor)) && !divisor.isZero() &&
              !divisor.isAllOnes();
  if (safe)
    return isUnsigned ? b.createOrFold<arith::DivUIOp>(loc, x, y)
                      : b.createOrFold<arith::DivSIOp>(loc, x, y);
  Value zero = createConstant(b, loc, type, 0);
  Value one = createConstant(b, loc, type, 1);
  Value isZero = b.createOrFold<arith::CmpIOp>(loc, CmpIPredicate::eq, y, zero);
  Value nonZero = b.createOrFold<arith::SelectOp>(loc, isZero, one, y);
  if (isUnsigned)
    return b.createOrFold<arith::DivUIOp>(loc, x, nonZero);
  Value minusOne = createConstant(b, loc, type, -1);
  Value isMinusOne =
      b.createOrFold<arith::CmpIOp>(loc, CmpIPredicate::eq, y, minusOne);
  Value divides =
      b.createOrFold<arith::SelectOp>(loc, isMinusOne, one, nonZero);
  Value quotient = b.createOrFold<arith::DivSIOp>(loc, x, divides);
  Value negated = b.createOrFold<arith::SubIOp>(loc, zero, x);
  return b.createOrFold<arith::SelectOp>(loc, isMinusOne, negated, quotient);
}

static LogicalResult lowerDiv(onnx::DivOp op, Lowering &l) {
  if (isa<IntegerType>(cast<ShapedType>(op.getB().getType()).getElementType()))
    assertAll(
        l, l.operand(op.getB()),
        [](OpBuilder &b, Location loc, Value divisor) {
          Value zero = createConstant(b, loc, divisor.getType(), 0);
          return b.createOrFold<arith::CmpIOp>(loc, CmpIPredicate::ne, divisor,
                                               zero);
        },
        "an integer is divided by zero");
  return lowerBinary<onnx::DivOp, emitDiv>(op, l);
}

/// The base raised to the exponent; the result has the base's type. Squares and
/// cubes are products.
static Value emitPow(OpBuilder &b, Location loc, Value x, Value y) {
  Type type = x.getType();
  APFloat real(0.0);
  APInt integer;
  std::optional<double> exponent;
  if (matchPattern(y, m_ConstantFloat(&real)))
    exponent = real.convertToDouble();
  else if (matchPattern(y, m_ConstantInt(&integer)))
    exponent = integer.getSExtValue();
  bool isFloat = isa<FloatType>(type);
  if (exponent == 2.0 || exponent == 3.0) {
    auto mul = [&](Value lhs, Value rhs) {
      return isFloat ? b.createOrFold<arith::MulFOp>(loc, lhs, rhs)
                     : b.createOrFold<arith::MulIOp>(loc, lhs, rhs);
    };
    return exponent == 2.0 ? mul(x, x) : mul(mul(x, x), x);
  }
  if (!isFloat && isa<IntegerType>(y.getType())) {
    unsigned from = y.getType().getIntOrFloatBitWidth();
    unsigned to = type.getIntOrFloatBitWidth();
    if (from < to)
      y = b.createOrFold<arith::ExtSIOp>(loc, type, y);
    else if (from > to)
      y = b.createOrFold<arith::TruncIOp>(loc, type, y);
    return b.createOrFold<math::IPowIOp>(loc, x, y);
  }
  // The wider float of both, a double for an integer base.
  Type work = isFloat ? type : b.getF64Type();
  auto convert = [&](Value value) -> Value {
    if (isa<IntegerType>(value.getType()))
      return b.createOrFold<arith::SIToFPOp>(loc, work, value);
    unsigned from = value.getType().getIntOrFloatBitWidth();
    unsigned to = work.getIntOrFloatBitWidth();
    if (from < to)
      return b.createOrFold<arith::ExtFOp>(loc, work, value);
    if (from > to)
      return b.createOrFold<arith::TruncFOp>(loc, work, value);
    return value;
  };
  Value power = b.createOrFold<math::PowFOp>(loc, convert(x), convert(y));
  return isFloat ? power : b.createOrFold<arith::FPToSIOp>(loc, type, power);
}

static LogicalResult lowerPow(onnx::PowOp op, Lowering &l) {
  FailureOr<Value> result =
      createElementwise(l, {l.operand(op.getA()), l.operand(op.getB())},
                        l.getDeclaredType(op.getC()),
                        [](OpBuilder &b, Location loc, ValueRange elements) {
                          return emitPow(b, loc, elements[0], elements[1]);
                        });
  return failed(result) ? failure() : l.replace(op.getResult(), *result);
}

//===----------------------------------------------------------------------===//
// Clip and Where
//===----------------------------------------------------------------------===//

static LogicalResult lowerClip(onnx::ClipOp op, Lowering &l) {
  SmallVector<Value> inputs{l.operand(op.getInput())};
  bool isUnsigned = cast<ShapedType>(op.getInput().getType())
                        .getElementType()
                        .isUnsignedInteger();
  for (Value bound : {op.getMin(), op.getMax()}) {
    if (!bound)
      continue;
    Value scalar = l.operand(bound);
    auto type = cast<RankedTensorType>(scalar.getType());
    if (!type.hasStaticShape() || type.getNumElements() != 1)
      return l.fail("takes scalar bounds, got type " +
                    Twine(debugString(type)));
    inputs.push_back(createReshape(l, scalar, {}));
  }
  bool hasMin = bool(op.getMin()), hasMax = bool(op.getMax());
  FailureOr<Value> result = createElementwise(
      l, inputs, l.getDeclaredType(op.getOutput()),
      [&](OpBuilder &b, Location loc, ValueRange elements) {
        Value x = elements[0];
        if (hasMin)
          x = emitArith<arith::MaximumFOp, arith::MaxSIOp, arith::MaxUIOp>(
              b, loc, x, elements[1], isUnsigned);
        if (hasMax)
          x = emitArith<arith::MinimumFOp, arith::MinSIOp, arith::MinUIOp>(
              b, loc, x, elements.back(), isUnsigned);
        return x;
      });
  return failed(result) ? failure() : l.replace(op.getResult(), *result);
}

static LogicalResult lowerWhere(onnx::WhereOp op, Lowering &l) {
  FailureOr<Value> result =
      createElementwise(l,
                        {l.operand(op.getCondition()), l.operand(op.getX()),
                         l.operand(op.getY())},
                        l.getDeclaredType(op.getOutput()),
                        [](OpBuilder &b, Location loc, ValueRange elements) {
                          return b.createOrFold<arith::SelectOp>(
                              loc, elements[0], elements[1], elements[2]);
                        });
  return failed(result) ? failure() : l.replace(op.getResult(), *result);
}

void mlir::lowbit::populateElementwiseLowerings(LoweringTable &table) {
  using namespace onnx;
  table.add(lowerUnary<AbsOp, emitAbs>);
  table.add(lowerUnary<CeilOp, emitMath<math::CeilOp>>);
  table.add(lowerUnary<CosOp, emitMath<math::CosOp>>);
  table.add(lowerUnary<ErfOp, emitMath<math::ErfOp>>);
  table.add(lowerUnary<ExpOp, emitMath<math::ExpOp>>);
  table.add(lowerUnary<FloorOp, emitMath<math::FloorOp>>);
  table.add(lowerUnary<LogOp, emitMath<math::LogOp>>);
  table.add(lowerUnary<NegOp, emitNeg>);
  table.add(lowerUnary<NotOp, emitNot>);
  table.add(lowerUnary<ReciprocalOp, emitReciprocal>);
  table.add(lowerUnary<ReluOp, emitRelu>);
  table.add(lowerUnary<RoundOp, emitMath<math::RoundEvenOp>>);
  table.add(lowerUnary<SigmoidOp, emitSigmoid>);
  table.add(lowerUnary<SignOp, emitSign>);
  table.add(lowerUnary<SinOp, emitMath<math::SinOp>>);
  table.add(lowerUnary<SqrtOp, emitMath<math::SqrtOp>>);
  table.add(lowerUnary<TanhOp, emitMath<math::TanhOp>>);
  table.add(lowerGelu);

  table.add(
      lowerBinary<AddOp,
                  emitArith<arith::AddFOp, arith::AddIOp, arith::AddIOp>>);
  table.add(
      lowerBinary<SubOp,
                  emitArith<arith::SubFOp, arith::SubIOp, arith::SubIOp>>);
  table.add(
      lowerBinary<MulOp,
                  emitArith<arith::MulFOp, arith::MulIOp, arith::MulIOp>>);
  table.add(
      lowerBinary<
          MaxOp, emitArith<arith::MaximumFOp, arith::MaxSIOp, arith::MaxUIOp>>);
  table.add(
      lowerBinary<
          MinOp, emitArith<arith::MinimumFOp, arith::MinSIOp, arith::MinUIOp>>);
  table.add(lowerBinary<AndOp, emitLogic<arith::AndIOp>>);
  table.add(lowerBinary<OrOp, emitLogic<arith::OrIOp>>);
  table.add(lowerBinary<XorOp, emitLogic<arith::XOrIOp>>);
  table.add(
      lowerBinary<EqualOp, emitCompare<CmpFPredicate::OEQ, CmpIPredicate::eq,
                                       CmpIPredicate::eq>>);
  table.add(
      lowerBinary<GreaterOp, emitCompare<CmpFPredicate::OGT, CmpIPredicate::sgt,
                                         CmpIPredicate::ugt>>);
  table.add(lowerBinary<GreaterOrEqualOp,
                        emitCompare<CmpFPredicate::OGE, CmpIPredicate::sge,
                                    CmpIPredicate::uge>>);
  table.add(
      lowerBinary<LessOp, emitCompare<CmpFPredicate::OLT, CmpIPredicate::slt,
                                      CmpIPredicate::ult>>);
  table.add(lowerBinary<LessOrEqualOp,
                        emitCompare<CmpFPredicate::OLE, CmpIPredicate::sle,
                                    CmpIPredicate::ule>>);
  table.add(lowerDiv);
  table.add(lowerPow);
  table.add(lowerClip);
  table.add(lowerWhere);
}
