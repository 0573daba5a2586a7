//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See TileCodes.h.
//
//===----------------------------------------------------------------------===//

#include "TileCodes.h"
#include "../MatmulNest.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mlir::lowbit;

TileCodes::TileCodes(Emission &e, Value words, PackingAttr packing,
                     int64_t size, int64_t lanes)
    : e(e), words(words), packing(packing), size(size), lanes(lanes),
      ints(VectorType::get({kTileRows}, e.b.getI32Type())),
      bytes(VectorType::get({kTileStep}, e.b.getI8Type())),
      lastVector(e.sub(e.dim(words, 1), e.index(1))) {}

std::pair<Value, Value> TileCodes::locate(Value column) {
  int64_t perPanel = lanes / kTileColumns;
  Value panel = e.floorDiv(column, perPanel);
  Value first = e.mul(panel, e.index(perPanel));
  return {panel, e.mul(e.sub(column, first), e.index(kTileColumns))};
}

Value TileCodes::loadWords(Value panel, Value lane, Value position,
                           bool isInside) {
  if (!isInside)
    position = e.min(position, lastVector);
  Value vector = e.load(words, {panel, position, lane}, kTileRows);
  if (isInside)
    return vector;
  Value inside = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ult,
                                       position, lastVector);
  return arith::SelectOp::create(e.b, e.loc, inside, vector,
                                 e.constant(ints, 0));
}

SmallVector<Value> TileCodes::unpackPlanes(Value panel, Value lane,
                                           Value step) {
  int64_t planes = packing.getPlanes();
  bool isInside = llvm::divideCeil(size, 32) % 2 == 0;
  SmallVector<Value> quads;
  for (int64_t half = 0; half < 2; ++half) {
    SmallVector<Value> packed;
    for (int64_t plane = 0; plane < planes; ++plane) {
      Value at = e.add(e.mul(step, e.index(2 * planes)),
                       e.index(half * planes + plane));
      packed.push_back(vector::BitCastOp::create(
          e.b, e.loc, bytes,
          loadWords(panel, lane, at, isInside || half == 0)));
    }
    for (int64_t quad = 0; quad < 8; ++quad) {
      Value codes;
      for (int64_t plane = 0; plane < planes; ++plane) {
        // Byte i of a lane takes eight bits of the two lanes around it, from
        // which bit `plane` is that of element i of the quad.
        SmallVector<int8_t> control;
        for (int64_t i = 0; i < kTileStep; ++i)
          control.push_back((32 * (i / 4 % 2) + 4 * quad + i % 4 - plane) & 63);
        Value shifts = arith::ConstantOp::create(
            e.b, e.loc,
            DenseElementsAttr::get(bytes, ArrayRef<int8_t>(control)));
        Value bits =
            LLVM::CallIntrinsicOp::create(
                e.b, e.loc, bytes,
                e.b.getStringAttr("llvm.x86.avx512.pmultishift.qb.512"),
                ValueRange{shifts, packed[plane]})
                .getResult(0);
        bits = arith::AndIOp::create(e.b, e.loc, bits,
                                     e.constant(bytes, 1 << plane));
        codes = codes ? arith::OrIOp::create(e.b, e.loc, codes, bits) : bits;
      }
      quads.push_back(codes);
    }
  }
  return quads;
}

SmallVector<Value> TileCodes::unpackQuads(Value panel, Value lane, Value step) {
  int64_t bits = 32 / packing.getElementsPerWord(), perWord = 8 / bits;
  int64_t perStep = kTileRows / perWord;
  bool isInside =
      llvm::divideCeil(size, packing.getElementsPerWord()) % perStep == 0;
  SmallVector<Value> quads;
  for (int64_t word = 0; word < perStep; ++word) {
    Value at = e.add(e.mul(step, e.index(perStep)), e.index(word));
    Value packed = loadWords(panel, lane, at, isInside || word == 0);
    for (int64_t quad = 0; quad < perWord; ++quad)
      quads.push_back(vector::BitCastOp::create(
          e.b, e.loc, bytes, unpackQuad(e, packed, bits, quad)));
  }
  return quads;
}

void TileCodes::unpack(Value column, Value step, Value buffer, Value at) {
  auto [panel, start] = locate(column);
  for (int64_t tile = 0; tile < 2; ++tile) {
    Value lane = e.add(start, e.index(tile * kTileRows));
    SmallVector<Value> quads = packing.hasWholeCodes()
                                   ? unpackQuads(panel, lane, step)
                                   : unpackPlanes(panel, lane, step);
    for (auto [quad, codes] : llvm::enumerate(quads))
      e.store(codes, buffer,
              e.add(at, e.index(tile * kTileBytes + quad * kTileStep)));
  }
}

void TileCodes::prefetch(Value column, Value step) {
  auto [panel, start] = locate(column);
  int64_t perStep = packing.hasWholeCodes()
                        ? kTileStep / packing.getElementsPerWord()
                        : 2 * packing.getPlanes();
  Value first = e.mul(step, e.index(perStep));
  for (int64_t word = 0; word < perStep; ++word)
    for (int64_t tile = 0; tile < 2; ++tile)
      memref::PrefetchOp::create(
          e.b, e.loc, words,
          ValueRange{panel, e.add(first, e.index(word)),
                     e.add(start, e.index(tile * kTileRows))},
          /*isWrite=*/false, /*localityHint=*/2, /*isDataCache=*/true);
}

Value TileCodes::loadSums(Value column, int64_t tile) {
  auto [panel, start] = locate(column);
  Value lane = e.add(start, e.index(tile * kTileRows));
  return e.load(words, {panel, lastVector, lane}, kTileRows);
}
