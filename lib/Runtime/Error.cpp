//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Errors as values, and the facts about element types.
//
//===----------------------------------------------------------------------===//

#include "Error.h"

struct LowbitError {
  LowbitErrorCode code;
  std::string message;
};

/// Stands in when there is no memory for an error; never destroyed.
static LowbitError *getOutOfMemoryError() {
  static LowbitError error{LOWBIT_ERROR_OUT_OF_MEMORY, "out of memory"};
  return &error;
}

LowbitError *lowbitErrorCreate(LowbitErrorCode code, const char *message) {
  try {
    return new LowbitError{code, message ? message : ""};
  } catch (const std::bad_alloc &) {
    return getOutOfMemoryError();
  }
}

LowbitErrorCode lowbitErrorGetCode(const LowbitError *error) {
  return error->code;
}

const char *lowbitErrorGetMessage(const LowbitError *error) {
  return error->message.c_str();
}

void lowbitErrorDestroy(LowbitError *error) {
  if (error != getOutOfMemoryError())
    delete error;
}

const char *lowbitRuntimeGetVersion(void) { return LOWBIT_VERSION; }

size_t lowbitDTypeGetSize(int32_t dtype) {
  switch (dtype) {
  case LOWBIT_DTYPE_BOOL:
  case LOWBIT_DTYPE_INT8:
  case LOWBIT_DTYPE_UINT8:
    return 1;
  case LOWBIT_DTYPE_FLOAT16:
    return 2;
  case LOWBIT_DTYPE_INT32:
  case LOWBIT_DTYPE_UINT32:
  case LOWBIT_DTYPE_FLOAT32:
    return 4;
  case LOWBIT_DTYPE_INT64:
  case LOWBIT_DTYPE_UINT64:
  case LOWBIT_DTYPE_FLOAT64:
    return 8;
  }
  return 0;
}

const char *lowbitDTypeGetName(int32_t dtype) {
  switch (dtype) {
  case LOWBIT_DTYPE_BOOL:
    return "bool";
  case LOWBIT_DTYPE_INT8:
    return "int8";
  case LOWBIT_DTYPE_UINT8:
    return "uint8";
  case LOWBIT_DTYPE_FLOAT16:
    return "float16";
  case LOWBIT_DTYPE_INT32:
    return "int32";
  case LOWBIT_DTYPE_UINT32:
    return "uint32";
  case LOWBIT_DTYPE_FLOAT32:
    return "float32";
  case LOWBIT_DTYPE_INT64:
    return "int64";
  case LOWBIT_DTYPE_UINT64:
    return "uint64";
  case LOWBIT_DTYPE_FLOAT64:
    return "float64";
  }
  return "unknown";
}
