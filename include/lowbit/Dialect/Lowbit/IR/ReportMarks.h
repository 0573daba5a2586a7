//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attributes by which passes tell the compile report what became of a matmul
// (see lowbit-report). They change nothing in the code that is made.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_DIALECT_LOWBIT_IR_REPORTMARKS_H
#define LOWBIT_DIALECT_LOWBIT_IR_REPORTMARKS_H

#include "llvm/ADT/StringRef.h"

namespace mlir::lowbit {

/// On the loops of a float product.
constexpr llvm::StringLiteral kFloatMatmul = "lowbit.float_matmul";
/// On a float product: why it is not one of levels.
constexpr llvm::StringLiteral kFloatReason = "lowbit.float_reason";
/// On the loops that define a matmul of levels without a kernel: the element
/// types of both sides, `[f32, !lowbit.levels<-1, 1>]`.
constexpr llvm::StringLiteral kLevelsMatmul = "lowbit.levels_matmul";
/// On a packed matmul with a packed result: why its codes are found by float
/// arithmetic, not by thresholds.
constexpr llvm::StringLiteral kFloatEpilogue = "lowbit.float_epilogue";
/// On a packed matmul that is computed a second time for its minimum alone.
constexpr llvm::StringLiteral kProbe = "lowbit.probe";

} // namespace mlir::lowbit

#endif // LOWBIT_DIALECT_LOWBIT_IR_REPORTMARKS_H
