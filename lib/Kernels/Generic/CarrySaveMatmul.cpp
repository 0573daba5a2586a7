//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Products in 32-bit lanes for CPUs with AVX-512 but without its popcount:
// carry-save adders come before the counts. DwordMatmul.cpp has the formulas.
//
//===----------------------------------------------------------------------===//

#include "CarrySave.h"

using namespace mlir;
using namespace mlir::lowbit;

namespace {

class CarrySaveDwords : public DwordTile {
public:
  using DwordTile::DwordTile;

private:
  using Emit = llvm::function_ref<void(int64_t row, CountedBits bits)>;
  using EmitBits =
      llvm::function_ref<void(Place at, int64_t vector, Emit emit)>;

  SmallVector<Value> countPair(BitOperation operation, int64_t lhsPlane,
                               int64_t rhsPlane,
                               ArrayRef<Value> sums) override {
    return count(operation, sums, [&](Place at, int64_t vector, Emit emit) {
      Value columns = loadColumns(at, rhsPlane, vector);
      for (int64_t row = 0; row < tile.rows; ++row)
        emit(row, {loadRow(row, at, lhsPlane), columns});
    });
  }

  SmallVector<Value> countBothSigns() override {
    return count(BitOperation::Xor, countPair(BitOperation::Xor, 1, 0, zeros()),
                 [&](Place at, int64_t vector, Emit emit) {
                   Value columns = loadColumns(at, 0, vector);
                   for (int64_t row = 0; row < tile.rows; ++row)
                     emit(row, {loadNotNegative(row, at), columns});
                 });
  }

  SmallVector<Value> countTernary() override {
    SmallVector<Value> sums = countMattering(/*agreeing=*/true);
    for (auto [sum, differing] :
         llvm::zip_equal(sums, countMattering(/*agreeing=*/false)))
      sum = e.sub(sum, differing);
    return sums;
  }

  /// Where neither side is 0, how often they agree, or differ. The two are
  /// counted one after the other, since what both carry does not fit in the
  /// registers.
  SmallVector<Value> countMattering(bool agreeing) {
    return count(
        BitOperation::And, zeros(), [&](Place at, int64_t vector, Emit emit) {
          Value zero = loadColumns(at, 0, vector);
          Value positive = loadColumns(at, 1, vector);
          for (int64_t row = 0; row < tile.rows; ++row) {
            Value matter = flip(
                arith::OrIOp::create(e.b, e.loc, loadRow(row, at, 0), zero));
            Value differ =
                combine(e, BitOperation::Xor, loadRow(row, at, 1), positive);
            emit(row, {agreeing ? flip(differ) : differ, matter});
          }
        });
  }

  /// sums + the ones among the bits that `emitBits` makes of each place.
  SmallVector<Value> count(BitOperation operation, ArrayRef<Value> sums,
                           EmitBits emitBits) {
    SmallVector<Value> counted(sums);
    // One vector of columns at a time, since what the adders carry must fit in
    // the registers.
    for (int64_t v = 0; v < vectors; ++v) {
      SmallVector<Value> counts = countVector(operation, v, emitBits);
      for (int64_t row = 0; row < tile.rows; ++row) {
        Value &sum = counted[row * vectors + v];
        sum = e.add(sum, counts[row]);
      }
    }
    return counted;
  }

  SmallVector<Value> countVector(BitOperation operation, int64_t vector,
                                 EmitBits emitBits) {
    CarrySave adders(e, operation);
    int64_t streams = tile.rows;
    SmallVector<Value> state;
    for (int64_t i = 0; i < streams; ++i)
      state.append(adders.start());
    int64_t size = state.size() / streams;
    auto part = [&](SmallVector<Value> &state, int64_t stream) {
      return MutableArrayRef(state).slice(stream * size, size);
    };
    auto step = [&](ValueRange carried, Value word, int64_t halves) {
      SmallVector<SmallVector<CountedBits>> bits(streams);
      for (int64_t i = 0; i < halves; ++i) {
        Place at{i < 2 ? word : e.add(word, e.index(i / 2)), i % 2};
        emitBits(at, vector, [&](int64_t row, CountedBits pair) {
          bits[row].push_back(pair);
        });
      }
      SmallVector<Value> next(carried);
      for (int64_t i = 0; i < streams; ++i)
        adders.add(part(next, i), bits[i]);
      return next;
    };
    auto flush = [&](SmallVector<Value> state) {
      for (int64_t i = 0; i < streams; ++i)
        adders.flush(part(state, i));
      return state;
    };
    // Loops over words of the left side, each two halves.
    auto loop = [&](Value begin, Value end, int64_t words, ValueRange init) {
      return e.forLoop(begin, end, words, init,
                       [&](Value word, ValueRange carried) {
                         return step(carried, word, 2 * words);
                       });
    };
    int64_t words = adders.getBlock() / 2;
    int64_t perFlush = words * adders.getBlocksPerFlush();
    Value whole = e.mul(e.floorDiv(dwords, 2 * words), e.index(words));
    std::optional<int64_t> known = getConstantIntValue(dwords);
    if (known && *known < perFlush) {
      state = loop(e.index(0), whole, words, state);
    } else {
      state = e.forLoop(e.index(0), whole, perFlush, state,
                        [&](Value begin, ValueRange carried) {
                          Value end =
                              e.min(e.add(begin, e.index(perFlush)), whole);
                          return flush(loop(begin, end, words, carried));
                        });
    }
    if (known) {
      if (int64_t rest = *known % (2 * words))
        state = step(state, whole, rest);
    } else {
      Value pairs = e.floorDiv(dwords, 2);
      state = loop(whole, pairs, 1, state);
      // At most one half.
      state = e.forLoop(pairs, e.ceilDiv(dwords, 2), 1, state,
                        [&](Value word, ValueRange carried) {
                          return step(carried, word, 1);
                        });
    }
    SmallVector<Value> counts;
    for (int64_t i = 0; i < streams; ++i)
      counts.push_back(adders.finish(part(state, i)));
    return counts;
  }
};

} // namespace

SmallVector<Value>
mlir::lowbit::emitCarrySaveTile(Emission &e, const MatmulOperands &operands,
                                const MatmulTile &tile, const KernelRow &kernel,
                                LevelsType lhs, PackingAttr rhs) {
  return CarrySaveDwords(e, operands, tile, kernel, lhs, rhs).emit();
}
