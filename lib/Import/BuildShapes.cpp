//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operators that make constants, convert or move elements, where opsets or the
// dialect differ.
//
//===----------------------------------------------------------------------===//

#include "NodeBuilder.h"
#include "lowbit/Constants/Constants.h"
#include "lowbit/Dialect/ONNX/IR/ONNX.h"

using namespace mlir;
using namespace mlir::lowbit;

//===----------------------------------------------------------------------===//
// Constants and conversions
//===----------------------------------------------------------------------===//

LogicalResult lowbit::buildConstant(NodeBuilder &node) {
  static constexpr StringLiteral kForms[] = {
      "value",     "sparse_value", "value_float",  "value_floats",
      "value_int", "value_ints",   "value_string", "value_strings"};
  proto::AttributeProto *given = nullptr;
  for (StringRef form : kForms)
    if (proto::AttributeProto *attribute = node.getAttribute(form)) {
      if (given)
        return node.emitError() << "has more than one value";
      given = attribute;
    }
  if (!given)
    return node.emitError() << "has no value";
  Builder &builder = node.getBuilder();
  StringRef form = given->name();
  ElementsAttr value;
  if (form == "value") {
    value = node.importTensor(*given->mutable_t(), "value");
  } else if (form == "value_float") {
    value = makeConstant<float>(RankedTensorType::get({}, builder.getF32Type()),
                                {given->f()});
  } else if (form == "value_floats") {
    value = makeConstant<float>(
        RankedTensorType::get(given->floats_size(), builder.getF32Type()),
        {given->floats().begin(), given->floats().end()});
  } else if (form == "value_int") {
    value = makeConstant<int64_t>(
        RankedTensorType::get({}, builder.getI64Type()), {given->i()});
  } else if (form == "value_ints") {
    value = makeConstant<int64_t>(
        RankedTensorType::get(given->ints_size(), builder.getI64Type()),
        {given->ints().begin(), given->ints().end()});
  } else {
    return node.emitError() << "'" << form << "' is not supported";
  }
  if (!value)
    return failure();
  node.setResult(0, node.createConstant(value));
  return success();
}

static LogicalResult buildConversion(NodeBuilder &node, Type element) {
  Value result = node.createValue("Cast", node.getOperand(0), {}, element);
  node.setResult(0, result);
  return success(result != nullptr);
}

LogicalResult lowbit::buildCast(NodeBuilder &node) {
  int64_t to = *node.getInt("to");
  bool fits = to >= 0 && to <= std::numeric_limits<int32_t>::max();
  std::optional<DataTypeInfo> info = fits ? getDataTypeInfo(to) : std::nullopt;
  Type element = info ? convertDataType(to, node.getContext()) : Type();
  if (!info)
    return node.emitError() << "'to' is the unknown data type " << to;
  if (!element)
    return node.emitError()
           << "conversion to " << info->name << " is not supported";
  return buildConversion(node, element);
}

LogicalResult lowbit::buildCastLike(NodeBuilder &node) {
  return buildConversion(
      node, cast<TensorType>(node.getOperand(1).getType()).getElementType());
}

//===----------------------------------------------------------------------===//
// Movement
//===----------------------------------------------------------------------===//

LogicalResult lowbit::buildSqueeze(NodeBuilder &node) {
  FailureOr<std::optional<SmallVector<int64_t>>> axes =
      node.getIntsOrOperand("axes", 1);
  if (failed(axes))
    return failure();
  SmallVector<NamedAttribute> attributes;
  if (*axes)
    attributes.push_back(node.makeInts("axes", **axes));
  return node.createResult(node.getOperand(0), attributes);
}

LogicalResult lowbit::buildUnsqueeze(NodeBuilder &node) {
  FailureOr<std::optional<SmallVector<int64_t>>> axes =
      node.getIntsOrOperand("axes", 1);
  if (failed(axes))
    return failure();
  if (!*axes)
    return node.emitError() << "has no axes";
  return node.createResult(node.getOperand(0), node.makeInts("axes", **axes));
}

LogicalResult lowbit::buildSplit(NodeBuilder &node) {
  FailureOr<std::optional<SmallVector<int64_t>>> lengths =
      node.getIntsOrOperand("split", 1);
  if (failed(lengths))
    return failure();
  if (std::optional<int64_t> count = node.getInt("num_outputs"))
    if (*count != node.getNumOutputs())
      return node.emitError()
             << "num_outputs is " << *count << ", but there are "
             << node.getNumOutputs() << " outputs";
  SmallVector<NamedAttribute> attributes = node.copyAttributes({"axis"});
  if (*lengths)
    attributes.push_back(node.makeInts("split", **lengths));
  Operation *split = node.create("Split", node.getOperand(0), attributes,
                                 node.getNumOutputs());
  if (!split)
    return failure();
  for (auto [i, result] : llvm::enumerate(split->getResults()))
    node.setResult(i, result);
  return success();
}

LogicalResult lowbit::buildSlice(NodeBuilder &node) {
  SmallVector<Value> operands;
  SmallVector<int32_t> segments(5, 0);
  for (unsigned i = 0; i < 5; ++i)
    if (Value operand = node.getOperand(i)) {
      operands.push_back(operand);
      segments[i] = 1;
    }
  return node.createResult(
      operands, node.getBuilder().getNamedAttr(
                    "operandSegmentSizes",
                    node.getBuilder().getDenseI32ArrayAttr(segments)));
}

LogicalResult lowbit::buildPad(NodeBuilder &node) {
  Value data = node.getOperand(0), pads = node.getOperand(1);
  if (Value axesOperand = node.getOperand(3)) {
    // Pads of some axes become pads of all.
    FailureOr<std::optional<SmallVector<int64_t>>> axes =
        node.getIntsOrOperand("axes", 3);
    FailureOr<std::optional<SmallVector<int64_t>>> given =
        node.getIntsOrOperand("pads", 1);
    if (failed(axes) || failed(given))
      return failure();
    auto type = dyn_cast<RankedTensorType>(data.getType());
    if (!type || (*given)->size() != 2 * (*axes)->size())
      return node.emitError() << "pads must have two elements for each axis";
    int64_t rank = type.getRank();
    std::vector<int64_t> all(2 * rank, 0);
    for (auto [i, axis] : llvm::enumerate(**axes)) {
      int64_t at = axis < 0 ? axis + rank : axis;
      if (at < 0 || at >= rank)
        return node.emitError()
               << "axis " << axis << " out of range for rank " << rank;
      all[at] = (**given)[i];
      all[rank + at] = (**given)[(*axes)->size() + i];
    }
    pads = node.createConstant(makeConstant<int64_t>(
        RankedTensorType::get(2 * rank, node.getBuilder().getI64Type()),
        std::move(all)));
  }
  SmallVector<Value> operands{data, pads};
  if (Value value = node.getOperand(2))
    operands.push_back(value);
  return node.createResult(operands, node.copyAttributes({"mode"}));
}

LogicalResult lowbit::buildRange(NodeBuilder &node) {
  return node.createResult(node.getOperands());
}

LogicalResult lowbit::buildScatter(NodeBuilder &node) {
  StringRef reduction = node.getString("reduction", "none");
  if (reduction != "none")
    return node.emitError()
           << "reduction must be \"none\", got " << quote(reduction);
  return node.createResult(node.getOperands(), node.copyAttributes({"axis"}));
}
