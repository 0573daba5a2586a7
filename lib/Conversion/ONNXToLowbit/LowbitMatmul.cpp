//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// MatMul and Gemm on levels become `lowbit.matmul`, whose sums are exact, and
// the elementwise operation of MatmulEpilogue.h. A float left side by a
// constant binary weight keeps float sums. What stays float is marked with the
// reason.
//
//===----------------------------------------------------------------------===//

#include "Match.h"
#include "MatmulEpilogue.h"
#include "Recognisers.h"
#include "WeightQuantizer.h"
#include "lowbit/Dialect/Lowbit/IR/ReportMarks.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/FormatVariadic.h"
#include <limits>

using namespace mlir;
using namespace mlir::lowbit;

namespace {

class MatmulRecogniser {
public:
  MatmulRecogniser(RewriterBase &rewriter, WeightQuantizers &weights)
      : rewriter(rewriter), weights(weights) {}

  void recognise(onnx::MatMulOp op);
  void recognise(onnx::GemmOp op);

private:
  std::optional<MatmulSide> matchLeft(Value value);
  std::optional<MatmulSide> matchRight(Value value, bool transposed,
                                       bool floatLeft);
  std::optional<MatmulSide> matchConstant(Value value, bool transposed);
  bool checkShapes(Operation *op, const MatmulSide &left,
                   const MatmulSide &right);
  void assertSameSize(Operation *op, Value a, int64_t aDim, Value b,
                      int64_t bDim);
  Value convert(Operation *op, Value lhs, Value rhs, bool transposed,
                double factor);
  void keepFloat(Operation *op);

  RewriterBase &rewriter;
  WeightQuantizers &weights;
  /// Why the current operation stays float.
  std::string reason;
  bool nearMiss = false;
};

std::optional<MatmulSide> MatmulRecogniser::matchLeft(Value value) {
  MatmulSide side;
  side.value = value;
  auto dequantize = value.getDefiningOp<DequantizeOp>();
  if (!dequantize)
    return side;
  nearMiss = true;
  auto type = cast<RankedTensorType>(dequantize.getInput().getType());
  Granularity granularity = dequantize.getGranularity();
  if (granularity == Granularity::row && type.getRank() != 2) {
    reason = "the scale of the left side does not belong to its rows";
    return std::nullopt;
  }
  side.value = dequantize.getInput();
  side.levels = cast<LevelsType>(type.getElementType());
  side.offset = dequantize.getOffset();
  auto scale = granularity == Granularity::tensor
                   ? getConstantScalar(dequantize.getScale())
                   : std::nullopt;
  if (scale)
    side.scales.push_back(*scale);
  else
    side.scale = dequantize.getScale();
  return side;
}

/// Puts the summed dimension last where a Transpose of the last two dimensions,
/// or of more, has moved it from there.
Value skipTranspose(Value value, bool &transposed, RewriterBase &rewriter) {
  auto transpose = value.getDefiningOp<onnx::TransposeOp>();
  auto type = cast<RankedTensorType>(value.getType());
  int64_t rank = type.getRank();
  if (!transpose || rank < 2)
    return value;
  SmallVector<int64_t> perm;
  if (transpose.getPerm())
    perm.assign(transpose.getPerm()->begin(), transpose.getPerm()->end());
  else
    for (int64_t dim = rank - 1; dim >= 0; --dim)
      perm.push_back(dim);
  if (transposed || static_cast<int64_t>(perm.size()) != rank ||
      perm[rank - 2] != rank - 1)
    return value;
  transposed = true;
  std::swap(perm[rank - 1], perm[rank - 2]);
  bool isIdentity = true;
  for (auto [i, dim] : llvm::enumerate(perm))
    isIdentity &= static_cast<int64_t>(i) == dim;
  if (isIdentity)
    return transpose.getData();
  SmallVector<int64_t> shape(type.getShape());
  std::swap(shape[rank - 1], shape[rank - 2]);
  return onnx::TransposeOp::create(rewriter, transpose.getLoc(),
                                   type.clone(shape), transpose.getData(),
                                   rewriter.getDenseI64ArrayAttr(perm))
      .getTransposed();
}

std::optional<MatmulSide> MatmulRecogniser::matchConstant(Value value,
                                                          bool transposed) {
  // Transposes of a matrix are absorbed by packing the other way.
  while (auto transpose = value.getDefiningOp<onnx::TransposeOp>()) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (!type || type.getRank() != 2)
      break;
    if (!transpose.getPerm() || *transpose.getPerm() == ArrayRef<int64_t>{1, 0})
      transposed = !transposed;
    value = transpose.getData();
  }
  OffLevels why;
  const QuantizedWeight *weight = weights.recognise(value, !transposed, why);
  if (!weight) {
    reason = why.reason;
    nearMiss |= why.nearMiss;
    return std::nullopt;
  }
  MatmulSide side;
  side.value = weight->levels;
  side.levels = cast<LevelsType>(
      cast<RankedTensorType>(weight->levels.getType()).getElementType());
  side.scales.assign(weight->scales.begin(), weight->scales.end());
  side.sums = weight->sums;
  side.transposed = true;
  return side;
}

