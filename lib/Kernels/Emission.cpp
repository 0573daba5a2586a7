//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Builders that the emitters share.
//
//===----------------------------------------------------------------------===//

#include "Emission.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::lowbit;

Value Emission::index(int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

Value Emission::i32(int64_t value) { return constant(b.getI32Type(), value); }

Value Emission::i64(int64_t value) {
  return arith::ConstantIntOp::create(b, loc, value, 64);
}

Value Emission::constant(Type type, double value) {
  Type element = getElementTypeOrSelf(type);
  TypedAttr scalar;
  if (isa<FloatType>(element))
    scalar = b.getFloatAttr(element, value);
  else
    scalar = b.getIntegerAttr(element, static_cast<int64_t>(value));
  if (auto vector = dyn_cast<VectorType>(type))
    scalar = DenseElementsAttr::get(vector, scalar);
  return arith::ConstantOp::create(b, loc, scalar);
}

Value Emission::add(Value lhs, Value rhs) {
  return b.createOrFold<arith::AddIOp>(loc, lhs, rhs);
}

Value Emission::sub(Value lhs, Value rhs) {
  return b.createOrFold<arith::SubIOp>(loc, lhs, rhs);
}

Value Emission::mul(Value lhs, Value rhs) {
  return b.createOrFold<arith::MulIOp>(loc, lhs, rhs);
}

Value Emission::ceilDiv(Value lhs, int64_t rhs) {
  return floorDiv(add(lhs, index(rhs - 1)), rhs);
}

Value Emission::floorDiv(Value lhs, int64_t rhs) {
  return b.createOrFold<arith::DivUIOp>(loc, lhs, index(rhs));
}

Value Emission::min(Value lhs, Value rhs) {
  return b.createOrFold<arith::MinUIOp>(loc, lhs, rhs);
}

Value Emission::joinBits(ArrayRef<Value> parts) {
  int64_t lanes = cast<VectorType>(parts.front().getType()).getNumElements();
  auto toWord = [&](Value bits) -> Value {
    int64_t width = cast<VectorType>(bits.getType()).getNumElements();
    auto packed = VectorType::get({1}, b.getIntegerType(width));
    Value number = vector::ExtractOp::create(
        b, loc, vector::BitCastOp::create(b, loc, packed, bits), 0);
    if (width == 64)
      return number;
    return arith::ExtUIOp::create(b, loc, b.getI64Type(), number);
  };
  // Masks of 16 lanes are joined in mask registers.
  if (lanes >= 16)
    return toWord(concat(parts));
  Value word;
  for (auto [i, bits] : llvm::enumerate(parts)) {
    Value part = bits;
    if (lanes < 8) {
      // Widened to a byte with zeros, since an i4 has no vector form.
      SmallVector<int64_t> mask;
      for (int64_t lane = 0; lane < 8; ++lane)
        mask.push_back(std::min(lane, lanes));
      part = vector::ShuffleOp::create(b, loc, bits,
                                       constant(bits.getType(), 0), mask);
    }
    part = toWord(part);
    if (i > 0)
      part = arith::ShLIOp::create(b, loc, part, i64(i * lanes));
    word = word ? arith::OrIOp::create(b, loc, word, part) : part;
  }
  return word;
}

Value Emission::sumVector(ValueRange ones) {
  auto type = cast<VectorType>(ones.front().getType());
  Value zero = constant(type, 0), result = zero;
  for (auto [plane, count] : llvm::enumerate(ones)) {
    Value weighted =
        arith::ShLIOp::create(b, loc, count, constant(type, plane));
    if (type.getElementTypeBitWidth() < 64) {
      // Words of 32 bits hold the sum alone.
      result = add(result, weighted);
      continue;
    }
    Value some =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, count, zero);
    Value flag = arith::SelectOp::create(
        b, loc, some, constant(type, double(int64_t(1) << (32 + plane))), zero);
    result = add(result, add(weighted, flag));
  }
  return result;
}

Value Emission::addPlane(Value sumWord, Value ones, int64_t plane) {
  sumWord = add(sumWord, mul(ones, i64(int64_t(1) << plane)));
  Value some =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, ones, i64(0));
  return arith::OrIOp::create(
      b, loc, sumWord,
      arith::SelectOp::create(b, loc, some, i64(int64_t(1) << (32 + plane)),
                              i64(0)));
}

