//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Importing the graph of a model; see GraphImporter.h.
//
//===----------------------------------------------------------------------===//

#include "GraphImporter.h"
#include "NodeBuilder.h"
#include "lowbit/Dialect/ONNX/IR/ONNX.h"
#include "lowbit/Import/Import.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace mlir::lowbit;

/// The name by which a user finds a node: its own or that of its first output.
static llvm::StringRef getNodeName(const proto::NodeProto &node) {
  if (!node.name().empty() || node.output_size() == 0)
    return node.name();
  return node.output(0);
}

Location GraphImporter::getNodeLoc(const proto::NodeProto &node) {
  llvm::StringRef name = getNodeName(node);
  if (name.empty())
    return loc;
  return NameLoc::get(builder.getStringAttr(name), loc);
}

//===----------------------------------------------------------------------===//
// Checks of the whole
//===----------------------------------------------------------------------===//

LogicalResult GraphImporter::checkOpsets() {
  for (const proto::OperatorSetIdProto &import : model.opset_import()) {
    if (!isDefaultDomain(import.domain()))
      continue;
    if (opset != 0 && opset != import.version())
      return emitError(loc) << "the model imports two versions of the default "
                               "opset, "
                            << opset << " and " << import.version();
    opset = import.version();
    if (opset < kOldestOpset || opset > kNewestOpset)
      return emitError(loc)
             << "opset " << opset << " is not supported, expected "
             << kOldestOpset << " to " << kNewestOpset;
  }
  if (opset == 0)
    return emitError(loc)
           << "the model has no opset_import of the default domain";
  return success();
}

LogicalResult GraphImporter::checkNames() {
  bool valid = true;
  auto report = [&](Location where) {
    valid = false;
    return emitError(where);
  };
  auto isText = [&](llvm::StringRef name) { return llvm::json::isUTF8(name); };
  enum Kind { Input, Initializer, Output };
  static constexpr StringLiteral kKinds[] = {"graph input", "initializer",
                                             "node output"};
  llvm::StringMap<Kind> defined;
  auto define = [&](llvm::StringRef name, Kind kind, Location where) {
    if (!isText(name)) {
      report(where) << "the name of a " << kKinds[kind]
                    << " is not valid UTF-8: " << quote(name);
      return;
    }
    auto [entry, inserted] = defined.try_emplace(name, kind);
    if (inserted)
      return;
    // An initializer may give an input its value.
    bool both = entry->second == Input && kind == Initializer;
    if (both)
      entry->second = Initializer;
    else if (entry->second == kind)
      report(where) << "duplicate " << kKinds[kind] << " " << quote(name);
    else
      report(where) << quote(name) << " is both " << kKinds[entry->second]
                    << " and " << kKinds[kind];
  };
  for (const proto::ValueInfoProto &input : graph.input())
    define(input.name(), Input, loc);
  for (const proto::TensorProto &tensor : graph.initializer())
    define(tensor.name(), Initializer, loc);
  for (const proto::NodeProto &node : graph.node()) {
    if (!isText(node.name())) {
      report(loc) << "the name of a node is not valid UTF-8: "
                  << quote(node.name());
      continue;
    }
    for (const std::string &output : node.output())
      if (!output.empty()) {
        define(output, Output, getNodeLoc(node));
        producers.try_emplace(output, &node);
      }
  }
  if (graph.sparse_initializer_size() != 0)
    report(loc) << "sparse initializer "
                << quote(graph.sparse_initializer(0).values().name())
                << " is not supported";
  return success(valid);
}

