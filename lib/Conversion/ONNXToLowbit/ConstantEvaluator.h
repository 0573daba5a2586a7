//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Computes constant expressions over float32 tensors as ONNX defines them.
// Exporters leave weight quantizers in the graph as operators on the float
// weight, in many spellings; their value is the same, so the recognisers look at
// values instead of spellings. Elementwise operators round to float32 as written;
// sums and means are taken in float64 and rounded once.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_ONNXTOLOWBIT_CONSTANTEVALUATOR_H
#define LIB_CONVERSION_ONNXTOLOWBIT_CONSTANTEVALUATOR_H

#include "mlir/IR/Value.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace mlir::lowbit {

/// A float32 tensor in row-major order; truth values are 0 and 1. Copies share
/// the elements.
class ConstantTensor {
public:
  ConstantTensor() = default;
  ConstantTensor(SmallVector<int64_t> shape, std::vector<float> values);
  ConstantTensor(SmallVector<int64_t> shape, ArrayRef<float> values,
                 std::shared_ptr<const void> owner)
      : shape(std::move(shape)), values(values), owner(std::move(owner)) {}

  ArrayRef<int64_t> getShape() const { return shape; }
  ArrayRef<float> getValues() const { return values; }
  int64_t getRank() const { return shape.size(); }
  int64_t size() const { return values.size(); }
  /// The same elements under another shape of as many elements.
  ConstantTensor reshaped(ArrayRef<int64_t> newShape) const;

private:
  SmallVector<int64_t> shape;
  ArrayRef<float> values;
  std::shared_ptr<const void> owner;
};

/// Whether `value` is computed from constants by operators that the evaluator
/// knows (a constant counts). Looks only a bounded number of operators deep.
bool isConstantExpression(Value value);

/// Evaluates constant expressions; results are remembered as long as the
/// evaluator lives.
class ConstantEvaluator {
public:
  /// The value of `value`, or nothing when it is not a constant expression of
  /// static shape, or too large to be worth its memory.
  std::optional<ConstantTensor> evaluate(Value value);

private:
  std::optional<ConstantTensor> compute(Value value);
  std::optional<ConstantTensor> computeElementwise(Operation *op);

  DenseMap<Value, ConstantTensor> known;
};

/// The permutation of the dimensions of `input` by `perm`.
ConstantTensor transposeConstant(const ConstantTensor &input,
                                 ArrayRef<int64_t> perm);

/// The value of a constant expression with one element, of any rank.
std::optional<float> getConstantScalar(Value value);

} // namespace mlir::lowbit

#endif // LIB_CONVERSION_ONNXTOLOWBIT_CONSTANTEVALUATOR_H
