//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One JSON object for each operation of the report.
//
//===----------------------------------------------------------------------===//

#include "ReportBuilder.h"
#include "NodeNames.h"
#include "QuantizedProduct.h"
#include "ReportParts.h"
#include "lowbit/Dialect/Lowbit/IR/ReportMarks.h"
#include <cmath>

using namespace mlir;
using namespace mlir::lowbit;

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// What an entry of `matmuls` tells; extents are `kDynamic` where not known.
struct ReportBuilder::Product {
  std::string name;
  NodeNames nodes;
  int64_t batch = 1, m = 1, k = 1, n = 1;
  LevelsType lhs, rhs;
  llvm::json::Value kernel = nullptr, reason = nullptr;
  int64_t weightBytes = 0;
  /// The epilogue; null before there is one.
  Block *body = nullptr;
  /// The packing of a packed result and its value.
  std::optional<PackingAttr> resultPacking;
  Value result;
  llvm::json::Value resultReason = nullptr;
  /// The attention that it is part of, by its position.
  llvm::json::Value attention = nullptr;
  bool hasQuery = false, constantRhs = false;

  /// Batch, m and n of a result `[batch..., m, n]`.
  void setResultShape(ArrayRef<int64_t> shape) {
    n = shape.back();
    m = shape[shape.size() - 2];
    batch = multiplyAll(shape.drop_back(2));
  }
};

void ReportBuilder::addProduct(Product product) {
  int64_t macs = multiply(multiply(product.batch, product.m),
                          multiply(product.k, product.n));
  llvm::json::Object entry{{"name", product.name},
                           {"nodes", toJSON(product.nodes)},
                           {"batch", toJSON(product.batch)},
                           {"m", toJSON(product.m)},
                           {"k", toJSON(product.k)},
                           {"n", toJSON(product.n)},
                           {"lhs", toString(product.lhs)},
                           {"rhs", toString(product.rhs)},
                           {"kernel", product.kernel},
                           {"weight_bytes", product.weightBytes},
                           {"macs", toJSON(macs)},
                           {"reason", std::move(product.reason)},
                           {"attention", std::move(product.attention)},
                           {"epilogue", llvm::json::Array()},
                           {"result", "numbers"},
                           {"result_levels", nullptr},
                           {"result_order", nullptr},
                           {"result_reason", std::move(product.resultReason)},
                           {"cost", nullptr},
                           {"estimated_ns", nullptr},
                           {"selection", nullptr}};
  if (product.body)
    entry["epilogue"] = listOperations(*product.body);
  if (product.resultPacking) {
    bool compares = product.body && !usesFloats(*product.body);
    (compares ? thresholds : codes) += 1;
    entry["result"] = compares ? "thresholds" : "codes";
    entry["result_levels"] = toString(product.resultPacking->getLevels());
    entry["result_order"] = describeOrders(product.result);
  }
  if (product.hasQuery) {
    KernelQuery query{product.lhs, product.rhs, product.constantRhs, product.k,
                      product.n};
    entry["selection"] = selections.add(query);
    std::optional<StringRef> name = product.kernel.getAsString();
    if (const KernelRow *row = name ? findKernel(*name) : nullptr) {
      double cost = estimateCost(*row, target, query);
      entry["cost"] = std::llround(cost);
      if (!ShapedType::isDynamic(macs))
        entry["estimated_ns"] = std::llround(cost * macs / 1024 / 1000);
    }
  }
  matmuls.push_back(std::move(entry));
  floats += !product.rhs;
  weightBytes += product.weightBytes;
}

void ReportBuilder::add(MatmulOp op) {
  auto lhs = cast<RankedTensorType>(op.getLhs().getType());
  auto rhs = cast<RankedTensorType>(op.getRhs().getType());
  Product product;
  product.name = getFirstNodeName(op);
  addNodeNames(op.getLoc(), product.nodes);
  product.setResultShape(
      cast<RankedTensorType>(op.getResult().getType()).getShape());
  product.k = lhs.getShape().back();
  product.lhs = dyn_cast<LevelsType>(lhs.getElementType());
  product.rhs = dyn_cast<LevelsType>(rhs.getElementType());
  product.weightBytes = getConstantBytes(op.getRhs());
  addProduct(std::move(product));
}

