//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Checking nodes and making operations; see NodeBuilder.h.
//
//===----------------------------------------------------------------------===//

#include "NodeBuilder.h"
#include "lowbit/Constants/Constants.h"
#include "lowbit/Dialect/ONNX/IR/ONNX.h"
#include "lowbit/Dialect/ONNX/IR/ShapeElements.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace mlir::lowbit;

using A = proto::AttributeProto;

InFlightDiagnostic NodeBuilder::emitError() {
  StringRef name = node.name().empty() && node.output_size() != 0
                       ? StringRef(node.output(0))
                       : StringRef(node.name());
  return mlir::emitError(loc)
         << "node " << quote(name) << " (" << getOpType() << "): ";
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

static StringRef getTypeName(int type) {
  switch (type) {
  case A::INT:
    return "an int";
  case A::INTS:
    return "a list of ints";
  case A::FLOAT:
    return "a float";
  case A::FLOATS:
    return "a list of floats";
  case A::STRING:
    return "a string";
  case A::STRINGS:
    return "a list of strings";
  case A::TENSOR:
    return "a tensor";
  case A::SPARSE_TENSOR:
    return "a sparse tensor";
  case A::GRAPH:
    return "a graph";
  default:
    return "something else";
  }
}

/// The type that an attribute states, or that its only filled field has in
/// files older than the statement.
static int getStatedType(const proto::AttributeProto &attribute) {
  if (attribute.has_type() && attribute.type() != A::UNDEFINED)
    return attribute.type();
  if (attribute.has_i())
    return A::INT;
  if (attribute.has_f())
    return A::FLOAT;
  if (attribute.has_s())
    return A::STRING;
  if (attribute.has_t())
    return A::TENSOR;
  return attribute.floats_size() != 0 ? A::FLOATS : A::INTS;
}

LogicalResult
NodeBuilder::checkAttribute(const proto::AttributeProto &attribute) {
  const AttributeRule *found =
      llvm::find_if(rule.attributes, [&](const AttributeRule &row) {
        return row.name == attribute.name();
      });
  if (found == rule.attributes.end())
    return emitError() << "unknown attribute " << quote(attribute.name())
                       << " of " << getOpType();
  if (opset < found->since || opset > found->until)
    return emitError() << "attribute " << quote(attribute.name()) << " of "
                       << getOpType() << " does not exist in opset " << opset;
  if (!attribute.ref_attr_name().empty())
    return emitError() << "attribute " << quote(attribute.name())
                       << " refers to an attribute of a function";
  int type = getStatedType(attribute);
  if (type != found->type)
    return emitError() << "attribute " << quote(attribute.name()) << " of "
                       << getOpType() << " must be " << getTypeName(found->type)
                       << ", got " << getTypeName(type);
  return success();
}

LogicalResult NodeBuilder::check() {
  if (opset < rule.since)
    return emitError() << "needs opset " << rule.since << ", model imports "
                       << opset;
  unsigned most = rule.maxInputs;
  if (opset < rule.lastInputSince)
    --most;
  if (operands.size() < rule.minInputs || operands.size() > most)
    return emitError() << "has " << operands.size() << " inputs, expected "
                       << (operands.size() < rule.minInputs ? "at least "
                                                            : "at most ")
                       << (operands.size() < rule.minInputs ? rule.minInputs
                                                            : most);
  // Inputs of operators that take any number of them are all required.
  unsigned required = most == kAnyNumber ? operands.size() : rule.minInputs;
  for (unsigned i = 0; i < required; ++i)
    if (!operands[i])
      return emitError() << "required input #" << i << " is left out";
  if (getNumOutputs() > rule.maxOutputs)
    return emitError() << "has " << getNumOutputs()
                       << " outputs, expected at most " << rule.maxOutputs;
  llvm::StringSet<> seen;
  for (const proto::AttributeProto &attribute : node.attribute()) {
    if (!seen.insert(attribute.name()).second)
      return emitError() << "attribute " << quote(attribute.name())
                         << " is given twice";
    if (failed(checkAttribute(attribute)))
      return failure();
  }
  for (const AttributeRule &row : rule.attributes)
    if (row.required && opset >= row.since && opset <= row.until &&
        !seen.contains(row.name))
      return emitError() << "required attribute '" << row.name << "' of "
                         << getOpType() << " is missing";
  return success();
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

proto::AttributeProto *NodeBuilder::getAttribute(StringRef name) const {
  for (proto::AttributeProto &attribute : *node.mutable_attribute())
    if (attribute.name() == name)
      return &attribute;
  return nullptr;
}

std::optional<int64_t> NodeBuilder::getInt(StringRef name) const {
  const proto::AttributeProto *attribute = getAttribute(name);
  return attribute ? std::optional<int64_t>(attribute->i()) : std::nullopt;
}

std::optional<float> NodeBuilder::getFloat(StringRef name) const {
  const proto::AttributeProto *attribute = getAttribute(name);
  return attribute ? std::optional<float>(attribute->f()) : std::nullopt;
}

StringRef NodeBuilder::getString(StringRef name, StringRef missing) const {
  const proto::AttributeProto *attribute = getAttribute(name);
  return attribute ? StringRef(attribute->s()) : missing;
}

std::optional<SmallVector<int64_t>> NodeBuilder::getInts(StringRef name) const {
  const proto::AttributeProto *attribute = getAttribute(name);
  if (!attribute)
    return std::nullopt;
  return SmallVector<int64_t>(attribute->ints().begin(),
                              attribute->ints().end());
}

FailureOr<std::optional<SmallVector<int64_t>>>
NodeBuilder::getIntsOrOperand(StringRef name, unsigned index) {
  if (std::optional<SmallVector<int64_t>> values = getInts(name))
    return values;
  if (!getOperand(index))
    return std::optional<SmallVector<int64_t>>();
  std::optional<SmallVector<int64_t>> values = getConstantOperand(index);
  if (!values)
    return emitError() << "'" << name << "' (input #" << index
                       << ") must be a constant list of integers";
  return values;
}

std::optional<SmallVector<int64_t>>
NodeBuilder::getConstantOperand(unsigned index) {
  Value operand = getOperand(index);
  // Exporters that do not optimize reshape and concatenate constants.
  std::optional<SmallVector<onnx::ShapeElement>> elements =
      operand ? onnx::getShapeElements(operand) : std::nullopt;
  if (!elements)
    return std::nullopt;
  SmallVector<int64_t> values;
  for (const onnx::ShapeElement &element : *elements) {
    if (!element.isConstant())
      return std::nullopt;
    values.push_back(element.getConstant());
  }
  return values;
}

ElementsAttr NodeBuilder::importTensor(proto::TensorProto &tensor,
                                       StringRef what) {
  std::string name = (what + " of node " + quote(node.name())).str();
  return tensors.import(tensor, name, loc);
}

NamedAttribute NodeBuilder::makeInt(StringRef name, int64_t value) {
  return builder.getNamedAttr(name, builder.getI64IntegerAttr(value));
}

NamedAttribute NodeBuilder::makeInts(StringRef name, ArrayRef<int64_t> values) {
  return builder.getNamedAttr(name, builder.getDenseI64ArrayAttr(values));
}

SmallVector<NamedAttribute>
NodeBuilder::copyAttributes(ArrayRef<StringRef> names) {
  SmallVector<NamedAttribute> copies;
  for (StringRef name : names) {
    const proto::AttributeProto *attribute = getAttribute(name);
    if (!attribute)
      continue;
    switch (getStatedType(*attribute)) {
    case A::INT:
      copies.push_back(makeInt(name, attribute->i()));
      break;
    case A::INTS:
      copies.push_back(makeInts(name, *getInts(name)));
      break;
    case A::FLOAT:
      copies.push_back(
          builder.getNamedAttr(name, builder.getF32FloatAttr(attribute->f())));
      break;
    case A::STRING:
      copies.push_back(
          builder.getNamedAttr(name, builder.getStringAttr(attribute->s())));
      break;
    default:
      break;
    }
  }
  return copies;
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

Operation *NodeBuilder::create(StringRef name, ValueRange values,
                               ArrayRef<NamedAttribute> attributes,
                               unsigned numResults, Type element) {
  // Errors of inference name the node, as those of the importer do.
  ScopedDiagnosticHandler handler(getContext(), [&](Diagnostic &diagnostic) {
    diagnostic << ", at node "
               << quote(node.name().empty() ? node.output(0) : node.name());
    return failure();
  });
  if (!element)
    element = values.empty()
                  ? builder.getF32Type()
                  : cast<TensorType>(values[0].getType()).getElementType();
  OperationState state(loc, ("onnx." + name).str());
  state.addOperands(values);
  state.addAttributes(attributes);
  state.addTypes(
      SmallVector<Type>(numResults, UnrankedTensorType::get(element)));
  Operation *op = builder.create(state);
  auto inference = dyn_cast<onnx::ShapeInferenceOpInterface>(op);
  SmallVector<TensorType> types;
  if (!inference || failed(inference.inferResultTypes(
                        onnx::InferenceScope::Producers, types)))
    return nullptr;
  for (auto [result, type] : llvm::zip_equal(op->getResults(), types))
    result.setType(type);
  // Checks sizes, which inference alone does not.
  return succeeded(inference.inferShapes()) ? op : nullptr;
}

Value NodeBuilder::createValue(StringRef name, ValueRange values,
                               ArrayRef<NamedAttribute> attributes,
                               Type element) {
  Operation *op = create(name, values, attributes, 1, element);
  return op ? op->getResult(0) : Value();
}

Value NodeBuilder::createConstant(ElementsAttr value) {
  return onnx::ConstantOp::create(
      builder, loc, cast<TensorType>(value.getShapedType()), value);
}

LogicalResult NodeBuilder::createResult(ValueRange values,
                                        ArrayRef<NamedAttribute> attributes) {
  Value result = createValue(getOpType(), values, attributes);
  if (!result)
    return failure();
  if (getNumOutputs() != 0)
    setResult(0, result);
  return success();
}

ArrayRef<Value> NodeBuilder::getPresentOperands() {
  ArrayRef<Value> present = operands;
  while (!present.empty() && !present.back())
    present = present.drop_back();
  return present;
}

LogicalResult NodeBuilder::buildUnchanged() {
  ArrayRef<Value> present = getPresentOperands();
  if (llvm::is_contained(present, Value()))
    return emitError() << "an optional input before the last is left out";
  SmallVector<NamedAttribute> attributes;
  for (const AttributeRule &row : rule.attributes) {
    proto::AttributeProto *attribute = getAttribute(row.name);
    if (attribute && row.type == A::TENSOR) {
      ElementsAttr value = importTensor(*attribute->mutable_t(), row.name);
      if (!value)
        return failure();
      attributes.push_back(builder.getNamedAttr(row.name, value));
      continue;
    }
    llvm::append_range(attributes, copyAttributes({row.name}));
  }
  return createResult(present, attributes);
}

LogicalResult NodeBuilder::build() {
  return rule.build ? rule.build(*this) : buildUnchanged();
}
