//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sums of levels that packed words hold already.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_DIALECT_LOWBIT_TRANSFORMS_PACKEDSUMS_H
#define LOWBIT_LIB_DIALECT_LOWBIT_TRANSFORMS_PACKEDSUMS_H

#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"

namespace mlir::lowbit {

/// Replaces the sums along dimension `axis` of `levels` that come after
/// `packed` in its block by what `packed`, the same levels packed along
/// that dimension as `packing`, holds in the last words of its panels. Does
/// nothing for an order of which no word is a row's sum.
void replaceLevelSums(RewriterBase &rewriter, Value levels, int64_t axis,
                      Value packed, PackingAttr packing);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_DIALECT_LOWBIT_TRANSFORMS_PACKEDSUMS_H
