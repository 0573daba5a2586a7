//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The binary interface between a compiled artifact and the code that runs it.
// The compiler writes these structures into the artifact's read-only data; the
// runtime reads them and calls the entry. Plain C, no dependencies.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_C_ARTIFACT_H
#define LOWBIT_C_ARTIFACT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// First word of every artifact: "LOWBIT" and two zero bytes.
#define LOWBIT_ARTIFACT_MAGIC UINT64_C(0x0000544942574F4C)
/// Raised whenever a structure below changes.
#define LOWBIT_ARTIFACT_VERSION 2
/// The symbol of the LowbitArtifact that a shared library exports. A library
/// that holds the model for several targets exports one for each:
/// `lowbit_artifact`, `lowbit_artifact_1`, `lowbit_artifact_2`, ...
#define LOWBIT_ARTIFACT_SYMBOL "lowbit_artifact"

/// Element types, with their size in bytes in the comment.
typedef enum LowbitDType {
  LOWBIT_DTYPE_BOOL = 1,    // 1, values 0 and 1
  LOWBIT_DTYPE_INT8 = 2,    // 1
  LOWBIT_DTYPE_UINT8 = 3,   // 1
  LOWBIT_DTYPE_INT32 = 4,   // 4
  LOWBIT_DTYPE_INT64 = 5,   // 8
  LOWBIT_DTYPE_FLOAT32 = 6, // 4
  LOWBIT_DTYPE_FLOAT64 = 7, // 8
  LOWBIT_DTYPE_FLOAT16 = 8, // 2
  LOWBIT_DTYPE_UINT32 = 9,  // 4
  LOWBIT_DTYPE_UINT64 = 10  // 8
} LowbitDType;

/// A dimension that is not fixed: LOWBIT_DIM_ANY, or a symbol. Symbol `i` is
/// written `LOWBIT_DIM_SYMBOL(i)`; all dimensions with one symbol must agree in
/// a run.
#define LOWBIT_DIM_ANY INT64_C(-1)
#define LOWBIT_DIM_SYMBOL(i) (INT64_C(-2) - (int64_t)(i))

/// Name, element type and shape of one input or output.
typedef struct LowbitTensorSpec {
  const char *name;
  int32_t dtype; // LowbitDType
  int32_t rank;
  const int64_t *dims; // `rank` dimensions; null when rank is 0
} LowbitTensorSpec;

/// An input: contiguous row-major data and its dimensions.
typedef struct LowbitBuffer {
  const void *data;
  const int64_t *dims;
} LowbitBuffer;

/// One run in progress; owned and defined by the runtime.
typedef struct LowbitCall LowbitCall;

/// What an artifact asks of the runtime while it runs.
typedef struct LowbitHost {
  /// Scratch memory of `bytes` bytes, 64-byte aligned, valid until the entry
  /// returns; asked for at most once in a run. Null when memory is exhausted.
  void *(*workspace)(LowbitCall *call, int64_t bytes);
  /// The storage of output `index` with the given dimensions, 64-byte aligned,
  /// asked for exactly once per output. Null when memory is exhausted.
  void *(*output)(LowbitCall *call, int32_t index, const int64_t *dims);
  /// Calls `body(context, begin, end)` on disjoint parts of [0, count), each a
  /// multiple of `grain` long except the last, from several threads; returns
  /// when all are done.
  void (*parallel_for)(LowbitCall *call,
                       void (*body)(void *context, int64_t begin, int64_t end),
                       void *context, int64_t count, int64_t grain);
  /// Records why the run fails; the entry then returns non-zero.
  void (*fail)(LowbitCall *call, const char *message);
  /// The storage of an output that is input `input` with `count` more rows
  /// along `axis` (see LowbitEntryPoint::appends): it holds the elements of the
  /// input and has room for `*capacity` rows, at least those of the output. The
  /// entry writes the new ones. Takes the place of `output`; null when memory
  /// is exhausted.
  void *(*append)(LowbitCall *call, int32_t input, int32_t axis, int64_t count,
                  int64_t *capacity);
} LowbitHost;

/// Runs one entry: 0 on success, else non-zero after `fail` or a null from
/// `workspace` or `output`.
typedef int32_t (*LowbitEntryFunction)(const LowbitHost *host, LowbitCall *call,
                                       const LowbitBuffer *inputs);

/// One model of an artifact: its signature and its code.
typedef struct LowbitEntryPoint {
  const char *name; // unique in the artifact
  uint32_t num_inputs;
  uint32_t num_outputs;
  const LowbitTensorSpec *inputs;
  const LowbitTensorSpec *outputs;
  uint32_t num_symbols;
  uint32_t reserved;          // 0
  const char *const *symbols; // names of the symbolic dimensions
  /// The slot that an input is taken from and that an output goes to, for each
  /// input and output; LOWBIT_NO_SLOT for those that belong to the caller.
  const int32_t *input_slots;
  const int32_t *output_slots;
  /// For each input the output that is this input with rows behind it, or
  /// LOWBIT_NO_APPEND. The code asks for it by `append` and does not read the
  /// elements of the input.
  const int32_t *appends;
  LowbitEntryFunction run;
} LowbitEntryPoint;

/// No slot: the caller gives the input or takes the output.
#define LOWBIT_NO_SLOT (-1)
/// No output appends to the input.
#define LOWBIT_NO_APPEND (-1)

/// The table of contents of an artifact. A slot is a tensor that a session
/// keeps from one run to the next, such as the keys of past tokens.
typedef struct LowbitArtifact {
  uint64_t magic;              // LOWBIT_ARTIFACT_MAGIC
  uint32_t version;            // LOWBIT_ARTIFACT_VERSION
  uint32_t num_features;       // CPU features that the code needs
  const char *producer;        // "lowbit 0.1.0"
  const char *target;          // what the user asked for, e.g. "x86-64-v3"
  const char *const *features; // LLVM spelling: "avx2", "avx512vpopcntdq", ...
  const char *report;          // the compile report as JSON, or null
  uint32_t num_entries;        // at least 1; the first is the default
  uint32_t num_slots;
  const LowbitEntryPoint *entries;
  const char *const *slots; // names: those of the inputs that take them
} LowbitArtifact;

#ifdef __cplusplus
}
#endif

#endif // LOWBIT_C_ARTIFACT_H
