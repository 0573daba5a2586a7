//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Refinement and checking of result types, and the helpers of the files
// Infer*.cpp.
//
//===----------------------------------------------------------------------===//

#include "Inference.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::onnx;

//===----------------------------------------------------------------------===//
// Refinement
//===----------------------------------------------------------------------===//

TensorType onnx::joinTypes(TensorType a, TensorType b) {
  if (a == b)
    return a;
  if (a.getElementType() != b.getElementType())
    return nullptr;
  if (!a.hasRank())
    return b;
  if (!b.hasRank())
    return a;
  if (a.getRank() != b.getRank())
    return nullptr;
  Shape shape(a.getShape());
  for (auto [extent, other] : llvm::zip_equal(shape, b.getShape())) {
    if (ShapedType::isDynamic(extent))
      extent = other;
    else if (!ShapedType::isDynamic(other) && other != extent)
      return nullptr;
  }
  return makeType(shape, a.getElementType());
}

LogicalResult
onnx::checkTensorSize(TensorType type,
                      llvm::function_ref<InFlightDiagnostic()> emitError) {
  if (!type.hasRank() || llvm::is_contained(type.getShape(), 0))
    return success();
  Type element = type.getElementType();
  int64_t bytes =
      element.isIntOrFloat()
          ? std::max<int64_t>(element.getIntOrFloatBitWidth() / 8, 1)
          : 1;
  for (int64_t extent : type.getShape()) {
    if (ShapedType::isDynamic(extent))
      continue;
    if (llvm::MulOverflow(bytes, extent, bytes) || bytes > kMaxTensorBytes)
      return emitError() << "makes a " << type << ", larger than the limit of "
                         << kMaxTensorBytes << " bytes";
  }
  return success();
}

/// Infers the result types of `op` and hands each, joined with the present
/// type, to `use`.
static LogicalResult
joinInferred(Operation *op, InferenceScope scope,
             function_ref<void(OpResult, TensorType)> use) {
  auto interface = cast<ShapeInferenceOpInterface>(op);
  SmallVector<TensorType> types;
  if (failed(interface.inferResultTypes(scope, types)))
    return failure();
  for (auto [result, inferred] : llvm::zip_equal(op->getResults(), types)) {
    auto present = cast<TensorType>(result.getType());
    TensorType joined = joinTypes(present, inferred);
    if (!joined)
      return op->emitOpError("result #")
             << result.getResultNumber() << " has type " << present
             << ", inferred " << inferred;
    if (failed(checkTensorSize(joined, [&] { return op->emitOpError(); })))
      return failure();
    use(result, joined);
  }
  return success();
}

LogicalResult onnx::refineResultTypes(Operation *op) {
  return joinInferred(
      op, InferenceScope::Producers,
      [](OpResult result, TensorType type) { result.setType(type); });
}

