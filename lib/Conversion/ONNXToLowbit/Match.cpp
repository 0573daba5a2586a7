//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See the header.
//
//===----------------------------------------------------------------------===//

#include "Match.h"

#include "lowbit/Constants/Constants.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <cstring>

using namespace mlir;
using namespace mlir::lowbit;

RankedTensorType lowbit::getFloatTensor(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getElementType().isF32() ? type : RankedTensorType();
}

std::string lowbit::getNodeName(Operation *op) {
  if (auto name = op->getLoc()->findInstanceOf<NameLoc>())
    return name.getName().str();
  return op->getName().getStringRef().str();
}

std::optional<std::pair<Value, float>> lowbit::matchScalarDivisor(Value value) {
  auto div = value.getDefiningOp<onnx::DivOp>();
  auto divisor = div ? getConstantScalar(div.getB()) : std::nullopt;
  if (!divisor || div.getA().getType() != value.getType())
    return std::nullopt;
  return std::pair(Value(div.getA()), *divisor);
}

Value lowbit::skipStraightThrough(Value value) {
  auto add = value.getDefiningOp<onnx::AddOp>();
  if (!add)
    return value;
  for (auto [difference, x] :
       {std::pair(add.getA(), add.getB()), std::pair(add.getB(), add.getA())}) {
    auto sub = difference.getDefiningOp<onnx::SubOp>();
    if (sub && sub.getB() == x && sub.getA().getType() == value.getType())
      return sub.getA();
  }
  return value;
}

bool lowbit::feedsMatmul(Value value) {
  return llvm::any_of(value.getUsers(), [&](Operation *user) {
    if (isa<onnx::TransposeOp, onnx::ReshapeOp>(user))
      return feedsMatmul(user->getResult(0));
    if (auto sub = dyn_cast<onnx::SubOp>(user); sub && sub.getA() == value)
      return llvm::any_of(sub.getC().getUsers(), [&](Operation *add) {
        return isa<onnx::AddOp>(add) &&
               skipStraightThrough(add->getResult(0)) == value &&
               feedsMatmul(add->getResult(0));
      });
    return isa<onnx::MatMulOp, onnx::GemmOp>(user);
  });
}

bool lowbit::isSingleElement(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.hasStaticShape() && type.getNumElements() == 1;
}

bool lowbit::isTokenScale(Value scale, Value input) {
  RankedTensorType type = getFloatTensor(scale);
  RankedTensorType inputType = getFloatTensor(input);
  return type && inputType && type.getRank() == inputType.getRank() &&
         type.getRank() >= 2 && type.getShape().back() == 1 &&
         type.getShape().drop_back() == inputType.getShape().drop_back();
}

bool lowbit::isLastAxis(std::optional<ArrayRef<int64_t>> axes, int64_t rank) {
  return axes && axes->size() == 1 &&
         (axes->front() == -1 || axes->front() == rank - 1);
}

/// Whether `expand` has the shape of `like` whatever the sizes at run time.
static bool hasShapeOf(onnx::ExpandOp expand, Value like) {
  auto type = dyn_cast<RankedTensorType>(expand.getOutput().getType());
  if (type && type.hasStaticShape() && type == like.getType())
    return true;
  auto shape = expand.getShape().getDefiningOp<onnx::ShapeOp>();
  return shape && shape.getData() == like && shape.getStart() == 0 &&
         !shape.getEnd();
}

ElementsAttr lowbit::matchChannelVector(Value value, Value like) {
  RankedTensorType likeType = getFloatTensor(like);
  if (!likeType || likeType.getRank() == 0)
    return {};
  int64_t channels = likeType.getShape().back();
  if (ShapedType::isDynamic(channels) || channels == 0)
    return {};
  if (auto expand = value.getDefiningOp<onnx::ExpandOp>();
      expand && hasShapeOf(expand, like))
    value = expand.getInput();
  if (!isConstantExpression(value))
    return {};
  auto type = cast<RankedTensorType>(value.getType());
  // Broadcasting must not change the shape of the other operand.
  if (type.getRank() == 0 || type.getRank() > likeType.getRank() ||
      type.getShape().back() != channels)
    return {};
  for (auto [extent, of] : llvm::zip(
           type.getShape(), likeType.getShape().take_back(type.getRank())))
    if (extent != 1 && extent != of)
      return {};

  std::optional<ConstantTensor> tensor = ConstantEvaluator().evaluate(value);
  if (!tensor)
    return {};
  ArrayRef<float> row = tensor->getValues().take_front(channels);
  for (int64_t start = channels; start < tensor->size(); start += channels)
    if (std::memcmp(row.data(), tensor->getValues().data() + start,
                    channels * sizeof(float)) != 0)
      return {};
  return makeConstant<float>(
      RankedTensorType::get(channels, type.getElementType()),
      std::vector<float>(row.begin(), row.end()));
}

Value lowbit::createScalar(OpBuilder &builder, Location loc, float value) {
  auto type = RankedTensorType::get({}, builder.getF32Type());
  return arith::ConstantOp::create(builder, loc,
                                   DenseElementsAttr::get(type, value));
}

Value lowbit::createVector(OpBuilder &builder, Location loc,
                           std::vector<float> values) {
  auto type = RankedTensorType::get(static_cast<int64_t>(values.size()),
                                    builder.getF32Type());
  return arith::ConstantOp::create(
      builder, loc, type, makeConstant<float>(type, std::move(values)));
}

Value lowbit::castTo(OpBuilder &builder, Location loc, Value value, Type type) {
  if (value.getType() == type)
    return value;
  return tensor::CastOp::create(builder, loc, type, value);
}

Value lowbit::createRankZero(OpBuilder &builder, Location loc, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getRank() == 0)
    return value;
  return tensor::CollapseShapeOp::create(
      builder, loc, RankedTensorType::get({}, type.getElementType()), value,
      ArrayRef<ReassociationIndices>());
}

Value lowbit::createTokenVector(OpBuilder &builder, Location loc, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<ReassociationIndices> groups;
  for (int64_t dim = 0; dim < type.getRank() - 1; ++dim)
    groups.push_back({dim});
  groups.back().push_back(type.getRank() - 1);
  auto result =
      RankedTensorType::get(type.getShape().drop_back(), type.getElementType());
  return tensor::CollapseShapeOp::create(builder, loc, result, value, groups);
}

Value lowbit::createFakeQuantize(OpBuilder &builder, Location loc, Value input,
                                 const Quantizer &quantizer) {
  Value shift;
  if (auto add = input.getDefiningOp<onnx::AddOp>())
    for (auto [x, vector] : {std::pair(add.getA(), add.getB()),
                             std::pair(add.getB(), add.getA())}) {
      if (x.getType() != add.getC().getType())
        continue;
      if (ElementsAttr values = matchChannelVector(vector, x)) {
        input = x;
        shift =
            arith::ConstantOp::create(builder, loc, cast<TypedAttr>(values));
        break;
      }
    }
  auto quantize = QuantizeOp::create(
      builder, loc, input, quantizer.scale, shift, quantizer.offset,
      quantizer.levels, quantizer.rounding,
      quantizer.scale ? quantizer.granularity : Granularity::tensor);
  auto dequantize = DequantizeOp::create(
      builder, loc, quantize.getResult(), quantizer.dequantizeScale,
      quantizer.offset, quantizer.granularity);
  return dequantize.getResult();
}
