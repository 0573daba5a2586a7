//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See Expansion.h. exp and tanh follow Cephes (S. Moshier), with the
// argument of exp reduced by a rounding constant and the power of two applied
// in two steps, so that overflow and subnormal results come out right; erf is a
// polynomial for small arguments and 1 - exp(polynomial) beyond, coefficients
// by N. Juffa. log, log1p, log2 and expm1 are upstream's.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Math/Expansion.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::lowbit;

namespace {
/// What the target offers.
struct MathTarget {
  bool fma;      // fused multiply-add
  bool rounding; // roundps and relatives
  bool scalef;   // a * 2^floor(b) of 16 lanes
};

/// Writes formulas over one float32 type, scalar or vector.
class Formula {
public:
  Formula(PatternRewriter &rewriter, Location loc, Type type, MathTarget target)
      : rewriter(rewriter), loc(loc), type(type), fma(target.fma) {
    Type i32 = rewriter.getI32Type();
    intType = i32;
    if (auto vector = dyn_cast<VectorType>(type)) {
      intType = vector.clone(i32);
      scalef = target.scalef && vector.getShape() == ArrayRef<int64_t>{16};
    }
  }

  Value f(float value) { return splat(rewriter.getF32FloatAttr(value), type); }
  Value i(int32_t value) {
    return splat(rewriter.getI32IntegerAttr(value), intType);
  }
  Value add(Value a, Value b) { return make<arith::AddFOp>(a, b); }
  Value sub(Value a, Value b) { return make<arith::SubFOp>(a, b); }
  Value mul(Value a, Value b) { return make<arith::MulFOp>(a, b); }
  Value div(Value a, Value b) { return make<arith::DivFOp>(a, b); }
  Value addI(Value a, Value b) { return make<arith::AddIOp>(a, b); }
  Value subI(Value a, Value b) { return make<arith::SubIOp>(a, b); }
  Value abs(Value a) { return math::AbsFOp::create(rewriter, loc, a); }
  Value copySign(Value a, Value sign) {
    return make<math::CopySignOp>(a, sign);
  }
  /// a * b + c
  Value madd(Value a, Value b, Value c) {
    if (fma)
      return math::FmaOp::create(rewriter, loc, a, b, c);
    return add(mul(a, b), c);
  }
  Value polynomial(Value x, ArrayRef<float> coefficients) {
    Value result = f(coefficients.front());
    for (float coefficient : coefficients.drop_front())
      result = madd(result, x, f(coefficient));
    return result;
  }
  Value cmp(arith::CmpFPredicate predicate, Value a, Value b) {
    return arith::CmpFOp::create(rewriter, loc, predicate, a, b);
  }
  Value select(Value condition, Value a, Value b) {
    return arith::SelectOp::create(rewriter, loc, condition, a, b);
  }
  Value bitsOf(Value a) {
    return arith::BitcastOp::create(rewriter, loc, intType, a);
  }
  /// 2^n, for n from -126 to 127.
  Value powerOfTwo(Value n) {
    Value bits = make<arith::ShLIOp>(addI(n, i(127)), i(23));
    return arith::BitcastOp::create(rewriter, loc, type, bits);
  }
  Value halve(Value n) { return make<arith::ShRSIOp>(n, i(1)); }

  /// e^r for r between -ln(2)/2 and ln(2)/2.
  Value expOfSmall(Value r) {
    Value tail =
        polynomial(r, {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
                       4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f});
    return add(madd(tail, mul(r, r), r), f(1.0f));
  }

  /// 2^n * e^r for the integer n = round(scaled) and r = reduce(float(n)).
  Value expReduced(Value scaled, function_ref<Value(Value)> reduce) {
    // Adding 1.5 * 2^23 leaves the rounded integer in the low bits.
    Value magic = f(12582912.0f);
    Value shifted = add(scaled, magic);
    Value n = subI(bitsOf(shifted), bitsOf(magic));
    Value r = reduce(sub(shifted, magic));
    Value power = expOfSmall(r);
    Value half = halve(n);
    return mul(mul(power, powerOfTwo(half)), powerOfTwo(subI(n, half)));
  }