LogicalResult GraphImporter::checkOperators() {
  struct Missing {
    const proto::NodeProto *first;
    unsigned count = 0;
  };
  llvm::StringMap<int64_t> versions;
  for (const proto::OperatorSetIdProto &import : model.opset_import())
    versions[import.domain()] = import.version();
  llvm::MapVector<std::pair<StringRef, StringRef>, Missing> missing;
  for (const proto::NodeProto &node : graph.node()) {
    bool imported =
        isDefaultDomain(node.domain()) || versions.contains(node.domain());
    if (imported && lookupOperator(node.domain(), node.op_type()))
      continue;
    Missing &entry = missing[{node.domain(), node.op_type()}];
    if (entry.count++ == 0)
      entry.first = &node;
  }
  for (auto &[key, entry] : missing) {
    auto [domain, type] = key;
    InFlightDiagnostic error = emitError(getNodeLoc(*entry.first));
    error << "unsupported operator " << quote(type) << " of domain "
          << quote(isDefaultDomain(domain) ? "ai.onnx" : domain);
    if (isDefaultDomain(domain))
      error << " version " << opset;
    else if (auto version = versions.find(domain); version != versions.end())
      error << " version " << version->second;
    else
      error << ", which the model does not import";
    error << ", at node " << quote(getNodeName(*entry.first));
    if (entry.count > 1)
      error << " and " << entry.count - 1 << " more";
  }
  return success(missing.empty());
}

//===----------------------------------------------------------------------===//
// Inputs, initializers, outputs
//===----------------------------------------------------------------------===//

TensorType GraphImporter::convertType(const proto::ValueInfoProto &info,
                                      llvm::StringRef what,
                                      SmallVectorImpl<StringRef> &dims) {
  if (!info.type().has_tensor_type()) {
    emitError(loc) << what << " is not a tensor";
    return nullptr;
  }
  const proto::TypeProto_Tensor &tensor = info.type().tensor_type();
  std::optional<DataTypeInfo> data = getDataTypeInfo(tensor.elem_type());
  Type element = convertDataType(tensor.elem_type(), builder.getContext());
  if (!data) {
    emitError(loc) << what << " has the unknown tensor data type "
                   << tensor.elem_type();
    return nullptr;
  }
  if (!element) {
    emitError(loc) << what << ": element type " << data->name
                   << " is not supported";
    return nullptr;
  }
  if (!tensor.has_shape())
    return UnrankedTensorType::get(element);
  SmallVector<int64_t> shape;
  for (const proto::TensorShapeProto_Dimension &dim : tensor.shape().dim()) {
    if (dim.has_dim_value()) {
      if (dim.dim_value() < 0) {
        emitError(loc) << what << " has the negative dimension "
                       << dim.dim_value();
        return nullptr;
      }
      shape.push_back(dim.dim_value());
      dims.push_back("");
      continue;
    }
    shape.push_back(ShapedType::kDynamic);
    dims.push_back(dim.dim_param());
  }
  return RankedTensorType::get(shape, element);
}

DictionaryAttr GraphImporter::makeNames(llvm::StringRef name,
                                        ArrayRef<StringRef> dims) {
  return builder.getDictionaryAttr(
      {builder.getNamedAttr("onnx.dims", builder.getStrArrayAttr(dims)),
       builder.getNamedAttr("onnx.name", builder.getStringAttr(name))});
}

LogicalResult GraphImporter::importInputs(func::FuncOp function) {
  llvm::StringSet<> constants;
  for (const proto::TensorProto &tensor : graph.initializer())
    constants.insert(tensor.name());
  bool valid = true;
  for (const proto::ValueInfoProto &input : graph.input()) {
    if (constants.contains(input.name()))
      continue;
    std::string what = "graph input " + quote(input.name());
    SmallVector<StringRef> dims;
    TensorType type = convertType(input, what, dims);
    if (type && !type.hasRank()) {
      emitError(loc) << what << " has no shape";
      type = nullptr;
    }
    if (type && failed(onnx::checkTensorSize(
                    type, [&] { return emitError(loc) << what << " "; })))
      type = nullptr;
    valid &= type != nullptr;
    if (!valid)
      continue;
    unsigned index = function.getNumArguments();
    Location where = NameLoc::get(builder.getStringAttr(input.name()), loc);
    if (failed(function.insertArgument(index, type,
                                       makeNames(input.name(), dims), where)))
      return failure();
    values[input.name()] = function.getArgument(index);
  }
  return success(valid);
}

LogicalResult GraphImporter::importInitializers() {
  bool valid = true;
  for (proto::TensorProto &tensor : *graph.mutable_initializer()) {
    Location where = NameLoc::get(builder.getStringAttr(tensor.name()), loc);
    ElementsAttr value =
        tensors.import(tensor, "initializer " + quote(tensor.name()), where);
    valid &= value != nullptr;
    if (valid)
      values[tensor.name()] = onnx::ConstantOp::create(
          builder, where, cast<TensorType>(value.getShapedType()), value);
  }
  return success(valid);
}

