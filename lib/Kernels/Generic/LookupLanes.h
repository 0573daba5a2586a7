//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The lanes of products by table lookup: bytes, widened to 16 bits before they
// can overflow and to 32 bits at the end. The weights are stored in the order
// in which that leaves the channels.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_KERNELS_GENERIC_LOOKUPLANES_H
#define LOWBIT_LIB_KERNELS_GENERIC_LOOKUPLANES_H

#include "../MatmulNest.h"

namespace mlir::lowbit {

/// Sums of a panel of two vectors of `bytes` lanes.
class LookupLanes {
public:
  LookupLanes(Emission &e, int64_t bytes)
      : e(e), bytes(bytes),
        wideType(VectorType::get({bytes / 2}, e.b.getI16Type())) {}

  VectorType getByteType() { return VectorType::get({bytes}, e.b.getI8Type()); }
  /// The 16-bit sums of a row of a panel: for each of its two vectors those of
  /// all bytes as pairs, modulo 2^16, and those of the odd bytes.
  static constexpr int64_t kWideVectors = 4;
  VectorType getWideType() { return wideType; }

  /// Adds the bytes `added`, two vectors for each row, to 16-bit sums.
  SmallVector<Value> widen(ArrayRef<Value> added, ValueRange sums);

  /// 16-bit sums of a row as i32, in the order of the channels.
  Value finish(ValueRange sums);

  /// Sums of rows in parts of one register, so that an epilogue needs few at a
  /// time.
  SmallVector<Value> split(ArrayRef<Value> sums);

  /// The sums of the codes of the channels of a panel, which follow its `steps`
  /// steps.
  Value columnSums(Value rhs, Value panel, Value steps);

private:
  Emission &e;
  int64_t bytes;
  VectorType wideType;
};

/// The constant of the module that tells popcount(a & w) for indices a (row)
/// and w (entry) of `bits` bits.
Value getSelectedCounts(Emission &e, Operation *op, unsigned bits);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_KERNELS_GENERIC_LOOKUPLANES_H
