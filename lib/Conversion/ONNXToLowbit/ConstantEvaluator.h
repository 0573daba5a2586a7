//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Computes constant expressions over float32 tensors as ONNX defines them.
// Exporters leave weight quantizers in the graph as operators on the float
// weight, in many spellings; their value is the same, so the recognisers look
// at values instead of spellings. Elementwise operators round to float32 as
// written; sums and means are taken in float64 and rounded once.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_ONNXTOLOWBIT_CONSTANTEVALUATOR_H
#define LIB_CONVERSION_ONNXTOLOWBIT_CONSTANTEVALUATOR_H

#include "ConstantTensor.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/DenseMap.h"
#include <optional>

namespace mlir::lowbit {

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

/// The value of a constant expression with one element, of any rank.
std::optional<float> getConstantScalar(Value value);

} // namespace mlir::lowbit

#endif // LIB_CONVERSION_ONNXTOLOWBIT_CONSTANTEVALUATOR_H
