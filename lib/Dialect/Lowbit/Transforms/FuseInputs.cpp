//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// lowbit-fuse-inputs. Quantizers whose scale is found at run time read a tensor
// twice: for its extremes and for its codes. What is done to every element
// before moves into both sweeps, and so do transposes, so that the tensor is
// read as its producer left it and none is written in between.
//
//===----------------------------------------------------------------------===//

#include "ElementwiseBody.h"
#include "lowbit/Constants/Constants.h"
#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::lowbit {
#define GEN_PASS_DEF_LOWBITFUSEINPUTS
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

/// Operations of a body that is computed once more rather than stored.
static constexpr size_t kFewOperations = 8;

/// Whether a body is quick to compute: no division, no function.
static bool isCheap(Block *body) {
  return body->getOperations().size() <= kFewOperations &&
         llvm::all_of(body->without_terminator(), [](Operation &op) {
           return isa<arith::ConstantOp, arith::AddFOp, arith::SubFOp,
                      arith::MulFOp, arith::NegFOp, arith::CmpFOp,
                      arith::SelectOp, arith::MaximumFOp, arith::MinimumFOp,
                      arith::MaxNumFOp, arith::MinNumFOp, math::AbsFOp>(op);
         });
}

/// Whether `op` makes each element of its result from the same element of one
/// input, which is returned, and from numbers; of f32.
static OpOperand *findElementwiseInput(linalg::GenericOp op) {
  if (!op.hasPureTensorSemantics() || op.getNumDpsInits() != 1 ||
      op.getNumParallelLoops() != op.getNumLoops() || op.getNumLoops() == 0)
    return nullptr;
  auto isF32 = [](Value value) {
    return getElementTypeOrSelf(value.getType()).isF32();
  };
  if (!llvm::all_of(op->getOperands(), isF32) ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity() ||
      !hasElementwiseBody(op))
    return nullptr;
  OpOperand *input = nullptr;
  for (OpOperand *operand : op.getDpsInputOperands()) {
    AffineMap map = op.getMatchingIndexingMap(operand);
    if (map.getNumResults() == 0)
      continue;
    if (input || !map.isIdentity())
      return nullptr;
    input = operand;
  }
  return input;
}

namespace {

/// The region of a quantizer, what an elementwise operation does first.
struct AbsorbElementwise : OpRewritePattern<QuantizePackOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizePackOp op,
                                PatternRewriter &rewriter) const override {
    auto source = op.getInput().getDefiningOp<linalg::GenericOp>();
    OpOperand *input = source ? findElementwiseInput(source) : nullptr;
    if (!input)
      return rewriter.notifyMatchFailure(op, "reads nothing elementwise");
    Block *with = source.getBody();
    if (!op.getInput().hasOneUse() && !isCheap(with))
      return rewriter.notifyMatchFailure(op, "what it reads is read by others");
    if (!capturesOnlyConstants(source))
      return rewriter.notifyMatchFailure(op, "reads values from outside");

    // The element, then the numbers of the new part and those of the old one.
    SmallVector<Value> operands;
    IRMapping map;
    Region region;
    Block &body = region.emplaceBlock();
    Location loc = op.getLoc();
    Type f32 = rewriter.getF32Type();
    map.map(with->getArgument(input->getOperandNumber()),
            body.addArgument(f32, loc));
    for (OpOperand *operand : source.getDpsInputOperands()) {
      if (operand == input)
        continue;
      operands.push_back(operand->get());
      map.map(with->getArgument(operand->getOperandNumber()),
              body.addArgument(f32, loc));
    }
    OpBuilder inner(op.getContext());
    inner.setInsertionPointToEnd(&body);
    Value yielded = cloneBody(inner, with, map);
    if (op.hasInputBody()) {
      Block *old = &op.getInputBody().front();
      map.map(old->getArgument(0), yielded);
      for (auto [argument, operand] : llvm::zip_equal(
               old->getArguments().drop_front(), op.getInputOperands())) {
        operands.push_back(operand);
        map.map(argument, body.addArgument(f32, loc));
      }
      yielded = cloneBody(inner, old, map);
    }
    YieldOp::create(inner, loc, yielded);
    rewriter.modifyOpInPlace(op, [&] {
      op.getInputMutable().assign(input->get());
      op.getInputOperandsMutable().assign(operands);
      op.getInputBody().takeBody(region);
      if (op.getScale() && getConstantScalarFloat(op.getScale()) == 1.0f)
        op.getScaleMutable().clear();
    });
    return success();
  }
};

