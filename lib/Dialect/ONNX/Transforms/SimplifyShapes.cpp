//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// onnx-simplify-shapes: shape operands in normal form, and Expand where
// broadcasting does the same. See Passes.td.
//
//===----------------------------------------------------------------------===//

#include "Expands.h"
#include "ResultTypes.h"
#include "lowbit/Constants/Constants.h"
#include "lowbit/Dialect/ONNX/IR/ONNX.h"
#include "lowbit/Dialect/ONNX/IR/ShapeElements.h"
#include "lowbit/Dialect/ONNX/Transforms/Passes.h"
#include "mlir/IR/Builders.h"

namespace mlir::lowbit {
#define GEN_PASS_DEF_SIMPLIFYSHAPES
#include "lowbit/Dialect/ONNX/Transforms/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;
using onnx::ShapeElement;

//===----------------------------------------------------------------------===//
// Normal form
//===----------------------------------------------------------------------===//

/// Operands that hold shapes, positions or lengths.
static MutableArrayRef<OpOperand> getShapeOperands(Operation *op) {
  MutableArrayRef<OpOperand> operands = op->getOpOperands();
  if (isa<onnx::ReshapeOp, onnx::ExpandOp, onnx::PadOp>(op))
    return operands.slice(1, 1);
  if (isa<onnx::SliceOp>(op))
    return operands.drop_front();
  if (isa<onnx::ConstantOfShapeOp, onnx::RangeOp>(op))
    return operands;
  return {};
}

static bool areConstant(ArrayRef<ShapeElement> elements) {
  return llvm::all_of(elements, [](const ShapeElement &element) {
    return element.isConstant();
  });
}

static Value makeConstantVector(OpBuilder &builder, Location loc,
                                RankedTensorType type,
                                ArrayRef<ShapeElement> elements) {
  std::vector<int64_t> values;
  for (const ShapeElement &element : elements)
    values.push_back(element.getConstant());
  ElementsAttr value =
      type.getElementType().isInteger(32)
          ? makeConstant(type,
                         std::vector<int32_t>(values.begin(), values.end()))
          : makeConstant(type, std::move(values));
  return onnx::ConstantOp::create(builder, loc, type, value);
}

/// A value of `type` with these elements, all known; null if it takes more than
/// constants and dimensions.
static Value makeVector(OpBuilder &builder, Location loc, RankedTensorType type,
                        ArrayRef<ShapeElement> elements) {
  if (areConstant(elements))
    return makeConstantVector(builder, loc, type, elements);
  if (!type.getElementType().isInteger(64))
    return nullptr;
  auto makeType = [&](int64_t size) {
    return RankedTensorType::get(size, type.getElementType());
  };
  // Runs of constants, and runs of neighbouring dimensions of one tensor.
  SmallVector<Value> parts;
  while (!elements.empty()) {
    const ShapeElement &first = elements.front();
    size_t size = 1;
    while (size < elements.size() &&
           (first.isConstant()
                ? elements[size].isConstant()
                : elements[size] ==
                      ShapeElement::dimension(first.getTensor(),
                                              first.getIndex() +
                                                  static_cast<int64_t>(size))))
      ++size;
    if (first.isConstant()) {
      parts.push_back(makeConstantVector(builder, loc, makeType(size),
                                         elements.take_front(size)));
    } else {
      parts.push_back(onnx::ShapeOp::create(
          builder, loc, makeType(size), first.getTensor(),
          builder.getI64IntegerAttr(first.getIndex()),
          builder.getI64IntegerAttr(first.getIndex() + size)));
    }
    elements = elements.drop_front(size);
  }
  Value vector = parts.front();
  if (parts.size() > 1)
    vector = onnx::ConcatOp::create(builder, loc, type, parts,
                                    builder.getI64IntegerAttr(0));
  if (type.getRank() == 0)
    vector = onnx::SqueezeOp::create(builder, loc, type, vector,
                                     builder.getDenseI64ArrayAttr({0}));
  return vector;
}

/// Extents that the result type states, and dimensions that Reshape copies when
/// `copies`.
static void sharpen(Operation *op, MutableArrayRef<ShapeElement> elements,
                    bool copies) {
  if (!isa<onnx::ReshapeOp, onnx::ExpandOp, onnx::ConstantOfShapeOp>(op))
    return;
  auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  if (!type || type.getRank() != static_cast<int64_t>(elements.size()))
    return;
  for (auto [d, element] : llvm::enumerate(elements)) {
    bool copied = element.isConstant(0) && copies;
    if (!type.isDynamicDim(d) && !copied && type.getDimSize(d) != 0)
      element = ShapeElement::constant(type.getDimSize(d));
    else if (copies && element.isDimension() &&
             element == onnx::getDimension(op->getOperand(0), d))
      element = ShapeElement::constant(0);
  }
}

/// Whether 0 in the shape copies a dimension. A Reshape in which 0 means 0
/// turns into one that copies when its shape becomes constant by that and has
/// no 0.
static bool decideCopies(Operation *op, ArrayRef<ShapeElement> elements) {
  auto reshape = dyn_cast<onnx::ReshapeOp>(op);
  if (!reshape || !reshape.getAllowzero())
    return reshape != nullptr;
  SmallVector<ShapeElement> copied(elements);
  sharpen(op, copied, /*copies=*/true);
  if (!areConstant(copied) ||
      llvm::any_of(elements, [](const ShapeElement &element) {
        return element.isConstant(0);
      }))
    return false;
  reshape.setAllowzeroAttr(OpBuilder(op).getI64IntegerAttr(0));
  return true;
}

static void normalizeShapeOperands(Operation *op) {
  for (OpOperand &operand : getShapeOperands(op)) {
    auto type = dyn_cast<RankedTensorType>(operand.get().getType());
    std::optional<SmallVector<ShapeElement>> elements =
        onnx::getShapeElements(operand.get());
    if (!type || !elements || elements->empty())
      continue;
    SmallVector<ShapeElement> before(*elements);
    sharpen(op, *elements, decideCopies(op, *elements));
    if (llvm::any_of(*elements, [](const ShapeElement &element) {
          return element.isUnknown();
        }))
      continue;
    if (getConstantAttr(operand.get()) && before == *elements)
      continue;
    OpBuilder builder(op);
    if (Value vector = makeVector(builder, op->getLoc(), type, *elements))
      operand.set(vector);
  }
}

namespace {

struct SimplifyShapes : lowbit::impl::SimplifyShapesBase<SimplifyShapes> {
  void runOnOperation() override {
    WalkResult walked =
        getOperation().walk([](onnx::ShapeInferenceOpInterface op) {
          // Operands may have become more precise.
          if (failed(op.inferShapes()))
            return WalkResult::interrupt();
          normalizeShapeOperands(op);
          dropExpands(op);
          sinkExpands(op);
          return WalkResult::advance();
        });
    if (walked.wasInterrupted())
      return signalPassFailure();
    updateResultTypes(getOperation());
  }
};

} // namespace
