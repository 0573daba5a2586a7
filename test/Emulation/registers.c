/*===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Vector and mask registers in the signal frame, which has the standard format
// of XSAVE: 512 bytes as of FXSAVE, a header, and components where CPUID says.
// A vector lies in parts, in up to three components.
//
//===----------------------------------------------------------------------===*/

#define _GNU_SOURCE
#include "emulation.h"

#include <cpuid.h>
#include <string.h>

/* Numbers of components. */
enum {
  kSSE = 1,     /* bytes 0 to 15 of registers 0 to 15 */
  kAVX = 2,     /* bytes 16 to 31 of them */
  kOpmask = 5,  /* k0 to k7 */
  kZMMHigh = 6, /* bytes 32 to 63 of registers 0 to 15 */
  kHighZMM = 7, /* registers 16 to 31 */
  kComponents = 8
};

static struct {
  uint32_t offset, size;
} components[kComponents] = {[kSSE] = {160, 256}};

void locate_registers(void) {
  for (unsigned i = kAVX; i < kComponents; ++i) {
    uint32_t flags, reserved;
    __get_cpuid_count(0xD, i, &components[i].size, &components[i].offset,
                      &flags, &reserved);
  }
}

/* Which components the frame has room for: Linux tells in bytes that FXSAVE
 * leaves free. */
static uint64_t present(const uint8_t *frame) {
  enum { kMagicAt = 464, kFeaturesAt = 472 };
  uint32_t magic;
  uint64_t features;
  memcpy(&magic, frame + kMagicAt, sizeof(magic));
  memcpy(&features, frame + kFeaturesAt, sizeof(features));
  return magic == 0x46505853 ? features : 0;
}

/* XSTATE_BV: components without their bit are zero, whatever is there. */
enum { kHeaderAt = 512 };

static void read(const ucontext_t *context, unsigned component, size_t from,
                 void *to, size_t bytes) {
  const uint8_t *frame = (const uint8_t *)context->uc_mcontext.fpregs;
  uint64_t in_use;
  memcpy(&in_use, frame + kHeaderAt, sizeof(in_use));
  if (present(frame) & in_use & 1u << component)
    memcpy(to, frame + components[component].offset + from, bytes);
  else
    memset(to, 0, bytes);
}

/* A frame without the component is of a CPU that has no such registers: only
 * the zeros above a shorter vector are written there. */
static void write(ucontext_t *context, unsigned component, size_t to,
                  const void *from, size_t bytes) {
  uint8_t *frame = (uint8_t *)context->uc_mcontext.fpregs;
  uint64_t in_use, bit = 1u << component;
  if (!(present(frame) & bit))
    return;
  uint8_t *registers = frame + components[component].offset;
  memcpy(&in_use, frame + kHeaderAt, sizeof(in_use));
  if (!(in_use & bit)) {
    memset(registers, 0, components[component].size);
    in_use |= bit;
    memcpy(frame + kHeaderAt, &in_use, sizeof(in_use));
  }
  memcpy(registers + to, from, bytes);
}

void read_vector(const ucontext_t *context, unsigned number,
                 uint8_t value[64]) {
  if (number >= 16) {
    read(context, kHighZMM, 64 * (number - 16), value, 64);
    return;
  }
  read(context, kSSE, 16 * number, value, 16);
  read(context, kAVX, 16 * number, value + 16, 16);
  read(context, kZMMHigh, 32 * number, value + 32, 32);
}

void write_vector(ucontext_t *context, unsigned number,
                  const uint8_t value[64]) {
  if (number >= 16) {
    write(context, kHighZMM, 64 * (number - 16), value, 64);
    return;
  }
  write(context, kSSE, 16 * number, value, 16);
  write(context, kAVX, 16 * number, value + 16, 16);
  write(context, kZMMHigh, 32 * number, value + 32, 32);
}

uint64_t read_mask(const ucontext_t *context, unsigned number) {
  uint64_t value;
  read(context, kOpmask, 8 * number, &value, sizeof(value));
  return value;
}

void write_mask(ucontext_t *context, unsigned number, uint64_t value) {
  write(context, kOpmask, 8 * number, &value, sizeof(value));
}