/// A quantizer reads what is transposed before as it is.
struct AbsorbTranspose : OpRewritePattern<QuantizePackOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizePackOp op,
                                PatternRewriter &rewriter) const override {
    auto transpose = op.getInput().getDefiningOp<linalg::TransposeOp>();
    if (!transpose || op.getShift() ||
        op.getGranularity() != Granularity::tensor)
      return rewriter.notifyMatchFailure(op, "reads no transposed tensor");
    ArrayRef<int64_t> inner = transpose.getPermutation();
    SmallVector<int64_t> permutation(inner);
    if (std::optional<ArrayRef<int64_t>> outer = op.getPermutation())
      permutation = applyPermutation(permutation, *outer);
    // Vectors run along the last dimension of the input.
    int64_t last = inner.size() - 1;
    if (permutation[last] != last && permutation[last - 1] != last)
      return rewriter.notifyMatchFailure(op, "rows would lie apart");
    rewriter.modifyOpInPlace(op, [&] {
      op.getInputMutable().assign(transpose.getInput());
      op.setPermutation(permutation);
    });
    return success();
  }
};

/// The least or greatest of all elements, whatever their shape and order.
struct ReduceReshaped : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getNumDpsInits() != 1 || op.getNumDpsInputs() != 1 ||
        op.getNumReductionLoops() != op.getNumLoops() ||
        !op.getMatchingIndexingMap(op.getDpsInputOperand(0)).isIdentity())
      return rewriter.notifyMatchFailure(op, "not of all elements");
    Block *body = op.getBody();
    Operation *combine = body->getTerminator()->getOperand(0).getDefiningOp();
    Value carried = body->getArgument(1);
    if (!isa_and_nonnull<arith::MaximumFOp, arith::MinimumFOp>(combine) ||
        !carried.hasOneUse() || *carried.user_begin() != combine)
      return rewriter.notifyMatchFailure(op, "not an extreme");
    Operation *source = op.getDpsInputs()[0].getDefiningOp();
    if (!isa_and_nonnull<tensor::CollapseShapeOp, tensor::ExpandShapeOp,
                         linalg::TransposeOp>(source))
      return rewriter.notifyMatchFailure(op, "reads no reshaped tensor");
    Value input = source->getOperand(0);
    int64_t rank = cast<RankedTensorType>(input.getType()).getRank();
    AffineMap maps[] = {rewriter.getMultiDimIdentityMap(rank),
                        AffineMap::get(rank, 0, rewriter.getContext())};
    SmallVector<utils::IteratorType> iterators(rank,
                                               utils::IteratorType::reduction);
    auto reduced =
        linalg::GenericOp::create(rewriter, op.getLoc(), op.getResultTypes(),
                                  input, op.getOutputs(), maps, iterators);
    rewriter.inlineRegionBefore(op.getRegion(), reduced.getRegion(),
                                reduced.getRegion().end());
    rewriter.replaceOp(op, reduced.getResults());
    return success();
  }
};

/// Whether an extreme takes in the elementwise operation that it reads.
static bool isPartOfExtreme(OpOperand *operand) {
  auto op = dyn_cast<linalg::GenericOp>(operand->getOwner());
  auto source = operand->get().getDefiningOp<linalg::GenericOp>();
  return op && source && op.getNumReductionLoops() == op.getNumLoops() &&
         findElementwiseInput(source) &&
         (operand->get().hasOneUse() || isCheap(source.getBody()));
}

struct FuseInputs : lowbit::impl::LowbitFuseInputsBase<FuseInputs> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<AbsorbElementwise, AbsorbTranspose, ReduceReshaped>(
        &getContext());
    linalg::populateElementwiseOpsFusionPatterns(patterns, isPartOfExtreme);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
