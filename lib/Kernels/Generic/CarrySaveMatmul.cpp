//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Products of packed levels by counting ones in 32-bit lanes, for CPUs with
// AVX-512 but without its popcount: carry-save adders come before the counts,
// see CarrySave.h. Operands are packed and formulas chosen as in
// DwordMatmul.cpp, which has them.
//
//===----------------------------------------------------------------------===//

#include "../CarrySave.h"
#include "../MatmulNest.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::lowbit;

namespace {

class CarrySaveTile {
public:
  CarrySaveTile(Emission &e, const MatmulOperands &operands,
                const MatmulTile &tile, const KernelRow &kernel, LevelsType lhs,
                PackingAttr rhsPacking)
      : e(e), operands(operands), tile(tile), lhs(lhs),
        rhs(rhsPacking.getLevels()), lanes(kernel.vectorLanes),
        vectors(kernel.lanes / kernel.vectorLanes),
        type(VectorType::get({lanes}, e.b.getI32Type())) {
    int64_t rank = cast<MemRefType>(operands.rhs.getType()).getRank();
    lastVector = e.dim(operands.rhs, rank - 2);
    if (rhsPacking.getSums())
      lastVector = e.sub(lastVector, e.index(1));
    dwords = e.floorDiv(lastVector, rhs.getPlanes());
    Value words = e.ceilDiv(dwords, 2);
    for (int64_t row = 0; row < tile.rows; ++row) {
      SmallVector<Value> indices(tile.lhsBatch);
      indices.push_back(e.add(tile.row, e.index(row)));
      indices.push_back(e.index(0));
      rowStarts.push_back(e.pointer(operands.lhs, indices));
      indices.back() = e.mul(words, e.index(lhs.getPlanes()));
      lastWords.push_back(
          memref::LoadOp::create(e.b, e.loc, operands.lhs, indices));
    }
  }

  SmallVector<Value> emit() {
    if (lhs.getCount() == 3 && rhs.getCount() == 3)
      return emitTernary();
    if (!lhs.isSigns() || !rhs.isSigns() || rhs.getCount() == 3)
      return emitProducts();
    if (lhs.getCount() == 2)
      return emitDifferences(/*plane=*/0);
    return emitSigns();
  }

private:
  /// The formula without sums of codes, from one plane of the left side.
  SmallVector<Value> emitDifferences(int64_t plane) {
    SmallVector<Value> counts = countPair(BitOperation::Xor, plane, 0, zeros());
    for (Value &sum : counts)
      sum = e.add(sum, sum);
    return subtractFromSize(counts);
  }

  /// The same where the left side has zeros.
  SmallVector<Value> emitHalfDifferences() {
    SmallVector<Value> counts = countPair(BitOperation::Xor, 1, 0, zeros());
    counts = count(
        BitOperation::Xor, counts, [&](Place at, int64_t vector, Emit emit) {
          Value columns = loadColumns(at, 0, vector);
          for (int64_t row = 0; row < tile.rows; ++row) {
            Value notNegative = arith::OrIOp::create(
                e.b, e.loc, loadRow(row, at, 1), loadRow(row, at, 0));
            emit(row, {notNegative, columns});
          }
        });
    return subtractFromSize(counts);
  }

  SmallVector<Value> subtractFromSize(SmallVector<Value> counts) {
    Value size = e.broadcast(toI32(operands.size), lanes);
    for (Value &sum : counts)
      sum = e.sub(size, sum);
    return counts;
  }

  /// Signs with or without zeros among the rows of the tile.
  SmallVector<Value> emitSigns() {
    Value used = lastWords[0];
    for (Value word : ArrayRef(lastWords).drop_front())
      used = arith::OrIOp::create(e.b, e.loc, used, word);
    Value zeroPlane =
        arith::AndIOp::create(e.b, e.loc, used, e.i64(int64_t(1) << 32));
    Value none = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::eq,
                                       zeroPlane, e.i64(0));
    SmallVector<Type> types(tile.rows * vectors, type);
    auto branch = scf::IfOp::create(e.b, e.loc, types, none,
                                    /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(e.b);
    e.b.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(e.b, e.loc, emitDifferences(/*plane=*/1));
    e.b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(e.b, e.loc, emitHalfDifferences());
    return SmallVector<Value>(branch.getResults());
  }

  /// The general formula.
  SmallVector<Value> emitProducts() {
    SmallVector<Value> sums = zeros();
    int64_t planes = lhs.getPlanes(), rhsPlanes = rhs.getPlanes();
    for (int64_t weight = planes + rhsPlanes - 2; weight >= 0; --weight) {
      for (int64_t plane = 0; plane < planes; ++plane)
        if (weight >= plane && weight - plane < rhsPlanes)
          sums = countPair(BitOperation::And, plane, weight - plane, sums);
      if (weight > 0)
        for (Value &sum : sums)
          sum = e.add(sum, sum);
    }
    return addTerms(sums);
  }

  /// Both sides have three levels.
  SmallVector<Value> emitTernary() {
    SmallVector<Value> sums = countTernary(/*agreeing=*/true);
    for (auto [sum, differing] :
         llvm::zip_equal(sums, countTernary(/*agreeing=*/false)))
      sum = e.sub(sum, differing);
    Value end = e.sub(e.mul(dwords, e.index(32)), operands.size);
    Value beyond = toI32(end);
    if (lhs.getFirst() == -1 && lhs.getStep() == 1 && rhs.getFirst() == -1 &&
        rhs.getStep() == 1) {
      beyond = e.broadcast(beyond, lanes);
      for (Value &sum : sums)
        sum = e.sub(sum, beyond);
      return sums;
    }
    // Products of codes: (t + 1) (u + 1) = t u + (t + 1) + (u + 1) - 1.
    Value fixed = e.add(beyond, toI32(operands.size));
    for (int64_t row = 0; row < tile.rows; ++row) {
      Value codes =
          arith::TruncIOp::create(e.b, e.loc, e.b.getI32Type(), lastWords[row]);
      Value ofRow = e.broadcast(e.sub(codes, fixed), lanes);
      for (int64_t v = 0; v < vectors; ++v) {
        Value &sum = sums[row * vectors + v];
        sum = e.add(sum, e.add(ofRow, weights(lastVector, v)));
      }
    }
    return addTerms(sums);
  }

