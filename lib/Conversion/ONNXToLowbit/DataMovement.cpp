//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Moves Transpose and Reshape from numbers to levels, on both sides of a
// quantizer whose scale belongs to the whole tensor:
//
//   quantize(move(x))   -> move(quantize(x))
//   move(dequantize(q)) -> dequantize(move(q))
//
// Levels are a fraction of the size, and a matmul then sees its operand.
//
//===----------------------------------------------------------------------===//

#include "Match.h"
#include "Recognisers.h"

using namespace mlir;
using namespace mlir::lowbit;

/// A copy of the Transpose or Reshape `move` that moves `levels`.
static Value moveLevels(Operation *move, Value levels, RewriterBase &rewriter) {
  Type elementType = cast<RankedTensorType>(levels.getType()).getElementType();
  Operation *moved = rewriter.clone(*move);
  moved->setOperand(0, levels);
  Value result = moved->getResult(0);
  result.setType(cast<RankedTensorType>(result.getType()).clone(elementType));
  return result;
}

static bool isMovement(Operation *op) {
  return isa_and_nonnull<onnx::TransposeOp, onnx::ReshapeOp>(op) &&
         isa<RankedTensorType>(op->getOperand(0).getType()) &&
         isa<RankedTensorType>(op->getResult(0).getType());
}

void lowbit::moveDataMovementToLevels(FunctionOpInterface function,
                                      RewriterBase &rewriter) {
  for (auto quantize : collect<QuantizeOp>(function)) {
    // A shift is bound to the last dimension of what is quantized.
    SmallVector<Operation *> moves;
    Value input = quantize.getInput();
    if (!quantize.getShift() &&
        quantize.getGranularity() == Granularity::tensor)
      while (isMovement(input.getDefiningOp())) {
        moves.push_back(input.getDefiningOp());
        input = moves.back()->getOperand(0);
      }
    if (moves.empty())
      continue;
    rewriter.setInsertionPoint(quantize);
    Value levels = QuantizeOp::create(
        rewriter, quantize.getLoc(), input, quantize.getScale(), Value(),
        quantize.getOffset(),
        cast<LevelsType>(
            cast<ShapedType>(quantize.getResult().getType()).getElementType()),
        quantize.getRounding(), Granularity::tensor);
    for (Operation *move : llvm::reverse(moves))
      levels = moveLevels(move, levels, rewriter);
    rewriter.replaceOp(quantize, levels);
  }

  // Users follow their operands in program order, so chains move through.
  SmallVector<Operation *> moves;
  function->walk([&](Operation *op) {
    if (isMovement(op))
      moves.push_back(op);
  });
  for (Operation *move : moves) {
    auto dequantize = move->getOperand(0).getDefiningOp<DequantizeOp>();
    if (!dequantize || dequantize.getGranularity() != Granularity::tensor)
      continue;
    rewriter.setInsertionPoint(move);
    Value levels = moveLevels(move, dequantize.getInput(), rewriter);
    rewriter.replaceOp(move, DequantizeOp::create(rewriter, dequantize.getLoc(),
                                                  levels, dequantize.getScale(),
                                                  dequantize.getOffset()));
  }
}
