//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Counts operations: one each, math functions more, loops by their trip counts.
//
//===----------------------------------------------------------------------===//

#include "WorkEstimate.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

static constexpr int64_t kUnknownTrips = 16;
static constexpr int64_t kMathCost = 16;

static Value makeIndex(OpBuilder &builder, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}

static Value getTrips(OpBuilder &builder, Location loc, scf::ForOp loop,
                      Operation *scope) {
  for (Value bound :
       {loop.getLowerBound(), loop.getUpperBound(), loop.getStep()}) {
    APInt constant;
    if (matchPattern(bound, m_ConstantInt(&constant)))
      continue;
    if (!bound.getType().isIndex() ||
        scope->isAncestor(bound.getParentBlock()->getParentOp()))
      return makeIndex(builder, loc, kUnknownTrips);
  }
  // Constants may sit inside the scope: rebuild them here.
  auto take = [&](Value bound) -> Value {
    APInt constant;
    if (matchPattern(bound, m_ConstantInt(&constant)))
      return makeIndex(builder, loc, constant.getSExtValue());
    return bound;
  };
  Value span = builder.createOrFold<arith::SubIOp>(
      loc, take(loop.getUpperBound()), take(loop.getLowerBound()));
  return builder.createOrFold<arith::CeilDivSIOp>(loc, span,
                                                  take(loop.getStep()));
}

Value mlir::lowbit::estimateWork(OpBuilder &builder, Location loc, Block *body,
                                 Operation *scope) {
  int64_t fixed = 0;
  Value total;
  auto add = [&](Value part) {
    total =
        total ? builder.createOrFold<arith::AddIOp>(loc, total, part) : part;
  };
  for (Operation &op : *body) {
    if (op.hasTrait<OpTrait::IsTerminator>() ||
        op.hasTrait<OpTrait::ConstantLike>())
      continue;
    if (auto loop = dyn_cast<scf::ForOp>(op)) {
      Value inside = estimateWork(builder, loc, loop.getBody(), scope);
      add(builder.createOrFold<arith::MulIOp>(
          loc, getTrips(builder, loc, loop, scope), inside));
      continue;
    }
    // Of several regions one runs: take the longest.
    Value longest;
    for (Region &region : op.getRegions()) {
      Value inside = makeIndex(builder, loc, 0);
      for (Block &block : region)
        inside = builder.createOrFold<arith::AddIOp>(
            loc, inside, estimateWork(builder, loc, &block, scope));
      longest = longest
                    ? builder.createOrFold<arith::MaxSIOp>(loc, longest, inside)
                    : inside;
    }
    if (longest)
      add(longest);
    fixed += isa_and_present<math::MathDialect>(op.getDialect()) &&
                     !isa<math::FmaOp>(op)
                 ? kMathCost
                 : 1;
  }
  Value constant = makeIndex(builder, loc, std::max<int64_t>(1, fixed));
  add(constant);
  return total;
}
