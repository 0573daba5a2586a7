//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Passes over the lowbit dialect. Conversions live in Conversion/Passes.td.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_DIALECT_LOWBIT_TRANSFORMS_PASSES
#define LOWBIT_DIALECT_LOWBIT_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

// --- packing and kernel choice ---

// --- fusion ---

// --- report ---

#endif // LOWBIT_DIALECT_LOWBIT_TRANSFORMS_PASSES
