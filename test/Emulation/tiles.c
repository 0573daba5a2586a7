/*===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Executes AMX-TILE and AMX-INT8. The tiles are not those of the signal frame,
// which has none on a CPU without AMX: every thread has its own here.
//
//===----------------------------------------------------------------------===*/

#include "emulation.h"

#include <string.h>

struct Configuration {
  uint8_t palette, start_row, reserved[14];
  uint16_t bytes[16];
  uint8_t rows[16];
};

static _Thread_local struct Configuration configuration;
static _Thread_local uint8_t tiles[8][16][64];

static void load_configuration(const uint8_t *code, const uint8_t *from) {
  memcpy(&configuration, from, sizeof(configuration));
  if (configuration.palette != 1)
    fail(code, "an unknown palette");
  memset(tiles, 0, sizeof(tiles));
}

static void multiply(const uint8_t *code, const struct Instruction *instruction,
                     bool left_signed, bool right_signed) {
  unsigned to = instruction->reg, left = instruction->rm;
  unsigned right = instruction->second;
  if (to == left || to == right || left == right || right > 7)
    fail(code, "a product with one register twice");
  unsigned rows = configuration.rows[to], columns = configuration.bytes[to] / 4;
  unsigned depth = configuration.bytes[left] / 4;
  if (configuration.rows[left] != rows || configuration.rows[right] != depth ||
      configuration.bytes[right] / 4 != columns)
    fail(code, "the shapes of a product do not match");
  for (unsigned m = 0; m < rows; ++m)
    for (unsigned n = 0; n < columns; ++n) {
      uint32_t sum;
      memcpy(&sum, &tiles[to][m][4 * n], 4);
      for (unsigned k = 0; k < depth; ++k)
        for (unsigned i = 0; i < 4; ++i) {
          uint8_t a = tiles[left][m][4 * k + i], b = tiles[right][k][4 * n + i];
          sum += (uint32_t)((left_signed ? (int8_t)a : a) *
                            (right_signed ? (int8_t)b : b));
        }
      memcpy(&tiles[to][m][4 * n], &sum, 4);
    }
}

/* Loads or stores the rows of a tile, `stride` apart. */
static void move_tile(const struct Instruction *instruction, bool stores) {
  unsigned tile = instruction->reg, bytes = configuration.bytes[tile];
  if (!stores)
    memset(tiles[tile], 0, sizeof(tiles[tile]));
  uint8_t *at = instruction->address;
  for (unsigned row = 0; row < configuration.rows[tile]; ++row) {
    if (stores)
      memcpy(at, tiles[tile][row], bytes);
    else
      memcpy(tiles[tile][row], at, bytes);
    at += instruction->stride;
  }
}

bool execute_tile(const uint8_t *code, const struct Instruction *instruction) {
  const struct Instruction *i = instruction;
  if (i->is_evex || i->map != 2 || i->wide || i->bytes != 16 || i->reg > 7)
    return false;
  bool unary = i->second == 0;
  if (i->opcode == 0x49 && i->is_memory && i->reg == 0 && unary) {
    if (i->prefix == kNone) /* ldtilecfg */
      load_configuration(code, i->address + i->stride);
    else if (i->prefix == k66) /* sttilecfg */
      memcpy(i->address + i->stride, &configuration, sizeof(configuration));
    else
      return false;
    return true;
  }
  if (i->opcode == 0x49 && !i->is_memory && i->rm == 0 && unary) {
    if (i->prefix == kNone && i->reg == 0) /* tilerelease */
      memset(&configuration, 0, sizeof(configuration));
    else if (i->prefix == kF2 && configuration.palette == 1) /* tilezero */
      memset(tiles[i->reg], 0, sizeof(tiles[i->reg]));
    else
      return false;
    return true;
  }
  if (configuration.palette != 1)
    return false;
  if (i->opcode == 0x4B && i->has_sib && i->prefix != kNone && unary) {
    /* tileloadd, tileloaddt1 and tilestored */
    move_tile(i, i->prefix == kF3);
    return true;
  }
  if (i->opcode == 0x5E && !i->is_memory && i->rm < 8) {
    /* tdpbuud, tdpbusd, tdpbsud and tdpbssd */
    multiply(code, i, i->prefix == kF2 || i->prefix == kF3,
             i->prefix == kF2 || i->prefix == k66);
    return true;
  }
  return false;
}
