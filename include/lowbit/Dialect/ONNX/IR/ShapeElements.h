//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is known about integer vectors that describe shapes. A shape operand is
// seldom a constant: exporters compute it from `Shape`, `Gather`, `Concat` and
// comparisons. This analysis reads such a computation element by element; an
// element is a number, a dimension of some tensor, or unknown.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_DIALECT_ONNX_IR_SHAPEELEMENTS_H
#define LOWBIT_DIALECT_ONNX_IR_SHAPEELEMENTS_H

#include "mlir/IR/ValueRange.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>

namespace mlir::onnx {

/// One element of a shape vector.
class ShapeElement {
public:
  enum class Kind { Unknown, Constant, Dimension };

  static ShapeElement unknown() { return ShapeElement(); }
  static ShapeElement constant(int64_t value) {
    ShapeElement element;
    element.kind = Kind::Constant;
    element.number = value;
    return element;
  }
  static ShapeElement dimension(Value tensor, int64_t index) {
    ShapeElement element;
    element.kind = Kind::Dimension;
    element.tensor = tensor;
    element.number = index;
    return element;
  }

  bool isUnknown() const { return kind == Kind::Unknown; }
  bool isConstant() const { return kind == Kind::Constant; }
  bool isConstant(int64_t value) const {
    return isConstant() && number == value;
  }
  bool isDimension() const { return kind == Kind::Dimension; }

  int64_t getConstant() const { return number; }
  /// The tensor whose dimension `getIndex()` this is; that dimension is
  /// dynamic.
  Value getTensor() const { return tensor; }
  int64_t getIndex() const { return number; }

  /// Equal elements are equal numbers in every run; unknown equals nothing.
  bool operator==(const ShapeElement &other) const {
    return !isUnknown() && kind == other.kind && number == other.number &&
           tensor == other.tensor;
  }
  bool operator!=(const ShapeElement &other) const { return !(*this == other); }

private:
  Kind kind = Kind::Unknown;
  int64_t number = 0;
  Value tensor;
};

/// The elements of an integer or bool tensor of rank 0 or 1 with a static and
/// small number of elements; empty when the number is not known.
std::optional<SmallVector<ShapeElement>> getShapeElements(Value value);

/// A dimension of `tensor` as a number if it is static, else traced back to the
/// operand (at best a function argument) whose dimension it is in every run.
/// Arguments with one symbol in `onnx.dims` stand for the first of them.
ShapeElement getDimension(Value tensor, int64_t index);

} // namespace mlir::onnx

#endif // LOWBIT_DIALECT_ONNX_IR_SHAPEELEMENTS_H
