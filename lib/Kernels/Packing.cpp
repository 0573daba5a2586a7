//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Packing of constant levels: see `#lowbit.packing` for the layouts.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Kernels/Packing.h"
#include <cstring>

using namespace mlir;
using namespace mlir::lowbit;

namespace {

/// Reads codes of one matrix in either storage order.
struct Codes {
  const int8_t *levels;
  int64_t rows, size;
  bool transposed;
  LevelsType type;

  uint64_t operator()(int64_t row, int64_t k) const {
    int64_t level =
        type.decode(levels[transposed ? k * rows + row : row * size + k]);
    return static_cast<uint64_t>((level - type.getFirst()) / type.getStep());
  }
};

} // namespace

/// One word of sums: the sum of the codes below, above it a bit for each plane
/// that is not empty.
static uint64_t sumWord(uint64_t sum, uint64_t planes) {
  return sum | planes << 32;
}

static void packWords(const Codes &codes, PackingAttr packing, uint64_t *out) {
  bool panels = packing.getOrder() == Order::panels;
  int64_t lanes = panels ? packing.getLanes() : 1;
  int64_t planes = packing.getPlanes(), words = (codes.size + 63) / 64;
  int64_t depth = words * planes + packing.getSums();
  for (int64_t row = 0; row < codes.rows; ++row) {
    uint64_t *base = out + row / lanes * depth * lanes + row % lanes;
    uint64_t sum = 0, used = 0;
    for (int64_t k = 0; k < codes.size; ++k) {
      uint64_t code = codes(row, k);
      sum += code;
      used |= code;
      for (int64_t p = 0; p < planes; ++p)
        base[(k / 64 * planes + p) * lanes] |= (code >> p & 1) << (k % 64);
    }
    if (packing.getSums())
      base[(depth - 1) * lanes] = sumWord(sum, used);
  }
}

static void packDwords(const Codes &codes, PackingAttr packing, uint32_t *out) {
  int64_t lanes = packing.getLanes(), planes = packing.getPlanes();
  int64_t depth = (codes.size + 31) / 32 * planes + packing.getSums();
  for (int64_t row = 0; row < codes.rows; ++row) {
    uint32_t *base = out + row / lanes * depth * lanes + row % lanes;
    uint32_t sum = 0;
    for (int64_t k = 0; k < codes.size; ++k) {
      uint32_t code = codes(row, k);
      sum += code;
      for (int64_t p = 0; p < planes; ++p)
        base[(k / 32 * planes + p) * lanes] |= (code >> p & 1) << (k % 32);
    }
    if (packing.getSums())
      base[(depth - 1) * lanes] = sum;
  }
}

/// Codes as bytes of words; `quads` share a byte where they are short.
static void packBytes(const Codes &codes, PackingAttr packing, uint32_t *out) {
  int64_t lanes = packing.getLanes(), perWord = packing.getElementsPerWord();
  int64_t depth = (codes.size + perWord - 1) / perWord + 1;
  int64_t bits = 32 / perWord, centre = packing.getCentre();
  for (int64_t row = 0; row < codes.rows; ++row) {
    uint32_t *base = out + row / lanes * depth * lanes + row % lanes;
    uint32_t sum = 0;
    for (int64_t k = 0; k < codes.size; ++k) {
      uint32_t code = codes(row, k) - centre;
      sum += code;
      int64_t at = k % perWord, shift = 8 * (at % 4) + bits * (at / 4);
      base[k / perWord * lanes] |= (code & 255) << shift;
    }
    base[(depth - 1) * lanes] = sum;
  }
}

static void packLanes(const Codes &codes, PackingAttr packing, uint8_t *out) {
  int64_t lanes = packing.getLanes(), planes = packing.getPlanes();
  for (int64_t row = 0; row < codes.rows; ++row)
    for (int64_t k = 0; k < codes.size; ++k)
      for (int64_t p = 0; p < planes; ++p)
        out[((row / lanes * codes.size + k) * planes + p) * (lanes / 8) +
            row % lanes / 8] |= (codes(row, k) >> p & 1) << (row % 8);
}

