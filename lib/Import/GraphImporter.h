//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The graph of a model as a function: names are checked to be defined once and
// before their use, inputs and initializers become arguments and constants,
// nodes become operations, and declared outputs are compared to what was
// inferred.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_IMPORT_GRAPHIMPORTER_H
#define LOWBIT_LIB_IMPORT_GRAPHIMPORTER_H

#include "TensorImporter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::lowbit {

class GraphImporter {
public:
  /// `model` is taken apart: the data of tensors moves out of it.
  GraphImporter(proto::ModelProto &model, Location loc, llvm::StringRef baseDir)
      : graph(*model.mutable_graph()), model(model), loc(loc),
        builder(loc.getContext()), tensors(loc.getContext(), baseDir) {}

  /// Null after diagnostics.
  OwningOpRef<ModuleOp> import();

private:
  LogicalResult checkOpsets();
  /// Names are valid and defined once.
  LogicalResult checkNames();
  /// Reports every operator that is not supported.
  LogicalResult checkOperators();
  LogicalResult importInputs(func::FuncOp function);
  LogicalResult importInitializers();
  LogicalResult importNode(proto::NodeProto &node);
  LogicalResult importOutputs(func::FuncOp function);

  /// The type of an input or output; null after a diagnostic. `dims` gets one
  /// name per dimension.
  TensorType convertType(const proto::ValueInfoProto &info,
                         llvm::StringRef what,
                         SmallVectorImpl<StringRef> &dims);
  DictionaryAttr makeNames(llvm::StringRef name, ArrayRef<StringRef> dims);
  Location getNodeLoc(const proto::NodeProto &node);

  proto::GraphProto &graph;
  proto::ModelProto &model;
  Location loc;
  OpBuilder builder;
  TensorImporter tensors;
  int64_t opset = 0;
  /// Values by name; null for outputs that a node does not offer.
  llvm::StringMap<Value> values;
  /// The nodes that define names, to tell a wrong order from a missing name.
  llvm::StringMap<const proto::NodeProto *> producers;
};

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_IMPORT_GRAPHIMPORTER_H
