//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The words of `#lowbit.packing`, one by one, from the codes that they hold.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_CONVERSION_LOWBITTOLINALG_PACKEDWORDS_H
#define LOWBIT_LIB_CONVERSION_LOWBITTOLINALG_PACKEDWORDS_H

#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace mlir::lowbit::definitions {

/// Arithmetic on indices and words, without folding: what is written is what
/// the layout says.
struct Arithmetic {
  OpBuilder &b;
  Location loc;

  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, loc, value);
  }
  Value word(int64_t value) {
    return arith::ConstantIntOp::create(b, loc, value, 64);
  }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) { return arith::MulIOp::create(b, loc, x, y); }
  Value div(Value x, int64_t y) {
    return arith::DivUIOp::create(b, loc, x, index(y));
  }
  Value rem(Value x, int64_t y) {
    return arith::RemUIOp::create(b, loc, x, index(y));
  }
  Value less(Value x, Value y) {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, x, y);
  }
  Value toWord(Value x) {
    return arith::IndexCastOp::create(b, loc, b.getI64Type(), x);
  }
  /// Bit `position` (an index) of `x`, as 0 or 1.
  Value bit(Value x, Value position) {
    Value shifted = arith::ShRUIOp::create(b, loc, x, toWord(position));
    return arith::AndIOp::create(b, loc, shifted, word(1));
  }
  /// `x` moved up to bit `position`.
  Value at(Value x, Value position) {
    return arith::ShLIOp::create(b, loc, x, toWord(position));
  }
  /// The result of a loop from 0 to `end` over words.
  SmallVector<Value>
  loop(Value end, int64_t count,
       llvm::function_ref<SmallVector<Value>(Arithmetic, Value, ValueRange)>
           body) {
    SmallVector<Value> start(count, word(0));
    return scf::ForOp::create(b, loc, index(0), end, index(1), start,
                              [&](OpBuilder &nested, Location nestedLoc,
                                  Value i, ValueRange carried) {
                                scf::YieldOp::create(
                                    nested, nestedLoc,
                                    body({nested, nestedLoc}, i, carried));
                              })
        .getResults();
  }
};

/// The codes of a logical operand `[..., R, K]`.
struct Codes {
  Value levels;
  LevelsType type;
  bool transposed;
  Value rows, size;

  /// Whether there is an element `k` of row `row`.
  Value isInside(Arithmetic a, Value row, Value k) const;

  /// The code of element `k` of row `row`, 0 where there is none.
  Value get(Arithmetic a, ValueRange batch, Value row, Value k) const;
};

/// The word at `position` of an operand packed as `packing`: the dimensions of
/// the batch, then those of the packed matrix; `count` is the extent of the
/// dimension that holds the words of a row.
Value getPackedWord(Arithmetic a, const Codes &codes, PackingAttr packing,
                    ValueRange position, Value count);

/// The byte of a panel of the orders `nibbles` and `sextets` that holds the
/// elements of a row, from the row's lane.
Value getByteOfLane(Arithmetic a, PackingAttr packing, Value lane);

/// In those orders, which of a row's bytes holds element `k`, and at which bit.
std::pair<Value, Value> getLookupBit(Arithmetic a, PackingAttr packing,
                                     Value k);

} // namespace mlir::lowbit::definitions

#endif // LOWBIT_LIB_CONVERSION_LOWBITTOLINALG_PACKEDWORDS_H
