//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Errors inside the runtime are exceptions; guard() turns them into the values
// of the C API at its boundary, so that none escapes.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_RUNTIME_ERROR_H
#define LOWBIT_RUNTIME_ERROR_H

#include "lowbit-c/Runtime.h"

#include <exception>
#include <new>
#include <string>
#include <utility>

namespace lowbit {

/// A failure with the code and the message that the caller sees.
struct Failure {
  LowbitErrorCode code;
  std::string message;
};

[[noreturn]] inline void fail(LowbitErrorCode code, std::string message) {
  throw Failure{code, std::move(message)};
}

/// Calls `action` and returns null, or the error that it threw.
template <typename Action> LowbitError *guard(Action action) noexcept {
  try {
    action();
    return nullptr;
  } catch (const Failure &failure) {
    return lowbitErrorCreate(failure.code, failure.message.c_str());
  } catch (const std::bad_alloc &) {
    return lowbitErrorCreate(LOWBIT_ERROR_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception &exception) {
    return lowbitErrorCreate(LOWBIT_ERROR_RUN, exception.what());
  }
}

} // namespace lowbit

#endif // LOWBIT_RUNTIME_ERROR_H
