//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Layer normalisation over the last dimension, as one operator or as exporters
// take it apart: centre by the mean, divide by the root of the mean square
// (with or without an epsilon), then multiply and add vectors.
//
//===----------------------------------------------------------------------===//

#include "Match.h"
#include "Recognisers.h"
#include "lowbit/Constants/Constants.h"

using namespace mlir;
using namespace mlir::lowbit;

namespace {

/// The tensor whose mean over the last dimension `value` is (kept as 1).
Value matchMean(Value value) {
  auto mean = value.getDefiningOp<onnx::ReduceMeanOp>();
  if (!mean || !getFloatTensor(mean.getData()) || mean.getKeepdims() != 1)
    return {};
  int64_t rank = getFloatTensor(mean.getData()).getRank();
  return isLastAxis(mean.getAxes(), rank) ? Value(mean.getData()) : Value();
}

/// The tensor whose square `value` is.
Value matchSquare(Value value) {
  if (auto mul = value.getDefiningOp<onnx::MulOp>())
    return mul.getA() == mul.getB() ? Value(mul.getA()) : Value();
  auto pow = value.getDefiningOp<onnx::PowOp>();
  if (pow && getConstantScalar(pow.getB()) == 2.0f)
    return pow.getA();
  return {};
}

/// `x - mean(x)`; returns x.
Value matchCentered(Value value) {
  auto sub = value.getDefiningOp<onnx::SubOp>();
  return sub && matchMean(sub.getB()) == sub.getA() ? Value(sub.getA())
                                                    : Value();
}

/// Whether `value` is the variance of `input`: the mean of the squares of
/// `centered`, or `max(mean(x^2) - mean(x)^2, 0)`.
bool isVariance(Value value, Value centered, Value input) {
  if (Value squares = matchMean(value))
    return matchSquare(squares) == centered;
  if (auto clamped = matchScalarOperand<onnx::MaxOp>(value);
      clamped && clamped->second == 0)
    value = clamped->first;
  auto sub = value.getDefiningOp<onnx::SubOp>();
  if (!sub)
    return false;
  Value squares = matchMean(sub.getA()), mean = matchSquare(sub.getB());
  return squares && mean && matchSquare(squares) == input &&
         matchMean(mean) == input;
}

struct Normalization {
  Value input;
  float epsilon = 0;
};

/// `centered / sqrt(variance + epsilon)` behind `value`.
std::optional<Normalization> matchNormalization(Value value) {
  Value centered, root;
  if (auto div = value.getDefiningOp<onnx::DivOp>()) {
    centered = div.getA();
    root = div.getB();
  } else if (auto mul = value.getDefiningOp<onnx::MulOp>()) {
    for (auto [x, factor] :
         {std::pair(mul.getA(), mul.getB()), std::pair(mul.getB(), mul.getA())})
      if (auto reciprocal = factor.getDefiningOp<onnx::ReciprocalOp>()) {
        centered = x;
        root = reciprocal.getX();
      }
  }
  auto sqrt = root ? root.getDefiningOp<onnx::SqrtOp>() : onnx::SqrtOp();
  if (!sqrt)
    return std::nullopt;
  Normalization result;
  result.input = matchCentered(centered);
  if (!result.input)
    return std::nullopt;
  Value variance = sqrt.getX();
  if (isVariance(variance, centered, result.input))
    return result;
  auto sum = matchScalarOperand<onnx::AddOp>(variance);
  if (!sum || !isVariance(sum->first, centered, result.input))
    return std::nullopt;
  result.epsilon = sum->second;
  return result;
}

/// If the only user of `value` is an OpTy with a vector along the last
/// dimension: that operation and the vector.
template <typename OpTy>
std::pair<OpTy, ElementsAttr> matchVectorUser(Value value) {
  if (!value.hasOneUse())
    return {};
  auto op = dyn_cast<OpTy>(*value.getUsers().begin());
  if (!op || op.getC().getType() != value.getType())
    return {};
  Value other = op.getA() == value ? op.getB() : op.getA();
  return {op, matchChannelVector(other, value)};
}

Value createVectorConstant(OpBuilder &builder, Location loc,
                           ElementsAttr values) {
  return arith::ConstantOp::create(builder, loc, cast<TypedAttr>(values));
}

void recogniseDecomposed(Operation *op, RewriterBase &rewriter) {
  Value normalized = op->getResult(0);
  auto found = matchNormalization(normalized);
  if (!found)
    return;
  auto type = getFloatTensor(found->input);
  if (!type || type != normalized.getType() || type.getRank() == 0 ||
      ShapedType::isDynamic(type.getShape().back()) ||
      type.getShape().back() == 0) {
    op->emitRemark() << "not a layer_norm: the last extent is not known";
    return;
  }
  // The scale and the bias, when they are there.
  Operation *last = op;
  ElementsAttr scale, bias;
  if (auto [mul, vector] = matchVectorUser<onnx::MulOp>(normalized); vector) {
    scale = vector;
    last = mul;
  }
  if (auto [add, vector] = matchVectorUser<onnx::AddOp>(last->getResult(0));
      vector) {
    bias = vector;
    last = add;
  }
  Location loc = last->getLoc();
  rewriter.setInsertionPoint(last);
  int64_t channels = type.getShape().back();
  Value scaleVector =
      scale ? createVectorConstant(rewriter, loc, scale)
            : createVector(rewriter, loc, std::vector<float>(channels, 1.0f));
  Value biasVector = bias ? createVectorConstant(rewriter, loc, bias) : Value();
  Value result =
      LayerNormOp::create(rewriter, loc, found->input, scaleVector, biasVector,
                          Value(), APFloat(found->epsilon))
          .getResult();
  rewriter.replaceOp(
      last, castTo(rewriter, loc, result, last->getResult(0).getType()));
}

/// A vector operand of LayerNormalization: of shape [K].
bool isVectorOf(Value value, int64_t channels) {
  RankedTensorType type = getFloatTensor(value);
  return type && type.getRank() == 1 && type.getShape()[0] == channels;
}

void recogniseOperator(onnx::LayerNormalizationOp op, RewriterBase &rewriter) {
  RankedTensorType type = getFloatTensor(op.getX());
  if (!type || type.getRank() == 0)
    return;
  int64_t channels = type.getShape().back();
  auto axis = static_cast<int64_t>(op.getAxis());
  if (!isLastAxis(ArrayRef(axis), type.getRank()) ||
      ShapedType::isDynamic(channels) || !isVectorOf(op.getScale(), channels) ||
      (op.getB() && !isVectorOf(op.getB(), channels))) {
    op.emitRemark() << "not a layer_norm: it does not normalise the last "
                       "dimension by vectors of its extent";
    return;
  }
  rewriter.setInsertionPoint(op);
  Value result =
      LayerNormOp::create(rewriter, op.getLoc(), op.getX(), op.getScale(),
                          op.getB(), Value(), op.getEpsilon())
          .getResult();
  rewriter.replaceOp(
      op, castTo(rewriter, op.getLoc(), result, op.getY().getType()));
}

} // namespace

void lowbit::recogniseLayerNorms(FunctionOpInterface function,
                                 RewriterBase &rewriter) {
  for (auto op : collect<onnx::LayerNormalizationOp>(function))
    recogniseOperator(op, rewriter);
  for (auto div : collect<onnx::DivOp>(function))
    recogniseDecomposed(div, rewriter);
  for (auto reciprocal : collect<onnx::ReciprocalOp>(function))
    for (Operation *user : llvm::to_vector(reciprocal.getY().getUsers()))
      if (isa<onnx::MulOp>(user))
        recogniseDecomposed(user, rewriter);
}
