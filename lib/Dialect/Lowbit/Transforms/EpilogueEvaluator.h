//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Evaluates the region of a packed matmul at compile time, for many sums at
// once. Float arithmetic is that of IEEE 754 single precision with one rounding
// for each operation, which is what the emitted code does.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_DIALECT_LOWBIT_TRANSFORMS_EPILOGUEEVALUATOR_H
#define LOWBIT_LIB_DIALECT_LOWBIT_TRANSFORMS_EPILOGUEEVALUATOR_H

#include "lowbit/Constants/Constants.h"
#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "mlir/Rewrite/FrozenRewritePatternSet.h"
#include "llvm/ADT/DenseMap.h"
#include <string>
#include <vector>

namespace mlir::lowbit {

class EpilogueEvaluator {
public:
  /// `functions` are the patterns by which the region's functions will be
  /// written out. `reason()` says why the region cannot be evaluated; empty
  /// when it can.
  EpilogueEvaluator(PackedMatmulOp op,
                    const FrozenRewritePatternSet &functions);
  ~EpilogueEvaluator();
  const std::string &reason() const { return why; }

  /// The code that the planes of a packed result spell, for one column and the
  /// sums first ... last.
  std::vector<int32_t> getCodes(int64_t column, int64_t first, int64_t last);

private:
  /// One value of the region for all sums, or one number for all of them. An i1
  /// is an integer 0 or 1.
  struct Numbers {
    std::vector<float> floats;
    std::vector<int32_t> ints;
  };

  const Numbers &at(Value value) const { return values.find(value)->second; }
  void check(Operation &op);
  void evaluate(Operation &op);
  template <typename Function>
  Numbers mapFloats(Value lhs, Value rhs, Function function);
  template <typename Function>
  Numbers mapInts(Value lhs, Value rhs, Function function);
  Numbers compareFloats(Operation &op);
  Numbers compareInts(Operation &op);
  Numbers select(Operation &op);
  Numbers multiplyAdd(Operation &op);
  Numbers bitcast(Operation &op);

  /// A copy of the operation, with the functions of its region written out as
  /// they will be at run time.
  PackedMatmulOp op;
  std::string why;
  /// The constants behind the epilogue operands.
  SmallVector<ConstantElements<float>> floatOperands;
  llvm::DenseMap<Value, Numbers> values;
};

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_DIALECT_LOWBIT_TRANSFORMS_EPILOGUEEVALUATOR_H
