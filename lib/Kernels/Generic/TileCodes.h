//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The constant side of products in tiles: packed words become bytes for one
// step along K, in the order of the tiles.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_KERNELS_GENERIC_TILECODES_H
#define LOWBIT_LIB_KERNELS_GENERIC_TILECODES_H

#include "Tiles.h"
#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"

namespace mlir::lowbit {

/// Codes of a right side packed in the order `dwords` or `quads`.
class TileCodes {
public:
  /// `size` is K and `lanes` the columns of a panel of `words`.
  TileCodes(Emission &e, Value words, PackingAttr packing, int64_t size,
            int64_t lanes);

  /// Writes the codes of two tiles for step `step`, 64 elements of the columns
  /// of block `column`, to `buffer` from byte `at` on.
  void unpack(Value column, Value step, Value buffer, Value at);
  /// Asks for the words that `unpack` will read.
  void prefetch(Value column, Value step);
  /// The sums of the codes of the columns of tile `tile` of a block.
  Value loadSums(Value column, int64_t tile);

private:
  /// Where the columns of a block lie: a panel and its first lane.
  std::pair<Value, Value> locate(Value column);
  /// The codes of 4 by 16 elements, a vector for each of the 16 quads of a
  /// step, of the columns from `lane` on.
  SmallVector<Value> unpackPlanes(Value panel, Value lane, Value step);
  SmallVector<Value> unpackQuads(Value panel, Value lane, Value step);
  /// A word of each column, 0 from the last vector on unless it is known to be
  /// before.
  Value loadWords(Value panel, Value lane, Value position, bool isInside);

  Emission &e;
  Value words;
  PackingAttr packing;
  int64_t size, lanes;
  VectorType ints, bytes;
  Value lastVector;
};

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_KERNELS_GENERIC_TILECODES_H
