//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// onnx-fold-constants: one walk in program order replaces operators on
// constants by constants. See Passes.td for what is left alone.
//
//===----------------------------------------------------------------------===//

#include "Evaluate.h"
#include "lowbit/Constants/Constants.h"
#include "lowbit/Dialect/ONNX/IR/ONNX.h"
#include "lowbit/Dialect/ONNX/IR/ShapeElements.h"
#include "lowbit/Dialect/ONNX/Transforms/Passes.h"

namespace mlir::lowbit {
#define GEN_PASS_DEF_FOLDCONSTANTS
#include "lowbit/Dialect/ONNX/Transforms/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

/// Whether arithmetic may read this operand: everything but arrays of floats,
/// which are weights.
static bool isReadable(ElementsAttr attr) {
  ShapedType type = attr.getShapedType();
  return !isa<FloatType>(type.getElementType()) || type.getRank() <= 1 ||
         type.getNumElements() == 1;
}

/// A shape computation whose elements are all known, though its operands need
/// not be constant.
static ElementsAttr evaluateShape(Operation *op) {
  auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  if (!type || op->getNumOperands() == 0 || type.getRank() > 1 ||
      !type.hasStaticShape() ||
      (!type.getElementType().isSignlessInteger(64) &&
       !type.getElementType().isSignlessInteger(1)))
    return nullptr;
  std::optional<SmallVector<onnx::ShapeElement>> elements =
      onnx::getShapeElements(op->getResult(0));
  if (!elements)
    return nullptr;
  std::vector<int64_t> values;
  for (const onnx::ShapeElement &element : *elements) {
    if (!element.isConstant())
      return nullptr;
    values.push_back(element.getConstant());
  }
  return makeConstant(type, std::move(values));
}

namespace {

struct FoldConstants : lowbit::impl::FoldConstantsBase<FoldConstants> {
  using FoldConstantsBase::FoldConstantsBase;

  void runOnOperation() override {
    int64_t left = budget;
    getOperation().walk([&](onnx::ShapeInferenceOpInterface op) {
      if (isa<onnx::ConstantOp>(op.getOperation()) || op->getNumResults() != 1)
        return;
      ElementsAttr value = evaluate(op, left);
      if (!value)
        return;
      OpBuilder builder(op);
      auto constant = onnx::ConstantOp::create(
          builder, op->getLoc(), cast<TensorType>(value.getShapedType()),
          value);
      op->getResult(0).replaceAllUsesWith(constant);
      op->erase();
    });
  }

private:
  ElementsAttr evaluate(Operation *op, int64_t &left) {
    if (ElementsAttr value = evaluateShape(op))
      return value;
    auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    if (!type || !type.hasStaticShape())
      return nullptr;
    // Changing the shape of a constant shares its storage.
    bool free = isa<onnx::ReshapeOp, onnx::SqueezeOp, onnx::UnsqueezeOp,
                    onnx::FlattenOp>(op);
    int64_t count = type.getNumElements();
    if (!free && (count > maxElements || count > left))
      return nullptr;
    SmallVector<ElementsAttr> operands;
    for (Value operand : op->getOperands()) {
      operands.push_back(getConstantAttr(operand));
      if (!operands.back())
        return nullptr;
    }
    ElementsAttr value = evaluateMovement(op, operands);
    if (!value && llvm::all_of(operands, isReadable) &&
        llvm::all_of(operands, [&](ElementsAttr operand) {
          return operand.getNumElements() <= maxElements;
        }))
      value = evaluateArithmetic(op, operands);
    if (value && !free)
      left -= count;
    return value;
  }
};

} // namespace
