//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See AttentionCodes.h.
//
// A code is 1 where round(fl(fl(e / sum) / scale)) >= 1, half to even, that is
// where the quotient exceeds 1/2. It ascends with e, so one number of a row
// tells all of its codes: the least e whose code is 1. It lies within a few
// units in the last place of scale * sum / 2; the sixteen numbers around are
// tried with the very formula. That holds for scales far from zero; for others
// (and negative ones, with which no code is 1) the number is found by halving.
//
// Codes of more bits are computed, as bytes or planes, and so are all codes of
// probabilities less their minimum.
//
//===----------------------------------------------------------------------===//

#include "AttentionCodes.h"
#include "../Division.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/SmallVectorExtras.h"
#include <limits>

using namespace mlir;
using namespace mlir::lowbit;

/// Scales from here on keep every number of `AttentionCodes::tryAround` normal:
/// sums of exponentials are 1 or more, and a quotient near the threshold is
/// half the scale.
constexpr double kLeastUsualScale = 0x1p-100;

AttentionCodes::AttentionCodes(Emission &e, PackedAttentionOp op, int64_t lanes)
    : e(e), lanes(lanes), packing(op.getCodes()),
      subtractsMinimum(op.getSubtractMinimum()),
      exponentials(op.getScratch()[0]), codes(op.getScratch()[1]),
      keys(op.getKeys()),
      scale(memref::LoadOp::create(e.b, e.loc, op.getScale())) {
  if (isOneBit())
    isUsualScale =
        arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::OGE, scale,
                              e.constant(e.b.getF32Type(), kLeastUsualScale));
  else if (e.fma)
    isUsualScale = isUsualDivisor(e, scale);
}

/// Whether the codes are bits, 0 and 1, that ascend with the exponential.
bool AttentionCodes::isOneBit() const {
  return packing.getLevels().getLast() == 1 && !packing.hasWholeCodes() &&
         !subtractsMinimum;
}

void AttentionCodes::emit(ArrayRef<Value> sums, Value least,
                          Indices exponentialAt, Indices codeAt) {
  if (isOneBit())
    emitBits(sums, exponentialAt, codeAt);
  else
    emitCodes(sums, least, exponentialAt, codeAt);
}

/// The least exponential with code 1 of each row, +inf when there is none.
SmallVector<Value> AttentionCodes::emitThresholds(ArrayRef<Value> sums) {
  SmallVector<Type> types(sums.size(), e.b.getF32Type());
  auto branch = scf::IfOp::create(e.b, e.loc, types, isUsualScale,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(e.b);
  auto emitBranch = [&](Block *block, auto threshold) {
    e.b.setInsertionPointToStart(block);
    SmallVector<Value> found;
    for (Value sum : sums)
      found.push_back(threshold(sum));
    scf::YieldOp::create(e.b, e.loc, found);
  };
  emitBranch(branch.thenBlock(), [&](Value sum) { return tryAround(sum); });
  emitBranch(branch.elseBlock(), [&](Value sum) { return halve(sum); });
  return SmallVector<Value>(branch.getResults());
}

/// The quantizer's formula: whether the codes of exponentials are 1.
Value AttentionCodes::isOne(Value exponentials, Value sum) {
  Type type = exponentials.getType();
  auto widen = [&](Value scalar) {
    if (auto vector = dyn_cast<VectorType>(type))
      return e.broadcast(scalar, vector.getNumElements());
    return scalar;
  };
  Value p = arith::DivFOp::create(e.b, e.loc, exponentials, widen(sum));
  Value scaled = arith::DivFOp::create(e.b, e.loc, p, widen(scale));
  return arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::OGT, scaled,
                               e.constant(type, 0.5));
}

/// The threshold of a usual scale: three roundings lie between it and the
/// estimate, and with no subnormal number on the way they amount to four
/// units at most.
Value AttentionCodes::tryAround(Value sum) {
  constexpr int64_t kTried = 16;
  auto ints = VectorType::get({kTried}, e.b.getI32Type());
  auto floats = VectorType::get({kTried}, e.b.getF32Type());
  Type f32 = e.b.getF32Type(), i32 = e.b.getI32Type();
  Value estimate = arith::MulFOp::create(
      e.b, e.loc, arith::MulFOp::create(e.b, e.loc, sum, scale),
      e.constant(f32, 0.5));
  SmallVector<int32_t> steps;
  for (int32_t i = 0; i < kTried; ++i)
    steps.push_back(i - kTried / 2);
  Value first = arith::BitcastOp::create(e.b, e.loc, i32, estimate);
  Value bits =
      e.add(e.broadcast(first, kTried),
            arith::ConstantOp::create(
                e.b, e.loc, DenseElementsAttr::get(ints, ArrayRef(steps))));
  Value tried = arith::BitcastOp::create(e.b, e.loc, floats, bits);
  Value infinity = e.constant(floats, std::numeric_limits<double>::infinity());
  return e.reduce(
      arith::SelectOp::create(e.b, e.loc, isOne(tried, sum), tried, infinity),
      [&](Value a, Value b) { return e.less(a, b); });
}

