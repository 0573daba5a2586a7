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

#include "WeightQuantizer.h"

#include "Match.h"
#include "lowbit/Constants/Constants.h"
#include "lowbit/Dialect/ONNX/IR/ONNX.h"

using namespace mlir;
using namespace mlir::lowbit;

WeightQuantizers::Entry WeightQuantizers::quantize(Value value,
                                                   bool transpose) {
  Entry entry;
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || type.getRank() != 2 || !type.getElementType().isF32()) {
    entry.why.reason = "the constant is not a matrix of f32";
    return entry;
  }
  std::optional<ConstantTensor> matrix =
      ConstantEvaluator().evaluate(skipStraightThrough(value));
  if (!matrix) {
    entry.why.reason = "the constant cannot be evaluated";
    return entry;
  }
  if (transpose)
    matrix = transposeConstant(*matrix, {1, 0});
  int64_t rows = matrix->getShape()[0], columns = matrix->getShape()[1];
  std::optional<WeightLevels> found =
      findWeightLevels(matrix->getValues(), rows, columns, entry.why);
  if (!found)
    return entry;

  QuantizedWeight weight;
  weight.scales = std::move(found->scales);
  for (int64_t row = 0; row < rows; ++row) {
    int32_t sum = 0;
    for (int64_t column = 0; column < columns; ++column)
      sum += found->levels[row * columns + column];
    weight.sums.push_back(sum);
  }
  MLIRContext *context = value.getContext();
  auto levels = found->hasZero ? LevelsType::getRange(context, -1, 1)
                               : LevelsType::get(context, {-1, 1});
  auto codes = RankedTensorType::get({rows, columns}, builder.getI8Type());
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(&function.getFunctionBody().front());
  weight.levels =
      ConstantOp::create(builder, value.getLoc(), codes.clone(levels),
                         makeConstant<int8_t>(codes, std::move(found->levels)));
  entry.weight = std::move(weight);
  return entry;
}

const QuantizedWeight *WeightQuantizers::recognise(Value value, bool transpose,
                                                   OffLevels &why) {
  std::unique_ptr<Entry> &entry = entries[{value, transpose}];
  if (!entry)
    entry = std::make_unique<Entry>(quantize(value, transpose));
  if (entry->weight)
    return &*entry->weight;
  why = entry->why;
  return nullptr;
}

void WeightQuantizers::foldOperand(OpOperand &operand) {
  Value value = operand.get();
  Operation *op = value.getDefiningOp();
  while (op && isa<onnx::TransposeOp, onnx::ReshapeOp, onnx::IdentityOp>(op))
    op = op->getOperand(0).getDefiningOp();
  if (!op || isa<onnx::ConstantOp>(op) || !isConstantExpression(value))
    return;
  std::optional<ConstantTensor> tensor = ConstantEvaluator().evaluate(value);
  if (!tensor)
    return;
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(operand.getOwner());
  auto type = cast<RankedTensorType>(value.getType());
  ArrayRef<float> values = tensor->getValues();
  auto constant = onnx::ConstantOp::create(
      builder, value.getLoc(), type,
      makeConstant<float>(type,
                          std::vector<float>(values.begin(), values.end())));
  operand.set(constant.getOutput());
}
