/*===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Executes instructions on vectors: VPOPCNTDQ, BITALG, VBMI, GFNI and VNNI with
// either prefix. A row of the table says which elements masks and broadcasts
// are of; a function gets whole operands and writes a whole result.
//
//===----------------------------------------------------------------------===*/

#include "emulation.h"

#include <string.h>

struct Operands {
  const struct Instruction *instruction;
  unsigned bytes;
  uint8_t to[64]; /* what the register holds, then the result */
  uint8_t second[64], third[64];
};

//===----------------------------------------------------------------------===//
// Products of bytes and words: opcodes 50 to 53
//===----------------------------------------------------------------------===//

static void add_products(struct Operands *o) {
  bool words = o->instruction->opcode & 2,
       saturates = o->instruction->opcode & 1;
  for (unsigned lane = 0; lane < o->bytes; lane += 4) {
    int32_t old;
    memcpy(&old, o->to + lane, 4);
    int64_t sum = old;
    for (unsigned i = lane; i < lane + 4; i += words ? 2 : 1) {
      int16_t left = o->second[i], right = (int8_t)o->third[i];
      if (words) {
        memcpy(&left, o->second + i, 2);
        memcpy(&right, o->third + i, 2);
      }
      sum += left * right;
    }
    if (saturates)
      sum = sum < INT32_MIN ? INT32_MIN : sum > INT32_MAX ? INT32_MAX : sum;
    uint32_t low = (uint32_t)sum;
    memcpy(o->to + lane, &low, 4);
  }
}

//===----------------------------------------------------------------------===//
// Bits of bytes, words and longer elements
//===----------------------------------------------------------------------===//

/* Bytes, or words when W is set, by 54; doublewords and quadwords by 55. */
static void count_bits(struct Operands *o) {
  unsigned size =
      1u << (2 * (o->instruction->opcode & 1) + o->instruction->wide);
  for (unsigned lane = 0; lane < o->bytes; lane += size) {
    uint64_t value = 0;
    memcpy(&value, o->third + lane, size);
    value = (uint64_t)__builtin_popcountll(value);
    memcpy(o->to + lane, &value, size);
  }
}

static uint64_t read_quad(const uint8_t *at) {
  uint64_t value;
  memcpy(&value, at, 8);
  return value;
}

/* Eight bits from any bit on, of the quadword that the result lies in. */
static void multishift(struct Operands *o) {
  for (unsigned i = 0; i < o->bytes; ++i) {
    uint64_t value = read_quad(o->third + i / 8 * 8);
    unsigned from = o->second[i] & 63;
    o->to[i] = (uint8_t)(value >> from | value << (64 - from) % 64);
  }
}

/* Bytes of 0 and 1, which become bits of a mask. */
static void select_bits(struct Operands *o) {
  for (unsigned i = 0; i < o->bytes; ++i)
    o->to[i] = read_quad(o->second + i / 8 * 8) >> (o->third[i] & 63) & 1;
}

//===----------------------------------------------------------------------===//
// Permutations of bytes
//===----------------------------------------------------------------------===//

static void permute(struct Operands *o) {
  for (unsigned i = 0; i < o->bytes; ++i)
    o->to[i] = o->third[o->second[i] % o->bytes];
}

static void permute_two(const struct Operands *o, const uint8_t *indices,
                        const uint8_t *low, uint8_t *to) {
  for (unsigned i = 0; i < o->bytes; ++i) {
    const uint8_t *table = indices[i] & o->bytes ? o->third : low;
    to[i] = table[indices[i] % o->bytes];
  }
}

/* The result takes the place of the indices. */
static void permute_over_indices(struct Operands *o) {
  permute_two(o, o->to, o->second, o->to);
}

/* The result takes the place of the first table. */
static void permute_over_table(struct Operands *o) {
  uint8_t low[64];
  memcpy(low, o->to, sizeof(low));
  permute_two(o, o->second, low, o->to);
}

//===----------------------------------------------------------------------===//
// Bytes as polynomials, modulo x^8 + x^4 + x^3 + x + 1
//===----------------------------------------------------------------------===//

static uint8_t multiply_polynomials(uint8_t left, uint8_t right) {
  uint8_t product = 0;
  for (; right != 0; right >>= 1) {
    if (right & 1)
      product ^= left;
    left = (uint8_t)(left << 1 ^ (left & 0x80 ? 0x1B : 0));
  }
  return product;
}

static void multiply_bytes(struct Operands *o) {
  for (unsigned i = 0; i < o->bytes; ++i)
    o->to[i] = multiply_polynomials(o->second[i], o->third[i]);
}

/* A matrix of 8 by 8 bits, its first row in the highest byte, times the bits of
 * a byte or (opcode CF) of its inverse, which is its 254th power. */
