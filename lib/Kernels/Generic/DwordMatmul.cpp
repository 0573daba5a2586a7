//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Products of packed levels by counting ones in 32-bit lanes: with the popcount
// of AVX-512 VPOPCNTDQ here, without in CarrySaveMatmul.cpp.
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

#include "DwordTile.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::lowbit;

DwordTile::DwordTile(Emission &e, const MatmulOperands &operands,
                     const MatmulTile &tile, const KernelRow &kernel,
                     LevelsType lhs, PackingAttr rhsPacking)
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

SmallVector<Value> DwordTile::emit() {
  if (lhs.getCount() == 3 && rhs.getCount() == 3)
    return emitTernary();
  if (!lhs.isSigns() || !rhs.isSigns() || rhs.getCount() == 3)
    return emitProducts();
  if (lhs.getCount() == 2)
    return emitDifferences(/*plane=*/0);
  return emitSigns();
}

/// The formula without sums of codes, from one plane of the left side.
SmallVector<Value> DwordTile::emitDifferences(int64_t plane) {
  SmallVector<Value> counts = countPair(BitOperation::Xor, plane, 0, zeros());
  Value one = e.constant(type, 1);
  for (Value &sum : counts)
    sum = arith::ShLIOp::create(e.b, e.loc, sum, one);
  return subtractFromSize(counts);
}

SmallVector<Value> DwordTile::subtractFromSize(SmallVector<Value> counts) {
  Value size = e.broadcast(toI32(operands.size), lanes);
  for (Value &sum : counts)
    sum = e.sub(size, sum);
  return counts;
}

/// Signs with or without zeros among the rows of the tile.
SmallVector<Value> DwordTile::emitSigns() {
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
  scf::YieldOp::create(e.b, e.loc, subtractFromSize(countBothSigns()));
  return SmallVector<Value>(branch.getResults());
}

/// The general formula.
SmallVector<Value> DwordTile::emitProducts() {
  SmallVector<Value> sums = zeros();
  Value one = e.constant(type, 1);
  int64_t planes = lhs.getPlanes(), rhsPlanes = rhs.getPlanes();
  for (int64_t weight = planes + rhsPlanes - 2; weight >= 0; --weight) {
    for (int64_t plane = 0; plane < planes; ++plane)
      if (weight >= plane && weight - plane < rhsPlanes)
        sums = countPair(BitOperation::And, plane, weight - plane, sums);
    if (weight > 0)
      for (Value &sum : sums)
        sum = arith::ShLIOp::create(e.b, e.loc, sum, one);
  }
  return addTerms(sums);
}

