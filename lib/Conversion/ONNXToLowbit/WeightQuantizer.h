//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Weight quantizers: expressions of constants whose value is a binary or
// ternary matrix. BiT's `mean|W| * sign(W - mean(W))` with a scale for the
// matrix or for a row, TBT's `(q - W) + W`, BMT's bounds, and weights that an
// optimizer has folded to floats all end here, because they are recognised by
// value: (Q13) to (Q16).
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_ONNXTOLOWBIT_WEIGHTQUANTIZERS_H
#define LIB_CONVERSION_ONNXTOLOWBIT_WEIGHTQUANTIZERS_H

#include "ConstantEvaluator.h"
#include "FoldedWeights.h"
#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

namespace mlir::lowbit {

/// A recognised weight matrix [N, K].
struct QuantizedWeight {
  /// The `lowbit.constant`, at the start of the function.
  Value levels;
  /// One scale, or one for each of the N rows.
  std::vector<float> scales;
  /// The sum of the levels of each row.
  std::vector<int32_t> sums;
};

/// Recognises the weights of one function, each once.
class WeightQuantizers {
public:
  WeightQuantizers(FunctionOpInterface function, OpBuilder &builder)
      : function(function), builder(builder) {}

  /// The constant matrix `value` as levels; with `transpose` those of its
  /// transpose, `value` being [K, N]. Creates the constant on first use. Null
  /// and a reason when the matrix is not on levels.
  const QuantizedWeight *recognise(Value value, bool transpose, OffLevels &why);

  /// Replaces an operand that computes a constant by its value, unless it only
  /// moves data: what stayed float should not be computed in every run.
  void foldOperand(OpOperand &operand);

private:
  struct Entry {
    std::optional<QuantizedWeight> weight;
    OffLevels why;
  };
  Entry quantize(Value value, bool transpose);

  FunctionOpInterface function;
  OpBuilder &builder;
  DenseMap<std::pair<Value, unsigned>, std::unique_ptr<Entry>> entries;
};

} // namespace mlir::lowbit

#endif // LIB_CONVERSION_ONNXTOLOWBIT_WEIGHTQUANTIZERS_H
