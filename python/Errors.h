//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Errors of the compiler and the runtime as exceptions of the Python package.
// The classes are written in Python (lowbit/_errors.py).
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_PYTHON_ERRORS_H
#define LOWBIT_PYTHON_ERRORS_H

#include "lowbit-c/Runtime.h"
#include <string>

namespace lowbit::python {

/// Raises `lowbit._errors.<className>` with `diagnostic`; the GIL must be held.
[[noreturn]] void raise(const char *className, const std::string &diagnostic);

/// Does nothing for null; otherwise destroys `error` and raises the exception
/// of its code. The GIL must be held.
void raiseOnError(LowbitError *error);

} // namespace lowbit::python

#endif // LOWBIT_PYTHON_ERRORS_H
