//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See ExpandMinMax.h.
//
//===----------------------------------------------------------------------===//

#include "ExpandMinMax.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::lowbit;
using arith::CmpFPredicate;

static Value select(OpBuilder &builder, Location loc, CmpFPredicate predicate,
                    Value a, Value b) {
  Value chosen = arith::CmpFOp::create(builder, loc, predicate, a, b);
  return arith::SelectOp::create(builder, loc, chosen, a, b);
}

namespace {

/// `min` and `max` differ in two predicates, `strict` and `loose`, and in the
/// zero that wins.
template <typename Op> struct ExpandExtremum : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  static constexpr bool isMin = std::is_same_v<Op, arith::MinimumFOp>;
  static constexpr auto strict =
      isMin ? CmpFPredicate::OLT : CmpFPredicate::OGT;
  static constexpr auto loose = isMin ? CmpFPredicate::OLE : CmpFPredicate::OGE;

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value a = op.getLhs(), b = op.getRhs();
    APFloat constant(0.0);
    if (matchPattern(a, m_ConstantFloat(&constant)))
      std::swap(a, b);
    if (matchPattern(b, m_ConstantFloat(&constant)) && !constant.isNaN()) {
      // The constant where it wins, else `a`, which may be NaN.
      bool winsTies = constant.isZero() && constant.isNegative() == isMin;
      rewriter.replaceOp(
          op, select(rewriter, loc, winsTies ? loose : strict, b, a));
      return success();
    }
    Type type = op.getType();
    Type bits = rewriter.getIntegerType(
        getElementTypeOrSelf(type).getIntOrFloatBitWidth());
    if (auto vector = dyn_cast<VectorType>(type))
      bits = vector.clone(bits);
    auto asBits = [&](Value value) -> Value {
      return arith::BitcastOp::create(rewriter, loc, bits, value);
    };
    Value first = asBits(select(rewriter, loc, strict, a, b));
    Value second = asBits(select(rewriter, loc, strict, b, a));
    // Of NaN and a number this is NaN, of two zeros the negative one.
    Value result = arith::OrIOp::create(rewriter, loc, first, second);
    if (!isMin) {
      Value unordered =
          arith::CmpFOp::create(rewriter, loc, CmpFPredicate::UNO, a, b);
      Value positive = arith::AndIOp::create(rewriter, loc, first, second);
      result =
          arith::SelectOp::create(rewriter, loc, unordered, result, positive);
    }
    rewriter.replaceOpWithNewOp<arith::BitcastOp>(op, type, result);
    return success();
  }
};

} // namespace

void mlir::lowbit::populateExpandMinMaxPatterns(RewritePatternSet &patterns) {
  patterns.add<ExpandExtremum<arith::MinimumFOp>,
               ExpandExtremum<arith::MaximumFOp>>(patterns.getContext());
}