  /// Limits x so that the result still over- or underflows; NaN becomes `low`.
  Value clamp(Value x, float low, float high) {
    x = select(cmp(arith::CmpFPredicate::OGT, x, f(low)), x, f(low));
    return select(cmp(arith::CmpFPredicate::OLT, x, f(high)), x, f(high));
  }
  Value keepNaN(Value x, Value result) {
    return select(cmp(arith::CmpFPredicate::UNO, x, x), x, result);
  }

  /// a * 2^floor(n), which over- and underflows and keeps NaN by itself.
  Value scale(Value a, Value n) {
    Value all = arith::ConstantIntOp::create(rewriter, loc, -1, 16);
    Value current = arith::ConstantIntOp::create(rewriter, loc, 4, 32);
    return LLVM::CallIntrinsicOp::create(
               rewriter, loc, type,
               rewriter.getStringAttr("llvm.x86.avx512.mask.scalef.ps.512"),
               ValueRange{a, n, a, all, current})
        .getResult(0);
  }

  /// exp with the instruction for powers of two: half as many steps. A NaN goes
  /// through all of them.
  Value scaledExp(Value x) {
    x = select(cmp(arith::CmpFPredicate::OGT, f(-104.0f), x), f(-104.0f), x);
    x = select(cmp(arith::CmpFPredicate::OLT, f(89.0f), x), f(89.0f), x);
    Value n = math::RoundEvenOp::create(rewriter, loc, mul(x, f(1.44269504f)));
    Value r = madd(n, f(2.12194440e-4f), madd(n, f(-0.693359375f), x));
    return scale(expOfSmall(r), n);
  }

  Value exp(Value x) {
    if (scalef)
      return scaledExp(x);
    Value limited = clamp(x, -104.0f, 89.0f);
    Value result = expReduced(mul(limited, f(1.44269504f)), [&](Value n) {
      // ln 2 in two parts, the first exact when multiplied by n.
      return madd(n, f(2.12194440e-4f), madd(n, f(-0.693359375f), limited));
    });
    return keepNaN(x, result);
  }

  Value exp2(Value x) {
    Value limited = clamp(x, -151.0f, 129.0f);
    Value result = expReduced(limited, [&](Value n) {
      return mul(sub(limited, n), f(0.693147181f));
    });
    return keepNaN(x, result);
  }

  Value tanh(Value x) {
    Value a = abs(x);
    Value s = mul(x, x);
    Value small = polynomial(s, {-5.70498872745e-3f, 2.06390887954e-2f,
                                 -5.37397155531e-2f, 1.33314422036e-1f,
                                 -3.33332819422e-1f});
    small = madd(mul(small, s), x, x);
    Value large = sub(f(1.0f), div(f(2.0f), add(exp(add(a, a)), f(1.0f))));
    Value result =
        select(cmp(arith::CmpFPredicate::OGT, a, f(0.625f)), large, small);
    return copySign(result, x);
  }

  Value erf(Value x) {
    Value a = abs(x);
    Value s = mul(x, x);
    Value high = polynomial(a, {-1.72853470e-5f, 3.83197126e-4f});
    Value low = polynomial(a, {-3.88396438e-3f, 2.42546219e-2f});
    Value large = madd(high, s, low);
    large = madd(large, a, f(-1.06777877e-1f));
    large = madd(large, a, f(-6.34846687e-1f));
    large = madd(large, a, f(-1.28717512e-1f));
    large = madd(large, a, sub(f(0.0f), a));
    large = copySign(sub(f(1.0f), exp(large)), x);
    Value small =
        polynomial(s, {-5.96761703e-4f, 4.99119423e-3f, -2.67681349e-2f,
                       1.12819925e-1f, -3.76125336e-1f, 1.28379166e-1f});
    small = madd(small, x, x);
    return select(cmp(arith::CmpFPredicate::OGT, a, f(0.927734375f)), large,
                  small);
  }