/// The threshold of any scale: the code ascends with the exponential, whose
/// bits ascend from those of 0, which has the code 0, to those of infinity.
Value AttentionCodes::halve(Value sum) {
  constexpr int64_t kInfinity = 0x7f800000, kSteps = 31;
  Type f32 = e.b.getF32Type();
  Value bits = e.forLoop(
      e.index(0), e.index(kSteps), 1, {e.i32(0), e.i32(kInfinity)},
      [&](Value, ValueRange carried) -> SmallVector<Value> {
        Value zero = carried[0], one = carried[1];
        Value middle =
            arith::ShRUIOp::create(e.b, e.loc, e.add(zero, one), e.i32(1));
        Value isAbove =
            isOne(arith::BitcastOp::create(e.b, e.loc, f32, middle), sum);
        return {arith::SelectOp::create(e.b, e.loc, isAbove, zero, middle),
                arith::SelectOp::create(e.b, e.loc, isAbove, middle, one)};
      })[1];
  return arith::BitcastOp::create(e.b, e.loc, f32, bits);
}

/// The packed rows of codes of one bit, with their last words.
void AttentionCodes::emitBits(ArrayRef<Value> sums, Indices exponentialAt,
                              Indices codeAt) {
  SmallVector<Value> thresholds;
  for (Value threshold : emitThresholds(sums))
    thresholds.push_back(e.broadcast(threshold, lanes));
  SmallVector<Value> zeros(sums.size(), e.i64(0));
  SmallVector<Value> ones = e.forVectors(
      keys, 64, zeros, [&](Value begin, Value count, ValueRange carried) {
        SmallVector<Value> next;
        for (auto [r, sum] : llvm::enumerate(carried)) {
          SmallVector<Value> parts;
          for (int64_t first = 0; first < 64; first += lanes) {
            Value left = e.remaining(count, first);
            Value y = e.load(this->exponentials,
                             exponentialAt(r, e.add(begin, e.index(first))),
                             lanes, left);
            Value bits = arith::CmpFOp::create(
                e.b, e.loc, arith::CmpFPredicate::OGE, y, thresholds[r]);
            if (left)
              bits =
                  arith::AndIOp::create(e.b, e.loc, bits,
                                        vector::CreateMaskOp::create(
                                            e.b, e.loc, bits.getType(), left));
            parts.push_back(bits);
          }
          Value word = e.joinBits(parts);
          memref::StoreOp::create(e.b, e.loc, word, codes,
                                  codeAt(r, e.floorDiv(begin, 64)));
          next.push_back(e.add(sum, math::CtPopOp::create(e.b, e.loc, word)));
        }
        return next;
      });
  for (auto [r, count] : llvm::enumerate(ones))
    memref::StoreOp::create(e.b, e.loc, e.addPlane(e.i64(0), count, 0), codes,
                            codeAt(r, e.ceilDiv(keys, 64)));
}

