//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The lowbit dialect for programs that use MLIR's C API: its handle, its level
// types and its passes.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_C_DIALECT_H
#define LOWBIT_C_DIALECT_H

#include "mlir-c/IR.h"

#ifdef __cplusplus
extern "C" {
#endif

/// mlirGetDialectHandle__lowbit__().
MLIR_DECLARE_CAPI_DIALECT_REGISTRATION(Lowbit, lowbit);

/// Registers the dialect's passes and the conversions, for textual pipelines;
/// once in a process.
MLIR_CAPI_EXPORTED void mlirRegisterLowbitPasses(void);

/// Whether `type` is a `!lowbit.levels<...>`.
MLIR_CAPI_EXPORTED bool mlirTypeIsALowbitLevels(MlirType type);

/// `!lowbit.levels<...>` with `count` ascending levels of one common distance.
/// Other levels emit a diagnostic and give a null type.
MLIR_CAPI_EXPORTED MlirType mlirLowbitLevelsTypeGet(MlirContext context,
                                                    intptr_t count,
                                                    const int64_t *levels);
/// How many levels the type has.
MLIR_CAPI_EXPORTED intptr_t mlirLowbitLevelsTypeGetCount(MlirType type);
/// Level `index`, from 0 for the lowest.
MLIR_CAPI_EXPORTED int64_t mlirLowbitLevelsTypeGetLevel(MlirType type,
                                                        intptr_t index);

#ifdef __cplusplus
}
#endif

#endif // LOWBIT_C_DIALECT_H