  /// The integer nearest to |x|, ties to even; |x| from 2^23 on is one.
  Value roundMagnitude(Value a) {
    Value magic = f(8388608.0f);
    Value rounded = sub(add(a, magic), magic);
    return select(cmp(arith::CmpFPredicate::OLT, a, magic), rounded, a);
  }
  Value roundEven(Value x) { return copySign(roundMagnitude(abs(x)), x); }
  Value trunc(Value x) {
    Value a = abs(x);
    Value r = roundMagnitude(a);
    return copySign(stepIf(arith::CmpFPredicate::OGT, r, a, -1.0f), x);
  }
  Value floor(Value x) {
    Value r = roundEven(x);
    return copySign(stepIf(arith::CmpFPredicate::OGT, r, x, -1.0f), x);
  }
  Value ceil(Value x) {
    Value r = roundEven(x);
    return copySign(stepIf(arith::CmpFPredicate::OLT, r, x, 1.0f), x);
  }
  /// Half away from zero: the constant is the float below one half.
  Value round(Value x) {
    Value shifted = add(x, copySign(f(0x1.fffffep-2f), x));
    return math::TruncOp::create(rewriter, loc, shifted);
  }

private:
  template <typename Op> Value make(Value a, Value b) {
    return Op::create(rewriter, loc, a, b);
  }
  Value splat(TypedAttr value, Type of) {
    if (auto vector = dyn_cast<VectorType>(of))
      value = DenseElementsAttr::get(vector, Attribute(value));
    return arith::ConstantOp::create(rewriter, loc, value);
  }
  Value stepIf(arith::CmpFPredicate predicate, Value r, Value x, float step) {
    return add(r, select(cmp(predicate, r, x), f(step), f(0.0f)));
  }

  PatternRewriter &rewriter;
  Location loc;
  Type type, intType;
  bool fma, scalef = false;
};

/// Replaces a function of one float32 by a formula.
template <typename Op, Value (Formula::*formula)(Value)>
struct ExpandUnary : OpRewritePattern<Op> {
  ExpandUnary(MLIRContext *context, MathTarget target)
      : OpRewritePattern<Op>(context), target(target) {}

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    Type type = op.getType();
    auto vector = dyn_cast<VectorType>(type);
    if (!getElementTypeOrSelf(type).isF32() || (vector && vector.isScalable()))
      return rewriter.notifyMatchFailure(op, "not float32");
    Formula builder(rewriter, op.getLoc(), type, target);
    rewriter.replaceOp(op, (builder.*formula)(op.getOperand()));
    return success();
  }

  MathTarget target;
};

/// Without an instruction, fma would become a slow call.
struct SplitFma : OpRewritePattern<math::FmaOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::FmaOp op,
                                PatternRewriter &rewriter) const override {
    Value product =
        arith::MulFOp::create(rewriter, op.getLoc(), op.getA(), op.getB());
    rewriter.replaceOpWithNewOp<arith::AddFOp>(op, product, op.getC());
    return success();
  }
};
} // namespace

void mlir::lowbit::populateMathExpansionPatterns(RewritePatternSet &patterns,
                                                 const Target &target) {
  MLIRContext *context = patterns.getContext();
  MathTarget machine{target.has("fma"), target.has("sse4.1"),
                     target.has("avx512f")};
  populateMathAlgebraicSimplificationPatterns(patterns);
  patterns.add<ExpandUnary<math::ExpOp, &Formula::exp>,
               ExpandUnary<math::Exp2Op, &Formula::exp2>,
               ExpandUnary<math::TanhOp, &Formula::tanh>,
               ExpandUnary<math::ErfOp, &Formula::erf>,
               ExpandUnary<math::RoundOp, &Formula::round>>(context, machine);
  auto isUpstream = [](StringRef name) {
    return llvm::is_contained(
        {"math.log", "math.log2", "math.log1p", "math.expm1"}, name);
  };
  populateMathPolynomialApproximationPatterns(patterns, isUpstream);
  populateMathF32ExpansionPatterns(patterns, [&](StringRef name) {
    return isUpstream(name) ||
           llvm::is_contained(
               {"math.exp", "math.exp2", "math.tanh", "math.erf", "math.round"},
               name);
  });
  if (!machine.rounding)
    patterns.add<ExpandUnary<math::RoundEvenOp, &Formula::roundEven>,
                 ExpandUnary<math::TruncOp, &Formula::trunc>,
                 ExpandUnary<math::FloorOp, &Formula::floor>,
                 ExpandUnary<math::CeilOp, &Formula::ceil>>(context, machine);
  if (!machine.fma)
    patterns.add<SplitFma>(context);
}
