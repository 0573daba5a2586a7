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
// Levels are a fraction of the size, and a matmul then sees its operand. Scales
// of tokens move with a Reshape to a matrix, and constant factors join a scale.
//
//===----------------------------------------------------------------------===//

#include "Match.h"
#include "Recognisers.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

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

/// Whether `move` makes a matrix of tensors of more dimensions, a row for each
/// token, as optimizers do that turn a MatMul with its bias into a Gemm.
static bool flattensTokens(Operation *move) {
  auto from = cast<RankedTensorType>(move->getOperand(0).getType());
  auto to = cast<RankedTensorType>(move->getResult(0).getType());
  return isa<onnx::ReshapeOp>(move) && from.getRank() > 2 &&
         to.getRank() == 2 && !from.isDynamicDim(from.getRank() - 1) &&
         from.getShape().back() == to.getShape().back();
}

static void flattenTokens(Operation *move, DequantizeOp dequantize,
                          RewriterBase &rewriter) {
  Location loc = dequantize.getLoc();
  rewriter.setInsertionPoint(move);
  Value levels = moveLevels(move, dequantize.getInput(), rewriter);
  Value scale = dequantize.getScale();
  auto type = cast<RankedTensorType>(scale.getType());
  ReassociationIndices all = llvm::to_vector(llvm::seq(type.getRank()));
  scale = tensor::CollapseShapeOp::create(rewriter, loc, scale,
                                          ArrayRef<ReassociationIndices>(all));
  int64_t rows = cast<RankedTensorType>(levels.getType()).getDimSize(0);
  scale = castTo(rewriter, loc, scale,
                 RankedTensorType::get(rows, type.getElementType()));
  rewriter.replaceOp(move, DequantizeOp::create(rewriter, loc, levels, scale,
                                                Value(), Granularity::token));
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
    if (isMovement(op) || isa<onnx::MulOp, onnx::DivOp>(op))
      moves.push_back(op);
  });
  for (Operation *move : moves) {
    if (!isMovement(move)) {
      multiplyScale(move, rewriter);
      continue;
    }
    auto dequantize = move->getOperand(0).getDefiningOp<DequantizeOp>();
    if (dequantize && flattensTokens(move) && !dequantize.getOffset() &&
        dequantize.getGranularity() == Granularity::token) {
      flattenTokens(move, dequantize, rewriter);
      continue;
    }
    if (!dequantize || dequantize.getGranularity() != Granularity::tensor)
      continue;
    rewriter.setInsertionPoint(move);
    Value levels = moveLevels(move, dequantize.getInput(), rewriter);
    rewriter.replaceOp(move, DequantizeOp::create(rewriter, dequantize.getLoc(),
                                                  levels, dequantize.getScale(),
                                                  dequantize.getOffset()));
  }
}
