/*===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the parts of the emulator share: an instruction as it is decoded, and
// the registers that the signal frame holds.
//
//===----------------------------------------------------------------------===*/

#ifndef LOWBIT_EMULATION_H
#define LOWBIT_EMULATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

/* The prefix that VEX and EVEX have in the field pp. */
enum Prefix { kNone, k66, kF3, kF2 };

/* An instruction with a VEX or EVEX prefix and three operands at most. */
struct Instruction {
  size_t length;
  bool is_evex;
  unsigned map; /* 2 is 0F38, 3 is 0F3A */
  enum Prefix prefix;
  bool wide; /* the bit W */
  uint8_t opcode, immediate;
  unsigned bytes; /* of vectors: 16, 32 or 64 */

  /* Numbers of registers: in ModRM.reg, in vvvv, and in ModRM.rm. */
  unsigned reg, second, rm;

  /* In place of `rm`: at `address` (base and displacement) plus `stride` (the
   * scaled index), but instructions on tiles count rows with the latter. */
  bool is_memory, has_sib;
  uint8_t *address;
  int64_t stride;

  unsigned mask; /* the number of an opmask, 0 for none */
  bool zeroing, broadcast;
};

/* Says what is wrong with the instruction at `code`, and aborts. */
_Noreturn void fail(const uint8_t *code, const char *what);

/* False when there is no VEX or EVEX prefix of three or four bytes. */
bool decode(const ucontext_t *context, const uint8_t *code,
            struct Instruction *instruction);

/* Each executes an instruction that it knows and is false for others. */
bool execute_tile(const uint8_t *code, const struct Instruction *instruction);
bool execute_vector(ucontext_t *context, const uint8_t *code,
                    const struct Instruction *instruction);

/* Finds where signal frames hold registers; once, as it takes long. */
void locate_registers(void);

/* A register of 64 bytes; ymm and xmm are its beginning. */
void read_vector(const ucontext_t *context, unsigned number, uint8_t value[64]);
void write_vector(ucontext_t *context, unsigned number,
                  const uint8_t value[64]);
uint64_t read_mask(const ucontext_t *context, unsigned number);
void write_mask(ucontext_t *context, unsigned number, uint64_t value);

#endif
