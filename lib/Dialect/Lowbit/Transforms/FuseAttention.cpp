//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Products, softmax and the quantizer of attention become one operation, so
// that no matrix of scores is written: see `lowbit.packed_attention`.
//
//===----------------------------------------------------------------------===//

#include "QuantizerPlanes.h"
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::lowbit {
#define GEN_PASS_DEF_LOWBITFUSEATTENTION
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

/// The minimum of all elements of a tensor, from +inf on; null for others.
static linalg::GenericOp findMinimum(Value number) {
  auto reduce = number.getDefiningOp<linalg::GenericOp>();
  if (!reduce || reduce.getNumDpsInputs() != 1 ||
      reduce->getNumResults() != 1 ||
      reduce.getNumReductionLoops() != reduce.getNumLoops() ||
      !reduce.getMatchingIndexingMap(reduce.getDpsInputOperand(0)).isIdentity())
    return nullptr;
  Block *body = reduce.getBody();
  auto least =
      body->getTerminator()->getOperand(0).getDefiningOp<arith::MinimumFOp>();
  Value first = body->getArgument(0), second = body->getArgument(1);
  if (!least || !((least.getLhs() == first && least.getRhs() == second) ||
                  (least.getLhs() == second && least.getRhs() == first)))
    return nullptr;
  auto fill = reduce.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
  APFloat init(0.0f);
  if (!fill || !matchPattern(fill.getInputs()[0], m_ConstantFloat(&init)) ||
      !init.isInfinity() || init.isNegative())
    return nullptr;
  return reduce;
}

/// The probabilities of which a number is the minimum, by way of an operation
/// that changes their shape or not; null where it is of something else.
static linalg::GenericOp findMinimumOf(Value number, Value probabilities) {
  linalg::GenericOp minimum = findMinimum(number);
  if (!minimum)
    return nullptr;
  Value reduced = minimum.getDpsInputs()[0];
  if (auto collapse = reduced.getDefiningOp<tensor::CollapseShapeOp>();
      collapse && collapse->hasOneUse())
    reduced = collapse.getSrc();
  return reduced == probabilities ? minimum : nullptr;
}

static bool isPackedInLanes(PackingAttr packing) {
  return packing.getOrder() == Order::panels ||
         packing.getOrder() == Order::dwords ||
         packing.getOrder() == Order::quads;
}

namespace {

struct FuseSteps : OpRewritePattern<PackedMatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(PackedMatmulOp context,
                                PatternRewriter &rewriter) const override {
    auto quantize = context.getLhs().getDefiningOp<QuantizePackOp>();
    if (!quantize || quantize.hasInputBody())
      return failure();
    auto softmax = quantize.getInput().getDefiningOp<SoftmaxOp>();
    if (!softmax)
      return failure();
    linalg::GenericOp minimum;
    if (quantize.getOffset())
      minimum = findMinimumOf(quantize.getOffset(), softmax->getResult(0));
    if (!softmax->getResult(0).hasNUses(minimum ? 2 : 1))
      return failure();
    auto scores = softmax.getInput().getDefiningOp<PackedMatmulOp>();
    if (!scores || !scores->hasOneUse() || scores.getResultPacking())
      return failure();
    // From here on it looks like attention: say why it stays in steps.
    auto stays = [&](StringRef reason) {
      context.emitRemark("attention stays in steps: ") << reason;
      return failure();
    };
    if (context.getResultPacking() || !context.getLhsPacking() ||
        !scores.getLhsPacking())
      return stays("a product has no packed sides or a packed result");
    LevelsType levels = quantize.getPacking().getLevels();
    if (!PackedAttentionOp::takesProbabilities(levels) ||
        quantize.getRounding() != Rounding::half_even)
      return stays("the probabilities have other codes than 0, 1, ... 256");
    if (!quantize->hasOneUse() || quantize.getShift() ||
        (quantize.getOffset() && !minimum) || quantize.getPermutation() ||
        quantize.getGranularity() != Granularity::tensor)
      return stays("the quantizer of the probabilities is not a plain scale");
    auto isPartOfAttention = [&](Operation *user) {
      return user == quantize || user == context;
    };
    if (minimum && !llvm::all_of(minimum->getUsers(), isPartOfAttention))
      return stays("something else reads the least probability");
    if (!isPackedInLanes(scores.getRhsPacking()) ||
        !isPackedInLanes(context.getRhsPacking()))
      return stays("keys or values are not packed in the lanes of a vector");
    if (scores.getDynamicSize() || context.getDynamicColumns())
      return stays("the size of a head is not known");
    auto rankOf = [](Value value) {
      return cast<RankedTensorType>(value.getType()).getRank();
    };
    int64_t rank = rankOf(scores.getLhs());
    if (rankOf(scores.getRhs()) != rank + 1 ||
        rankOf(context.getRhs()) != rank + 1)
      return stays("keys or values are shared by the batch");
    auto resultType = cast<RankedTensorType>(context->getResult(0).getType());
    if (!resultType.getElementType().isF32())
      return stays("the context is not f32");

    linalg::TransposeOp transpose;
    if (rank == 4 && context->hasOneUse()) {
      transpose = dyn_cast<linalg::TransposeOp>(*context->user_begin());
      if (transpose &&
          transpose.getPermutation() != ArrayRef<int64_t>({0, 2, 1, 3}))
        transpose = nullptr;
    }
    Value init = transpose ? transpose.getInit() : context.getInit();
    // The destination must be there before the context.
    rewriter.setInsertionPoint(transpose ? transpose.getOperation()
                                         : context.getOperation());
    Value keys = scores.getDynamicColumns();
    if (!keys)
      keys = arith::ConstantIndexOp::create(rewriter, scores.getLoc(),
                                            scores.getColumns());
    SmallVector<Value> contextOperands(context.getEpilogue());
    if (minimum)
      takeMinimum(context.getBody().front(), contextOperands,
                  minimum->getResult(0));
    PackingAttr codes = quantize.getPacking();
    if (levels.getLast() == 1 && codes.getOrder() == Order::rows)
      codes = PackingAttr();
    Location loc = rewriter.getFusedLoc({context.getLoc(), scores.getLoc(),
                                         softmax.getLoc(), quantize.getLoc()});
    auto fused = PackedAttentionOp::create(
        rewriter, loc, init.getType(), scores.getLhs(), scores.getRhs(),
        context.getRhs(), quantize.getScale(), scores.getEpilogue(),
        contextOperands, keys,
        /*scratch=*/ValueRange(), init, scores.getKernelAttr(),
        scores.getKernel() == context.getKernel() ? StringAttr()
                                                  : context.getKernelAttr(),
        scores.getSizeAttr(), context.getColumnsAttr(),
        scores.getLhsPackingAttr(), scores.getRhsPackingAttr(),
        context.getRhsPackingAttr(), codes, /*result_packing=*/PackingAttr(),
        transpose ? rewriter.getUnitAttr() : UnitAttr(),
        minimum ? rewriter.getUnitAttr() : UnitAttr());
    fused->setDiscardableAttrs(context->getDiscardableAttrDictionary());
    rewriter.inlineRegionBefore(scores.getBody(), fused.getScoreBody(),
                                fused.getScoreBody().end());
    rewriter.inlineRegionBefore(context.getBody(), fused.getContextBody(),
                                fused.getContextBody().end());
    if (transpose) {
      rewriter.replaceOp(transpose, fused->getResults());
      rewriter.eraseOp(context);
    } else {
      rewriter.replaceOp(context, fused->getResults());
    }
    rewriter.eraseOp(quantize);
    if (minimum) {
      Operation *reshape = minimum.getDpsInputs()[0].getDefiningOp();
      rewriter.eraseOp(minimum);
      if (reshape != softmax)
        rewriter.eraseOp(reshape);
    }
    rewriter.eraseOp(softmax);
    rewriter.eraseOp(scores);
    return success();
  }

private:
  /// Makes the least probability the second argument of the region of the
  /// context, in place of operands.
  static void takeMinimum(Block &body, SmallVectorImpl<Value> &operands,
                          Value minimum) {
    Value least = body.insertArgument(
        1u, cast<RankedTensorType>(minimum.getType()).getElementType(),
        minimum.getLoc());
    for (size_t i = operands.size(); i-- > 0;) {
      if (operands[i] != minimum)
        continue;
      body.getArgument(i + 2).replaceAllUsesWith(least);
      body.eraseArgument(i + 2);
      operands.erase(operands.begin() + i);
    }
  }
};

/// The quantizer of joined heads.
struct FuseContextQuantizer : OpRewritePattern<QuantizePackOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizePackOp op,
                                PatternRewriter &rewriter) const override {
    if (!isa<RankedTensorType>(op.getInput().getType()))
      return rewriter.notifyMatchFailure(op, "not on tensors");
    auto join = op.getInput().getDefiningOp<tensor::CollapseShapeOp>();
    if (!join || !join->hasOneUse() ||
        join.getReassociationIndices() !=
            SmallVector<ReassociationIndices>{{0}, {1}, {2, 3}})
      return rewriter.notifyMatchFailure(op, "no joined heads");
    auto attention = join.getSrc().getDefiningOp<PackedAttentionOp>();
    if (!attention || !attention->hasOneUse() || !attention.getTransposed() ||
        attention.getResultPacking() || attention.getColumns() % 8 != 0)
      return rewriter.notifyMatchFailure(op, "no attention of its own");
    auto heads = cast<RankedTensorType>(join.getSrc().getType()).getDimSize(2);
    if (op.hasInputBody() || op.getGranularity() != Granularity::tensor ||
        op.getPermutation() || !op.getPacking().isSummedRows() ||
        ShapedType::isDynamic(heads))
      return rewriter.notifyMatchFailure(op, "not packed rows of known heads");

    Location loc = op.getLoc();
    SmallVector<Value> operands(attention.getContextOperands());
    if (op.getScale())
      operands.push_back(op.getScale());
    if (Value shift = op.getShift()) {
      // One number for each element of each head.
      int64_t size = attention.getColumns();
      auto type =
          RankedTensorType::get({heads, 1, size}, rewriter.getF32Type());
      operands.push_back(tensor::ExpandShapeOp::create(
          rewriter, loc, type, shift,
          SmallVector<ReassociationIndices>{{0, 1, 2}}));
    }
    if (op.getOffset())
      operands.push_back(op.getOffset());
    auto fused = PackedAttentionOp::create(
        rewriter, attention.getLoc(), op.getInit().getType(), attention.getQ(),
        attention.getK(), attention.getV(), attention.getScale(),
        attention.getScoreOperands(), operands, attention.getKeys(),
        /*scratch=*/ValueRange(), op.getInit(), attention.getKernelAttr(),
        attention.getContextKernelAttr(), attention.getSizeAttr(),
        attention.getColumnsAttr(), attention.getQPackingAttr(),
        attention.getKPackingAttr(), attention.getVPackingAttr(),
        attention.getCodePackingAttr(), op.getPackingAttr(),
        rewriter.getUnitAttr(), attention.getSubtractMinimumAttr());
    fused->setDiscardableAttrs(attention->getDiscardableAttrDictionary());
    rewriter.inlineRegionBefore(attention.getScoreBody(), fused.getScoreBody(),
                                fused.getScoreBody().end());
    rewriter.inlineRegionBefore(attention.getContextBody(),
                                fused.getContextBody(),
                                fused.getContextBody().end());
    Block *body = &fused.getContextBody().front();
    Operation *yield = body->getTerminator();
    rewriter.setInsertionPoint(yield);
    SmallVector<Value> planes =
        appendQuantizer(rewriter, body, op, yield->getOperand(0));
    rewriter.replaceOpWithNewOp<YieldOp>(yield, planes);
    rewriter.replaceOp(op, fused->getResults());
    rewriter.eraseOp(join);
    rewriter.eraseOp(attention);
    return success();
  }
};

struct FuseAttention : lowbit::impl::LowbitFuseAttentionBase<FuseAttention> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseSteps, FuseContextQuantizer>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