static void transform(struct Operands *o) {
  for (unsigned i = 0; i < o->bytes; ++i) {
    uint8_t value = o->second[i], result = o->instruction->immediate;
    if (o->instruction->opcode == 0xCF) {
      uint8_t power = 1;
      for (unsigned j = 0; j < 254; ++j)
        power = multiply_polynomials(power, value);
      value = power;
    }
    for (unsigned bit = 0; bit < 8; ++bit) {
      uint8_t row = o->third[i / 8 * 8 + 7 - bit];
      result ^= (uint8_t)(__builtin_parity(row & value) << bit);
    }
    o->to[i] = result;
  }
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

enum { kVEX = 1, kEVEX = 2, kBoth = 3 };

static const struct Row {
  uint8_t map, opcode;
  bool wide;
  uint8_t encodings;
  uint8_t masked;    /* bytes for a bit of the mask */
  uint8_t broadcast; /* bytes of an element of memory, 0 for none */
  void (*execute)(struct Operands *);
} kRows[] = {
    {2, 0x50, 0, kBoth, 4, 4, add_products},         /* vpdpbusd */
    {2, 0x51, 0, kBoth, 4, 4, add_products},         /* vpdpbusds */
    {2, 0x52, 0, kBoth, 4, 4, add_products},         /* vpdpwssd */
    {2, 0x53, 0, kBoth, 4, 4, add_products},         /* vpdpwssds */
    {2, 0x54, 0, kEVEX, 1, 0, count_bits},           /* vpopcntb */
    {2, 0x54, 1, kEVEX, 2, 0, count_bits},           /* vpopcntw */
    {2, 0x55, 0, kEVEX, 4, 4, count_bits},           /* vpopcntd */
    {2, 0x55, 1, kEVEX, 8, 8, count_bits},           /* vpopcntq */
    {2, 0x75, 0, kEVEX, 1, 0, permute_over_indices}, /* vpermi2b */
    {2, 0x7D, 0, kEVEX, 1, 0, permute_over_table},   /* vpermt2b */
    {2, 0x83, 1, kEVEX, 1, 8, multishift},           /* vpmultishiftqb */
    {2, 0x8D, 0, kEVEX, 1, 0, permute},              /* vpermb */
    {2, 0x8F, 0, kEVEX, 1, 0, select_bits},          /* vpshufbitqmb */
    {2, 0xCF, 0, kBoth, 1, 0, multiply_bytes},       /* vgf2p8mulb */
    {3, 0xCE, 1, kBoth, 1, 8, transform},            /* vgf2p8affineqb */
    {3, 0xCF, 1, kBoth, 1, 8, transform},            /* vgf2p8affineinvqb */
};

static const struct Row *find(const struct Instruction *instruction) {
  if (instruction->prefix != k66)
    return NULL;
  for (size_t i = 0; i < sizeof(kRows) / sizeof(*kRows); ++i) {
    const struct Row *row = &kRows[i];
    if (row->map == instruction->map && row->opcode == instruction->opcode &&
        row->wide == instruction->wide &&
        row->encodings & (instruction->is_evex ? kEVEX : kVEX))
      return row;
  }
  return NULL;
}

static void read_third(const ucontext_t *context, const struct Row *row,
                       struct Operands *o) {
  const struct Instruction *instruction = o->instruction;
  const uint8_t *from = instruction->address + instruction->stride;
  if (!instruction->is_memory) {
    read_vector(context, instruction->rm, o->third);
  } else if (!instruction->broadcast) {
    memcpy(o->third, from, o->bytes);
  } else {
    for (unsigned i = 0; i < o->bytes; i += row->broadcast)
      memcpy(o->third + i, from, row->broadcast);
  }
}

/* Keeps or clears the elements without a bit in the mask. */
static void apply_mask(const struct Operands *o, const uint8_t old[64],
                       unsigned masked, uint64_t mask, uint8_t result[64]) {
  for (unsigned i = 0; i < o->bytes; i += masked) {
    if (mask >> i / masked & 1)
      continue;
    if (o->instruction->zeroing)
      memset(result + i, 0, masked);
    else
      memcpy(result + i, old + i, masked);
  }
}

bool execute_vector(ucontext_t *context, const uint8_t *code,
                    const struct Instruction *instruction) {
  const struct Row *row = find(instruction);
  if (row == NULL)
    return false;
  if (instruction->broadcast &&
      (!instruction->is_memory || row->broadcast == 0))
    fail(code, "a broadcast of what has none");
  if (row->execute == count_bits && instruction->second != 0)
    fail(code, "a third operand of what has two");
  struct Operands o = {.instruction = instruction, .bytes = instruction->bytes};
  read_vector(context, instruction->reg, o.to);
  read_vector(context, instruction->second, o.second);
  read_third(context, row, &o);
  uint8_t old[64];
  memcpy(old, o.to, sizeof(old));
  row->execute(&o);
  uint64_t mask = ~(uint64_t)0;
  if (instruction->mask != 0)
    mask = read_mask(context, instruction->mask);
  if (row->execute == select_bits) {
    uint64_t bits = 0;
    for (unsigned i = 0; i < o.bytes; ++i)
      bits |= (uint64_t)o.to[i] << i;
    write_mask(context, instruction->reg, bits & mask);
    return true;
  }
  apply_mask(&o, old, row->masked, mask, o.to);
  /* Nothing is left of the register above a shorter vector. */
  memset(o.to + o.bytes, 0, sizeof(o.to) - o.bytes);
  write_vector(context, instruction->reg, o.to);
  return true;
}
