//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One query of the shape analysis: reads shape vectors and traces dimensions
// back to where they come from, with the answers found so far.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_DIALECT_ONNX_IR_DIMENSIONTRACER_H
#define LOWBIT_LIB_DIALECT_ONNX_IR_DIMENSIONTRACER_H

#include "lowbit/Dialect/ONNX/IR/ShapeElements.h"
#include "llvm/ADT/DenseMap.h"

namespace mlir::onnx {

class DimensionTracer {
public:
  /// See the functions of the same meaning in ShapeElements.h.
  std::optional<SmallVector<ShapeElement>> getElements(Value value);
  ShapeElement getDimension(Value tensor, int64_t index);

private:
  /// The elements that `value` has by its operation; empty when not known.
  SmallVector<ShapeElement> compute(OpResult value);
  /// Dimension `index` of `value`, which is dynamic, by its operation; unknown
  /// when it starts there.
  ShapeElement trace(OpResult value, int64_t index);
  /// Dimension `index` of a result of rank `rank` that `operands` broadcast to.
  ShapeElement traceBroadcast(ValueRange operands, int64_t rank, int64_t index);
  /// Whether `part` is `[0:whole]` of a static extent N: min(N, whole). Tables
  /// of positions are cut to the length of the input so.
  bool isClamped(ShapeElement part, ShapeElement whole);
  ShapeElement traceReshape(Operation *op, int64_t index);

  /// Bounds the work of a query.
  bool enter();
  void leave() { --depth; }

  llvm::DenseMap<Value, SmallVector<ShapeElement>> elements;
  llvm::DenseMap<std::pair<Value, int64_t>, ShapeElement> dimensions;
  unsigned visits = 0;
  unsigned depth = 0;
};

} // namespace mlir::onnx

#endif // LOWBIT_LIB_DIALECT_ONNX_IR_DIMENSIONTRACER_H
