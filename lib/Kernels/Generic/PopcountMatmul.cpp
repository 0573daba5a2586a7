//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Products of packed levels by and + popcount.
//
// With levels a = a0 + sa * u and w = w0 + sw * v, where u and v are codes with
// bit planes u_i and v_j, and K the length of the contraction:
//
//   sum a w = K a0 w0 + a0 sw sum(v) + w0 sa sum(u)
//           + sa sw sum over i, j of 2^(i+j) popcount(u_i & v_j)
//
// The sums of codes come packed with the operands. Lanes of a vector are rows
// of the right side, so nothing is added across lanes, and any K works without
// a tail: bits beyond K are zero on both sides.
//
//===----------------------------------------------------------------------===//

#include "../MatmulNest.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::lowbit;

namespace {

class PopcountTile {
public:
  PopcountTile(Emission &e, const MatmulOperands &operands,
               const MatmulTile &tile, const KernelRow &kernel, LevelsType lhs,
               LevelsType rhs)
      : e(e), operands(operands), tile(tile), kernel(kernel), lhs(lhs),
        rhs(rhs), vectors(kernel.lanes / kernel.vectorLanes) {
    lastWord = e.sub(e.dim(operands.lhs, rank(operands.lhs) - 1), e.index(1));
    lastVector = e.sub(e.dim(operands.rhs, rank(operands.rhs) - 2), e.index(1));
    words = e.floorDiv(lastWord, lhs.getPlanes());
  }

  SmallVector<Value> emit() {
    SmallVector<Value> counts(tile.rows * vectors, e.constant(wordVector(), 0));
    int64_t pairs = lhs.getPlanes() * rhs.getPlanes();
    if (pairs == 1)
      counts = count(e.index(0), e.index(0), counts);
    else
      counts = overPlanes(counts);
    return withSums(counts);
  }

private:
  static int64_t rank(Value memref) {
    return cast<MemRefType>(memref.getType()).getRank();
  }
  VectorType wordVector() {
    return VectorType::get({kernel.vectorLanes}, e.b.getI64Type());
  }
  VectorType byteVector() {
    return VectorType::get({kernel.vectorLanes * 8}, e.b.getI8Type());
  }

  Value lhsWord(int64_t row, Value position) {
    SmallVector<Value> indices(tile.lhsBatch);
    indices.push_back(e.add(tile.row, e.index(row)));
    indices.push_back(position);
    return memref::LoadOp::create(e.b, e.loc, operands.lhs, indices);
  }
  Value rhsVector(Value position, int64_t lane, int64_t lanes) {
    SmallVector<Value> indices(tile.rhsBatch);
    indices.append({tile.panel, position, e.index(lane)});
    return e.load(operands.rhs, indices, lanes);
  }

  /// The weighted counts of all pairs of planes. An empty plane of the left
  /// side (no zero under a `sign`, small numbers) is skipped.
  SmallVector<Value> overPlanes(ArrayRef<Value> init) {
    Value used = lhsWord(0, lastWord);
    for (int64_t row = 1; row < tile.rows; ++row)
      used = arith::OrIOp::create(e.b, e.loc, used, lhsWord(row, lastWord));
    used = arith::ShRUIOp::create(e.b, e.loc, used, e.i64(32));
    return e.forLoop(
        e.index(0), e.index(lhs.getPlanes()), 1, init,
        [&](Value plane, ValueRange carried) -> SmallVector<Value> {
          Value shift =
              arith::IndexCastOp::create(e.b, e.loc, e.b.getI64Type(), plane);
          Value bit = arith::TruncIOp::create(
              e.b, e.loc, e.b.getI1Type(),
              arith::ShRUIOp::create(e.b, e.loc, used, shift));
          auto branch = scf::IfOp::create(e.b, e.loc, carried.getTypes(), bit,
                                          /*withElseRegion=*/true);
          OpBuilder::InsertionGuard guard(e.b);
          e.b.setInsertionPointToStart(branch.thenBlock());
          SmallVector<Value> sums = overRhsPlanes(plane, shift, carried);
          scf::YieldOp::create(e.b, e.loc, sums);
          e.b.setInsertionPointToStart(branch.elseBlock());
          scf::YieldOp::create(e.b, e.loc, carried);
          return SmallVector<Value>(branch.getResults());
        });
  }

  SmallVector<Value> overRhsPlanes(Value lhsPlane, Value lhsShift,
                                   ValueRange carried) {
    return e.forLoop(
        e.index(0), e.index(rhs.getPlanes()), 1, carried,
        [&](Value plane, ValueRange sums) -> SmallVector<Value> {
          SmallVector<Value> zeros(sums.size(), e.constant(wordVector(), 0));
          SmallVector<Value> counts = count(lhsPlane, plane, zeros);
          Value weight = e.add(
              lhsShift,
              arith::IndexCastOp::create(e.b, e.loc, e.b.getI64Type(), plane));
          Value shift = e.broadcast(weight, kernel.vectorLanes);
          for (auto [sum, value] : llvm::zip(sums, counts))
            value = e.add(sum, arith::ShLIOp::create(e.b, e.loc, value, shift));
          return counts;
        });
  }