/// Why a quantizer that reads a result is an operation of its own; null when
/// none does.
static llvm::json::Value findQuantizerReason(Value result) {
  for (Operation *user : result.getUsers()) {
    if (isa<tensor::ExpandShapeOp>(user) && user->hasOneUse())
      user = *user->user_begin();
    std::string reason;
    if (auto quantize = dyn_cast<QuantizePackOp>(user))
      if (!findQuantizedProduct(quantize, reason))
        return reason;
  }
  return nullptr;
}

void ReportBuilder::add(PackedMatmulOp op) {
  // The product that it is a part of is in the list.
  if (op->hasAttr(kProbe))
    return;
  Product product;
  product.name = getFirstNodeName(op);
  addNodeNames(op.getLoc(), product.nodes);
  product.body = &op.getBody().front();
  addNodeNames(*product.body, product.nodes);
  product.setResultShape(op.getProductShape());
  product.k = op.getDynamicSize() ? ShapedType::kDynamic : op.getSize();
  if (op.getLhsPacking())
    product.lhs = op.getLhsPacking()->getLevels();
  product.rhs = op.getRhsPacking().getLevels();
  product.kernel = op.getKernel();
  product.weightBytes = getConstantBytes(op.getRhs());
  product.hasQuery = true;
  // As lowbit-pack asked: shared by the batch, which the panels add to.
  product.constantRhs =
      product.weightBytes != 0 &&
      cast<RankedTensorType>(op.getRhs().getType()).getRank() == 3;
  product.resultPacking = op.getResultPacking();
  product.result = op->getResult(0);
  if (!product.resultPacking)
    product.resultReason = findQuantizerReason(product.result);
  else if (auto reason = op->getAttrOfType<StringAttr>(kFloatEpilogue))
    product.resultReason = reason.getValue();
  addProduct(std::move(product));
}

void ReportBuilder::addLoops(linalg::LinalgOp op) {
  Product product;
  product.name = getFirstNodeName(op);
  addNodeNames(op.getLoc(), product.nodes);
  addNodeNames(*op.getBlock(), product.nodes);
  // The last parallel loops are m and n.
  SmallVector<int64_t> loops;
  for (auto [extent, iterator] :
       llvm::zip(op.getStaticLoopRanges(), op.getIteratorTypesArray())) {
    if (iterator == utils::IteratorType::parallel)
      loops.push_back(extent);
    else
      product.k = multiply(product.k, extent);
  }
  if (!loops.empty())
    product.n = loops.pop_back_val();
  if (!loops.empty())
    product.m = loops.pop_back_val();
  product.batch = multiplyAll(loops);
  // Vectors among more inputs than two come from what was fused.
  for (Value input : op.getDpsInputs())
    if (op.getNumDpsInputs() <= 2 ||
        cast<ShapedType>(input.getType()).getRank() >= 2)
      product.weightBytes += getConstantBytes(input);
  if (auto sides = op->getAttrOfType<ArrayAttr>(kLevelsMatmul)) {
    auto types = sides.getAsValueRange<TypeAttr>();
    product.lhs = dyn_cast<LevelsType>(*types.begin());
    product.rhs = dyn_cast<LevelsType>(*std::next(types.begin()));
    product.reason = "no kernel takes it";
    product.hasQuery = true;
  } else {
    product.kernel = "float";
    if (auto reason = op->getAttrOfType<StringAttr>(kFloatReason))
      product.reason = reason.getValue();
  }
  addProduct(std::move(product));
}

void ReportBuilder::add(TopProductOp op) {
  Product product;
  product.name = getFirstNodeName(op);
  addNodeNames(op.getLoc(), product.nodes);
  ArrayRef<int64_t> input =
      cast<RankedTensorType>(op.getInput().getType()).getShape();
  product.batch = multiplyAll(input.drop_back(2));
  product.m = input[input.size() - 2];
  product.k = op.getSize();
  product.n = op.getTableRows();
  product.kernel = op.getScreen().empty() ? "float" : "screen";
  product.weightBytes = getConstantBytes(op.getTable());
  for (Value part : op.getScreen())
    product.weightBytes += getConstantBytes(part);
  addProduct(std::move(product));
}

//===----------------------------------------------------------------------===//
// Other operations
//===----------------------------------------------------------------------===//

