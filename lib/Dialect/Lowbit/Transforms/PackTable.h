//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How the constant table of a lookup is packed.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_DIALECT_LOWBIT_TRANSFORMS_PACKTABLE_H
#define LOWBIT_LIB_DIALECT_LOWBIT_TRANSFORMS_PACKTABLE_H

#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"

namespace mlir::lowbit {

/// The operands of a `lowbit.packed_lookup`.
struct PackedTable {
  TypedAttr bytes;
  /// Pairs of a row and a column, or null.
  TypedAttr zeros;
  PackingAttr packing;
};

/// Packs the table of a lookup, in two levels and a list of its zeros where
/// that is shorter; empty when the constant cannot be read.
std::optional<PackedTable> packTable(LookupOp lookup);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_DIALECT_LOWBIT_TRANSFORMS_PACKTABLE_H