std::optional<MatmulSide>
MatmulRecogniser::matchRight(Value value, bool transposed, bool floatLeft) {
  if (isConstantExpression(value))
    return matchConstant(value, transposed);
  auto dequantize = value.getDefiningOp<DequantizeOp>();
  if (!dequantize) {
    reason =
        floatLeft ? "neither side is quantized" : "the right side is float";
    return std::nullopt;
  }
  nearMiss = true;
  if (floatLeft) {
    reason = "the left side is float";
    return std::nullopt;
  }
  if (dequantize.getGranularity() != Granularity::tensor) {
    reason = "the scale of the right side varies along the summed dimension";
    return std::nullopt;
  }
  MatmulSide side;
  side.transposed = transposed;
  side.value = skipTranspose(dequantize.getInput(), side.transposed, rewriter);
  side.levels = cast<LevelsType>(
      cast<RankedTensorType>(side.value.getType()).getElementType());
  side.offset = dequantize.getOffset();
  if (auto scale = getConstantScalar(dequantize.getScale()))
    side.scales.push_back(*scale);
  else
    side.scale = dequantize.getScale();
  return side;
}

bool MatmulRecogniser::checkShapes(Operation *op, const MatmulSide &left,
                                   const MatmulSide &right) {
  auto lhs = dyn_cast<RankedTensorType>(left.value.getType());
  auto rhs = dyn_cast<RankedTensorType>(right.value.getType());
  auto result = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  if (!lhs || !rhs || !result || lhs.getRank() < 2 ||
      (rhs.getRank() != 2 && rhs.getRank() != lhs.getRank())) {
    reason = "the ranks of the sides do not agree";
    return false;
  }
  for (int64_t dim = 0; dim < rhs.getRank() - 2; ++dim) {
    int64_t a = lhs.getShape()[dim], b = rhs.getShape()[dim];
    // A batch of one is broadcast; a size that is not known is checked when
    // the model runs.
    if (a != b && (!ShapedType::isDynamic(a) || a == 1) &&
        (!ShapedType::isDynamic(b) || b == 1)) {
      reason = "a batch dimension is broadcast";
      return false;
    }
  }
  int64_t size = lhs.getShape().back();
  int64_t rhsSize = rhs.getShape()[rhs.getRank() - (right.transposed ? 1 : 2)];
  if (ShapedType::isDynamic(size))
    size = rhsSize;
  if (!ShapedType::isDynamic(size) && !ShapedType::isDynamic(rhsSize) &&
      size != rhsSize) {
    reason = "the summed dimensions differ";
    return false;
  }
  if (left.levels && !ShapedType::isDynamic(size) &&
      size * left.levels.getMaxMagnitude() * right.levels.getMaxMagnitude() >
          std::numeric_limits<int32_t>::max()) {
    reason = llvm::formatv("a sum of {0} products could leave 32 bits", size);
    return false;
  }
  return true;
}