Value Emission::addBytes(Value sums, Value words) {
  Type type = words.getType();
  for (int64_t byte = 0; byte < 4; ++byte) {
    Value shifted =
        arith::ShRUIOp::create(b, loc, words, constant(type, 8 * byte));
    sums =
        add(sums, arith::AndIOp::create(b, loc, shifted, constant(type, 255)));
  }
  return sums;
}

Value Emission::dim(Value memref, int64_t position) {
  auto type = cast<MemRefType>(memref.getType());
  if (!type.isDynamicDim(position))
    return index(type.getDimSize(position));
  return memref::DimOp::create(b, loc, memref, position);
}

Value Emission::broadcast(Value scalar, int64_t lanes) {
  return vector::BroadcastOp::create(
      b, loc, VectorType::get({lanes}, scalar.getType()), scalar);
}

static Value createMask(Emission &e, int64_t lanes, Value count) {
  return vector::CreateMaskOp::create(
      e.b, e.loc, VectorType::get({lanes}, e.b.getI1Type()), count);
}

/// Truth values lie in bytes, but a vector of them is loaded as bits: load the
/// bytes.
static Value loadTruths(Emission &e, Value memref, ValueRange indices,
                        int64_t lanes, Value count) {
  auto type = VectorType::get({lanes}, e.b.getI8Type());
  Value address = e.pointer(memref, indices);
  Value zeros = e.constant(type, 0);
  Value bytes;
  if (count)
    bytes = LLVM::MaskedLoadOp::create(e.b, e.loc, type, address,
                                       createMask(e, lanes, count), zeros,
                                       e.b.getI32IntegerAttr(1), UnitAttr());
  else
    bytes = LLVM::LoadOp::create(e.b, e.loc, type, address, /*alignment=*/1);
  return arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ne, bytes,
                               zeros);
}

Value Emission::load(Value memref, ValueRange indices, int64_t lanes,
                     Value count, double fill) {
  auto type = VectorType::get(
      {lanes}, cast<MemRefType>(memref.getType()).getElementType());
  if (type.getElementType().isInteger(1))
    return loadTruths(*this, memref, indices, lanes, count);
  if (!count)
    return vector::LoadOp::create(b, loc, type, memref, indices);
  return vector::MaskedLoadOp::create(b, loc, type, memref, indices,
                                      createMask(*this, lanes, count),
                                      constant(type, fill));
}

void Emission::store(Value vector, Value memref, ValueRange indices,
                     Value count) {
  if (!count) {
    vector::StoreOp::create(b, loc, vector, memref, indices);
    return;
  }
  int64_t lanes = cast<VectorType>(vector.getType()).getNumElements();
  vector::MaskedStoreOp::create(b, loc, memref, indices,
                                createMask(*this, lanes, count), vector);
}

Value Emission::pointer(Value memref, ValueRange indices) {
  auto type = cast<MemRefType>(memref.getType());
  Value linear = index(0);
  for (auto [i, position] : llvm::enumerate(indices))
    linear = add(mul(linear, dim(memref, i)), position);
  Value bytes =
      mul(linear, index(llvm::divideCeil(type.getElementTypeBitWidth(), 8)));
  Value base = memref::ExtractAlignedPointerAsIndexOp::create(b, loc, memref);
  Value address =
      arith::IndexCastOp::create(b, loc, b.getI64Type(), add(base, bytes));
  return LLVM::IntToPtrOp::create(
      b, loc, LLVM::LLVMPointerType::get(b.getContext()), address);
}

Value Emission::pointer(Value memref, ValueRange indices, Value byte) {
  Value offset = arith::IndexCastOp::create(b, loc, b.getI64Type(), byte);
  return LLVM::GEPOp::create(b, loc, LLVM::LLVMPointerType::get(b.getContext()),
                             b.getI8Type(), pointer(memref, indices), offset);
}

void Emission::storeBits(Value bits, Value memref, ValueRange indices,
                         Value byte) {
  int64_t width = cast<VectorType>(bits.getType()).getNumElements();
  auto packed = VectorType::get({1}, b.getIntegerType(width));
  Value number = vector::ExtractOp::create(
      b, loc, vector::BitCastOp::create(b, loc, packed, bits), 0);
  LLVM::StoreOp::create(b, loc, number, pointer(memref, indices, byte),
                        width / 8);
}

