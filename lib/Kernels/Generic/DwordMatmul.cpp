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
// Two sides of three levels take two popcounts for a word, not the four of all
// pairs of planes. Codes less one are t = -1, 0, 1; plane 0 tells where t is 0
// and plane 1 where it is 1. Where neither is 0 the planes 1 agree or differ:
//
//   sum t u = popcount(agree) - popcount(differ)
//
// Bits beyond the end agree, and are subtracted.
//
// Two sides with the levels -1 and 1 need no sums of codes, since there
//
//   sum a w = K - 2 popcount(u ^ v)
//
// and neither does a `sign` that met no zero: its plane of zeros is empty,
// which the last word of a row tells. With zeros, the left side is half the sum
// of two signs, of a > 0 and of a >= 0, whose bits are u and u':
//
//   sum a w = K - popcount(u ^ v) - popcount(u' ^ v)
//
// PopcountMatmul.cpp has the general formula, which takes the sums of codes of
// the right side times the smallest level of the left. `needsRhsSums` tells
// where none of these formulas reads them.
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
            const KernelRow &kernel, LevelsType lhs, PackingAttr rhsPacking)
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
    SmallVector<Value> counts = count<arith::XOrIOp>(plane, 0, zeros());
    Value one = e.constant(type, 1);
    for (Value &sum : counts)
      sum = arith::ShLIOp::create(e.b, e.loc, sum, one);
    return subtractFromSize(counts);
  }

  /// The same where the left side has zeros.
  SmallVector<Value> emitHalfDifferences() {
    SmallVector<Value> counts = forWords(zeros(), [&](Value word, int64_t half,
                                                      ArrayRef<Value> sums) {
      SmallVector<Value> columns = loadColumns(word, half, 0), next;
      for (int64_t row = 0; row < tile.rows; ++row) {
        Value positive = loadRow(row, word, half, 1);
        Value notNegative = arith::OrIOp::create(e.b, e.loc, positive,
                                                 loadRow(row, word, half, 0));
        for (int64_t v = 0; v < vectors; ++v) {
          Value sum = sums[row * vectors + v];
          for (Value bits : {positive, notNegative})
            sum = e.add(
                sum, math::CtPopOp::create(
                         e.b, e.loc,
                         arith::XOrIOp::create(e.b, e.loc, bits, columns[v])));
          next.push_back(sum);
        }
      }
      return next;
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
    return addTerms(sums);
  }

  /// Both sides have three levels.
  SmallVector<Value> emitTernary() {
    SmallVector<Value> sums =
        forWords(zeros(), [&](Value word, int64_t half, ArrayRef<Value> sums) {
          return stepTernary(word, half, sums);
        });
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

  /// Half a word of every row and 32 bits of every column at a time.
  SmallVector<Value>
  forWords(ArrayRef<Value> sums,
           llvm::function_ref<SmallVector<Value>(Value word, int64_t half,
                                                 ArrayRef<Value> sums)>
               step) {
    Value whole = e.floorDiv(dwords, 2);
    SmallVector<Value> counted = e.forLoop(e.index(0), whole, 1, sums,
                                           [&](Value word, ValueRange carried) {
                                             SmallVector<Value> half(carried);
                                             for (int64_t h = 0; h < 2; ++h)
                                               half = step(word, h, half);
                                             return half;
                                           });
    std::optional<int64_t> known = getConstantIntValue(dwords);
    if (known && *known % 2 == 0)
      return counted;
    if (known)
      return step(whole, 0, counted);
    // At most one step.
    return e.forLoop(whole, e.ceilDiv(dwords, 2), 1, counted,
                     [&](Value word, ValueRange carried) {
                       SmallVector<Value> half(carried);
                       return step(word, 0, half);
                     });
  }

  /// sums + popcounts of one pair of planes, over all words.
  template <typename Combine>
  SmallVector<Value> count(int64_t lhsPlane, int64_t rhsPlane,
                           ArrayRef<Value> sums) {
    return forWords(sums, [&](Value word, int64_t half, ArrayRef<Value> sums) {
      SmallVector<Value> columns = loadColumns(word, half, rhsPlane), next;
      for (int64_t row = 0; row < tile.rows; ++row) {
        Value bits = loadRow(row, word, half, lhsPlane);
        for (int64_t v = 0; v < vectors; ++v) {
          Value both = Combine::create(e.b, e.loc, bits, columns[v]);
          next.push_back(e.add(sums[row * vectors + v],
                               math::CtPopOp::create(e.b, e.loc, both)));
        }
      }
      return next;
    });
  }

  SmallVector<Value> stepTernary(Value word, int64_t half,
                                 ArrayRef<Value> sums) {
    Value ones = e.constant(type, -1);
    auto flip = [&](Value bits) -> Value {
      return arith::XOrIOp::create(e.b, e.loc, bits, ones);
    };
    auto both = [&](Value a, Value b) -> Value {
      return arith::AndIOp::create(e.b, e.loc, a, b);
    };
    SmallVector<Value> zero = loadColumns(word, half, 0);
    SmallVector<Value> positive = loadColumns(word, half, 1), next;
    for (int64_t row = 0; row < tile.rows; ++row) {
      Value rowZero = loadRow(row, word, half, 0);
      Value rowPositive = loadRow(row, word, half, 1);
      for (int64_t v = 0; v < vectors; ++v) {
        Value matter = flip(arith::OrIOp::create(e.b, e.loc, rowZero, zero[v]));
        Value unlike =
            arith::XOrIOp::create(e.b, e.loc, rowPositive, positive[v]);
        Value agree = both(matter, flip(unlike)), differ = both(matter, unlike);
        next.push_back(e.sub(e.add(sums[row * vectors + v],
                                   math::CtPopOp::create(e.b, e.loc, agree)),
                             math::CtPopOp::create(e.b, e.loc, differ)));
      }
    }
    return next;
  }

  /// 32 bits of a plane of every column.
  SmallVector<Value> loadColumns(Value word, int64_t half, int64_t plane) {
    int64_t planes = rhs.getPlanes();
    Value at =
        e.add(e.mul(word, e.index(2 * planes)), e.index(half * planes + plane));
    SmallVector<Value> columns;
    for (int64_t v = 0; v < vectors; ++v)
      columns.push_back(weights(at, v));
    return columns;
  }

  /// Half a word of a plane of a row, in every lane.
  Value loadRow(int64_t row, Value word, int64_t half, int64_t plane) {
    Value at = arith::IndexCastOp::create(
        e.b, e.loc, e.b.getI64Type(),
        e.add(e.mul(word, e.index(8 * lhs.getPlanes())),
              e.index(8 * plane + 4 * half)));
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
mlir::lowbit::emitDwordTile(Emission &e, const MatmulOperands &operands,
                            const MatmulTile &tile, const KernelRow &kernel,
                            LevelsType lhs, PackingAttr rhs) {
  if (kernel.form == PopcountForm::Bytes)
    return emitCarrySaveTile(e, operands, tile, kernel, lhs, rhs);
  return DwordTile(e, operands, tile, kernel, lhs, rhs).emit();
}
