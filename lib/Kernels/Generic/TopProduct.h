//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The parts of the kernel of `lowbit.top_product`.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_KERNELS_GENERIC_TOPPRODUCT_H
#define LOWBIT_LIB_KERNELS_GENERIC_TOPPRODUCT_H

#include "../Emission.h"
#include "lowbit/Kernels/TopProduct.h"

namespace mlir::lowbit {

/// The columns of kRowBounds.
enum TopProductRowBound {
  /// The step of the codes of a row.
  kRowScale,
  /// At least the norm of what the codes stand for: times the norm of a table
  /// row's errors.
  kRowNorm,
  /// At least the norm of the errors of the codes, and what float arithmetic
  /// adds: times the norm of a table row.
  kRowError,
  kRowTerms
};

/// A row of the input: where it is, and how many are in front of it.
struct TopProductRow {
  SmallVector<Value> position;
  Value index;
};

/// Calls `body` for each row of the input, in parallel.
void forTopProductRows(Emission &e, TopProductOp op,
                       llvm::function_ref<void(const TopProductRow &)> body);

/// Writes codes and bounds of a row.
void emitTopProductCodes(Emission &e, TopProductOp op,
                         const TopProductRow &row);
/// Multiplies the codes of `rows` rows with those of the whole table: upper
/// bounds of logits, and lower ones of groups.
void emitTopProductScreen(Emission &e, TopProductOp op, Value rows,
                          const Target &target);
/// Multiplies a row with its candidates and keeps the largest.
void emitTopProductSelection(Emission &e, TopProductOp op,
                             const TopProductRow &row, const Target &target);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_KERNELS_GENERIC_TOPPRODUCT_H
