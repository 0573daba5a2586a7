//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A layer normalisation and the quantizers of its result become one sweep: see
// `lowbit.layer_norm_pack`.
//
//===----------------------------------------------------------------------===//

#include "QuantizerPlanes.h"
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::lowbit {
#define GEN_PASS_DEF_LOWBITFUSENORM
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

/// Whether `value` exists where `op` stands, or is a constant that can.
static bool isAvailable(Value value, Operation *op) {
  Operation *source = value.getDefiningOp();
  return !source || source->getBlock() != op->getBlock() ||
         source->isBeforeInBlock(op) ||
         source->hasTrait<OpTrait::ConstantLike>();
}

/// The quantizers of the result of `norm` that can be part of its sweep.
static SmallVector<QuantizePackOp> findQuantizers(LayerNormOp norm) {
  SmallVector<QuantizePackOp> quantizers;
  for (Operation *user : norm->getUsers()) {
    auto quantize = dyn_cast<QuantizePackOp>(user);
    if (!quantize || quantize->getBlock() != norm->getBlock() ||
        quantize.getGranularity() != Granularity::tensor ||
        quantize.hasInputBody() || quantize.getPermutation() ||
        !quantize.getPacking().isSummedRows())
      continue;
    bool available = true;
    for (Value operand :
         {quantize.getScale(), quantize.getShift(), quantize.getOffset()})
      available &= !operand || isAvailable(operand, norm);
    if (available)
      quantizers.push_back(quantize);
  }
  // Users are listed last first.
  std::reverse(quantizers.begin(), quantizers.end());
  return quantizers;
}

static void fuse(LayerNormOp norm, ArrayRef<QuantizePackOp> quantizers,
                 IRRewriter &rewriter) {
  SmallVector<Location> parts = {norm.getLoc()};
  for (QuantizePackOp quantize : quantizers)
    parts.push_back(quantize.getLoc());
  Location loc = rewriter.getFusedLoc(parts);
  rewriter.setInsertionPoint(norm);
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(rewriter, loc, norm.getInput());
  OpFoldResult size = sizes.pop_back_val(), rows = sizes.pop_back_val();
  SmallVector<Value> operands, inits = {norm.getInit()};
  SmallVector<Attribute> packings;
  for (QuantizePackOp quantize : quantizers) {
    for (Value operand :
         {quantize.getScale(), quantize.getShift(), quantize.getOffset()}) {
      if (!operand)
        continue;
      Operation *source = operand.getDefiningOp();
      if (source && source->getBlock() == norm->getBlock() &&
          !source->isBeforeInBlock(norm))
        source->moveBefore(norm);
      operands.push_back(operand);
    }
    PackingAttr packing = quantize.getPacking();
    packings.push_back(packing);
    inits.push_back(tensor::EmptyOp::create(
        rewriter, loc,
        getPackedSizes(rewriter, loc, packing, sizes, rows, size),
        packing.getElementType()));
  }
  auto fused = LayerNormPackOp::create(
      rewriter, loc, ValueRange(inits).getTypes(), norm.getInput(),
      norm.getScale(), norm.getBias(), norm.getResidual(), operands, inits,
      norm.getEpsilonAttr(), rewriter.getArrayAttr(packings));
  Block *body = rewriter.createBlock(&fused.getBody());
  Value element = body->addArgument(rewriter.getF32Type(), loc);
  SmallVector<Value> planes;
  for (QuantizePackOp quantize : quantizers)
    planes.append(appendQuantizer(rewriter, body, quantize, element));
  YieldOp::create(rewriter, loc, planes);
  for (auto [quantize, result] :
       llvm::zip_equal(quantizers, fused->getResults().drop_front()))
    rewriter.replaceOp(quantize, result);
  rewriter.replaceOp(norm, fused->getResult(0));
}

namespace {

struct FuseNorm : lowbit::impl::LowbitFuseNormBase<FuseNorm> {
  void runOnOperation() override {
    SmallVector<LayerNormOp> norms;
    getOperation()->walk([&](LayerNormOp op) {
      auto type = dyn_cast<RankedTensorType>(op.getInit().getType());
      if (type && type.getRank() >= 2)
        norms.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (LayerNormOp norm : norms) {
      SmallVector<QuantizePackOp> quantizers = findQuantizers(norm);
      if (!quantizers.empty())
        fuse(norm, quantizers, rewriter);
    }
  }
};

} // namespace
