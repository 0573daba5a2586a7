//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Products of packed levels in 32-bit lanes: the formulas, which
// DwordMatmul.cpp derives, over two ways to count ones.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_KERNELS_GENERIC_DWORDTILE_H
#define LOWBIT_LIB_KERNELS_GENERIC_DWORDTILE_H

#include "../MatmulNest.h"

namespace mlir::lowbit {

/// A logic operation of two vectors of bits.
enum class BitOperation { And, Xor };

Value combine(Emission &e, BitOperation operation, Value first, Value second);

/// Emits the product of a tile. Counts are those of all rows of the tile, each
/// with as many vectors of i32 as make a panel.
class DwordTile {
public:
  DwordTile(Emission &e, const MatmulOperands &operands, const MatmulTile &tile,
            const KernelRow &kernel, LevelsType lhs, PackingAttr rhsPacking);
  virtual ~DwordTile() = default;

  SmallVector<Value> emit();

protected:
  /// Where 32 bits of a plane lie: half a word of the left side.
  struct Place {
    Value word;
    int64_t half;
  };

  /// sums + the ones of one pair of planes, over all words.
  virtual SmallVector<Value> countPair(BitOperation operation, int64_t lhsPlane,
                                       int64_t rhsPlane,
                                       ArrayRef<Value> sums) = 0;
  /// Of a `sign` with zeros and of signs: where a > 0 and where a >= 0 differ
  /// from the right side, together.
  virtual SmallVector<Value> countBothSigns() = 0;
  /// Of two sides of three levels: how often both are not 0 and agree, less how
  /// often they differ; bits beyond the end agree.
  virtual SmallVector<Value> countTernary() = 0;

  SmallVector<Value> zeros();
  /// 32 bits of a plane of the columns of a vector.
  Value loadColumns(Place at, int64_t plane, int64_t vector);
  /// Half a word of a plane of a row, in every lane.
  Value loadRow(int64_t row, Place at, int64_t plane);
  /// The same of where a `sign` is not negative.
  Value loadNotNegative(int64_t row, Place at);
  Value flip(Value bits);

  Emission &e;
  const MatmulOperands &operands;
  const MatmulTile &tile;
  LevelsType lhs, rhs;
  int64_t lanes, vectors;
  VectorType type;
  /// 32 bits of a plane that a column has.
  Value dwords;

private:
  SmallVector<Value> emitDifferences(int64_t plane);
  SmallVector<Value> emitSigns();
  SmallVector<Value> emitProducts();
  SmallVector<Value> emitTernary();
  SmallVector<Value> subtractFromSize(SmallVector<Value> counts);
  SmallVector<Value> addTerms(ArrayRef<Value> sums);
  Value toI32(Value index);
  Value weights(Value position, int64_t vector);

  Value lastVector;
  /// Of each row: a pointer to its first word, and its last word.
  SmallVector<Value> rowStarts, lastWords;
};

/// The product of a tile with carry-save adders before the counts.
SmallVector<Value> emitCarrySaveTile(Emission &e,
                                     const MatmulOperands &operands,
                                     const MatmulTile &tile,
                                     const KernelRow &kernel, LevelsType lhs,
                                     PackingAttr rhs);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_KERNELS_GENERIC_DWORDTILE_H