LogicalResult onnx::verifyResultTypes(Operation *op) {
  return joinInferred(op, InferenceScope::Local, [](OpResult, TensorType) {});
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

static bool isInSet(Type type, ElementSet set) {
  switch (set) {
  case ElementSet::Any:
    return true;
  case ElementSet::Numeric:
    return isa<FloatType>(type) ||
           (isa<IntegerType>(type) && !type.isInteger(1));
  case ElementSet::Float:
    return isa<FloatType>(type);
  case ElementSet::Integer:
    return isa<IntegerType>(type) && !type.isInteger(1);
  case ElementSet::Bool:
    return type.isInteger(1);
  case ElementSet::Index:
    return type.isSignlessInteger(32) || type.isSignlessInteger(64);
  }
  llvm_unreachable("all sets are handled");
}

static StringRef getSetName(ElementSet set) {
  switch (set) {
  case ElementSet::Any:
    return "anything";
  case ElementSet::Numeric:
    return "numbers";
  case ElementSet::Float:
    return "floats";
  case ElementSet::Integer:
    return "integers";
  case ElementSet::Bool:
    return "bools";
  case ElementSet::Index:
    return "i32 or i64";
  }
  llvm_unreachable("all sets are handled");
}

LogicalResult onnx::checkElement(Operation *op, unsigned index,
                                 ElementSet expected) {
  Type element = getElement(op->getOperand(index));
  if (isInSet(element, expected))
    return success();
  return op->emitOpError("operand #")
         << index << " must hold " << getSetName(expected) << ", got "
         << element;
}

LogicalResult onnx::checkSameElement(Operation *op, unsigned a, unsigned b) {
  Type first = getElement(op->getOperand(a));
  Type second = getElement(op->getOperand(b));
  if (first == second)
    return success();
  return op->emitOpError("operands #")
         << a << " and #" << b << " must have one element type, got " << first
         << " and " << second;
}

LogicalResult onnx::checkMinRank(Operation *op, unsigned index,
                                 int64_t minimum) {
  std::optional<ArrayRef<int64_t>> shape = getShapeOf(op->getOperand(index));
  if (!shape || static_cast<int64_t>(shape->size()) >= minimum)
    return success();
  return op->emitOpError("operand #")
         << index << " must have a rank of at least " << minimum << ", got "
         << shape->size();
}

FailureOr<int64_t> onnx::normalizeAxis(Operation *op, StringRef name,
                                       int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    return op->emitOpError("'")
           << name << "' is " << axis << ", out of range for rank " << rank;
  return axis < 0 ? axis + rank : axis;
}

FailureOr<SmallVector<int64_t>>
onnx::normalizeAxes(Operation *op, ArrayRef<int64_t> axes, int64_t rank) {
  SmallVector<int64_t> result;
  for (int64_t axis : axes) {
    FailureOr<int64_t> normal = normalizeAxis(op, "axes", axis, rank);
    if (failed(normal))
      return failure();
    if (llvm::is_contained(result, *normal))
      return op->emitOpError("'axes' names axis ") << *normal << " twice";
    result.push_back(*normal);
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

LogicalResult onnx::broadcastInto(Operation *op, Shape &result,
                                  ArrayRef<int64_t> shape) {
  if (shape.size() > result.size())
    result.insert(result.begin(), shape.size() - result.size(), 1);
  size_t offset = result.size() - shape.size();
  for (auto [i, extent] : llvm::enumerate(shape)) {
    int64_t &target = result[offset + i];
    if (target == extent || extent == 1)
      continue;
    // A dynamic extent beside a static one other than 1 must equal it or be 1.
    if (target == 1 || ShapedType::isDynamic(target))
      target = extent;
    else if (!ShapedType::isDynamic(extent))
      return op->emitOpError("cannot broadcast extents ")
             << target << " and " << extent;
  }
  return success();
}

FailureOr<std::optional<Shape>> onnx::broadcastShapes(Operation *op,
                                                      ValueRange values) {
  Shape result;
  for (Value value : values) {
    std::optional<ArrayRef<int64_t>> shape = getShapeOf(value);
    if (!shape)
      return std::optional<Shape>();
    if (failed(broadcastInto(op, result, *shape)))
      return failure();
  }
  return std::optional<Shape>(std::move(result));
}

FailureOr<int64_t> onnx::unifyExtents(Operation *op, int64_t a, int64_t b,
                                      const Twine &what) {
  if (ShapedType::isDynamic(a))
    return b;
  if (ShapedType::isDynamic(b) || a == b)
    return a;
  return op->emitOpError() << what << " must agree, got " << a << " and " << b;
}

std::optional<SmallVector<ShapeElement>> onnx::readShape(Value value,
                                                         InferenceScope scope) {
  if (scope == InferenceScope::Producers)
    if (std::optional<SmallVector<ShapeElement>> elements =
            getShapeElements(value))
      return elements;
  auto type = dyn_cast<RankedTensorType>(value.getType());
  // Operands longer than any rank are not shapes.
  if (!type || !type.hasStaticShape() || type.getRank() > 1 ||
      type.getNumElements() > 64)
    return std::nullopt;
  return SmallVector<ShapeElement>(type.getNumElements(),
                                   ShapeElement::unknown());
}

int64_t onnx::getSlicedExtent(int64_t extent, ShapeElement start,
                              ShapeElement end, ShapeElement step,
                              ShapeElement dimension) {
  if (!step.isConstant() || !start.isConstant())
    return kDynamic;
  int64_t stride = step.getConstant();
  // [0:n] of a dimension with at most n elements is the whole dimension.
  bool toEnd = end.isConstant(std::numeric_limits<int64_t>::max()) ||
               (end == dimension && end.isDimension());
  if (start.isConstant(0) && stride == 1 && toEnd)
    return extent;
  if (!end.isConstant() || ShapedType::isDynamic(extent))
    return kDynamic;
  auto clamp = [&](int64_t value, int64_t low, int64_t high) {
    if (value < 0)
      value = value < -extent ? -1 : value + extent;
    return std::clamp(value, low, std::max(low, high));
  };
  if (stride > 0) {
    int64_t first = clamp(start.getConstant(), 0, extent);
    int64_t last = clamp(end.getConstant(), 0, extent);
    return last <= first ? 0 : (last - first - 1) / stride + 1;
  }
  if (extent == 0)
    return 0;
  int64_t first = clamp(start.getConstant(), 0, extent - 1);
  int64_t last = clamp(end.getConstant(), -1, extent - 1);
  // The most negative stride has no positive counterpart; any huge one will do.
  int64_t back = stride == std::numeric_limits<int64_t>::min()
                     ? std::numeric_limits<int64_t>::max()
                     : -stride;
  return first <= last ? 0 : (first - last - 1) / back + 1;
}
