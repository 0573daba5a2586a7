//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Packing of constants at compile time, bit for bit what `#lowbit.packing`
// describes and what the emitted code does at run time.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_KERNELS_PACKING_H
#define LOWBIT_KERNELS_PACKING_H

#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include <cstdint>
#include <vector>

namespace mlir::lowbit {

/// Packs `batch` matrices `[rows, size]` of levels (row-major, one byte each)
/// along `size`. With `transposed` the matrices are stored `[size, rows]`.
/// Returns the bytes of the packed tensor (shape: `packing.getPackedShape`).
std::vector<char> packLevels(const int8_t *levels, int64_t batch, int64_t rows,
                             int64_t size, bool transposed,
                             PackingAttr packing);

} // namespace mlir::lowbit

#endif // LOWBIT_KERNELS_PACKING_H
