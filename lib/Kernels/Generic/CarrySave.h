//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Counting ones with carry-save adders (Harley and Seal): bits of equal weight
// are added three at a time, to one of the same and one of twice the weight,
// and only what is carried out of the highest weight is counted at once.
//
// AVX-512 adds two bits to a third in two instructions. Where the two come from
// a logic operation each, three instructions do both: with the state s and
// the bits a = x1 op w1 and b = x2 op w2,
//
//   d = s ^ (x1 op w1),  sum = d ^ (x2 op w2),  carry = d ? ~sum : s
//
// since b differs from the sum exactly where d is 1.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_KERNELS_GENERIC_CARRYSAVE_H
#define LOWBIT_LIB_KERNELS_GENERIC_CARRYSAVE_H

#include "DwordTile.h"

namespace mlir::lowbit {

/// Bits to count: those of `first op second`.
struct CountedBits {
  Value first, second;
};

/// Emits the count of the ones in each 32-bit lane of many vectors of 512 bits.
class CarrySave {
public:
  CarrySave(Emission &e, BitOperation operation);

  /// Vectors that are added at a time, at most.
  int64_t getBlock() const { return int64_t(1) << kWeights; }
  /// Blocks (whole or not) after which `flush` must be called.
  int64_t getBlocksPerFlush() const { return kBlocksPerFlush; }

  /// The values that a loop over blocks carries.
  SmallVector<Value> start();
  /// Adds a block, or less than one.
  void add(MutableArrayRef<Value> state, ArrayRef<CountedBits> bits);
  void flush(MutableArrayRef<Value> state);
  /// The counts as 32-bit lanes.
  Value finish(MutableArrayRef<Value> state);

private:
  /// Weights 1, 2, ... whose bits are kept as such.
  static constexpr int64_t kWeights = 3;
  /// A byte gains at most 8 a block, and the parts of one after the last.
  static constexpr int64_t kBlocksPerFlush = 26;

  Value addAtWeight(MutableArrayRef<Value> state, ArrayRef<CountedBits> bits,
                    int64_t weight);
  Value addCarries(Value &state, Value first, Value second);
  Value ternary(Value a, Value b, Value c, int64_t table);
  Value countBytes(Value bits);
  Value sumBytes(Value bytes, int64_t factor);

  Emission &e;
  BitOperation operation;
  VectorType type, bytesType;
};

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_KERNELS_GENERIC_CARRYSAVE_H