/// The byte of a row that holds an element looked up with it, and its bit.
static std::pair<int64_t, int64_t> getLookupBit(Order order, int64_t k) {
  if (order == Order::nibbles)
    return {k / 8, k % 8};
  int64_t group = k / 24 * 3, in = k % 24;
  if (in < 18)
    return {group + in / 6, in % 6};
  return {group + (in - 18) / 2, 6 + in % 2};
}

static void packLookups(const Codes &codes, PackingAttr packing, uint8_t *out) {
  int64_t lanes = packing.getLanes(), vector = lanes / 2;
  int64_t steps = packing.getPackedShape({}, codes.rows, codes.size)[1] - 4;
  int64_t depth = (steps + 4) * lanes;
  for (int64_t row = 0; row < codes.rows; ++row) {
    uint8_t *panel = out + row / lanes * depth;
    int64_t lane = row % lanes, inVector = lane % vector;
    uint8_t *base = panel + lane / vector * vector +
                    4 * (inVector % (vector / 4)) + inVector / (vector / 4);
    uint32_t sum = 0;
    for (int64_t k = 0; k < codes.size; ++k) {
      sum += codes(row, k);
      auto [byte, bit] = getLookupBit(packing.getOrder(), k);
      base[byte * lanes] |= codes(row, k) << bit;
    }
    std::memcpy(panel + steps * lanes + lane * 4, &sum, sizeof(sum));
  }
}

/// Digits of bytes that lie a row of bytes apart: see `digits`.
static void packDigits(const Codes &codes, PackingAttr packing, uint8_t *out) {
  int64_t bytes = packing.getPackedShape({}, codes.rows, codes.size)[1];
  int64_t digits = packing.getElementsPerWord();
  int64_t base = codes.type.getCount(), range = packing.getDigitRange();
  for (int64_t row = 0; row < codes.rows; ++row)
    for (int64_t byte = 0; byte < bytes; ++byte) {
      int64_t value = 0;
      for (int64_t digit = 0; digit < digits; ++digit) {
        int64_t k = digit * bytes + byte;
        value = value * base + (k < codes.size ? codes(row, k) : 0);
      }
      out[row * bytes + byte] = (256 * value + range - 1) / range;
    }
}

std::vector<char> mlir::lowbit::packLevels(const int8_t *levels, int64_t batch,
                                           int64_t rows, int64_t size,
                                           bool transposed,
                                           PackingAttr packing) {
  int64_t elements = 1;
  for (int64_t extent : packing.getPackedShape({}, rows, size))
    elements *= extent;
  int64_t bytes =
      elements * packing.getElementType().getIntOrFloatBitWidth() / 8;
  std::vector<char> packed(batch * bytes, 0);
  LevelsType type = packing.getLevels();
  for (int64_t i = 0; i < batch; ++i) {
    Codes codes{levels + i * rows * size, rows, size, transposed, type};
    char *out = packed.data() + i * bytes;
    switch (packing.getOrder()) {
    case Order::rows:
    case Order::panels:
      packWords(codes, packing, reinterpret_cast<uint64_t *>(out));
      break;
    case Order::dwords:
      packDwords(codes, packing, reinterpret_cast<uint32_t *>(out));
      break;
    case Order::bytes:
    case Order::quads:
      packBytes(codes, packing, reinterpret_cast<uint32_t *>(out));
      break;
    case Order::lanes:
      packLanes(codes, packing, reinterpret_cast<uint8_t *>(out));
      break;
    case Order::nibbles:
    case Order::sextets:
      packLookups(codes, packing, reinterpret_cast<uint8_t *>(out));
      break;
    case Order::digits:
      packDigits(codes, packing, reinterpret_cast<uint8_t *>(out));
      break;
    }
  }
  return packed;
}
