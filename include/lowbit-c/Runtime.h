//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loads and runs compiled artifacts. Plain C; needs neither MLIR nor LLVM: link
// liblowbit_runtime.so, or the static library LowbitRuntime.
//
//   LowbitModel *model;
//   LowbitError *error = lowbitModelLoad("bert.so", /*threads=*/1, &model);
//   int64_t dims[] = {1, 128};
//   LowbitTensor ids = {"input_ids", LOWBIT_DTYPE_INT64, 2, dims, data};
//   LowbitResult *result;
//   if (!error)
//     error = lowbitModelRun(model, &ids, 1, NULL, NULL, &result);
//   if (error)
//     fprintf(stderr, "%s\n", lowbitErrorGetMessage(error));
//
// Errors are values: a function that can fail returns null on success, else an
// error that the caller destroys; its out-parameters are then set to null.
//
// An artifact is native code: load only files that you would also execute.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_C_RUNTIME_H
#define LOWBIT_C_RUNTIME_H

#include "lowbit-c/Artifact.h"

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__) || defined(__clang__)
#define LOWBIT_API __attribute__((visibility("default")))
#else
#define LOWBIT_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

/// Why a call failed. Immutable; may be read from any thread.
typedef struct LowbitError LowbitError;

typedef enum LowbitErrorCode {
  LOWBIT_ERROR_INVALID_ARGUMENT = 1, ///< inputs that the model cannot take
  LOWBIT_ERROR_FILE = 2,             ///< unreadable, truncated or no artifact
  LOWBIT_ERROR_UNSUPPORTED = 3,      ///< needs another version or another CPU
  LOWBIT_ERROR_OUT_OF_MEMORY = 4,
  LOWBIT_ERROR_RUN = 5,    ///< the model refused its input values
  LOWBIT_ERROR_COMPILE = 6 ///< the compiler refused a model
} LowbitErrorCode;

/// An error with a copy of `message`. Never null.
LOWBIT_API LowbitError *lowbitErrorCreate(LowbitErrorCode code,
                                          const char *message);
LOWBIT_API LowbitErrorCode lowbitErrorGetCode(const LowbitError *error);
/// One or more lines of text without a trailing newline; lives as long as
/// `error`.
LOWBIT_API const char *lowbitErrorGetMessage(const LowbitError *error);
/// Frees `error`; null is allowed.
LOWBIT_API void lowbitErrorDestroy(LowbitError *error);

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

/// A loaded artifact. Immutable after loading: every function that takes a
/// model, except lowbitModelDestroy, may be called from several threads at
/// once.
typedef struct LowbitModel LowbitModel;

/// Loads the shared library at `path`. `threads` is how many threads one run
/// may use, the calling one included; 0 means every core that this process may
/// run on, as counted at load.
LOWBIT_API LowbitError *lowbitModelLoad(const char *path, int32_t threads,
                                        LowbitModel **model);

/// Loads a shared library from `size` bytes at `data`, which are copied.
LOWBIT_API LowbitError *lowbitModelLoadMemory(const void *data, size_t size,
                                              int32_t threads,
                                              LowbitModel **model);

/// Uses an artifact that is linked into the program; it must outlive the model.
LOWBIT_API LowbitError *lowbitModelLoadStatic(const LowbitArtifact *artifact,
                                              int32_t threads,
                                              LowbitModel **model);

/// Unloads the model; no run of it may be in progress. Results stay valid. Null
/// is allowed.
LOWBIT_API void lowbitModelDestroy(LowbitModel *model);

/// The strings and specs below live as long as the model. Inputs, outputs and
/// symbols are those of the default entry.
LOWBIT_API int32_t lowbitModelGetNumInputs(const LowbitModel *model);
LOWBIT_API int32_t lowbitModelGetNumOutputs(const LowbitModel *model);
/// Name, element type and dimensions of an input or output; null when `index`
/// is out of range. A dimension is an extent, LOWBIT_DIM_ANY or
/// LOWBIT_DIM_SYMBOL(i).
LOWBIT_API const LowbitTensorSpec *lowbitModelGetInput(const LowbitModel *model,
                                                       int32_t index);
LOWBIT_API const LowbitTensorSpec *
lowbitModelGetOutput(const LowbitModel *model, int32_t index);
/// The name of symbol `index`; null when out of range.
LOWBIT_API int32_t lowbitModelGetNumSymbols(const LowbitModel *model);
LOWBIT_API const char *lowbitModelGetSymbol(const LowbitModel *model,
                                            int32_t index);
/// What compiled the artifact, and for which target.
LOWBIT_API const char *lowbitModelGetProducer(const LowbitModel *model);
LOWBIT_API const char *lowbitModelGetTarget(const LowbitModel *model);
/// The CPU features that the artifact needs, in LLVM's spelling.
LOWBIT_API int32_t lowbitModelGetNumFeatures(const LowbitModel *model);
LOWBIT_API const char *lowbitModelGetFeature(const LowbitModel *model,
                                             int32_t index);
/// The compile report as JSON; null when the artifact has none.
LOWBIT_API const char *lowbitModelGetReport(const LowbitModel *model);
/// How many threads a run may use; at least 1.
LOWBIT_API int32_t lowbitModelGetNumThreads(const LowbitModel *model);

