//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Moves the quantizer behind a packed matmul into its epilogue: the numbers
// between two matmuls are never written, only the bits of their codes. A
// quantizer that reads the result in another shape (heads) or needs another
// layout leaves a `lowbit.repack`, which moves bits.
//
//===----------------------------------------------------------------------===//

#include "QuantizedProduct.h"
#include "QuantizerPlanes.h"
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::lowbit {
#define GEN_PASS_DEF_LOWBITFUSEQUANTIZERS
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

namespace {

struct FuseQuantizer : OpRewritePattern<QuantizePackOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizePackOp op,
                                PatternRewriter &rewriter) const override {
    if (!isa<RankedTensorType>(op.getInput().getType()))
      return rewriter.notifyMatchFailure(op, "not on tensors");
    std::string reason;
    std::optional<QuantizedProduct> product = findQuantizedProduct(op, reason);
    if (!product)
      return rewriter.notifyMatchFailure(op, reason);
    auto [matmul, split] = *product;

    PackingAttr packing = PackingAttr::get(
        op.getContext(), op.getPacking().getLevels(),
        op.getPacking().hasWholeCodes() ? Order::bytes : Order::rows, 1);
    Value packed = fuse(matmul, op, packing, rewriter);
    if (!split) {
      rewriter.replaceOp(op, packed);
      return success();
    }
    auto type = cast<RankedTensorType>(split.getType());
    SmallVector<int64_t> permutation;
    if (op.getPermutation())
      llvm::append_range(permutation, *op.getPermutation());
    else
      llvm::append_range(permutation, llvm::seq<int64_t>(type.getRank()));
    Value result = RepackOp::create(rewriter, op.getLoc(), packed, packing,
                                    op.getPacking(),
                                    type.getShape().take_back(2), permutation)
                       ->getResult(0);
    if (result.getType() != op->getResult(0).getType())
      result = tensor::CastOp::create(rewriter, op.getLoc(),
                                      op->getResult(0).getType(), result);
    rewriter.replaceOp(op, result);
    return success();
  }

  static Value fuse(PackedMatmulOp matmul, QuantizePackOp quantize,
                    PackingAttr packing, PatternRewriter &rewriter) {
    Location loc = quantize.getLoc();
    SmallVector<Value> epilogue(matmul.getEpilogue());
    for (Value operand :
         {quantize.getScale(), quantize.getShift(), quantize.getOffset()})
      if (operand)
        epilogue.push_back(operand);
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(rewriter, loc, matmul.getInit());
    OpFoldResult columns = sizes.pop_back_val(), rows = sizes.pop_back_val();
    Value init = tensor::EmptyOp::create(
        rewriter, loc,
        getPackedSizes(rewriter, loc, packing, sizes, rows, columns),
        packing.getElementType());
    auto fused = PackedMatmulOp::create(
        rewriter, matmul.getLoc(), init.getType(), matmul.getLhs(),
        matmul.getRhs(), epilogue, init, matmul.getDynamicSize(),
        matmul.getDynamicColumns(), /*scratch=*/Value(), matmul.getKernelAttr(),
        matmul.getSizeAttr(), matmul.getColumnsAttr(),
        matmul.getLhsPackingAttr(), matmul.getRhsPackingAttr(), packing);
    fused->setDiscardableAttrs(matmul->getDiscardableAttrDictionary());

    Block *from = &matmul.getBody().front();
    OpBuilder::InsertionGuard guard(rewriter);
    Block *body = rewriter.createBlock(&fused.getBody());
    IRMapping map;
    for (BlockArgument argument : from->getArguments())
      map.map(argument,
              body->addArgument(argument.getType(), argument.getLoc()));
    for (Operation &inner : from->without_terminator())
      rewriter.clone(inner, map);
    Value number = map.lookup(from->getTerminator()->getOperand(0));
    YieldOp::create(rewriter, loc,
                    appendQuantizer(rewriter, body, quantize, number));
    return fused->getResult(0);
  }
};

struct FuseQuantizers : lowbit::impl::LowbitFuseQuantizersBase<FuseQuantizers> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseQuantizer>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
