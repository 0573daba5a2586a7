//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Moves elementwise consumers of a packed matmul into its epilogue, so that the
// sums are finished (scaled, biased, activated, added to a residual) while they
// are in registers. Chains of elementwise operations are merged on the way.
//
//===----------------------------------------------------------------------===//

#include "ElementwiseBody.h"
#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "lowbit/Dialect/Lowbit/IR/ReportMarks.h"
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::lowbit {
#define GEN_PASS_DEF_LOWBITFUSEEPILOGUE
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

/// Whether a map reads an operand of the epilogue: dimensions of the result in
/// their order, or constant 0 along a dimension of 1 of a full-rank operand.
static bool readsInOrder(AffineMap map) {
  int64_t last = -1;
  bool fullRank = map.getNumResults() == map.getNumDims();
  for (auto [i, expr] : llvm::enumerate(map.getResults())) {
    if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
      if (!fullRank || constant.getValue() != 0)
        return false;
      last = i;
      continue;
    }
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim || static_cast<int64_t>(dim.getPosition()) <= last ||
        (fullRank && dim.getPosition() != i))
      return false;
    last = dim.getPosition();
  }
  return true;
}

/// The operand with dimensions of 1 where `map` skips dimensions of the result;
/// scalars and per-channel vectors stay as they are.
static Value alignOperand(OpBuilder &builder, Location loc, Value operand,
                          AffineMap map) {
  auto type = cast<RankedTensorType>(operand.getType());
  int64_t rank = map.getNumDims();
  bool perChannel = type.getRank() == 1 &&
                    map.getResult(0) == builder.getAffineDimExpr(rank - 1);
  if (type.getRank() == 0 || type.getRank() == rank || perChannel)
    return operand;
  SmallVector<int64_t> shape(rank, 1);
  SmallVector<OpFoldResult> sizes(rank, builder.getIndexAttr(1));
  SmallVector<ReassociationIndices> groups(type.getRank());
  int64_t next = 0;
  for (auto [i, expr] : llvm::enumerate(map.getResults())) {
    int64_t at = cast<AffineDimExpr>(expr).getPosition();
    for (; next <= at; ++next)
      groups[i].push_back(next);
    shape[at] = type.getDimSize(i);
    sizes[at] = tensor::getMixedSize(builder, loc, operand, i);
  }
  for (; next < rank; ++next)
    groups.back().push_back(next);
  return tensor::ExpandShapeOp::create(builder, loc, type.clone(shape), operand,
                                       groups, sizes);
}

namespace {

struct FuseConsumer : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getNumDpsInits() != 1 ||
        op.getNumParallelLoops() != op.getNumLoops())
      return rewriter.notifyMatchFailure(op, "not elementwise");
    OpOperand *product = nullptr;
    for (OpOperand *input : op.getDpsInputOperands()) {
      auto matmul = input->get().getDefiningOp<PackedMatmulOp>();
      if (!matmul || matmul.getResultPacking())
        continue;
      if (product)
        return rewriter.notifyMatchFailure(op, "two products");
      product = input;
    }
    if (!product || !product->get().hasOneUse())
      return rewriter.notifyMatchFailure(op, "no product of its own");
    OpOperand *init = op.getDpsInitOperand(0);
    if (!op.getMatchingIndexingMap(product).isIdentity() ||
        !op.getMatchingIndexingMap(init).isIdentity())
      return rewriter.notifyMatchFailure(op, "product is permuted");
    if (!hasElementwiseBody(op) || !capturesOnlyConstants(op))
      return rewriter.notifyMatchFailure(op, "body is not plain arithmetic");
    for (OpOperand *input : op.getDpsInputOperands())
      if (!readsInOrder(op.getMatchingIndexingMap(input)))
        return rewriter.notifyMatchFailure(op, "an input is permuted");
    fuse(op, product, rewriter);
    return success();
  }

  static void fuse(linalg::GenericOp op, OpOperand *product,
                   PatternRewriter &rewriter) {
    auto matmul = product->get().getDefiningOp<PackedMatmulOp>();
    SmallVector<Value> epilogue(matmul.getEpilogue());
    SmallVector<OpOperand *> others;
    for (OpOperand *input : op.getDpsInputOperands()) {
      if (input == product)
        continue;
      others.push_back(input);
      epilogue.push_back(alignOperand(rewriter, op.getLoc(), input->get(),
                                      op.getMatchingIndexingMap(input)));
    }
    auto fused = PackedMatmulOp::create(
        rewriter, matmul.getLoc(), op.getResultTypes()[0], matmul.getLhs(),
        matmul.getRhs(), epilogue, op.getDpsInits()[0], matmul.getDynamicSize(),
        matmul.getDynamicColumns(), /*scratch=*/Value(), matmul.getKernelAttr(),
        matmul.getSizeAttr(), matmul.getColumnsAttr(),
        matmul.getLhsPackingAttr(), matmul.getRhsPackingAttr(),
        /*result_packing=*/PackingAttr());
    fused->setDiscardableAttrs(matmul->getDiscardableAttrDictionary());

    Block *from = &matmul.getBody().front(), *with = op.getBody();
    OpBuilder::InsertionGuard guard(rewriter);
    Block *body = rewriter.createBlock(&fused.getBody());
    IRMapping map;
    for (BlockArgument argument : from->getArguments())
      map.map(argument,
              body->addArgument(argument.getType(), argument.getLoc()));
    for (Operation &inner : from->without_terminator())
      rewriter.clone(inner, map);
    map.map(with->getArgument(product->getOperandNumber()),
            map.lookup(from->getTerminator()->getOperand(0)));
    for (OpOperand *input : others) {
      BlockArgument argument = with->getArgument(input->getOperandNumber());
      map.map(argument,
              body->addArgument(argument.getType(), argument.getLoc()));
    }
    YieldOp::create(rewriter, op.getLoc(), cloneBody(rewriter, with, map));
    rewriter.replaceOp(op, fused);
  }
};

/// Upstream's fusion of an elementwise producer, but a product keeps what it
/// says to the report.
struct FuseIntoProduct : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    if (!op->hasAttr(kFloatMatmul) && !op->hasAttr(kLevelsMatmul))
      return rewriter.notifyMatchFailure(op, "not a product");
    for (OpOperand &operand : op->getOpOperands()) {
      if (!isFusable(&operand) || !linalg::areElementwiseOpsFusable(&operand))
        continue;
      FailureOr<linalg::ElementwiseOpFusionResult> fused =
          linalg::fuseElementwiseOps(rewriter, &operand);
      if (failed(fused))
        return rewriter.notifyMatchFailure(op, "producer does not fuse");
      fused->fusedOp->setDiscardableAttrs(op->getDiscardableAttrDictionary());
      for (Value result : op->getResults())
        rewriter.replaceAllUsesWith(result, fused->replacements.lookup(result));
      rewriter.eraseOp(op);
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no elementwise producer");
  }

  /// Whether an operand may be computed where it is read.
  static bool isFusable(OpOperand *operand) {
    return operand->get().hasOneUse() &&
           operand->get().getDefiningOp<linalg::GenericOp>();
  }
};

struct FuseEpilogue : lowbit::impl::LowbitFuseEpilogueBase<FuseEpilogue> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseConsumer, FuseIntoProduct>(&getContext(), /*benefit=*/2);
    linalg::populateElementwiseOpsFusionPatterns(patterns,
                                                 FuseIntoProduct::isFusable);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