  Value toI32(Value index) {
    return arith::IndexCastOp::create(e.b, e.loc, e.b.getI32Type(), index);
  }

  /// From products of codes to products of levels.
  SmallVector<Value> addTerms(ArrayRef<Value> sums) {
    // Level terms are those of a whole row of the panel.
    SmallVector<Value> result;
    for (int64_t v = 0; v < vectors; ++v) {
      SmallVector<Value> products;
      for (int64_t row = 0; row < tile.rows; ++row)
        products.push_back(sums[row * vectors + v]);
      SmallVector<Value> levels = addLevelTerms(
          e, operands, lhs, rhs, products,
          [&] { return weights(lastVector, v); },
          [&](int64_t row) { return lastWords[row]; });
      result.append(levels);
    }
    // From vectors of rows to rows of vectors.
    SmallVector<Value> ordered;
    for (int64_t row = 0; row < tile.rows; ++row)
      for (int64_t v = 0; v < vectors; ++v)
        ordered.push_back(result[v * tile.rows + row]);
    return ordered;
  }

  SmallVector<Value> zeros() {
    return SmallVector<Value>(tile.rows * vectors, e.constant(type, 0));
  }

  Value weights(Value position, int64_t vector) {
    SmallVector<Value> indices(tile.rhsBatch);
    indices.append({tile.panel, position, e.index(vector * lanes)});
    return e.load(operands.rhs, indices, lanes);
  }

  /// Where 32 bits of a plane lie: half a word of the left side.
  struct Place {
    Value word;
    int64_t half;
  };
  using Emit = llvm::function_ref<void(int64_t row, CountedBits bits)>;
  using EmitBits =
      llvm::function_ref<void(Place at, int64_t vector, Emit emit)>;

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
      if (words > 1)
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

  /// sums + popcounts of one pair of planes, over all words.
  SmallVector<Value> countPair(BitOperation operation, int64_t lhsPlane,
                               int64_t rhsPlane, ArrayRef<Value> sums) {
    return count(operation, sums, [&](Place at, int64_t vector, Emit emit) {
      Value columns = loadColumns(at, rhsPlane, vector);
      for (int64_t row = 0; row < tile.rows; ++row)
        emit(row, {loadRow(row, at, lhsPlane), columns});
    });
  }

  /// Of two sides of three levels, how often both are not 0 and agree, or
  /// differ; bits beyond the end agree.
  SmallVector<Value> countTernary(bool agreeing) {
    Value ones = e.constant(type, -1);
    auto flip = [&](Value bits) -> Value {
      return arith::XOrIOp::create(e.b, e.loc, bits, ones);
    };
    return count(
        BitOperation::And, zeros(), [&](Place at, int64_t vector, Emit emit) {
          Value zero = loadColumns(at, 0, vector);
          Value positive = loadColumns(at, 1, vector);
          for (int64_t row = 0; row < tile.rows; ++row) {
            Value rowZero = loadRow(row, at, 0);
            Value rowPositive = loadRow(row, at, 1);
            Value matter =
                flip(arith::OrIOp::create(e.b, e.loc, rowZero, zero));
            Value differ =
                arith::XOrIOp::create(e.b, e.loc, rowPositive, positive);
            emit(row, {agreeing ? flip(differ) : differ, matter});
          }
        });
  }

  /// 32 bits of a plane of every column.
  Value loadColumns(Place at, int64_t plane, int64_t vector) {
    int64_t planes = rhs.getPlanes();
    Value position = e.add(e.mul(at.word, e.index(2 * planes)),
                           e.index(at.half * planes + plane));
    return weights(position, vector);
  }

  /// Half a word of a plane of a row, in every lane.
  Value loadRow(int64_t row, Place place, int64_t plane) {
    Value at = arith::IndexCastOp::create(
        e.b, e.loc, e.b.getI64Type(),
        e.add(e.mul(place.word, e.index(8 * lhs.getPlanes())),
              e.index(8 * plane + 4 * place.half)));
    auto pointer = LLVM::LLVMPointerType::get(e.b.getContext());
    Value address = LLVM::GEPOp::create(e.b, e.loc, pointer, e.b.getI8Type(),
                                        rowStarts[row], at);
    return e.broadcast(
        LLVM::LoadOp::create(e.b, e.loc, e.b.getI32Type(), address, 4), lanes);
  }

  Emission &e;
  const MatmulOperands &operands;
  const MatmulTile &tile;
  LevelsType lhs, rhs;
  int64_t lanes, vectors;
  VectorType type;
  Value dwords, lastVector;
  /// Of each row: a pointer to its first word, and its last word.
  SmallVector<Value> rowStarts, lastWords;
};

} // namespace

SmallVector<Value>
mlir::lowbit::emitCarrySaveTile(Emission &e, const MatmulOperands &operands,
                                const MatmulTile &tile, const KernelRow &kernel,
                                LevelsType lhs, PackingAttr rhs) {
  return CarrySaveTile(e, operands, tile, kernel, lhs, rhs).emit();
}
