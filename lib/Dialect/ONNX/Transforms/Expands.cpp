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

#include "Expands.h"
#include "lowbit/Constants/Constants.h"
#include "lowbit/Dialect/ONNX/IR/ONNX.h"
#include "lowbit/Dialect/ONNX/IR/ShapeElements.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::lowbit;
using onnx::ShapeElement;

static bool broadcasts(Operation *op) {
  return isa<onnx::AddOp, onnx::AndOp, onnx::DivOp, onnx::EqualOp,
             onnx::GreaterOp, onnx::GreaterOrEqualOp, onnx::LessOp,
             onnx::LessOrEqualOp, onnx::MaxOp, onnx::MinOp, onnx::MulOp,
             onnx::OrOp, onnx::PowOp, onnx::SubOp, onnx::XorOp, onnx::WhereOp>(
      op);
}

/// Dimension `d` of `value` after it is given `rank` dimensions.
static ShapeElement getAligned(Value value, int64_t rank, int64_t d) {
  auto type = cast<RankedTensorType>(value.getType());
  int64_t at = d - (rank - type.getRank());
  return at < 0 ? ShapeElement::constant(1) : onnx::getDimension(value, at);
}

/// Whether `op` has the same result when `use`, an expanded value, is replaced
/// by what was expanded: another operand has every dimension that grew.
static bool isRedundant(Operation *op, OpOperand &use, onnx::ExpandOp expand) {
  auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  if (!type || !isa<RankedTensorType>(expand.getInput().getType()))
    return false;
  int64_t rank = type.getRank(), longest = 0;
  for (OpOperand &operand : op->getOpOperands()) {
    Value value = &operand == &use ? expand.getInput() : operand.get();
    auto valueType = dyn_cast<RankedTensorType>(value.getType());
    if (!valueType)
      return false;
    longest = std::max(longest, valueType.getRank());
  }
  if (longest != rank)
    return false;
  for (int64_t d = 0; d < rank; ++d) {
    ShapeElement grown = getAligned(expand.getOutput(), rank, d);
    if (grown == getAligned(expand.getInput(), rank, d))
      continue;
    bool repeated = llvm::any_of(op->getOpOperands(), [&](OpOperand &operand) {
      return &operand != &use && getAligned(operand.get(), rank, d) == grown;
    });
    if (!repeated)
      return false;
  }
  return true;
}

void lowbit::dropExpands(Operation *op) {
  if (broadcasts(op))
    for (OpOperand &operand : op->getOpOperands())
      if (auto expand = operand.get().getDefiningOp<onnx::ExpandOp>())
        if (isRedundant(op, operand, expand))
          operand.set(expand.getInput());
  // One that does not grow at all.
  auto expand = dyn_cast<onnx::ExpandOp>(op);
  auto type = expand ? dyn_cast<RankedTensorType>(expand.getOutput().getType())
                     : RankedTensorType();
  if (!type || type != expand.getInput().getType())
    return;
  for (int64_t d = 0, e = type.getRank(); d < e; ++d)
    if (onnx::getDimension(expand.getOutput(), d) !=
        onnx::getDimension(expand.getInput(), d))
      return;
  expand.getOutput().replaceAllUsesWith(expand.getInput());
}

/// Whether two shape operands are one number by number.
static bool areSameShape(Value a, Value b) {
  ElementsAttr attr = a == b ? ElementsAttr() : getConstantAttr(a);
  return a == b || (attr && attr == getConstantAttr(b));
}

/// The shape to which `op` expands its operands, all but those of one element;
/// null when there is none or more than one.
static Value getCommonShape(Operation *op) {
  Value shape;
  for (Value operand : op->getOperands()) {
    if (auto expand = operand.getDefiningOp<onnx::ExpandOp>()) {
      if (shape && !areSameShape(shape, expand.getShape()))
        return {};
      shape = expand.getShape();
      continue;
    }
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    if (!type || !type.hasStaticShape() || type.getNumElements() != 1)
      return {};
  }
  return shape;
}

void lowbit::sinkExpands(Operation *op) {
  bool isUnary = isa<onnx::AbsOp, onnx::CastOp, onnx::NegOp, onnx::NotOp,
                     onnx::ReciprocalOp, onnx::SqrtOp>(op);
  Value shape = isUnary || broadcasts(op) ? getCommonShape(op) : Value();
  if (!shape)
    return;
  OpBuilder builder(op);
  Operation *small = builder.clone(*op);
  for (OpOperand &operand : small->getOpOperands())
    if (auto expand = operand.get().getDefiningOp<onnx::ExpandOp>())
      operand.set(expand.getInput());
  Value result = small->getResult(0);
  Type element = cast<TensorType>(result.getType()).getElementType();
  result.setType(UnrankedTensorType::get(element));
  // Broadcasting succeeds on parts of shapes that broadcast.
  if (failed(cast<onnx::ShapeInferenceOpInterface>(small).inferShapes())) {
    small->erase();
    return;
  }
  Value expanded = onnx::ExpandOp::create(
      builder, op->getLoc(), op->getResult(0).getType(), result, shape);
  op->getResult(0).replaceAllUsesWith(expanded);
  op->erase();
}