  /// counts + popcounts of one pair of planes, over all words.
  SmallVector<Value> count(Value lhsPlane, Value rhsPlane,
                           ArrayRef<Value> counts) {
    if (kernel.form == PopcountForm::Words)
      return e.forLoop(e.index(0), words, 1, counts,
                       [&](Value word, ValueRange sums) {
                         return step(word, lhsPlane, rhsPlane, sums, false);
                       });
    // A byte gains at most 8 a word: 31 words cannot overflow it.
    constexpr int64_t kChunk = 31;
    std::optional<int64_t> known = getConstantIntValue(words);
    if (known && *known <= kChunk)
      return widen(countBytes(e.index(0), words, lhsPlane, rhsPlane), counts);
    return e.forLoop(
        e.index(0), words, kChunk, counts, [&](Value begin, ValueRange sums) {
          Value end = e.min(e.add(begin, e.index(kChunk)), words);
          return widen(countBytes(begin, end, lhsPlane, rhsPlane), sums);
        });
  }

  SmallVector<Value> countBytes(Value begin, Value end, Value lhsPlane,
                                Value rhsPlane) {
    SmallVector<Value> zeros(tile.rows * vectors, e.constant(byteVector(), 0));
    return e.forLoop(begin, end, 1, zeros, [&](Value word, ValueRange sums) {
      return step(word, lhsPlane, rhsPlane, sums, true);
    });
  }

  /// One word of every row against one word of every lane.
  SmallVector<Value> step(Value word, Value lhsPlane, Value rhsPlane,
                          ValueRange sums, bool bytes) {
    Value rhsAt = e.add(e.mul(word, e.index(rhs.getPlanes())), rhsPlane);
    Value lhsAt = e.add(e.mul(word, e.index(lhs.getPlanes())), lhsPlane);
    SmallVector<Value> weights, next;
    for (int64_t v = 0; v < vectors; ++v)
      weights.push_back(
          rhsVector(rhsAt, v * kernel.vectorLanes, kernel.vectorLanes));
    for (int64_t row = 0; row < tile.rows; ++row) {
      Value bits = e.broadcast(lhsWord(row, lhsAt), kernel.vectorLanes);
      for (int64_t v = 0; v < vectors; ++v) {
        Value both = arith::AndIOp::create(e.b, e.loc, bits, weights[v]);
        if (bytes)
          both = vector::BitCastOp::create(e.b, e.loc, byteVector(), both);
        next.push_back(e.add(sums[row * vectors + v],
                             math::CtPopOp::create(e.b, e.loc, both)));
      }
    }
    return next;
  }

  /// counts + the sums of the eight bytes of each word.
  SmallVector<Value> widen(ArrayRef<Value> bytes, ValueRange counts) {
    Value zero = e.constant(byteVector(), 0);
    StringRef name = kernel.vectorLanes == 8 ? "llvm.x86.avx512.psad.bw.512"
                                             : "llvm.x86.avx2.psad.bw";
    SmallVector<Value> sums;
    for (auto [value, count] : llvm::zip(bytes, counts)) {
      auto call = LLVM::CallIntrinsicOp::create(e.b, e.loc, wordVector(),
                                                e.b.getStringAttr(name),
                                                ValueRange{value, zero});
      sums.push_back(e.add(count, call.getResult(0)));
    }
    return sums;
  }

  /// The terms that depend on sums of codes, and the step of the levels.
  SmallVector<Value> withSums(ArrayRef<Value> counts) {
    auto type = VectorType::get({kernel.lanes}, e.b.getI32Type());
    SmallVector<Value> products;
    for (int64_t row = 0; row < tile.rows; ++row)
      products.push_back(arith::TruncIOp::create(
          e.b, e.loc, type, e.concat(counts.slice(row * vectors, vectors))));
    return addLevelTerms(
        e, operands, lhs, rhs, products,
        [&]() -> Value {
          return arith::TruncIOp::create(
              e.b, e.loc, type, rhsVector(lastVector, 0, kernel.lanes));
        },
        [&](int64_t row) { return lhsWord(row, lastWord); });
  }

  Emission &e;
  const MatmulOperands &operands;
  const MatmulTile &tile;
  const KernelRow &kernel;
  LevelsType lhs, rhs;
  int64_t vectors;
  Value words, lastWord, lastVector;
};

} // namespace

SmallVector<Value>
mlir::lowbit::emitPopcountTile(Emission &e, const MatmulOperands &operands,
                               const MatmulTile &tile, const KernelRow &kernel,
                               LevelsType lhs, LevelsType rhs) {
  return PopcountTile(e, operands, tile, kernel, lhs, rhs).emit();
}