//===----------------------------------------------------------------------===//
// Entries
//===----------------------------------------------------------------------===//

/// One of the models that an artifact holds, such as an encoder and a decoder
/// step. Belongs to its LowbitModel and lives as long.
typedef struct LowbitEntry LowbitEntry;

/// At least 1; entry 0 is the default one, which lowbitModelRun runs.
LOWBIT_API int32_t lowbitModelGetNumEntries(const LowbitModel *model);
/// Null when `index` is out of range.
LOWBIT_API LowbitEntry *lowbitModelGetEntry(LowbitModel *model, int32_t index);
/// Null when no entry has that name.
LOWBIT_API LowbitEntry *lowbitModelFindEntry(LowbitModel *model,
                                             const char *name);

LOWBIT_API const char *lowbitEntryGetName(const LowbitEntry *entry);
/// As lowbitModelGetNumInputs and so on.
LOWBIT_API int32_t lowbitEntryGetNumInputs(const LowbitEntry *entry);
LOWBIT_API int32_t lowbitEntryGetNumOutputs(const LowbitEntry *entry);
LOWBIT_API const LowbitTensorSpec *lowbitEntryGetInput(const LowbitEntry *entry,
                                                       int32_t index);
LOWBIT_API const LowbitTensorSpec *
lowbitEntryGetOutput(const LowbitEntry *entry, int32_t index);
LOWBIT_API int32_t lowbitEntryGetNumSymbols(const LowbitEntry *entry);
LOWBIT_API const char *lowbitEntryGetSymbol(const LowbitEntry *entry,
                                            int32_t index);
/// The state (see Session.h) that an input is taken from, or that an output
/// becomes; null for those that belong to the caller.
LOWBIT_API const char *lowbitEntryGetInputState(const LowbitEntry *entry,
                                                int32_t index);
LOWBIT_API const char *lowbitEntryGetOutputState(const LowbitEntry *entry,
                                                 int32_t index);

//===----------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------===//

/// A tensor in memory: contiguous, row-major, aligned to its element.
typedef struct LowbitTensor {
  const char *name; ///< of an input; null means: by position
  int32_t dtype;    ///< LowbitDType
  int32_t rank;
  const int64_t *dims; ///< `rank` extents; may be null when rank is 0
  void *data;          ///< not written to when it is an input
} LowbitTensor;

/// The outputs of one run. Belongs to one thread at a time.
typedef struct LowbitResult LowbitResult;

/// Gives the storage of output `index`, for which `tensor` holds all but the
/// data: `bytes` bytes, 64-byte aligned, owned by the caller. Null fails the
/// run. Called by the thread that runs the model.
typedef void *(*LowbitOutputCallback)(void *user, int32_t index,
                                      const LowbitTensor *tensor, size_t bytes);

/// Runs the model on `num_inputs` inputs, each given once, by name or by
/// position; checks names, element types, ranks, fixed extents and that equal
/// symbols have equal extents. `allocate` may be null: the outputs then belong
/// to the result. Any number of runs may be in progress at once; each has its
/// own scratch memory, and a run that finds the model's worker threads busy
/// with another run goes on alone.
LOWBIT_API LowbitError *lowbitModelRun(LowbitModel *model,
                                       const LowbitTensor *inputs,
                                       int32_t num_inputs,
                                       LowbitOutputCallback allocate,
                                       void *user, LowbitResult **result);

/// The same for one entry of the model.
LOWBIT_API LowbitError *lowbitEntryRun(LowbitEntry *entry,
                                       const LowbitTensor *inputs,
                                       int32_t num_inputs,
                                       LowbitOutputCallback allocate,
                                       void *user, LowbitResult **result);

LOWBIT_API int32_t lowbitResultGetNumOutputs(const LowbitResult *result);
/// Output `index`, null when out of range; lives as long as the result, its
/// data too unless taken.
LOWBIT_API const LowbitTensor *lowbitResultGetOutput(const LowbitResult *result,
                                                     int32_t index);
/// Passes the storage of output `index` to the caller, who frees it with
/// lowbitBufferRelease. Null when out of range, taken before, or owned by the
/// caller already.
LOWBIT_API void *lowbitResultTakeData(LowbitResult *result, int32_t index);
/// Frees storage got from lowbitResultTakeData; null is allowed.
LOWBIT_API void lowbitBufferRelease(void *data);
/// Frees the result and the outputs that were not taken; null is allowed.
LOWBIT_API void lowbitResultDestroy(LowbitResult *result);

//===----------------------------------------------------------------------===//
// Facts
//===----------------------------------------------------------------------===//

/// The version of this runtime, "0.1.0".
LOWBIT_API const char *lowbitRuntimeGetVersion(void);
/// The bytes of one element; 0 for an unknown LowbitDType.
LOWBIT_API size_t lowbitDTypeGetSize(int32_t dtype);
/// "float32", "int64", ...: numpy's names; "unknown" for an unknown one.
LOWBIT_API const char *lowbitDTypeGetName(int32_t dtype);
/// Whether this machine, CPU and operating system, offers a CPU feature (LLVM
/// spelling): 1, 0, or -1 when the runtime does not know the feature.
LOWBIT_API int32_t lowbitMachineHasFeature(const char *feature);

#ifdef __cplusplus
}
#endif

#endif // LOWBIT_C_RUNTIME_H