/// Both sides have three levels.
SmallVector<Value> DwordTile::emitTernary() {
  SmallVector<Value> sums = countTernary();
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

Value DwordTile::toI32(Value index) {
  return arith::IndexCastOp::create(e.b, e.loc, e.b.getI32Type(), index);
}

/// From products of codes to products of levels.
SmallVector<Value> DwordTile::addTerms(ArrayRef<Value> sums) {
  // Level terms are those of a whole row of the panel.
  SmallVector<Value> result;
  for (int64_t v = 0; v < vectors; ++v) {
    SmallVector<Value> products;
    for (int64_t row = 0; row < tile.rows; ++row)
      products.push_back(sums[row * vectors + v]);
    SmallVector<Value> levels = addLevelTerms(
        e, operands, lhs, rhs, products, [&] { return weights(lastVector, v); },
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

SmallVector<Value> DwordTile::zeros() {
  return SmallVector<Value>(tile.rows * vectors, e.constant(type, 0));
}

Value DwordTile::weights(Value position, int64_t vector) {
  SmallVector<Value> indices(tile.rhsBatch);
  indices.append({tile.panel, position, e.index(vector * lanes)});
  return e.load(operands.rhs, indices, lanes);
}

Value DwordTile::loadColumns(Place at, int64_t plane, int64_t vector) {
  int64_t planes = rhs.getPlanes();
  Value position = e.add(e.mul(at.word, e.index(2 * planes)),
                         e.index(at.half * planes + plane));
  return weights(position, vector);
}

Value DwordTile::loadRow(int64_t row, Place place, int64_t plane) {
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

Value DwordTile::loadNotNegative(int64_t row, Place at) {
  return arith::OrIOp::create(e.b, e.loc, loadRow(row, at, 1),
                              loadRow(row, at, 0));
}

Value mlir::lowbit::combine(Emission &e, BitOperation operation, Value first,
                            Value second) {
  if (operation == BitOperation::And)
    return arith::AndIOp::create(e.b, e.loc, first, second);
  return arith::XOrIOp::create(e.b, e.loc, first, second);
}

Value DwordTile::flip(Value bits) {
  return arith::XOrIOp::create(e.b, e.loc, bits, e.constant(type, -1));
}

namespace {

/// Counts with the popcount instruction.
class PopcountDwords : public DwordTile {
public:
  using DwordTile::DwordTile;

private:
  SmallVector<Value> countPair(BitOperation operation, int64_t lhsPlane,
                               int64_t rhsPlane,
                               ArrayRef<Value> sums) override {
    return forWords(sums, [&](Place at, ArrayRef<Value> sums) {
      SmallVector<Value> columns = loadPanel(at, rhsPlane), next;
      for (int64_t row = 0; row < tile.rows; ++row) {
        Value bits = loadRow(row, at, lhsPlane);
        for (int64_t v = 0; v < vectors; ++v)
          next.push_back(e.add(sums[row * vectors + v],
                               ones(combine(e, operation, bits, columns[v]))));
      }
      return next;
    });
  }

  SmallVector<Value> countBothSigns() override {
    return forWords(zeros(), [&](Place at, ArrayRef<Value> sums) {
      SmallVector<Value> columns = loadPanel(at, 0), next;
      for (int64_t row = 0; row < tile.rows; ++row) {
        Value positive = loadRow(row, at, 1);
        Value notNegative = loadNotNegative(row, at);
        for (int64_t v = 0; v < vectors; ++v) {
          Value sum = sums[row * vectors + v];
          for (Value bits : {positive, notNegative})
            sum = e.add(sum,
                        ones(combine(e, BitOperation::Xor, bits, columns[v])));
          next.push_back(sum);
        }
      }
      return next;
    });
  }

  SmallVector<Value> countTernary() override {
    return forWords(zeros(), [&](Place at, ArrayRef<Value> sums) {
      SmallVector<Value> zero = loadPanel(at, 0), positive = loadPanel(at, 1);
      SmallVector<Value> next;
      for (int64_t row = 0; row < tile.rows; ++row) {
        Value rowZero = loadRow(row, at, 0), rowPositive = loadRow(row, at, 1);
        for (int64_t v = 0; v < vectors; ++v) {
          Value matter =
              flip(arith::OrIOp::create(e.b, e.loc, rowZero, zero[v]));
          Value unlike =
              combine(e, BitOperation::Xor, rowPositive, positive[v]);
          Value agree = combine(e, BitOperation::And, matter, flip(unlike));
          Value differ = combine(e, BitOperation::And, matter, unlike);
          next.push_back(
              e.sub(e.add(sums[row * vectors + v], ones(agree)), ones(differ)));
        }
      }
      return next;
    });
  }

  /// Half a word of every row and 32 bits of every column at a time.
  SmallVector<Value> forWords(
      ArrayRef<Value> sums,
      llvm::function_ref<SmallVector<Value>(Place at, ArrayRef<Value> sums)>
          step) {
    Value whole = e.floorDiv(dwords, 2);
    SmallVector<Value> counted = e.forLoop(e.index(0), whole, 1, sums,
                                           [&](Value word, ValueRange carried) {
                                             SmallVector<Value> half(carried);
                                             for (int64_t h = 0; h < 2; ++h)
                                               half = step({word, h}, half);
                                             return half;
                                           });
    std::optional<int64_t> known = getConstantIntValue(dwords);
    if (known && *known % 2 == 0)
      return counted;
    if (known)
      return step({whole, 0}, counted);
    // At most one step.
    return e.forLoop(whole, e.ceilDiv(dwords, 2), 1, counted,
                     [&](Value word, ValueRange carried) {
                       SmallVector<Value> half(carried);
                       return step({word, 0}, half);
                     });
  }

  SmallVector<Value> loadPanel(Place at, int64_t plane) {
    SmallVector<Value> columns;
    for (int64_t v = 0; v < vectors; ++v)
      columns.push_back(loadColumns(at, plane, v));
    return columns;
  }

  Value ones(Value bits) { return math::CtPopOp::create(e.b, e.loc, bits); }
};

} // namespace

SmallVector<Value>
mlir::lowbit::emitDwordTile(Emission &e, const MatmulOperands &operands,
                            const MatmulTile &tile, const KernelRow &kernel,
                            LevelsType lhs, PackingAttr rhs) {
  if (kernel.form == PopcountForm::Bytes)
    return emitCarrySaveTile(e, operands, tile, kernel, lhs, rhs);
  return PopcountDwords(e, operands, tile, kernel, lhs, rhs).emit();
}