Value Emission::reduce(Value vector,
                       llvm::function_ref<Value(Value, Value)> combine) {
  int64_t lanes = cast<VectorType>(vector.getType()).getNumElements();
  if (lanes == 1)
    return vector::ExtractOp::create(b, loc, vector, 0);
  auto half = [&](int64_t first) -> Value {
    return vector::ExtractStridedSliceOp::create(
        b, loc, vector, ArrayRef<int64_t>{first}, ArrayRef<int64_t>{lanes / 2},
        ArrayRef<int64_t>{1});
  };
  return reduce(combine(half(0), half(lanes / 2)), combine);
}

Value Emission::greater(Value first, Value second) {
  Value isFirst =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, first, second);
  return arith::SelectOp::create(b, loc, isFirst, first, second);
}

Value Emission::less(Value first, Value second) {
  Value isFirst =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, first, second);
  return arith::SelectOp::create(b, loc, isFirst, first, second);
}

Value Emission::roundToCode(Value quotient, int64_t first, int64_t last) {
  auto type = cast<VectorType>(quotient.getType());
  auto ints = VectorType::get(type.getShape(), b.getI32Type());
  Value x = math::RoundEvenOp::create(b, loc, quotient);
  x = arith::MaxNumFOp::create(b, loc, x, constant(type, first));
  x = arith::MinNumFOp::create(b, loc, x, constant(type, last));
  return sub(arith::FPToSIOp::create(b, loc, ints, x), constant(ints, first));
}

Value Emission::planeOf(Value codes, int64_t plane) {
  auto type = cast<VectorType>(codes.getType());
  auto bits = VectorType::get(type.getShape(), b.getI1Type());
  return arith::TruncIOp::create(
      b, loc, bits,
      arith::ShRUIOp::create(b, loc, codes, constant(type, plane)));
}

Value Emission::joinBytes(Value codes) {
  int64_t lanes = cast<VectorType>(codes.getType()).getNumElements();
  Value bytes = arith::TruncIOp::create(
      b, loc, VectorType::get({lanes}, b.getI8Type()), codes);
  return vector::BitCastOp::create(
      b, loc, VectorType::get({lanes / 4}, b.getI32Type()), bytes);
}

Value Emission::remaining(Value count, int64_t first) {
  if (!count)
    return Value();
  return arith::MaxSIOp::create(b, loc, sub(count, index(first)), index(0));
}

Value Emission::concat(ArrayRef<Value> vectors) {
  if (vectors.size() == 1)
    return vectors.front();
  // Pairs are joined in turn, so that each step is one shuffle of equal types.
  SmallVector<Value> joined;
  for (size_t i = 0; i + 1 < vectors.size(); i += 2) {
    int64_t lanes = cast<VectorType>(vectors[i].getType()).getNumElements();
    SmallVector<int64_t> mask(2 * lanes);
    for (auto [position, lane] : llvm::enumerate(mask))
      lane = position;
    joined.push_back(
        vector::ShuffleOp::create(b, loc, vectors[i], vectors[i + 1], mask));
  }
  return concat(joined);
}

void Emission::forLoop(Value begin, Value end, int64_t step, Body body) {
  forLoop(begin, end, step, ValueRange(), [&](Value iv, ValueRange) {
    body(iv);
    return SmallVector<Value>();
  });
}

SmallVector<Value> Emission::forLoop(Value begin, Value end, int64_t step,
                                     ValueRange init, CarryBody body) {
  auto loop = scf::ForOp::create(
      b, loc, begin, end, index(step), init,
      [&](OpBuilder &inner, Location, Value iv, ValueRange carried) {
        OpBuilder::InsertionGuard guard(b);
        b.restoreInsertionPoint(inner.saveInsertionPoint());
        SmallVector<Value> results = body(iv, carried);
        scf::YieldOp::create(b, loc, results);
      });
  return SmallVector<Value>(loop.getResults());
}

void Emission::parallel(ValueRange extents, int64_t grain,
                        llvm::function_ref<void(ValueRange)> body) {
  SmallVector<Value> zeros(extents.size(), index(0));
  SmallVector<Value> ones(extents.size(), index(1));
  auto loop = scf::ParallelOp::create(
      b, loc, zeros, extents, ones,
      [&](OpBuilder &inner, Location, ValueRange ivs) {
        OpBuilder::InsertionGuard guard(b);
        b.restoreInsertionPoint(inner.saveInsertionPoint());
        body(ivs);
      });
  loop->setAttr("lowbit.grain", b.getI64IntegerAttr(grain));
}

