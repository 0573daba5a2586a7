/*===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Executes AMX-TILE and AMX-INT8 on CPUs without them, so that kernels in tiles
// are tested everywhere. Loaded with LD_PRELOAD it catches the invalid-opcode
// signal, decodes the instruction and does in C what Intel's manual says.
//
//===----------------------------------------------------------------------===*/

#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

struct Configuration {
  uint8_t palette, start_row, reserved[14];
  uint16_t bytes[16];
  uint8_t rows[16];
};

static _Thread_local struct Configuration configuration;
static _Thread_local uint8_t tiles[8][16][64];

static void fail(const char *what) {
  dprintf(STDERR_FILENO, "AMX emulation: %s\n", what);
  abort();
}

static greg_t read_register(const ucontext_t *context, unsigned number) {
  static const int kRegisters[16] = {
      REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
      REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
  return context->uc_mcontext.gregs[kRegisters[number]];
}

/* An operand in memory: base + displacement, and the index of rows. */
struct Memory {
  uint8_t *address;
  int64_t stride;
};

/* Decodes ModRM and what follows; `length` grows by its bytes. */
static struct Memory decode_memory(const ucontext_t *context,
                                   const uint8_t *code, unsigned index_high,
                                   unsigned base_high, size_t *length) {
  uint8_t mode = code[0] >> 6, base = code[0] & 7;
  struct Memory memory = {0, 0};
  const uint8_t *at = code + 1;
  int has_base = 1;
  if (base == 4) {
    uint8_t sib = *at++;
    unsigned index = (sib >> 3 & 7) | index_high;
    base = sib & 7;
    if (index != 4)
      memory.stride = read_register(context, index) << (sib >> 6);
    has_base = !(base == 5 && mode == 0);
  } else if (base == 5 && mode == 0) {
    int32_t relative;
    memcpy(&relative, at, 4);
    *length += at + 4 - code;
    /* Of the next instruction: opcode and prefixes are in front of ModRM. */
    memory.address = (uint8_t *)at + 4 + relative;
    return memory;
  }
  int32_t displacement = 0;
  if (mode == 1) {
    displacement = (int8_t)*at++;
  } else if (mode == 2 || !has_base) {
    memcpy(&displacement, at, 4);
    at += 4;
  }
  int64_t start = has_base ? read_register(context, base | base_high) : 0;
  memory.address = (uint8_t *)(start + displacement);
  *length += at - code;
  return memory;
}

static void multiply(unsigned to, unsigned left, unsigned right,
                     int is_signed[2]) {
  unsigned rows = configuration.rows[to], columns = configuration.bytes[to] / 4;
  unsigned depth = configuration.bytes[left] / 4;
  if (configuration.rows[left] != rows || configuration.rows[right] != depth ||
      configuration.bytes[right] / 4 != columns)
    fail("the shapes of a product do not match");
  for (unsigned m = 0; m < rows; ++m)
    for (unsigned n = 0; n < columns; ++n) {
      uint32_t sum;
      memcpy(&sum, &tiles[to][m][4 * n], 4);
      for (unsigned k = 0; k < depth; ++k)
        for (unsigned i = 0; i < 4; ++i) {
          uint8_t a = tiles[left][m][4 * k + i], b = tiles[right][k][4 * n + i];
          sum += (uint32_t)((is_signed[0] ? (int8_t)a : a) *
                            (is_signed[1] ? (int8_t)b : b));
        }
      memcpy(&tiles[to][m][4 * n], &sum, 4);
    }
}

/* Executes the instruction at `code`; its length, or 0 for another one. */
static size_t execute(const ucontext_t *context, const uint8_t *code) {
  /* A VEX prefix of three bytes, map 0F38, W 0, 128 bits. */
  if (code[0] != 0xC4 || (code[1] & 31) != 2 || (code[2] & 0x84) != 0)
    return 0;
  unsigned index_high = code[1] & 0x40 ? 0 : 8;
  unsigned base_high = code[1] & 0x20 ? 0 : 8;
  unsigned prefix = code[2] & 3, third = ~code[2] >> 3 & 15;
  enum { NP, P66, PF3, PF2 };
  uint8_t opcode = code[3], modrm = code[4];
  unsigned reg = modrm >> 3 & 7, rm = modrm & 7;
  int is_memory = modrm >> 6 != 3;
  size_t length = 4;
  if (opcode == 0x49 && is_memory && reg == 0) {
    struct Memory memory =
        decode_memory(context, code + 4, index_high, base_high, &length);
    if (prefix == NP) {
      memcpy(&configuration, memory.address, 64);
      if (configuration.palette != 1)
        fail("an unknown palette");
      memset(tiles, 0, sizeof(tiles));
      return length;
    }
    if (prefix == P66) {
      memcpy(memory.address, &configuration, 64);
      return length;
    }
    return 0;
  }
  if (opcode == 0x49 && modrm == 0xC0 && prefix == NP) {
    memset(&configuration, 0, sizeof(configuration));
    return 5;
  }
  if (configuration.palette != 1)
    return 0;
  if (opcode == 0x49 && !is_memory && rm == 0 && prefix == PF2) {
    memset(tiles[reg], 0, sizeof(tiles[reg]));
    return 5;
  }
  if (opcode == 0x4B && is_memory && rm == 4 && prefix != NP) {
    struct Memory memory =
        decode_memory(context, code + 4, index_high, base_high, &length);
    unsigned bytes = configuration.bytes[reg];
    if (prefix != PF3)
      memset(tiles[reg], 0, sizeof(tiles[reg]));
    for (unsigned row = 0; row < configuration.rows[reg]; ++row) {
      uint8_t *at = memory.address + row * memory.stride;
      if (prefix == PF3)
        memcpy(at, tiles[reg][row], bytes);
      else
        memcpy(tiles[reg][row], at, bytes);
    }
    return length;
  }
  if (opcode == 0x5E && !is_memory) {
    if (reg == rm || reg == third || rm == third)
      fail("a product with one register twice");
    int is_signed[2] = {prefix == PF2 || prefix == PF3,
                        prefix == PF2 || prefix == P66};
    multiply(reg, rm, third, is_signed);
    return 5;
  }
  return 0;
}

static void on_invalid_opcode(int number, siginfo_t *info, void *argument) {
  ucontext_t *context = argument;
  greg_t *at = &context->uc_mcontext.gregs[REG_RIP];
  size_t length = execute(context, (const uint8_t *)*at);
  (void)number;
  (void)info;
  if (length == 0)
    fail("an invalid instruction");
  *at += (greg_t)length;
}

__attribute__((constructor)) static void install(void) {
  struct sigaction action;
  memset(&action, 0, sizeof(action));
  action.sa_sigaction = on_invalid_opcode;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  if (sigaction(SIGILL, &action, NULL) != 0)
    fail("cannot install the handler");
}
