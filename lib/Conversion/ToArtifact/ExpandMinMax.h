//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Minima and maxima as IEEE 754 has them: NaN is handed on, -0.0 is less than
// 0.0. x86 has instructions for `a < b ? a : b`, and both of its orders
// together tell the rest: they differ only when the operands are zeros, or one
// is NaN.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_CONVERSION_TOARTIFACT_EXPANDMINMAX_H
#define LOWBIT_LIB_CONVERSION_TOARTIFACT_EXPANDMINMAX_H

#include "mlir/IR/PatternMatch.h"

namespace mlir::lowbit {

/// Patterns for `arith.minimumf` and `arith.maximumf` on scalars and vectors.
void populateExpandMinMaxPatterns(RewritePatternSet &patterns);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_CONVERSION_TOARTIFACT_EXPANDMINMAX_H
