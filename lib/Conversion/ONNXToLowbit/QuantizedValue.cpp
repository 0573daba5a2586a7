//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What stands around the quantizer of an activation and belongs to it: the
// residue of a straight-through estimator, and a number that multiplies what a
// product reads.
//
//===----------------------------------------------------------------------===//

#include "Match.h"
#include "Recognisers.h"

using namespace mlir;
using namespace mlir::lowbit;

void lowbit::removeStraightThroughResidues(FunctionOpInterface function,
                                           RewriterBase &rewriter) {
  for (auto add : collect<onnx::AddOp>(function)) {
    Value quantized = skipStraightThrough(add.getC());
    if (quantized.getDefiningOp<DequantizeOp>())
      rewriter.replaceOp(add, quantized);
  }
}

/// Whether products are all that reads `value`, whatever moves it before.
static bool feedsOnlyMatmuls(Value value) {
  return !value.use_empty() &&
         llvm::all_of(value.getUsers(), [](Operation *user) {
           if (isa<onnx::TransposeOp, onnx::ReshapeOp>(user))
             return feedsOnlyMatmuls(user->getResult(0));
           return isa<onnx::MatMulOp, onnx::GemmOp>(user);
         });
}

/// The factor by which `op` multiplies its first returned operand.
static std::optional<std::pair<Value, float>> matchFactor(Operation *op) {
  auto factor = matchScalarOperand<onnx::MulOp>(op->getResult(0));
  if (factor)
    return factor;
  factor = matchScalarDivisor(op->getResult(0));
  if (factor)
    factor->second = 1.0f / factor->second;
  return factor;
}

void lowbit::multiplyScale(Operation *op, RewriterBase &rewriter) {
  auto product = matchFactor(op);
  auto dequantize =
      product ? product->first.getDefiningOp<DequantizeOp>() : DequantizeOp();
  if (!dequantize || dequantize.getOffset() ||
      dequantize.getGranularity() != Granularity::tensor)
    return;
  auto scale = getConstantScalar(dequantize.getScale());
  // The scale of 1 is exact; others are rounded, as those of a product are.
  if (!scale || !(*scale == 1.0f || feedsOnlyMatmuls(op->getResult(0))))
    return;
  rewriter.setInsertionPoint(op);
  Value scaled = createScalar(rewriter, op->getLoc(), *scale * product->second);
  rewriter.replaceOp(op, DequantizeOp::create(rewriter, dequantize.getLoc(),
                                              dequantize.getInput(), scaled,
                                              Value()));
}