void Emission::ifElse(Value condition, llvm::function_ref<void()> then,
                      llvm::function_ref<void()> otherwise) {
  auto branch = [&](llvm::function_ref<void()> fill) {
    return [this, fill](OpBuilder &inner, Location) {
      OpBuilder::InsertionGuard guard(b);
      b.restoreInsertionPoint(inner.saveInsertionPoint());
      fill();
      scf::YieldOp::create(b, loc);
    };
  };
  scf::IfOp::create(b, loc, condition, branch(then), branch(otherwise));
}

void Emission::forVectors(
    Value size, int64_t lanes,
    llvm::function_ref<void(Value position, Value count)> body) {
  forVectors(size, lanes, ValueRange(),
             [&](Value position, Value count, ValueRange) {
               body(position, count);
               return SmallVector<Value>();
             });
}

SmallVector<Value> Emission::forVectors(
    Value size, int64_t lanes, ValueRange init,
    llvm::function_ref<SmallVector<Value>(Value, Value, ValueRange)> body) {
  std::optional<int64_t> known = getConstantIntValue(size);
  Value whole = mul(floorDiv(size, lanes), index(lanes));
  SmallVector<Value> carried(init);
  if (!known || *known >= lanes)
    carried = forLoop(
        index(0), whole, lanes, carried,
        [&](Value iv, ValueRange values) { return body(iv, Value(), values); });
  if (known && *known % lanes == 0)
    return carried;
  if (known)
    return body(whole, sub(size, whole), carried);
  // At most one step, none when the size is a multiple of the lanes.
  return forLoop(whole, size, lanes, carried, [&](Value iv, ValueRange values) {
    return body(iv, sub(size, iv), values);
  });
}

SmallVector<Value> Emission::sumRows(
    size_t rows, Value size, int64_t lanes, bool padded,
    llvm::function_ref<Value(size_t row, Value k, Value count)> term) {
  constexpr int64_t kPartial = 4;
  auto type = VectorType::get({lanes}, b.getF32Type());
  auto plus = [&](Value x, Value y) -> Value {
    return arith::AddFOp::create(b, loc, x, y);
  };
  Value most = mul(floorDiv(size, kPartial * lanes), index(kPartial * lanes));
  Value whole =
      mul(padded ? ceilDiv(size, lanes) : floorDiv(size, lanes), index(lanes));
  SmallVector<Value> sums(rows * kPartial, constant(type, 0));
  sums = forLoop(
      index(0), most, kPartial * lanes, sums, [&](Value k, ValueRange carried) {
        SmallVector<Value> next;
        for (size_t row = 0; row < rows; ++row)
          for (int64_t i = 0; i < kPartial; ++i)
            next.push_back(plus(carried[row * kPartial + i],
                                term(row, add(k, index(i * lanes)), Value())));
        return next;
      });
  SmallVector<Value> rest;
  for (size_t row = 0; row < rows; ++row)
    rest.push_back(sums[row * kPartial]);
  auto single = [&](bool masked) {
    return [&, masked](Value k, ValueRange carried) {
      SmallVector<Value> next;
      for (size_t row = 0; row < rows; ++row)
        next.push_back(
            plus(carried[row], term(row, k, masked ? sub(size, k) : Value())));
      return next;
    };
  };
  rest = forLoop(most, whole, lanes, rest, single(/*masked=*/false));
  // At most one step, none when the size is a multiple of the lanes.
  std::optional<int64_t> known = getConstantIntValue(size);
  if (!padded && (!known || *known % lanes != 0))
    rest = forLoop(whole, size, lanes, rest, single(/*masked=*/true));
  for (size_t row = 0; row < rows; ++row) {
    ArrayRef<Value> part = ArrayRef(sums).slice(row * kPartial, kPartial);
    rest[row] =
        reduce(plus(plus(rest[row], part[1]), plus(part[2], part[3])), plus);
  }
  return rest;
}

int64_t mlir::lowbit::getFloatLanes(const Target &target) {
  return target.getVectorBits() / 32;
}
