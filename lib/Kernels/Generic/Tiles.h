//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The tile registers of AMX: eight of 16 rows by 64 bytes, all in one shape.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_KERNELS_GENERIC_TILES_H
#define LOWBIT_LIB_KERNELS_GENERIC_TILES_H

#include "../Emission.h"
#include "lowbit/Kernels/Kernels.h"

namespace mlir::lowbit {

/// Rows of a tile, and bytes of its rows: elements along K of a step.
constexpr int64_t kTileRows = kTileScratchUnit, kTileStep = kTileScratchStep;
constexpr int64_t kTileBytes = kTileRows * kTileStep;
static_assert(kTileColumns == 2 * kTileRows);

/// Instructions on tiles. Strides are bytes between rows.
class Tiles {
public:
  explicit Tiles(Emission &e) : e(e) {}

  /// Sets the shape of all tiles, in each thread before it uses one; `op` is in
  /// the module that gets the constant.
  void configure(Operation *op);
  void release();

  void zero(int64_t tile);
  void load(int64_t tile, Value address, Value stride);
  /// A load that passes the first-level cache by.
  void loadStreaming(int64_t tile, Value address, Value stride);
  void store(int64_t tile, Value address, Value stride);
  /// Adds the products of unsigned bytes on the left with signed ones.
  void multiplyAdd(int64_t sums, int64_t left, int64_t right);

private:
  Value number(int64_t tile);
  void call(StringRef name, ValueRange arguments);

  Emission &e;
};

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_KERNELS_GENERIC_TILES_H
