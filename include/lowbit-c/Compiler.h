//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiles ONNX models. Plain C; link liblowbit_compiler.so.
//
//   LowbitCompiled *compiled;
//   LowbitError *error = lowbitCompileFile("bert.onnx", NULL, &compiled);
//   if (!error)
//     error = lowbitCompiledWrite(compiled, "bert.so");
//
// Errors are those of Runtime.h. Every function may be called from several
// threads at once, for different objects.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_C_COMPILER_H
#define LOWBIT_C_COMPILER_H

#include "lowbit-c/Runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/// An output that is kept as an input of later runs in a session.
typedef struct LowbitStatePair {
  const char *input;
  const char *output;
} LowbitStatePair;

/// An output that is wanted for its largest elements only.
typedef struct LowbitTopOutput {
  const char *output;
  /// How many of each row.
  int64_t count;
} LowbitTopOutput;

/// How to compile; all zero means the defaults. The strings are copied.
typedef struct LowbitCompileOptions {
  /// What to make, a name of `lowbit-compile --emit`: "so", "obj", "asm",
  /// "llvm",
  /// ...; null means "so".
  const char *emit;
  /// The CPU: "native", "x86-64-v3", "x86-64-v3,+avx512vpopcntdq", ...; null
  /// means "native".
  const char *target;
  /// A row of the kernel table to use where it applies; null means the best
  /// one.
  const char *kernel;
  /// What the symbol in an object file is named after,
  /// `lowbit_artifact_<name>`; null means "model".
  const char *name;
  /// Not 0: the diagnostics tell why something was not recognised.
  int32_t remarks;
  /// States beyond those that names tell (`past_x` and `present_x`), of any
  /// models.
  int32_t num_states;
  const LowbitStatePair *states;
  /// How constant right sides of float products (a decoder's output layer) are
  /// stored: "f32"; "bf16", half as large, which changes each number by 2^-9 of
  /// it at most; or "int8", a quarter as large, which changes it by 1/254 of
  /// the largest magnitude of its column at most; null means "f32".
  const char *tables;
  /// Outputs, of any models, that become two: `<output>_values` and
  /// `<output>_indices`, the largest elements of each row in descending order.
  int32_t num_top;
  const LowbitTopOutput *top;
  /// Not 0: sessions keep codes in place of numbers in states that one
  /// quantizer of few bits reads (caches of keys and values). Such inputs and
  /// outputs become packed words, int64.
  int32_t pack_states;
} LowbitCompileOptions;

/// What the compiler made.
typedef struct LowbitCompiled LowbitCompiled;

/// Compiles the model at `path`. `options` may be null. The message of an
/// error, with code LOWBIT_ERROR_COMPILE, holds every diagnostic, one per line.
LOWBIT_API LowbitError *lowbitCompileFile(const char *path,
                                          const LowbitCompileOptions *options,
                                          LowbitCompiled **compiled);

/// Compiles the ONNX model in `size` bytes at `data`. Its external data is
/// looked for in the folder `base_dir`; null refuses external data.
LOWBIT_API LowbitError *lowbitCompileBuffer(const void *data, size_t size,
                                            const char *base_dir,
                                            const LowbitCompileOptions *options,
                                            LowbitCompiled **compiled);

/// A model that becomes an entry of an artifact: a file, or bytes in memory.
typedef struct LowbitModelSource {
  /// The name of the entry; null: the stem of `path`, "main" without one.
  const char *name;
  /// A file; null: `size` bytes at `data`, with external data in `base_dir`
  /// (null refuses external data).
  const char *path;
  const void *data;
  size_t size;
  const char *base_dir;
} LowbitModelSource;

/// Compiles models into one artifact with an entry for each; the first is the
/// default. Weights that they share are stored once.
LOWBIT_API LowbitError *lowbitCompileModels(const LowbitModelSource *models,
                                            int32_t num_models,
                                            const LowbitCompileOptions *options,
                                            LowbitCompiled **compiled);

/// The bytes of the library, object file or text; they live as long as
/// `compiled`. lowbitModelLoadMemory takes those of a library.
LOWBIT_API const void *lowbitCompiledGetData(const LowbitCompiled *compiled);
LOWBIT_API size_t lowbitCompiledGetSize(const LowbitCompiled *compiled);
/// What became of every matmul, as JSON; empty when compilation stopped before
/// that was known.
LOWBIT_API const char *lowbitCompiledGetReport(const LowbitCompiled *compiled);
/// Warnings and remarks, one per line.
LOWBIT_API const char *
lowbitCompiledGetDiagnostics(const LowbitCompiled *compiled);
/// For an object file, a C header that declares its LowbitArtifact; else empty.
LOWBIT_API const char *lowbitCompiledGetHeader(const LowbitCompiled *compiled);
/// Writes the bytes to a temporary file beside `path` and renames it.
LOWBIT_API LowbitError *lowbitCompiledWrite(const LowbitCompiled *compiled,
                                            const char *path);
/// Frees `compiled`; null is allowed.
LOWBIT_API void lowbitCompiledDestroy(LowbitCompiled *compiled);

#ifdef __cplusplus
}
#endif

#endif // LOWBIT_C_COMPILER_H
