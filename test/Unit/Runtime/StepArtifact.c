//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A sequence-to-sequence program written by hand, for the tests of sessions:
//
//   encode: src int64 [B, S]                 -> memory float32 [B, S] = src,
//                                               total float32 [B] (no state)
//   step:   x float32 [B], src, memory,
//           past_k float32 [B, P], ring float32 [B, 4], count int64 [],
//           past_v float32 [B, 2, R, 1]
//        -> y float32 [B] = x + sum of past_k and memory,
//           present_k float32 [B, P + 1] = past_k, x
//           present_v float32 [B, 2, R + 1, 1] = past_v, (x, -x), appended
//           next_ring = ring with x added to column 0; next_count = count + 1
//
// Slots: memory, past_k, ring, count, src, past_v. A negative x[0] makes a step
// fail after it has written its outputs; with 99 it appends nothing to past_v.
//
//===----------------------------------------------------------------------===//

#include "TestArtifact.h"

#include <stddef.h>

static int32_t encode(const LowbitHost *host, LowbitCall *call,
                      const LowbitBuffer *inputs) {
  const int64_t *src = (const int64_t *)inputs[0].data;
  const int64_t rows = inputs[0].dims[0], length = inputs[0].dims[1];
  float *memory = (float *)host->output(call, 0, inputs[0].dims);
  float *total = (float *)host->output(call, 1, &rows);
  if (!memory || !total)
    return 1;
  for (int64_t b = 0; b < rows; ++b) {
    total[b] = 0;
    for (int64_t s = 0; s < length; ++s) {
      memory[b * length + s] = (float)src[b * length + s];
      total[b] += memory[b * length + s];
    }
  }
  return 0;
}

static int32_t step(const LowbitHost *host, LowbitCall *call,
                    const LowbitBuffer *inputs) {
  const float *x = (const float *)inputs[0].data;
  const float *memory = (const float *)inputs[2].data;
  const float *past = (const float *)inputs[3].data;
  const float *ring = (const float *)inputs[4].data;
  const int64_t rows = inputs[0].dims[0], source = inputs[2].dims[1];
  const int64_t length = inputs[3].dims[1];
  const int64_t presentDims[2] = {rows, length + 1}, ringDims[2] = {rows, 4};
  float *y = (float *)host->output(call, 0, &rows);
  float *present = (float *)host->output(call, 1, presentDims);
  float *nextRing = (float *)host->output(call, 2, ringDims);
  int64_t *count = (int64_t *)host->output(call, 3, NULL);
  const int64_t added = rows > 0 && x[0] == 99 ? 0 : 1;
  int64_t room;
  float *values = (float *)host->append(call, 6, 2, added, &room);
  if (!y || !present || !nextRing || !count || !values)
    return 1;
  for (int64_t i = 0; i < 2 * rows * added; ++i)
    values[i * room + inputs[6].dims[2]] = i % 2 ? -x[i / 2] : x[i / 2];
  for (int64_t b = 0; b < rows; ++b) {
    y[b] = x[b];
    for (int64_t s = 0; s < source; ++s)
      y[b] += memory[b * source + s];
    for (int64_t p = 0; p < length; ++p) {
      y[b] += past[b * length + p];
      present[b * (length + 1) + p] = past[b * length + p];
    }
    present[b * (length + 1) + length] = x[b];
    for (int64_t i = 0; i < 4; ++i)
      nextRing[b * 4 + i] = ring[b * 4 + i] + (i == 0 ? x[b] : 0);
  }
  *count = *(const int64_t *)inputs[5].data + 1;
  if (rows > 0 && x[0] < 0) {
    host->fail(call, "node 'check': x is negative");
    return 1;
  }
  return 0;
}

