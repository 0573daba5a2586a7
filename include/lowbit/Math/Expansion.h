//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Elementary functions as formulas of additions and multiplications: what is
// computed at run time, and what stands for it at compile time.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_MATH_EXPANSION_H
#define LOWBIT_MATH_EXPANSION_H

#include "lowbit/Target/Target.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::lowbit {

/// Patterns that replace `math` functions of float32, scalars and vectors, by
/// formulas for a target. A vector's elements and a scalar get the same bits.
void populateMathExpansionPatterns(RewritePatternSet &patterns,
                                   const Target &target);

} // namespace mlir::lowbit

#endif // LOWBIT_MATH_EXPANSION_H
