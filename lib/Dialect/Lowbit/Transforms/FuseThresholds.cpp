//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Integer thresholds in place of float epilogues. The sums of a packed matmul
// are integers of a known range, so the float expression between the sum and the
// code is evaluated here, exactly, for all of them: where the codes ascend with
// the sum, `sum >= threshold` tells every bit of the code.
//
//===----------------------------------------------------------------------===//

#include "EpilogueEvaluator.h"
#include "lowbit/Constants/Constants.h"
#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/TypeUtilities.h"
#include <limits>

namespace mlir::lowbit {
#define GEN_PASS_DEF_LOWBITFUSETHRESHOLDS
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

/// Comparing with more thresholds takes longer than the float expression.
static constexpr int64_t kMaxLevels = 4;

/// Longer ranges of sums would take too long to evaluate.
static constexpr int64_t kMaxSums = 1 << 16;

namespace {

/// `thresholds[j - 1][n]`: the least sum of column n whose code is at least j.
using Thresholds = std::vector<std::vector<int32_t>>;

struct FuseThresholds : lowbit::impl::LowbitFuseThresholdsBase<FuseThresholds> {
  void runOnOperation() override {
    SmallVector<PackedMatmulOp> matmuls;
    getOperation()->walk([&](PackedMatmulOp op) {
      if (op.getResultPacking() && op.getLhsPacking() &&
          isa<RankedTensorType>(op.getInit().getType()))
        matmuls.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (PackedMatmulOp op : matmuls) {
      std::string reason;
      std::optional<Thresholds> thresholds = find(op, reason);
      if (thresholds)
        replace(op, std::move(*thresholds), rewriter);
      else
        op->emitRemark("keeps its float epilogue: ") << reason;
    }
  }

  static std::optional<Thresholds> find(PackedMatmulOp op,
                                        std::string &reason) {
    int64_t count = op.getResultPacking()->getLevels().getCount();
    if (count > kMaxLevels) {
      reason = std::to_string(count) + " levels";
      return std::nullopt;
    }
    if (op.getDynamicSize()) {
      reason = "the length of the product is not known";
      return std::nullopt;
    }
    LevelsType lhs = op.getLhsPacking()->getLevels();
    LevelsType rhs = op.getRhsPacking().getLevels();
    int64_t products[] = {lhs.getFirst() * rhs.getFirst(),
                          lhs.getFirst() * rhs.getLast(),
                          lhs.getLast() * rhs.getFirst(),
                          lhs.getLast() * rhs.getLast()};
    int64_t size = op.getSize();
    int64_t first = size * *llvm::min_element(products);
    int64_t last = size * *llvm::max_element(products);
    if (last - first >= kMaxSums) {
      reason = "the sums have too wide a range";
      return std::nullopt;
    }
    EpilogueEvaluator evaluator(op);
    if (!evaluator.reason().empty()) {
      reason = evaluator.reason();
      return std::nullopt;
    }
    int64_t columns = op.getColumns();
    Thresholds result(count - 1, std::vector<int32_t>(columns));
    for (int64_t column = 0; column < columns; ++column) {
      std::vector<int32_t> codes = evaluator.getCodes(column, first, last);
      if (!llvm::is_sorted(codes)) {
        reason = "the codes of column " + std::to_string(column) +
                 " do not ascend with the sum";
        return std::nullopt;
      }
      for (int64_t code = 1; code < count; ++code) {
        int64_t position = llvm::lower_bound(codes, code) - codes.begin();
        result[code - 1][column] =
            position == static_cast<int64_t>(codes.size())
                ? std::numeric_limits<int32_t>::max()
                : static_cast<int32_t>(first + position);
      }
    }
    return result;
  }

  static void replace(PackedMatmulOp op, Thresholds thresholds,
                      IRRewriter &rewriter) {
    Location loc = op.getLoc();
    rewriter.setInsertionPoint(op);
    auto type = RankedTensorType::get(
        static_cast<int64_t>(op.getColumns()), rewriter.getI32Type());
    SmallVector<Value> operands;
    for (std::vector<int32_t> &values : thresholds)
      operands.push_back(arith::ConstantOp::create(
          rewriter, loc, makeConstant(type, std::move(values))));
    auto compared = PackedMatmulOp::create(
        rewriter, loc, op->getResultTypes(), op.getLhs(), op.getRhs(), operands,
        op.getInit(), op.getDynamicSize(), op.getDynamicColumns(),
        op.getKernelAttr(), op.getSizeAttr(), op.getColumnsAttr(),
        op.getLhsPackingAttr(), op.getRhsPackingAttr(),
        op.getResultPackingAttr());
    compared->setDiscardableAttrs(op->getDiscardableAttrDictionary());

    Block *body = rewriter.createBlock(&compared.getBody());
    Value sum = body->addArgument(rewriter.getI32Type(), loc);
    SmallVector<Value> reached;
    for (Value operand : operands)
      reached.push_back(arith::CmpIOp::create(
          rewriter, loc, arith::CmpIPredicate::sge, sum,
          body->addArgument(getElementTypeOrSelf(operand.getType()), loc)));
    // A bit of the code changes at every multiple of its weight.
    SmallVector<Value> planes;
    for (unsigned plane = 0; plane < op.getResultPacking()->getPlanes();
         ++plane) {
      size_t weight = size_t(1) << plane;
      Value bit = reached[weight - 1];
      for (size_t code = 2 * weight; code <= reached.size(); code += weight)
        bit = arith::XOrIOp::create(rewriter, loc, bit, reached[code - 1]);
      planes.push_back(bit);
    }
    YieldOp::create(rewriter, loc, planes);
    rewriter.replaceOp(op, compared);
  }
};

} // namespace
