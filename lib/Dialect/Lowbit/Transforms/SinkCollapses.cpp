//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Some models merge batch and heads around attention, `[B, H, S, D]` to
// `[B * H, S, D]`, and part them again for the mask and behind the product with
// the values. Here the merge moves down until it meets its inverse, so that
// attention looks the same for all passes that follow: four dimensions.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::lowbit {
#define GEN_PASS_DEF_LOWBITSINKCOLLAPSES
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

/// The collapse that makes `value`, if it merges the first dimensions alone and
/// leaves the last two as they are.
static tensor::CollapseShapeOp getMerge(Value value) {
  auto collapse = value.getDefiningOp<tensor::CollapseShapeOp>();
  if (!collapse)
    return {};
  SmallVector<ReassociationIndices> groups = collapse.getReassociationIndices();
  if (groups.size() < 3 || groups.front().size() < 2)
    return {};
  for (ReassociationIndices &group : llvm::drop_begin(groups))
    if (group.size() != 1)
      return {};
  return collapse;
}

/// `unmerged`, merged as `collapse` does.
static Value mergeAgain(OpBuilder &builder, Location loc, Value unmerged,
                        tensor::CollapseShapeOp collapse) {
  return tensor::CollapseShapeOp::create(builder, loc, unmerged,
                                         collapse.getReassociationIndices());
}

namespace {

struct SinkThroughQuantize : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    tensor::CollapseShapeOp merge = getMerge(op.getInput());
    if (!merge || op.getGranularity() != Granularity::tensor)
      return failure();
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    Value result = QuantizeOp::create(
        rewriter, op.getLoc(), merge.getSrc(), op.getScale(), op.getShift(),
        op.getOffset(), cast<LevelsType>(type.getElementType()),
        op.getRounding(), op.getGranularity());
    rewriter.replaceOp(op, mergeAgain(rewriter, op.getLoc(), result, merge));
    return success();
  }
};

struct SinkThroughSoftmax : OpRewritePattern<SoftmaxOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SoftmaxOp op,
                                PatternRewriter &rewriter) const override {
    tensor::CollapseShapeOp merge = getMerge(op.getInput());
    if (!merge || !isa<RankedTensorType>(op.getInit().getType()))
      return failure();
    Value result =
        SoftmaxOp::create(rewriter, op.getLoc(), merge.getSrc())->getResult(0);
    rewriter.replaceOp(op, mergeAgain(rewriter, op.getLoc(), result, merge));
    return success();
  }
};

struct SinkThroughMatmul : OpRewritePattern<MatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MatmulOp op,
                                PatternRewriter &rewriter) const override {
    tensor::CollapseShapeOp lhs = getMerge(op.getLhs());
    tensor::CollapseShapeOp rhs = getMerge(op.getRhs());
    if (!lhs || !rhs ||
        lhs.getReassociationIndices() != rhs.getReassociationIndices())
      return rewriter.notifyMatchFailure(op, "batches are not merged alike");
    // The merged batches agree; what they are made of must be known to.
    size_t batch = lhs.getSrcType().getRank() - 2;
    ArrayRef<int64_t> first = lhs.getSrcType().getShape().take_front(batch);
    ArrayRef<int64_t> second = rhs.getSrcType().getShape().take_front(batch);
    if (first != second || llvm::count(first, ShapedType::kDynamic) > 1)
      return rewriter.notifyMatchFailure(op, "batches are made of other parts");
    Value result = MatmulOp::create(rewriter, op.getLoc(), lhs.getSrc(),
                                    rhs.getSrc(), op.getTransposeRhs())
                       ->getResult(0);
    result.getDefiningOp()->setDiscardableAttrs(
        op->getDiscardableAttrDictionary());
    rewriter.replaceOp(op, mergeAgain(rewriter, op.getLoc(), result, lhs));
    return success();
  }
};

struct SinkThroughLevelSum : OpRewritePattern<LevelSumOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LevelSumOp op,
                                PatternRewriter &rewriter) const override {
    tensor::CollapseShapeOp merge = getMerge(op.getInput());
    if (!merge || op.getAxis() == 0)
      return failure();
    int64_t axis = merge.getReassociationIndices()[op.getAxis()].front();
    Value result =
        LevelSumOp::create(rewriter, op.getLoc(), merge.getSrc(), axis)
            ->getResult(0);
    // The dimensions behind the merged ones are one fewer.
    SmallVector<ReassociationIndices> groups = merge.getReassociationIndices();
    groups.pop_back();
    rewriter.replaceOpWithNewOp<tensor::CollapseShapeOp>(op, result, groups);
    return success();
  }
};

struct SinkCollapses : lowbit::impl::LowbitSinkCollapsesBase<SinkCollapses> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<SinkThroughQuantize, SinkThroughSoftmax, SinkThroughMatmul,
                 SinkThroughLevelSum>(&getContext());
    linalg::populateFoldReshapeOpsByExpansionPatterns(
        patterns, [](OpOperand *operand) {
          auto generic = dyn_cast<linalg::GenericOp>(operand->getOwner());
          return generic && getMerge(operand->get()) &&
                 generic.getNumParallelLoops() == generic.getNumLoops();
        });
    tensor::populateFoldTensorEmptyPatterns(patterns);
    tensor::ExpandShapeOp::getCanonicalizationPatterns(patterns, &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
