//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One node of the graph while it becomes operations: its operands, its checked
// attributes, and ways to make operations whose types are inferred at once.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_IMPORT_NODEBUILDER_H
#define LOWBIT_LIB_IMPORT_NODEBUILDER_H

#include "OperatorTable.h"
#include "TensorImporter.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/SmallVector.h"

namespace mlir::lowbit {

class NodeBuilder {
public:
  NodeBuilder(OpBuilder &builder, TensorImporter &tensors,
              proto::NodeProto &node, const OperatorRule &rule, int64_t opset,
              Location loc, ArrayRef<Value> operands)
      : builder(builder), tensors(tensors), node(node), rule(rule),
        opset(opset), loc(loc), operands(operands),
        results(node.output_size()) {}

  /// Checks inputs, outputs and attributes against the rule.
  LogicalResult check();
  /// Makes the operations of the node.
  LogicalResult build();

  //===--------------------------------------------------------------------===//
  // The node
  //===--------------------------------------------------------------------===//

  int64_t getOpset() const { return opset; }
  StringRef getOpType() const { return node.op_type(); }
  MLIRContext *getContext() const { return builder.getContext(); }
  Builder &getBuilder() { return builder; }
  /// All operands, null where an optional one is left out.
  ArrayRef<Value> getOperands() const { return operands; }
  /// Operand `index`, null if it is left out.
  Value getOperand(unsigned index) const {
    return index < operands.size() ? operands[index] : Value();
  }
  unsigned getNumOutputs() const { return node.output_size(); }

  /// An attribute that check() has accepted, or null.
  proto::AttributeProto *getAttribute(StringRef name) const;
  std::optional<int64_t> getInt(StringRef name) const;
  std::optional<float> getFloat(StringRef name) const;
  StringRef getString(StringRef name, StringRef missing) const;
  std::optional<SmallVector<int64_t>> getInts(StringRef name) const;
  /// The integers of attribute `name`, or those of operand `index` in opsets
  /// that made it an input; empty optional when neither is there. The operand
  /// must be a constant.
  FailureOr<std::optional<SmallVector<int64_t>>>
  getIntsOrOperand(StringRef name, unsigned index);
  /// The elements of an integer or bool operand that constants alone make;
  /// empty optional for others and for one that is left out.
  std::optional<SmallVector<int64_t>> getConstantOperand(unsigned index);
  /// A tensor attribute as a constant; null after a diagnostic.
  ElementsAttr importTensor(proto::TensorProto &tensor, StringRef what);

  InFlightDiagnostic emitError();

  //===--------------------------------------------------------------------===//
  // Making operations
  //===--------------------------------------------------------------------===//

  /// Makes `onnx.<name>` with inferred result types; null after a diagnostic.
  /// `element` is the element type of results that inference does not find.
  Operation *create(StringRef name, ValueRange operands,
                    ArrayRef<NamedAttribute> attributes = {},
                    unsigned numResults = 1, Type element = nullptr);
  /// The same for one result.
  Value createValue(StringRef name, ValueRange operands,
                    ArrayRef<NamedAttribute> attributes = {},
                    Type element = nullptr);
  Value createConstant(ElementsAttr value);
  /// The node's operator with `operands`, its only result the node's first.
  LogicalResult createResult(ValueRange operands,
                             ArrayRef<NamedAttribute> attributes = {});

  NamedAttribute makeInt(StringRef name, int64_t value);
  NamedAttribute makeInts(StringRef name, ArrayRef<int64_t> values);
  /// The node's attributes with these names as they are; absent ones are left
  /// out.
  SmallVector<NamedAttribute> copyAttributes(ArrayRef<StringRef> names);

  void setResult(unsigned index, Value value) { results[index] = value; }
  /// One value per output, null for outputs that are not supported.
  ArrayRef<Value> getResults() const { return results; }

private:
  /// Makes the operator as it is: for rules without a builder.
  LogicalResult buildUnchanged();
  LogicalResult checkAttribute(const proto::AttributeProto &attribute);
  /// Leaves out absent operands at the end.
  ArrayRef<Value> getPresentOperands();

  OpBuilder &builder;
  TensorImporter &tensors;
  proto::NodeProto &node;
  const OperatorRule &rule;
  int64_t opset;
  Location loc;
  ArrayRef<Value> operands;
  SmallVector<Value> results;
};

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_IMPORT_NODEBUILDER_H