void ReportBuilder::add(PackedAttentionOp op) {
  int64_t position = attentions.size();
  NodeNames nodes;
  addNodeNames(op.getLoc(), nodes);

  Product scores;
  scores.body = &op.getScoreBody().front();
  addNodeNames(*scores.body, scores.nodes);
  scores.setResultShape(op.getScoresShape());
  scores.k = op.getSize();
  scores.lhs = op.getQPacking().getLevels();
  scores.rhs = op.getKPacking().getLevels();
  scores.kernel = op.getKernel();

  Product context;
  context.body = &op.getContextBody().front();
  addNodeNames(*context.body, context.nodes);
  context.setResultShape(op.getContextShape());
  context.k = scores.n;
  context.lhs = op.getCodes().getLevels();
  context.rhs = op.getVPacking().getLevels();
  context.kernel = op.getContextKernel().value_or(op.getKernel());
  context.resultPacking = op.getResultPacking();
  context.result = op->getResult(0);
  if (context.resultPacking)
    context.resultReason = "the sums of attention have no thresholds";
  else
    context.resultReason = findQuantizerReason(context.result);

  std::string result = context.resultPacking ? "codes" : "numbers";
  std::string probabilities = toString(op.getCodes().getLevels());
  for (Product *product : {&scores, &context}) {
    nodes.insert(product->nodes.begin(), product->nodes.end());
    product->name = product->nodes.empty() ? getFirstNodeName(op)
                                           : product->nodes.front().str();
    product->attention = position;
    product->hasQuery = true;
    addProduct(std::move(*product));
  }
  attentions.push_back(llvm::json::Object{{"name", getFirstNodeName(op)},
                                          {"nodes", toJSON(nodes)},
                                          {"probabilities", probabilities},
                                          {"joins_heads", op.getTransposed()},
                                          {"result", std::move(result)}});
}

void ReportBuilder::addNorm(Operation *op, Value input, Value residual,
                            ArrayRef<LevelsType> results) {
  NodeNames nodes;
  addNodeNames(op->getLoc(), nodes);
  ArrayRef<int64_t> shape = cast<RankedTensorType>(input.getType()).getShape();
  llvm::json::Array levels;
  for (LevelsType result : results)
    levels.push_back(toString(result));
  norms.push_back(
      llvm::json::Object{{"name", getFirstNodeName(op)},
                         {"nodes", toJSON(nodes)},
                         {"rows", toJSON(multiplyAll(shape.drop_back()))},
                         {"size", toJSON(shape.back())},
                         {"residual", residual != nullptr},
                         {"results", std::move(levels)}});
}

void ReportBuilder::add(LayerNormOp op) {
  addNorm(op, op.getInput(), op.getResidual(), {});
}

void ReportBuilder::add(LayerNormPackOp op) {
  SmallVector<LevelsType> results;
  for (auto packing : op.getPackings().getAsRange<PackingAttr>())
    results.push_back(packing.getLevels());
  addNorm(op, op.getInput(), op.getResidual(), results);
}

void ReportBuilder::add(QuantizePackOp op) {
  NodeNames nodes;
  addNodeNames(op.getLoc(), nodes);
  ArrayRef<int64_t> shape =
      cast<RankedTensorType>(op.getInput().getType()).getShape();
  std::string reason;
  findQuantizedProduct(op, reason);
  quantizers.push_back(llvm::json::Object{
      {"name", getFirstNodeName(op)},
      {"nodes", toJSON(nodes)},
      {"elements", toJSON(multiplyAll(shape))},
      {"levels", toString(op.getPacking().getLevels())},
      {"order", stringifyOrder(op.getPacking().getOrder())},
      {"reason", reason.empty() ? llvm::json::Value(nullptr)
                                : llvm::json::Value(reason)}});
}

std::string ReportBuilder::takeText() {
  int64_t total = matmuls.size();
  llvm::json::Object summary{
      {"matmuls", total},
      {"quantized", total - floats},
      {"float", floats},
      {"weight_bytes", weightBytes},
      {"codes", codes},
      {"thresholds", thresholds},
      {"attentions", static_cast<int64_t>(attentions.size())},
      {"norms", static_cast<int64_t>(norms.size())},
      {"quantizers", static_cast<int64_t>(quantizers.size())}};
  llvm::json::Object report{
      {"matmuls", std::move(matmuls)},   {"attentions", std::move(attentions)},
      {"norms", std::move(norms)},       {"quantizers", std::move(quantizers)},
      {"selections", selections.take()}, {"summary", std::move(summary)}};
  std::string text;
  llvm::raw_string_ostream(text) << llvm::json::Value(std::move(report));
  return text;
}
