//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operators that compute, where opsets or the dialect differ: reductions whose
// axes moved from an attribute to an input, Softmax before opset 13, operators
// with any number of inputs, Dropout in inference.
//
//===----------------------------------------------------------------------===//

#include "NodeBuilder.h"
#include "lowbit/Dialect/ONNX/IR/ONNX.h"

using namespace mlir;
using namespace mlir::lowbit;

LogicalResult lowbit::buildReduce(NodeBuilder &node) {
  FailureOr<std::optional<SmallVector<int64_t>>> axes =
      node.getIntsOrOperand("axes", 1);
  if (failed(axes))
    return failure();
  SmallVector<NamedAttribute> attributes =
      node.copyAttributes({"keepdims", "noop_with_empty_axes"});
  // An empty list means the same as none.
  if (*axes && !(*axes)->empty())
    attributes.push_back(node.makeInts("axes", **axes));
  return node.createResult(node.getOperand(0), attributes);
}

LogicalResult lowbit::buildCumSum(NodeBuilder &node) {
  std::optional<SmallVector<int64_t>> axis = node.getConstantOperand(1);
  if (!axis || axis->size() != 1)
    return node.emitError() << "the axis (input #1) must be a constant integer";
  SmallVector<NamedAttribute> attributes =
      node.copyAttributes({"exclusive", "reverse"});
  attributes.push_back(node.makeInt("axis", axis->front()));
  return node.createResult(node.getOperand(0), attributes);
}

LogicalResult lowbit::buildSoftmax(NodeBuilder &node) {
  Value input = node.getOperand(0);
  if (node.getOpset() >= 13)
    return node.createResult(input, node.copyAttributes({"axis"}));
  // Before opset 13 the input is flattened to a matrix at the axis, by default
  // the second, and each row is normalised.
  int64_t axis = node.getInt("axis").value_or(1);
  auto type = dyn_cast<RankedTensorType>(input.getType());
  if (type && (axis == -1 || axis == type.getRank() - 1))
    return node.createResult(input, node.makeInt("axis", -1));
  Value shape =
      node.createValue("Shape", input, {}, node.getBuilder().getI64Type());
  Value rows = node.createValue("Flatten", input, node.makeInt("axis", axis));
  if (!shape || !rows)
    return failure();
  Value softmax = node.createValue("Softmax", rows, node.makeInt("axis", -1));
  Value result =
      softmax ? node.createValue("Reshape", {softmax, shape}) : Value();
  if (!result)
    return failure();
  node.setResult(0, result);
  return success();
}

/// Applies the binary operator `name` from left to right.
static Value createChain(NodeBuilder &node, StringRef name) {
  Value result = node.getOperand(0);
  for (Value operand : node.getOperands().drop_front()) {
    result = node.createValue(name, {result, operand});
    if (!result)
      return nullptr;
  }
  return result;
}

LogicalResult lowbit::buildVariadic(NodeBuilder &node) {
  StringRef name = node.getOpType() == "Sum" ? "Add" : node.getOpType();
  Value result = createChain(node, name);
  node.setResult(0, result);
  return success(result != nullptr);
}

LogicalResult lowbit::buildMean(NodeBuilder &node) {
  Value sum = createChain(node, "Add");
  if (!sum)
    return failure();
  Type element = cast<TensorType>(sum.getType()).getElementType();
  if (!isa<FloatType>(element))
    return node.emitError() << "must have inputs of floats, got " << element;
  auto count = DenseElementsAttr::get(
      RankedTensorType::get({}, element),
      node.getBuilder().getFloatAttr(
          element, static_cast<double>(node.getOperands().size())));
  Value result = node.createValue("Div", {sum, node.createConstant(count)});
  node.setResult(0, result);
  return success(result != nullptr);
}

LogicalResult lowbit::buildClip(NodeBuilder &node) {
  SmallVector<Value> operands{node.getOperand(0)};
  SmallVector<int32_t> segments{1, 0, 0};
  for (unsigned i : {1, 2})
    if (Value bound = node.getOperand(i)) {
      operands.push_back(bound);
      segments[i] = 1;
    }
  return node.createResult(
      operands, node.getBuilder().getNamedAttr(
                    "operandSegmentSizes",
                    node.getBuilder().getDenseI32ArrayAttr(segments)));
}

LogicalResult lowbit::buildIdentity(NodeBuilder &node) {
  node.setResult(0, node.getOperand(0));
  return success();
}

LogicalResult lowbit::buildIsNaN(NodeBuilder &node) {
  // NaN alone differs from itself.
  Value x = node.getOperand(0);
  Value equal =
      node.createValue("Equal", {x, x}, {}, node.getBuilder().getI1Type());
  Value result = equal ? node.createValue("Not", equal) : Value();
  node.setResult(0, result);
  return success(result != nullptr);
}

LogicalResult lowbit::buildDropout(NodeBuilder &node) {
  // In inference Dropout is the identity; its mask is not offered.
  if (node.getOperand(2)) {
    std::optional<SmallVector<int64_t>> mode = node.getConstantOperand(2);
    if (!mode || mode->size() != 1)
      return node.emitError() << "training_mode must be a constant";
    if (mode->front() != 0)
      return node.emitError() << "training_mode must be false";
  }
  node.setResult(0, node.getOperand(0));
  return success();
}

LogicalResult lowbit::buildNormalization(NodeBuilder &node) {
  // Statistics are computed in float, which is what stash_type 1 asks for.
  int64_t stash = node.getInt("stash_type").value_or(1);
  if (stash != proto::TensorProto::FLOAT)
    return node.emitError() << "stash_type must be 1, got " << stash;
  SmallVector<Value> operands{node.getOperand(0), node.getOperand(1)};
  if (Value bias = node.getOperand(2))
    operands.push_back(bias);
  return node.createResult(operands, node.copyAttributes({"axis", "epsilon"}));
}

LogicalResult lowbit::buildAttention(NodeBuilder &node) {
  for (unsigned i = 4; i < node.getOperands().size(); ++i)
    if (node.getOperand(i))
      return node.emitError()
             << "input #" << i << " (cache or lengths) is not supported";
  if (int64_t mode = node.getInt("qk_matmul_output_mode").value_or(0))
    return node.emitError() << "qk_matmul_output_mode must be 0, got " << mode;
  int64_t precision = node.getInt("softmax_precision").value_or(1);
  if (precision != proto::TensorProto::FLOAT)
    return node.emitError() << "softmax_precision must be 1, got " << precision;
  for (StringRef window : {"left_window_size", "right_window_size"})
    if (node.getInt(window).value_or(-1) != -1)
      return node.emitError() << window << " is not supported";
  SmallVector<Value> operands(node.getOperands().take_front(3));
  if (Value mask = node.getOperand(3))
    operands.push_back(mask);
  return node.createResult(
      operands, node.copyAttributes({"is_causal", "q_num_heads", "kv_num_heads",
                                     "scale", "softcap"}));
}
