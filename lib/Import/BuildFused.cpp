//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operators into which ONNX Runtime's optimizer (level `extended`) fuses those
// of the standard, taken apart again: in the form that they had, the
// recognisers know them.
//
//===----------------------------------------------------------------------===//

#include "NodeBuilder.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::lowbit;

static Value createNumber(NodeBuilder &node, float value) {
  auto type = RankedTensorType::get({}, node.getBuilder().getF32Type());
  return node.createConstant(DenseElementsAttr::get(type, value));
}

/// `value`, null after a diagnostic, as the node's first result.
static LogicalResult finish(NodeBuilder &node, Value value) {
  node.setResult(0, value);
  return success(value != nullptr);
}

LogicalResult lowbit::buildFusedGelu(NodeBuilder &node) {
  Value input = node.getOperand(0);
  if (Value bias = node.getOperand(1))
    input = node.createValue("Add", {input, bias});
  if (!input)
    return failure();
  StringRef form = node.getOpType() == "FastGelu" ? "tanh" : "none";
  Builder &builder = node.getBuilder();
  return finish(
      node, node.createValue("Gelu", input,
                             builder.getNamedAttr(
                                 "approximate", builder.getStringAttr(form))));
}

LogicalResult lowbit::buildQuickGelu(NodeBuilder &node) {
  Value input = node.getOperand(0);
  float alpha = node.getFloat("alpha").value_or(1.702f);
  Value scaled = node.createValue("Mul", {input, createNumber(node, alpha)});
  Value gate = scaled ? node.createValue("Sigmoid", scaled) : Value();
  return finish(node, gate ? node.createValue("Mul", {input, gate}) : Value());
}

LogicalResult lowbit::buildFusedGemm(NodeBuilder &node) {
  StringRef activation = node.getString("activation", "");
  if (!llvm::is_contained({"", "Relu", "Sigmoid", "Tanh"}, activation))
    return node.emitError()
           << "activation '" << activation << "' is not supported";
  SmallVector<Value> operands(node.getOperands().take_front(2));
  if (Value bias = node.getOperand(2))
    operands.push_back(bias);
  Value result = node.createValue(
      "Gemm", operands,
      node.copyAttributes({"alpha", "beta", "transA", "transB"}));
  if (result && !activation.empty())
    result = node.createValue(activation, result);
  return finish(node, result);
}

/// `value` with its last two dimensions exchanged.
static Value createTranspose(NodeBuilder &node, Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || type.getRank() < 2) {
    node.emitError() << "what is transposed must have a known rank of at "
                        "least 2, got "
                     << value.getType();
    return nullptr;
  }
  auto perm = llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
  std::swap(perm[perm.size() - 2], perm.back());
  return node.createValue("Transpose", value, node.makeInts("perm", perm));
}

LogicalResult lowbit::buildFusedMatMul(NodeBuilder &node) {
  SmallVector<Value> sides(node.getOperands().take_front(2));
  for (auto [side, name, batch] : {std::tuple(0, "transA", "transBatchA"),
                                   std::tuple(1, "transB", "transBatchB")}) {
    if (node.getInt(batch).value_or(0) != 0)
      return node.emitError() << batch << " must be 0";
    if (node.getInt(name).value_or(0) != 0 &&
        !(sides[side] = createTranspose(node, sides[side])))
      return failure();
  }
  Value product = node.createValue("MatMul", sides);
  float alpha = node.getFloat("alpha").value_or(1.0f);
  if (product && alpha != 1.0f)
    product = node.createValue("Mul", {product, createNumber(node, alpha)});
  return finish(node, product);
}

LogicalResult lowbit::buildSkipNormalization(NodeBuilder &node) {
  // The bias is that of the product before, the skipped operand the residual.
  Value sum = node.getOperand(0);
  for (Value operand : {node.getOperand(4), node.getOperand(1)})
    if (operand && !(sum = node.createValue("Add", {sum, operand})))
      return failure();
  SmallVector<Value> operands{sum, node.getOperand(2)};
  if (Value bias = node.getOperand(3))
    operands.push_back(bias);
  // The fused operator has no default for the epsilon of the standard.
  float epsilon = node.getFloat("epsilon").value_or(1e-12f);
  Builder &builder = node.getBuilder();
  Value result = node.createValue(
      "LayerNormalization", operands,
      {node.makeInt("axis", -1),
       builder.getNamedAttr("epsilon", builder.getF32FloatAttr(epsilon))});
  // The statistics between them are not offered.
  if (node.getNumOutputs() > 3)
    node.setResult(3, sum);
  return finish(node, result);
}
