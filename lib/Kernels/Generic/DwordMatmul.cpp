//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Products of packed levels by popcount of 32-bit lanes (AVX-512 VPOPCNTDQ).
//
// Sixteen columns share a vector and a word of a row is broadcast from memory,
// so the sums end as i32 lanes in the order of the columns: nothing is narrowed
// or shuffled. The sums of all pairs of planes grow in one set of registers:
// the pairs with the highest weights come first and the sums are doubled where
// the weight halves.
//
// Two sides with the levels -1 and 1 need no sums of codes, since there
//
//   sum a w = K - 2 popcount(u ^ v)
//
// and neither does a `sign` that met no zero: its plane of zeros is empty,
// which the last word of a row tells. PopcountMatmul.cpp has the general
// formula.
//
//===----------------------------------------------------------------------===//

#include "../MatmulNest.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::lowbit;

namespace {

class DwordTile {
public:
  DwordTile(Emission &e, const MatmulOperands &operands, const MatmulTile &tile,
            const KernelRow &kernel, LevelsType lhs, LevelsType rhs)
      : e(e), operands(operands), tile(tile), lhs(lhs), rhs(rhs),
        lanes(kernel.vectorLanes), vectors(kernel.lanes / kernel.vectorLanes),
        type(VectorType::get({lanes}, e.b.getI32Type())) {
    int64_t rank = cast<MemRefType>(operands.rhs.getType()).getRank();
    lastVector = e.sub(e.dim(operands.rhs, rank - 2), e.index(1));
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
    auto isSigns = [](LevelsType type, int64_t count) {
      return type.getFirst() == -1 && type.getLast() == 1 &&
             type.getCount() == count;
    };
    if (!isSigns(rhs, 2))
      return emitProducts();
    if (isSigns(lhs, 2))
      return emitDifferences(/*plane=*/0);
    if (isSigns(lhs, 3))
      return emitSigns();
    return emitProducts();
  }

private:
  /// The formula without sums of codes, from one plane of the left side.
  SmallVector<Value> emitDifferences(int64_t plane) {
    SmallVector<Value> counts = count<arith::XOrIOp>(plane, 0, zeros());
    Value size = e.broadcast(
        arith::IndexCastOp::create(e.b, e.loc, e.b.getI32Type(), operands.size),
        lanes);
    Value one = e.constant(type, 1);
    for (Value &sum : counts)
      sum = e.sub(size, arith::ShLIOp::create(e.b, e.loc, sum, one));
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
    scf::YieldOp::create(e.b, e.loc, emitProducts());
    return SmallVector<Value>(branch.getResults());
  }

  /// The general formula.
  SmallVector<Value> emitProducts() {
    SmallVector<Value> sums = zeros();
    Value one = e.constant(type, 1);
    int64_t planes = lhs.getPlanes(), rhsPlanes = rhs.getPlanes();
    for (int64_t weight = planes + rhsPlanes - 2; weight >= 0; --weight) {
      for (int64_t plane = 0; plane < planes; ++plane)
        if (weight >= plane && weight - plane < rhsPlanes)
          sums = count<arith::AndIOp>(plane, weight - plane, sums);
      if (weight > 0)
        for (Value &sum : sums)
          sum = arith::ShLIOp::create(e.b, e.loc, sum, one);
    }
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

  /// sums + popcounts of one pair of planes, over all words.
  template <typename Combine>
  SmallVector<Value> count(int64_t lhsPlane, int64_t rhsPlane,
                           ArrayRef<Value> sums) {
    Value whole = e.floorDiv(dwords, 2);
    SmallVector<Value> counted = e.forLoop(
        e.index(0), whole, 1, sums, [&](Value word, ValueRange carried) {
          SmallVector<Value> half(carried);
          for (int64_t h = 0; h < 2; ++h)
            half = step<Combine>(word, h, lhsPlane, rhsPlane, half);
          return half;
        });
    std::optional<int64_t> known = getConstantIntValue(dwords);
    if (known && *known % 2 == 0)
      return counted;
    if (known)
      return step<Combine>(whole, 0, lhsPlane, rhsPlane, counted);
    // At most one step.
    return e.forLoop(whole, e.ceilDiv(dwords, 2), 1, counted,
                     [&](Value word, ValueRange carried) {
                       SmallVector<Value> half(carried);
                       return step<Combine>(word, 0, lhsPlane, rhsPlane, half);
                     });
  }

  /// Half a word of every row against 32 bits of every column.
  template <typename Combine>
  SmallVector<Value> step(Value word, int64_t half, int64_t lhsPlane,
                          int64_t rhsPlane, ArrayRef<Value> sums) {
    int64_t planes = lhs.getPlanes(), rhsPlanes = rhs.getPlanes();
    Value rhsAt = e.add(e.mul(word, e.index(2 * rhsPlanes)),
                        e.index(half * rhsPlanes + rhsPlane));
    Value lhsAt =
        arith::IndexCastOp::create(e.b, e.loc, e.b.getI64Type(),
                                   e.add(e.mul(word, e.index(8 * planes)),
                                         e.index(8 * lhsPlane + 4 * half)));
    SmallVector<Value> columns, next;
    for (int64_t v = 0; v < vectors; ++v)
      columns.push_back(weights(rhsAt, v));
    auto pointer = LLVM::LLVMPointerType::get(e.b.getContext());
    for (int64_t row = 0; row < tile.rows; ++row) {
      Value address = LLVM::GEPOp::create(e.b, e.loc, pointer, e.b.getI8Type(),
                                          rowStarts[row], lhsAt);
      Value bits = e.broadcast(
          LLVM::LoadOp::create(e.b, e.loc, e.b.getI32Type(), address, 4),
          lanes);
      for (int64_t v = 0; v < vectors; ++v) {
        Value both = Combine::create(e.b, e.loc, bits, columns[v]);
        next.push_back(e.add(sums[row * vectors + v],
                             math::CtPopOp::create(e.b, e.loc, both)));
      }
    }
    return next;
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

SmallVector<Value> mlir::lowbit::emitDwordTile(Emission &e,
                                               const MatmulOperands &operands,
                                               const MatmulTile &tile,
                                               const KernelRow &kernel,
                                               LevelsType lhs, LevelsType rhs) {
  return DwordTile(e, operands, tile, kernel, lhs, rhs).emit();
}
