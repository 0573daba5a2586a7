//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Products of bytes (AVX-512 VNNI, AVX-VNNI), for left sides of so many bits
// that counting ones of pairs of planes would take longer.
//
// An instruction multiplies four unsigned bytes, codes of a row of the left
// side, by four signed ones, codes of a column, and adds the products to an i32
// lane. The left side has one byte for each code and is broadcast from memory.
// The right side keeps the few bits that its codes need: a shift and a mask
// make bytes of them in registers, once for all rows of a tile.
//
// Sums wrap around as i32 does, and so do the terms of addLevelTerms: what
// comes out is exact wherever the result fits, which the verifier has seen to.
//
//===----------------------------------------------------------------------===//

#include "../MatmulNest.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mlir::lowbit;

namespace {

class ByteTile {
public:
  ByteTile(Emission &e, const MatmulOperands &operands, const MatmulTile &tile,
           const KernelRow &kernel, LevelsType lhs, PackingAttr rhs)
      : e(e), operands(operands), tile(tile), lhs(lhs), rhs(rhs),
        lanes(kernel.vectorLanes), vectors(kernel.lanes / kernel.vectorLanes),
        bits(32 / rhs.getElementsPerWord()),
        type(VectorType::get({lanes}, e.b.getI32Type())),
        bytes(VectorType::get({lanes * 4}, e.b.getI8Type())) {
    int64_t rank = cast<MemRefType>(operands.rhs.getType()).getRank();
    lastVector = e.sub(e.dim(operands.rhs, rank - 2), e.index(1));
    quads = e.ceilDiv(operands.size, 4);
    for (int64_t row = 0; row < tile.rows; ++row) {
      SmallVector<Value> indices(tile.lhsBatch);
      indices.push_back(e.add(tile.row, e.index(row)));
      indices.push_back(e.index(0));
      rowStarts.push_back(e.pointer(operands.lhs, indices));
    }
  }

  SmallVector<Value> emit() {
    return emit(SmallVector<Value>(tile.rows * vectors, e.constant(type, 0)),
                e.index(0));
  }

  /// From a word of the right side on.
  SmallVector<Value> emit(SmallVector<Value> sums, Value begin) {
    int64_t perWord = 8 / bits;
    Value whole = e.floorDiv(quads, perWord);
    sums =
        e.forLoop(begin, whole, 1, sums, [&](Value word, ValueRange carried) {
          return step(word, perWord, carried);
        });
    // Only constants, whose size is known, have several quads in a word.
    std::optional<int64_t> known = getConstantIntValue(quads);
    if (known && *known % perWord != 0)
      sums = step(whole, *known % perWord, sums);
    return addTerms(sums);
  }

private:
  Value weights(Value position, int64_t vector) {
    SmallVector<Value> indices(tile.rhsBatch);
    indices.append({tile.panel, position, e.index(vector * lanes)});
    return e.load(operands.rhs, indices, lanes);
  }

  Value unpack(Value word, int64_t index) {
    return vector::BitCastOp::create(e.b, e.loc, bytes,
                                     unpackQuad(e, word, bits, index));
  }

  /// Four codes of a row in every lane.
  Value broadcastQuad(int64_t row, Value at) {
    auto pointer = LLVM::LLVMPointerType::get(e.b.getContext());
    at = arith::IndexCastOp::create(e.b, e.loc, e.b.getI64Type(), at);
    Value address = LLVM::GEPOp::create(e.b, e.loc, pointer, e.b.getI32Type(),
                                        rowStarts[row], at);
    Value quad = LLVM::LoadOp::create(e.b, e.loc, e.b.getI32Type(), address, 4);
    return vector::BitCastOp::create(e.b, e.loc, bytes,
                                     e.broadcast(quad, lanes));
  }

  Value multiplyAdd(Value sum, Value codes, Value weights) {
    StringRef name = lanes == 16 ? "llvm.x86.avx512.vpdpbusd.512"
                                 : "llvm.x86.avx512.vpdpbusd.256";
    return LLVM::CallIntrinsicOp::create(e.b, e.loc, type,
                                         e.b.getStringAttr(name),
                                         ValueRange{sum, codes, weights})
        .getResult(0);
  }

  /// The first `count` quads of a word of the right side.
  SmallVector<Value> step(Value word, int64_t count, ValueRange carried) {
    SmallVector<Value> sums(carried), packed;
    for (int64_t v = 0; v < vectors; ++v)
      packed.push_back(weights(word, v));
    Value first = e.mul(word, e.index(8 / bits));
    for (int64_t quad = 0; quad < count; ++quad) {
      SmallVector<Value> columns;
      for (Value vector : packed)
        columns.push_back(unpack(vector, quad));
      for (int64_t row = 0; row < tile.rows; ++row) {
        Value codes = broadcastQuad(row, e.add(first, e.index(quad)));
        for (int64_t v = 0; v < vectors; ++v) {
          Value &sum = sums[row * vectors + v];
          sum = multiplyAdd(sum, codes, columns[v]);
        }
      }
    }
    return sums;
  }

  SmallVector<Value> addTerms(ArrayRef<Value> sums) {
    SmallVector<Value> result(sums.size());
    for (int64_t v = 0; v < vectors; ++v) {
      SmallVector<Value> products;
      for (int64_t row = 0; row < tile.rows; ++row)
        products.push_back(sums[row * vectors + v]);
      SmallVector<Value> levels = addLevelTerms(
          e, operands, lhs, rhs.getLevels(), products,
          [&] { return weights(lastVector, v); },
          [&](int64_t row) { return rowSum(row); }, rhs.getCentre());
      for (int64_t row = 0; row < tile.rows; ++row)
        result[row * vectors + v] = levels[row];
    }
    return result;
  }

  Value rowSum(int64_t row) {
    SmallVector<Value> indices(tile.lhsBatch);
    indices.append({e.add(tile.row, e.index(row)), quads});
    return memref::LoadOp::create(e.b, e.loc, operands.lhs, indices);
  }

  Emission &e;
  const MatmulOperands &operands;
  const MatmulTile &tile;
  LevelsType lhs;
  PackingAttr rhs;
  int64_t lanes, vectors, bits;
  VectorType type, bytes;
  Value quads, lastVector;
  /// Of each row a pointer to its first word.
  SmallVector<Value> rowStarts;
};

} // namespace

Value mlir::lowbit::unpackQuad(Emission &e, Value words, int64_t bits,
                               int64_t index) {
  if (bits == 8)
    return words;
  Type type = words.getType();
  if (index > 0)
    words = arith::ShRUIOp::create(e.b, e.loc, words,
                                   e.constant(type, index * bits));
  int64_t mask = 0x01010101 * ((1 << bits) - 1);
  return arith::AndIOp::create(e.b, e.loc, words, e.constant(type, mask));
}

SmallVector<Value> mlir::lowbit::emitByteTile(Emission &e,
                                              const MatmulOperands &operands,
                                              const MatmulTile &tile,
                                              const KernelRow &kernel,
                                              LevelsType lhs, PackingAttr rhs) {
  return ByteTile(e, operands, tile, kernel, lhs, rhs).emit();
}

SmallVector<Value>
mlir::lowbit::emitByteTile(Emission &e, const MatmulOperands &operands,
                           const MatmulTile &tile, const KernelRow &kernel,
                           LevelsType lhs, PackingAttr rhs,
                           ArrayRef<Value> sums, Value begin) {
  return ByteTile(e, operands, tile, kernel, lhs, rhs)
      .emit(SmallVector<Value>(sums), begin);
}
