//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Helpers of type inference, shared by the files Infer*.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_DIALECT_ONNX_IR_INFERENCE_H
#define LOWBIT_LIB_DIALECT_ONNX_IR_INFERENCE_H

#include "lowbit/Dialect/ONNX/IR/ONNX.h"
#include "lowbit/Dialect/ONNX/IR/ShapeElements.h"

namespace mlir::onnx {

constexpr int64_t kDynamic = ShapedType::kDynamic;

using Shape = SmallVector<int64_t>;
using TypeList = SmallVectorImpl<TensorType>;

/// Sets of element types that operators accept.
enum class ElementSet { Any, Numeric, Float, Integer, Bool, Index };

inline Type getElement(Value value) {
  return cast<TensorType>(value.getType()).getElementType();
}
/// The shape of a ranked value.
inline std::optional<ArrayRef<int64_t>> getShapeOf(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type ? std::optional<ArrayRef<int64_t>>(type.getShape())
              : std::nullopt;
}
inline TensorType makeType(ArrayRef<int64_t> shape, Type element) {
  return RankedTensorType::get(shape, element);
}
inline TensorType makeUnranked(Type element) {
  return UnrankedTensorType::get(element);
}

/// Checks the element type of operand `index`.
LogicalResult checkElement(Operation *op, unsigned index, ElementSet expected);
/// Checks that two operands have one element type.
LogicalResult checkSameElement(Operation *op, unsigned a, unsigned b);
/// Checks that a ranked operand has a rank of at least `minimum`.
LogicalResult checkMinRank(Operation *op, unsigned index, int64_t minimum);

/// Brings `axis` from [-rank, rank) into [0, rank).
FailureOr<int64_t> normalizeAxis(Operation *op, StringRef name, int64_t axis,
                                 int64_t rank);
/// The same for a list without duplicates; the result is in the order given.
FailureOr<SmallVector<int64_t>>
normalizeAxes(Operation *op, ArrayRef<int64_t> axes, int64_t rank);

/// Merges `shape` into `result` by numpy's broadcasting rule.
LogicalResult broadcastInto(Operation *op, Shape &result,
                            ArrayRef<int64_t> shape);
/// The broadcast of the shapes of `values`: empty when one is unranked.
FailureOr<std::optional<Shape>> broadcastShapes(Operation *op,
                                                ValueRange values);
/// The extent on which two dimensions that must be equal agree.
FailureOr<int64_t> unifyExtents(Operation *op, int64_t a, int64_t b,
                                const Twine &what);

/// The elements of a shape operand if `scope` allows to look at its producer;
/// otherwise as many unknown elements as its type says.
std::optional<SmallVector<ShapeElement>> readShape(Value value,
                                                   InferenceScope scope);
/// The number itself, or kDynamic.
inline int64_t toExtent(const ShapeElement &element) {
  return element.isConstant() ? element.getConstant() : kDynamic;
}

/// The extent of `[start:end:step]` of a dimension with the given extent, which
/// is `dimension`; kDynamic when it depends on the run.
int64_t getSlicedExtent(int64_t extent, ShapeElement start, ShapeElement end,
                        ShapeElement step, ShapeElement dimension);

} // namespace mlir::onnx

#endif // LOWBIT_LIB_DIALECT_ONNX_IR_INFERENCE_H
