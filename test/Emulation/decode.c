/*===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Decodes VEX and EVEX prefixes, ModRM, SIB, displacement and immediate in
// 64-bit mode. Bits that extend the numbers of registers are stored inverted.
//
//===----------------------------------------------------------------------===*/

#define _GNU_SOURCE
#include "emulation.h"

#include <string.h>

static int64_t read_register(const ucontext_t *context, unsigned number) {
  static const int kRegisters[16] = {
      REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
      REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
  return context->uc_mcontext.gregs[kRegisters[number]];
}

/* An inverted bit of a prefix, as a bit of a register's number. */
static unsigned extension(uint8_t prefix, unsigned bit, unsigned value) {
  return prefix >> bit & 1 ? 0 : value;
}

/* Fills in the operand in memory whose ModRM is at `at`; returns the end of the
 * displacement. `unit` is what a displacement of one byte counts, `tail` the
 * number of bytes that follow. */
static const uint8_t *decode_memory(const ucontext_t *context,
                                    const uint8_t *at, unsigned index_high,
                                    unsigned base_high, unsigned unit,
                                    unsigned tail,
                                    struct Instruction *instruction) {
  unsigned mode = *at >> 6, base = *at & 7;
  bool has_base = true, relative = false;
  ++at;
  instruction->is_memory = true;
  if (base == 4) {
    uint8_t sib = *at++;
    unsigned index = (sib >> 3 & 7) | index_high;
    base = sib & 7;
    instruction->has_sib = true;
    if (index != 4)
      instruction->stride = read_register(context, index) * (1 << (sib >> 6));
    has_base = !(base == 5 && mode == 0);
  } else if (base == 5 && mode == 0) {
    has_base = false;
    relative = true;
  }
  int64_t address = has_base ? read_register(context, base | base_high) : 0;
  if (mode == 1) {
    address += (int8_t)*at++ * (int64_t)unit;
  } else if (mode == 2 || !has_base) {
    int32_t displacement;
    memcpy(&displacement, at, 4);
    at += 4;
    address += displacement;
  }
  /* Relative to the next instruction. */
  if (relative)
    address += (int64_t)(at + tail);
  instruction->address = (uint8_t *)address;
  return at;
}

bool decode(const ucontext_t *context, const uint8_t *code,
            struct Instruction *instruction) {
  memset(instruction, 0, sizeof(*instruction));
  const uint8_t *at = code + 1;
  unsigned x_high, b_high;
  if (*code == 0xC4) {
    uint8_t first = *at++, second = *at++;
    instruction->map = first & 31;
    instruction->reg = extension(first, 7, 8);
    x_high = extension(first, 6, 8);
    b_high = extension(first, 5, 8);
    instruction->wide = second >> 7;
    instruction->second = ~second >> 3 & 15;
    instruction->bytes = second & 4 ? 32 : 16;
    instruction->prefix = second & 3;
  } else if (*code == 0x62) {
    uint8_t first = *at++, second = *at++, third = *at++;
    unsigned length = third >> 5 & 3;
    /* Bits that are the same in every instruction. */
    if ((first & 8) != 0 || (second & 4) == 0 || length == 3)
      return false;
    instruction->is_evex = true;
    instruction->map = first & 7;
    instruction->reg = extension(first, 7, 8) | extension(first, 4, 16);
    x_high = extension(first, 6, 8);
    b_high = extension(first, 5, 8);
    instruction->wide = second >> 7;
    instruction->second = (~second >> 3 & 15) | extension(third, 3, 16);
    instruction->prefix = second & 3;
    instruction->zeroing = third >> 7;
    instruction->bytes = 16u << length;
    instruction->broadcast = third >> 4 & 1;
    instruction->mask = third & 7;
  } else {
    return false;
  }
  if (instruction->map != 2 && instruction->map != 3)
    return false;
  instruction->opcode = *at++;
  uint8_t modrm = *at;
  instruction->reg |= modrm >> 3 & 7;
  unsigned tail = instruction->map == 3;
  if (modrm >> 6 == 3) {
    instruction->rm = (modrm & 7) | b_high;
    /* The bit of an index extends the numbers of vectors, too. */
    if (instruction->is_evex)
      instruction->rm |= x_high << 1;
    ++at;
  } else {
    /* What a displacement of one byte counts: vectors, or with a broadcast
     * elements. */
    unsigned unit = 1;
    if (instruction->is_evex)
      unit = !instruction->broadcast ? instruction->bytes
             : instruction->wide     ? 8
                                     : 4;
    at = decode_memory(context, at, x_high, b_high, unit, tail, instruction);
  }
  if (tail)
    instruction->immediate = *at++;
  instruction->length = (size_t)(at - code);
  return true;
}
