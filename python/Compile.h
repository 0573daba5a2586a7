//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The compiler for Python: a model in, the bytes of a shared library out.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_PYTHON_COMPILE_H
#define LOWBIT_PYTHON_COMPILE_H

#include <pybind11/pybind11.h>
#include <string>

namespace lowbit::python {

/// Compiles the ONNX file at `path` without the GIL. An empty `kernel` means
/// the best one. Raises CompileError with every diagnostic.
pybind11::bytes compileFile(const std::string &path, const std::string &target,
                            const std::string &kernel);

/// The same for the bytes of a file that refers to no others.
pybind11::bytes compileBytes(const pybind11::bytes &model,
                             const std::string &target,
                             const std::string &kernel);

} // namespace lowbit::python

#endif // LOWBIT_PYTHON_COMPILE_H
