//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the passes on reductions share: the operation that combines an
// accumulator with a new value, its neutral element, and the freedom that sums
// have.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_CONVERSION_TOARTIFACT_REDUCTION_H
#define LOWBIT_LIB_CONVERSION_TOARTIFACT_REDUCTION_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include <optional>

namespace mlir::lowbit {

/// How one result of a reduction grows: `yield combine(accumulator, value)`.
struct Combiner {
  Operation *op;     // in the body of the linalg operation
  unsigned value;    // the operand of `op` that is the new value
  TypedAttr neutral; // combining with it changes nothing
};

/// The combiner of result `result`, if one operation whose order is free makes
/// it and nothing else reads the accumulator: integer arithmetic,
/// floating-point minima, maxima and sums (docs/Quantizers.md grants sums any
/// order).
std::optional<Combiner> findCombiner(linalg::LinalgOp op, unsigned result);

/// `accumulator` combined with `value`: scalars, or vectors of them.
Value combine(OpBuilder &builder, const Combiner &combiner, Value accumulator,
              Value value);

/// Lets a reduction of floats reassociate (where it is `innermost`) and
/// contract (where it is a sum of products): docs/Quantizers.md grants both to
/// sums. `body` holds the operations, of which some add to one of
/// `accumulators`.
void relaxReduction(ArrayRef<Operation *> body, ValueRange accumulators,
                    bool innermost);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_CONVERSION_TOARTIFACT_REDUCTION_H
