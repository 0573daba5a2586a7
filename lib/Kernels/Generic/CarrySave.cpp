//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The adders: see CarrySave.h. A count of bytes is six instructions, an adder
// two: three weights are kept as bits, which is what fits in the registers for
// four rows.
//
//===----------------------------------------------------------------------===//

#include "CarrySave.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::lowbit;

// Truth tables of `vpternlogd`: bit 4 a + 2 b + c is the result.
static constexpr int64_t kXor = 0x96;       // a ^ b ^ c
static constexpr int64_t kXorAnd = 0x78;    // a ^ (b & c)
static constexpr int64_t kMajority = 0xe8;  // at least two of a, b, c
static constexpr int64_t kNotBElseC = 0x3a; // a ? ~b : c

CarrySave::CarrySave(Emission &e, BitOperation operation)
    : e(e), operation(operation), type(VectorType::get({16}, e.b.getI32Type())),
      bytesType(VectorType::get({64}, e.b.getI8Type())) {}

SmallVector<Value> CarrySave::start() {
  SmallVector<Value> state(kWeights, e.constant(type, 0));
  state.push_back(e.constant(bytesType, 0));
  state.push_back(e.constant(type, 0));
  return state;
}

void CarrySave::add(MutableArrayRef<Value> state, ArrayRef<CountedBits> bits) {
  Value &count = state[kWeights];
  count = e.add(count, countBytes(addAtWeight(state, bits, kWeights)));
}

/// Adds bits to the states of the first `weight` weights and returns what is
/// carried out of them; null for no bits.
Value CarrySave::addAtWeight(MutableArrayRef<Value> state,
                             ArrayRef<CountedBits> bits, int64_t weight) {
  if (bits.empty())
    return {};
  if (weight > 1) {
    size_t half = std::min<size_t>(bits.size(), size_t(1) << (weight - 1));
    Value first = addAtWeight(state, bits.take_front(half), weight - 1);
    Value second = addAtWeight(state, bits.drop_front(half), weight - 1);
    return addCarries(state[weight - 1], first, second);
  }
  Value &ones = state.front();
  int64_t table = operation == BitOperation::And ? kXorAnd : kXor;
  if (bits.size() == 2) {
    Value half = ternary(ones, bits[0].first, bits[0].second, table);
    Value sum = ternary(half, bits[1].first, bits[1].second, table);
    Value carry = ternary(half, sum, ones, kNotBElseC);
    ones = sum;
    return carry;
  }
  Value single = combine(e, operation, bits[0].first, bits[0].second);
  return addCarries(ones, single, {});
}

/// Adds one or two vectors of bits to a state; returns what is carried.
Value CarrySave::addCarries(Value &state, Value first, Value second) {
  Value before = state;
  if (!second) {
    state = arith::XOrIOp::create(e.b, e.loc, before, first);
    return arith::AndIOp::create(e.b, e.loc, before, first);
  }
  state = ternary(before, first, second, kXor);
  return ternary(before, first, second, kMajority);
}

Value CarrySave::ternary(Value a, Value b, Value c, int64_t table) {
  // The intrinsic and not its logic: LLVM would rewrite the carry in terms of
  // bits that are never made.
  return LLVM::CallIntrinsicOp::create(
             e.b, e.loc, type,
             e.b.getStringAttr("llvm.x86.avx512.pternlog.d.512"),
             ValueRange{a, b, c, e.i32(table)})
      .getResult(0);
}

Value CarrySave::countBytes(Value bits) {
  Value bytes = vector::BitCastOp::create(e.b, e.loc, bytesType, bits);
  return math::CtPopOp::create(e.b, e.loc, bytes);
}

/// The sums of the four bytes of each lane times `factor`, at most 127.
Value CarrySave::sumBytes(Value bytes, int64_t factor) {
  auto call = [&](Type result, StringRef name, Value a, Value b) {
    return LLVM::CallIntrinsicOp::create(
               e.b, e.loc, result, e.b.getStringAttr(name), ValueRange{a, b})
        .getResult(0);
  };
  auto halves = VectorType::get({32}, e.b.getI16Type());
  Value pairs = call(halves, "llvm.x86.avx512.pmaddubs.w.512", bytes,
                     e.constant(bytesType, factor));
  return call(type, "llvm.x86.avx512.pmaddw.d.512", pairs,
              e.constant(halves, 1));
}

void CarrySave::flush(MutableArrayRef<Value> state) {
  Value &count = state[kWeights];
  state.back() = e.add(state.back(), sumBytes(count, getBlock()));
  count = e.constant(bytesType, 0);
}

Value CarrySave::finish(MutableArrayRef<Value> state) {
  flush(state);
  Value low;
  for (Value bits : llvm::reverse(state.take_front(kWeights))) {
    Value ones = countBytes(bits);
    low = low ? e.add(e.add(low, low), ones) : ones;
  }
  return e.add(state.back(), sumBytes(low, 1));
}
