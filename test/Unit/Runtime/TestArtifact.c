//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An artifact written by hand, as the compiler would write it:
//
//   mode: int64 []                  what to do, see Mode in TestArtifact.h
//   x, y: float32 [batch, 3]
//   sum: float32 [batch, 3] = x + y, in parallel over the rows, by way of
//   scratch rows: int64 [] = batch
//
//===----------------------------------------------------------------------===//

#include "TestArtifact.h"

#include <stddef.h>

typedef struct Context {
  const float *x, *y;
  float *scratch;
} Context;

static void addRows(void *opaque, int64_t begin, int64_t end) {
  Context *context = (Context *)opaque;
  for (int64_t i = 3 * begin; i < 3 * end; ++i)
    context->scratch[i] = context->x[i] + context->y[i];
}

static int32_t run(const LowbitHost *host, LowbitCall *call,
                   const LowbitBuffer *inputs) {
  const int64_t mode = *(const int64_t *)inputs[0].data;
  const int64_t batch = inputs[1].dims[0];
  const int64_t huge[2] = {INT64_C(1) << 62, 3};
  const int64_t tooMuch[2] = {INT64_C(1) << 43, 3};
  Context context = {(const float *)inputs[1].data,
                     (const float *)inputs[2].data, NULL};
  switch (mode) {
  case kFail:
    host->fail(call, "node 'add': the first reason");
    host->fail(call, "node 'add': the second reason");
    return 1;
  case kFailSilently:
    return 7;
  case kNoOutput:
    return 0;
  case kOverflowingOutput:
    return host->output(call, 0, huge) ? 0 : 1;
  case kTooLargeOutput:
    return host->output(call, 0, tooMuch) ? 0 : 1;
  case kUndeclaredOutput:
    return host->output(call, 2, huge) ? 0 : 1;
  case kNegativeWorkspace:
    return host->workspace(call, -8) ? 0 : 1;
  case kTooLargeWorkspace:
    return host->workspace(call, INT64_MAX) ? 0 : 1;
  }

  context.scratch = (float *)host->workspace(call, batch * 3 * 4);
  if (!context.scratch)
    return 1;
  float *sum = (float *)host->output(call, 0, inputs[1].dims);
  int64_t *rows = (int64_t *)host->output(call, 1, NULL);
  if (!sum || !rows)
    return 1;
  if (mode == kOutputTwice && !host->output(call, 1, NULL))
    return 1;
  host->parallel_for(call, addRows, &context, batch, 2);
  for (int64_t i = 0; i < batch * 3; ++i)
    sum[i] = context.scratch[i];
  *rows = batch;
  return 0;
}

static const int64_t kShape[] = {LOWBIT_DIM_SYMBOL(0), 3};
static const LowbitTensorSpec kInputs[] = {
    {"mode", LOWBIT_DTYPE_INT64, 0, NULL},
    {"x", LOWBIT_DTYPE_FLOAT32, 2, kShape},
    {"y", LOWBIT_DTYPE_FLOAT32, 2, kShape}};
static const LowbitTensorSpec kOutputs[] = {
    {"sum", LOWBIT_DTYPE_FLOAT32, 2, kShape},
    {"rows", LOWBIT_DTYPE_INT64, 0, NULL}};
static const char *const kSymbols[] = {"batch"};

static const int32_t kNoSlots[] = {LOWBIT_NO_SLOT, LOWBIT_NO_SLOT,
                                   LOWBIT_NO_SLOT};
static const LowbitEntryPoint kEntries[] = {{"add", 3, 2, kInputs, kOutputs, 1,
                                             0, kSymbols, kNoSlots, kNoSlots,
                                             kNoSlots, run}};

const LowbitArtifact lowbit_artifact = {LOWBIT_ARTIFACT_MAGIC,
                                        LOWBIT_ARTIFACT_VERSION,
                                        0,
                                        "by hand",
                                        "x86-64",
                                        NULL,
                                        "{\"matmuls\": []}",
                                        1,
                                        0,
                                        kEntries,
                                        NULL};
