//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The compiler for Python: models in, the bytes of a shared library out.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_PYTHON_COMPILE_H
#define LOWBIT_PYTHON_COMPILE_H

#include <optional>
#include <pybind11/pybind11.h>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace lowbit::python {

/// The name of an entry (empty: that of the file), and a path or the bytes of a
/// file that refers to no others.
using Source = std::tuple<std::string, std::optional<std::string>,
                          std::optional<pybind11::bytes>>;

/// Compiles ONNX models into one artifact without the GIL. An empty `kernel`
/// means the best one; `states` are pairs of an input and an output, `top` of
/// an output and how many of its largest elements to keep. Raises CompileError
/// with every diagnostic.
pybind11::bytes
compileModels(const std::vector<Source> &models, const std::string &target,
              const std::string &kernel, const std::string &tables,
              const std::vector<std::pair<std::string, std::string>> &states,
              const std::vector<std::pair<std::string, int64_t>> &top,
              bool packStates);

} // namespace lowbit::python

#endif // LOWBIT_PYTHON_COMPILE_H