void MatmulRecogniser::assertSameSize(Operation *op, Value a, int64_t aDim,
                                      Value b, int64_t bDim) {
  auto aType = cast<RankedTensorType>(a.getType());
  auto bType = cast<RankedTensorType>(b.getType());
  if (!aType.isDynamicDim(aDim) && !bType.isDynamicDim(bDim))
    return;
  Location loc = op->getLoc();
  Value x = tensor::DimOp::create(rewriter, loc, a, aDim);
  Value y = tensor::DimOp::create(rewriter, loc, b, bDim);
  Value same =
      arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::eq, x, y);
  cf::AssertOp::create(rewriter, loc, same,
                       "node '" + getNodeName(op) +
                           "': the shapes of the operands do not agree");
}

Value MatmulRecogniser::convert(Operation *op, Value lhs, Value rhs,
                                bool transposed, double factor) {
  reason.clear();
  nearMiss = false;
  rewriter.setInsertionPoint(op);
  if (!getFloatTensor(op->getResult(0)) || !getFloatTensor(rhs) ||
      !isa<RankedTensorType>(lhs.getType())) {
    reason = "a side is not a tensor of f32 of known rank";
    return {};
  }
  std::optional<MatmulSide> left = matchLeft(lhs);
  if (!left)
    return {};
  std::optional<MatmulSide> right = matchRight(rhs, transposed, !left->levels);
  if (!right)
    return {};
  nearMiss = true;
  if (left->offset && right->offset) {
    reason = "both sides have an offset";
    return {};
  }
  if ((left->offset || right->offset) && factor != 1.0) {
    reason = "the product is scaled and a side has an offset";
    return {};
  }
  if (!checkShapes(op, *left, *right))
    return {};

  int64_t lhsRank = cast<RankedTensorType>(left->value.getType()).getRank();
  int64_t rhsRank = cast<RankedTensorType>(right->value.getType()).getRank();
  for (int64_t dim = 0; dim < rhsRank - 2; ++dim)
    assertSameSize(op, left->value, dim, right->value, dim);
  assertSameSize(op, left->value, lhsRank - 1, right->value,
                 rhsRank - (right->transposed ? 1 : 2));
  Value sums = MatmulOp::create(rewriter, op->getLoc(), left->value,
                                right->value, right->transposed)
                   .getResult();
  return createMatmulEpilogue(rewriter, op->getLoc(), sums, *left, *right,
                              factor);
}

void MatmulRecogniser::keepFloat(Operation *op) {
  if (nearMiss)
    op->emitRemark() << "stays a float matmul: " << reason;
  rewriter.modifyOpInPlace(op, [&] {
    op->setAttr(kFloatReason, rewriter.getStringAttr(reason));
    for (OpOperand &operand : op->getOpOperands())
      weights.foldOperand(operand);
  });
}

void MatmulRecogniser::recognise(onnx::MatMulOp op) {
  Value result = convert(op, op.getA(), op.getB(), false, 1.0);
  if (!result)
    return keepFloat(op);
  rewriter.replaceOp(
      op, castTo(rewriter, op.getLoc(), result, op.getY().getType()));
}

void MatmulRecogniser::recognise(onnx::GemmOp op) {
  Value result;
  if (op.getTransA() != 0) {
    reason = "the left side is transposed";
    nearMiss = isa_and_nonnull<DequantizeOp>(op.getA().getDefiningOp());
  } else if (op.getC() && op.getBeta().convertToFloat() != 1.0f) {
    reason = "the bias is scaled";
    nearMiss = isa_and_nonnull<DequantizeOp>(op.getA().getDefiningOp());
  } else {
    result = convert(op, op.getA(), op.getB(), op.getTransB() != 0,
                     op.getAlpha().convertToFloat());
  }
  if (!result)
    return keepFloat(op);
  result = castTo(rewriter, op.getLoc(), result, op.getY().getType());
  if (op.getC())
    result = onnx::AddOp::create(rewriter, op.getLoc(), op.getY().getType(),
                                 result, op.getC());
  rewriter.replaceOp(op, result);
}

} // namespace

void lowbit::recogniseMatmuls(FunctionOpInterface function,
                              RewriterBase &rewriter,
                              WeightQuantizers &weights) {
  MatmulRecogniser recogniser(rewriter, weights);
  for (auto op : collect<onnx::MatMulOp>(function))
    recogniser.recognise(op);
  for (auto op : collect<onnx::GemmOp>(function))
    recogniser.recognise(op);
}