// Symbols of encode: B, S; of step: B, S, P, Q, R, T.
static const int64_t kB[] = {LOWBIT_DIM_SYMBOL(0)};
static const int64_t kBS[] = {LOWBIT_DIM_SYMBOL(0), LOWBIT_DIM_SYMBOL(1)};
static const int64_t kBP[] = {LOWBIT_DIM_SYMBOL(0), LOWBIT_DIM_SYMBOL(2)};
static const int64_t kBQ[] = {LOWBIT_DIM_SYMBOL(0), LOWBIT_DIM_SYMBOL(3)};
static const int64_t kB4[] = {LOWBIT_DIM_SYMBOL(0), 4};
static const int64_t kB2R1[] = {LOWBIT_DIM_SYMBOL(0), 2, LOWBIT_DIM_SYMBOL(4),
                                1};
static const int64_t kB2T1[] = {LOWBIT_DIM_SYMBOL(0), 2, LOWBIT_DIM_SYMBOL(5),
                                1};
static const char *const kSymbols[] = {"B", "S", "P", "Q", "R", "T"};

static const LowbitTensorSpec kEncodeInputs[] = {
    {"src", LOWBIT_DTYPE_INT64, 2, kBS}};
static const LowbitTensorSpec kEncodeOutputs[] = {
    {"memory", LOWBIT_DTYPE_FLOAT32, 2, kBS},
    {"total", LOWBIT_DTYPE_FLOAT32, 1, kB}};
static const int32_t kEncodeInputSlots[] = {4};
static const int32_t kEncodeOutputSlots[] = {0, LOWBIT_NO_SLOT};

static const LowbitTensorSpec kStepInputs[] = {
    {"x", LOWBIT_DTYPE_FLOAT32, 1, kB},
    {"src", LOWBIT_DTYPE_INT64, 2, kBS},
    {"memory", LOWBIT_DTYPE_FLOAT32, 2, kBS},
    {"past_k", LOWBIT_DTYPE_FLOAT32, 2, kBP},
    {"ring", LOWBIT_DTYPE_FLOAT32, 2, kB4},
    {"count", LOWBIT_DTYPE_INT64, 0, NULL},
    {"past_v", LOWBIT_DTYPE_FLOAT32, 4, kB2R1}};
static const LowbitTensorSpec kStepOutputs[] = {
    {"y", LOWBIT_DTYPE_FLOAT32, 1, kB},
    {"present_k", LOWBIT_DTYPE_FLOAT32, 2, kBQ},
    {"next_ring", LOWBIT_DTYPE_FLOAT32, 2, kB4},
    {"next_count", LOWBIT_DTYPE_INT64, 0, NULL},
    {"present_v", LOWBIT_DTYPE_FLOAT32, 4, kB2T1}};
static const int32_t kStepInputSlots[] = {LOWBIT_NO_SLOT, 4, 0, 1, 2, 3, 5};
static const int32_t kStepOutputSlots[] = {LOWBIT_NO_SLOT, 1, 2, 3, 5};
static const int32_t kNoAppends[] = {LOWBIT_NO_APPEND};
static const int32_t kAppends[] = {LOWBIT_NO_APPEND,
                                   LOWBIT_NO_APPEND,
                                   LOWBIT_NO_APPEND,
                                   LOWBIT_NO_APPEND,
                                   LOWBIT_NO_APPEND,
                                   LOWBIT_NO_APPEND,
                                   4};

static const LowbitEntryPoint kEntries[] = {
    {"encode", 1, 2, kEncodeInputs, kEncodeOutputs, 2, 0, kSymbols,
     kEncodeInputSlots, kEncodeOutputSlots, kNoAppends, encode},
    {"step", 7, 5, kStepInputs, kStepOutputs, 6, 0, kSymbols, kStepInputSlots,
     kStepOutputSlots, kAppends, step}};
static const char *const kSlots[] = {"memory", "past_k", "ring",
                                     "count",  "src",    "past_v"};

const LowbitArtifact lowbit_step_artifact = {LOWBIT_ARTIFACT_MAGIC,
                                             LOWBIT_ARTIFACT_VERSION,
                                             0,
                                             "by hand",
                                             "x86-64",
                                             NULL,
                                             NULL,
                                             2,
                                             6,
                                             kEntries,
                                             kSlots};