/// round((e / sum - least) / scale) of a vector, at most the last level.
Value AttentionCodes::getCode(Value exponentials, Value sum,
                              Value sumReciprocal, Value scaleReciprocal,
                              Value least) {
  auto subtract = [&](Value p) -> Value {
    if (!least)
      return p;
    return arith::SubFOp::create(e.b, e.loc, p, e.broadcast(least, lanes));
  };
  auto divide = [&]() -> Value {
    Value p = subtract(arith::DivFOp::create(e.b, e.loc, exponentials,
                                             e.broadcast(sum, lanes)));
    return arith::DivFOp::create(e.b, e.loc, p, e.broadcast(scale, lanes));
  };
  auto type = cast<VectorType>(exponentials.getType());
  Value quotient;
  if (e.fma) {
    auto branch = scf::IfOp::create(e.b, e.loc, type, isUsualScale,
                                    /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(e.b);
    e.b.setInsertionPointToStart(branch.thenBlock());
    Value p = subtract(divideByReciprocal(e, exponentials, sum, sumReciprocal,
                                          /*corrections=*/2));
    scf::YieldOp::create(
        e.b, e.loc,
        divideByReciprocal(e, p, scale, scaleReciprocal, /*corrections=*/1));
    e.b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(e.b, e.loc, divide());
    quotient = branch.getResult(0);
  } else {
    quotient = divide();
  }
  return e.roundToCode(quotient, 0, packing.getLevels().getLast());
}

/// The packed rows of codes of any number of bits, with their last words.
void AttentionCodes::emitCodes(ArrayRef<Value> sums, Value least,
                               Indices exponentialAt, Indices codeAt) {
  auto reciprocal = [&](Value number) -> Value {
    return arith::DivFOp::create(e.b, e.loc, e.constant(e.b.getF32Type(), 1),
                                 number);
  };
  Value scaleReciprocal = reciprocal(scale);
  SmallVector<Value> sumReciprocals = llvm::map_to_vector(sums, reciprocal);
  // Bytes count their codes in lanes, planes in words.
  Value zero = packing.hasWholeCodes()
                   ? e.constant(VectorType::get({lanes}, e.b.getI32Type()), 0)
                   : e.i64(0);
  int64_t planes = packing.getYieldedCount();
  SmallVector<Value> totals(sums.size() * planes, zero);
  totals = e.forVectors(
      keys, 64, totals, [&](Value begin, Value count, ValueRange carried) {
        SmallVector<Value> next(carried);
        for (auto [r, sum] : llvm::enumerate(sums)) {
          SmallVector<Value> parts;
          for (int64_t i = 0; i < 64; i += lanes) {
            // The code of 0 is 0, but for that of -least.
            Value left = e.remaining(count, i);
            Value y =
                e.load(this->exponentials,
                       exponentialAt(r, e.add(begin, e.index(i))), lanes, left);
            Value code =
                getCode(y, sum, sumReciprocals[r], scaleReciprocal, least);
            if (left && least)
              code = arith::SelectOp::create(
                  e.b, e.loc,
                  vector::CreateMaskOp::create(
                      e.b, e.loc, VectorType::get({lanes}, e.b.getI1Type()),
                      left),
                  code, e.constant(code.getType(), 0));
            parts.push_back(code);
          }
          MutableArrayRef<Value> totals(&next[r * planes], planes);
          int64_t perWord = packing.getElementsPerWord();
          Value word = e.mul(e.floorDiv(begin, perWord), e.index(planes));
          if (packing.hasWholeCodes())
            storeBytes(parts, codeAt(r, word), totals.front());
          else
            storeWords(parts, codeAt(r, word), totals);
        }
        return next;
      });
  int64_t perWord = packing.getElementsPerWord();
  for (size_t r = 0; r < sums.size(); ++r) {
    Value last = e.mul(e.ceilDiv(keys, perWord), e.index(planes));
    Value total = e.i64(0);
    if (packing.hasWholeCodes())
      total = vector::ReductionOp::create(
          e.b, e.loc, vector::CombiningKind::ADD, totals[r]);
    else
      for (int64_t plane = 0; plane < planes; ++plane)
        total = e.addPlane(total, totals[r * planes + plane], plane);
    memref::StoreOp::create(e.b, e.loc, total, codes, codeAt(r, last));
  }
}

/// Stores the codes of 64 keys as bytes, and adds them to a vector of sums.
void AttentionCodes::storeBytes(ArrayRef<Value> parts, ArrayRef<Value> indices,
                                Value &total) {
  int64_t words = lanes / 4;
  for (auto [i, code] : llvm::enumerate(parts)) {
    SmallVector<Value> where(indices);
    where.back() = e.add(where.back(), e.index(i * words));
    e.store(e.joinBytes(code), codes, where);
    total = e.add(total, code);
  }
}

/// Stores the codes of 64 keys as planes, and adds the ones of each.
void AttentionCodes::storeWords(ArrayRef<Value> parts, ArrayRef<Value> indices,
                                MutableArrayRef<Value> totals) {
  for (auto [plane, total] : llvm::enumerate(totals)) {
    SmallVector<Value> bits;
    for (Value code : parts)
      bits.push_back(e.planeOf(code, plane));
    Value word = e.joinBits(bits);
    SmallVector<Value> where(indices);
    where.back() = e.add(where.back(), e.index(plane));
    memref::StoreOp::create(e.b, e.loc, word, codes, where);
    total = e.add(total, math::CtPopOp::create(e.b, e.loc, word));
  }
}