LogicalResult GraphImporter::importOutputs(func::FuncOp function) {
  if (graph.output_size() == 0)
    return emitError(loc) << "the graph has no outputs";
  SmallVector<Value> results;
  SmallVector<Attribute> names;
  llvm::StringSet<> seen;
  bool valid = true;
  auto report = [&] {
    valid = false;
    return emitError(loc);
  };
  for (const proto::ValueInfoProto &output : graph.output()) {
    std::string what = "graph output " + quote(output.name());
    Value value = values.lookup(output.name());
    SmallVector<StringRef> dims;
    TensorType declared;
    if (!seen.insert(output.name()).second)
      report() << "duplicate " << what;
    else if (!value)
      report() << what << " is undefined";
    else if (output.has_type() && !(declared = convertType(output, what, dims)))
      valid = false;
    if (!valid)
      continue;
    auto inferred = cast<TensorType>(value.getType());
    if (!inferred.hasRank()) {
      report() << "the rank of " << what << " cannot be inferred";
      continue;
    }
    if (declared && !onnx::joinTypes(inferred, declared)) {
      report() << what << ": inferred " << inferred << ", declared "
               << declared;
      continue;
    }
    dims.resize(inferred.getRank(), "");
    for (auto [extent, dim] : llvm::zip_equal(inferred.getShape(), dims))
      if (!ShapedType::isDynamic(extent))
        dim = "";
    results.push_back(value);
    names.push_back(makeNames(output.name(), dims));
  }
  if (!valid)
    return failure();
  func::ReturnOp::create(builder, loc, results);
  function.setType(builder.getFunctionType(function.getArgumentTypes(),
                                           ValueRange(results).getTypes()));
  function.setResAttrsAttr(builder.getArrayAttr(names));
  return success();
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

LogicalResult GraphImporter::importNode(proto::NodeProto &node) {
  Location where = getNodeLoc(node);
  const OperatorRule *rule = lookupOperator(node.domain(), node.op_type());
  if (!rule)
    return failure();
  SmallVector<Value> operands;
  for (const std::string &name : node.input()) {
    if (name.empty()) {
      operands.push_back(nullptr);
      continue;
    }
    auto found = values.find(name);
    if (found == values.end()) {
      InFlightDiagnostic error =
          emitError(where) << "node " << quote(getNodeName(node)) << " ("
                           << node.op_type() << "): input " << quote(name);
      if (const proto::NodeProto *producer = producers.lookup(name))
        return error << " is used before node " << quote(getNodeName(*producer))
                     << " defines it: the graph has a cycle or is not sorted";
      return error << " is undefined";
    }
    if (!found->second)
      return emitError(where)
             << "node " << quote(getNodeName(node)) << ": the optional output "
             << quote(name) << " that it reads is not supported";
    operands.push_back(found->second);
  }
  NodeBuilder build(builder, tensors, node, *rule, opset, where, operands);
  if (failed(build.check()) || failed(build.build()))
    return failure();
  for (auto [name, value] : llvm::zip_equal(node.output(), build.getResults()))
    if (!name.empty())
      values[name] = value;
  return success();
}

OwningOpRef<ModuleOp> GraphImporter::import() {
  if (failed(checkOpsets()) || failed(checkNames()))
    return nullptr;
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  builder.setInsertionPointToEnd(module->getBody());
  auto function = func::FuncOp::create(builder, loc, "main",
                                       builder.getFunctionType({}, {}));
  builder.setInsertionPointToEnd(function.addEntryBlock());
  // All three report everything that they find.
  bool valid = succeeded(importInputs(function));
  valid &= succeeded(importInitializers());
  valid &= succeeded(checkOperators());
  if (!valid)
    return nullptr;
  for (proto::NodeProto &node : *graph.mutable_node())
    if (failed(importNode(node)))
      return nullptr;
  if (failed(importOutputs(function)))
    return nullptr;
  return module;
}
