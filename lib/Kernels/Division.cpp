//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See Division.h.
//
// With y = 1 / b rounded, q = x * y is less than two units in the last place
// from x / b, and q + (x - q * b) * y, where both steps are fused, is nearer
// than half a unit and a little: the remainder has one bit too many at most. A
// second such step rounds correctly (Markstein, "Computation of elementary
// functions on the IBM RISC System/6000 processor", 1990): what its addend
// lacks is less than the distance of a quotient from the middle of two numbers.
//
// One step is enough next to the middle of two integers up to 256. That was
// tried for all of them, all 2^23 mantissas of b and the numbers x around: no
// quotient differed. Elsewhere a unit does not change what is rounded to
// integers.
//
//===----------------------------------------------------------------------===//

#include "Division.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::lowbit;

/// q + (x - q * b) * y.
static Value correct(Emission &e, Value q, Value x, Value b, Value y) {
  Value remainder = math::FmaOp::create(
      e.b, e.loc, q, arith::NegFOp::create(e.b, e.loc, b), x);
  return math::FmaOp::create(e.b, e.loc, remainder, y, q);
}

Value mlir::lowbit::isUsualDivisor(Emission &e, Value divisor) {
  Type type = divisor.getType();
  auto compare = [&](arith::CmpFPredicate predicate, double bound) -> Value {
    return arith::CmpFOp::create(e.b, e.loc, predicate, divisor,
                                 e.constant(type, bound));
  };
  return arith::AndIOp::create(e.b, e.loc,
                               compare(arith::CmpFPredicate::OGE, 0x1p-60),
                               compare(arith::CmpFPredicate::OLE, 0x1p60));
}

Value mlir::lowbit::divideByReciprocal(Emission &e, Value x, Value divisor,
                                       Value reciprocal, int64_t corrections) {
  int64_t lanes = cast<VectorType>(x.getType()).getNumElements();
  Value b = e.broadcast(divisor, lanes), y = e.broadcast(reciprocal, lanes);
  Value q = arith::MulFOp::create(e.b, e.loc, x, y);
  for (int64_t i = 0; i < corrections; ++i)
    q = correct(e, q, x, b, y);
  return q;
}

Value mlir::lowbit::divideExponentials(Emission &e, Value x, Value divisor) {
  auto type = cast<VectorType>(x.getType());
  int64_t lanes = type.getNumElements();
  auto divide = [&]() -> Value {
    return arith::DivFOp::create(e.b, e.loc, x, e.broadcast(divisor, lanes));
  };
  if (!e.fma)
    return divide();
  auto compare = [&](arith::CmpFPredicate predicate, double bound) -> Value {
    return arith::CmpFOp::create(e.b, e.loc, predicate, x,
                                 e.constant(type, bound));
  };
  Value tiny =
      arith::AndIOp::create(e.b, e.loc, compare(arith::CmpFPredicate::OGT, 0),
                            compare(arith::CmpFPredicate::OLT, 0x1p-64));
  Value isAnyTiny =
      vector::ReductionOp::create(e.b, e.loc, vector::CombiningKind::OR, tiny);
  auto branch = scf::IfOp::create(e.b, e.loc, type, isAnyTiny,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(e.b);
  e.b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(e.b, e.loc, divide());
  e.b.setInsertionPointToStart(branch.elseBlock());
  Value reciprocal = arith::DivFOp::create(
      e.b, e.loc, e.constant(divisor.getType(), 1), divisor);
  scf::YieldOp::create(e.b, e.loc,
                       divideByReciprocal(e, x, divisor, reciprocal,
                                          /*corrections=*/2));
  return branch.getResult(0);
}

Value mlir::lowbit::divideForCode(Emission &e, Value x, Value divisor) {
  int64_t lanes = cast<VectorType>(x.getType()).getNumElements();
  auto divide = [&]() -> Value {
    return arith::DivFOp::create(e.b, e.loc, x, e.broadcast(divisor, lanes));
  };
  if (!e.fma)
    return divide();
  auto branch =
      scf::IfOp::create(e.b, e.loc, x.getType(), isUsualDivisor(e, divisor),
                        /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(e.b);
  e.b.setInsertionPointToStart(branch.thenBlock());
  // Infinity has no remainder: what is far beyond the codes is pulled nearer,
  // with the operand last that is kept where it is NaN.
  auto type = divisor.getType();
  Value bound = arith::MulFOp::create(e.b, e.loc, divisor,
                                      e.constant(type, 2.0 * kGreatestCode));
  Value most = e.broadcast(bound, lanes);
  Value near = e.less(most, x);
  near = e.greater(arith::NegFOp::create(e.b, e.loc, most), near);
  Value reciprocal =
      arith::DivFOp::create(e.b, e.loc, e.constant(type, 1), divisor);
  scf::YieldOp::create(e.b, e.loc,
                       divideByReciprocal(e, near, divisor, reciprocal,
                                          /*corrections=*/1));
  e.b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(e.b, e.loc, divide());
  return branch.getResult(0);
}

/// The only user of a value, if it is of this kind.
template <typename Op> static Op getOnlyUser(Value value) {
  return value.hasOneUse() ? dyn_cast<Op>(*value.user_begin()) : Op();
}

/// Whether a clamp has a bound that codes may have.
template <typename Op> static bool hasCodeBound(Op clamp) {
  FloatAttr bound;
  return clamp && matchPattern(clamp.getRhs(), m_Constant(&bound)) &&
         std::abs(bound.getValueAsDouble()) <= kGreatestCode;
}

bool mlir::lowbit::isDividedForCode(arith::DivFOp op) {
  if (!op.getType().isF32())
    return false;
  if (auto compare = getOnlyUser<arith::CmpFOp>(op)) {
    FloatAttr half;
    return compare.getLhs() == op.getResult() &&
           compare.getPredicate() == arith::CmpFPredicate::OGT &&
           matchPattern(compare.getRhs(), m_Constant(&half)) &&
           half.getValueAsDouble() == 0.5;
  }
  auto rounded = getOnlyUser<math::RoundEvenOp>(op);
  if (!rounded)
    return false;
  auto least = getOnlyUser<arith::MaxNumFOp>(rounded);
  return hasCodeBound(least) &&
         hasCodeBound(getOnlyUser<arith::MinNumFOp>(least));
}
