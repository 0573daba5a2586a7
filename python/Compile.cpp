//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Calls the compiler and hands its errors on. The only part of the module that
// sees LLVM's headers.
//
//===----------------------------------------------------------------------===//

#include "Compile.h"
#include "Errors.h"
#include "lowbit/Compiler/Compiler.h"

#include <string_view>

namespace py = pybind11;

py::bytes lowbit::python::compileModels(
    const std::vector<Source> &models, const std::string &target,
    const std::string &kernel, const std::string &tables,
    const std::vector<std::pair<std::string, std::string>> &states,
    const std::vector<std::pair<std::string, int64_t>> &top, bool packStates) {
  mlir::lowbit::CompileOptions options;
  options.target = target;
  options.kernel = kernel;
  options.tables = tables;
  options.states = states;
  options.top = top;
  options.packStates = packStates;
  std::vector<mlir::lowbit::ModelSource> sources;
  for (const auto &[name, path, bytes] : models) {
    mlir::lowbit::ModelSource &source = sources.emplace_back();
    source.name = name;
    if (path) {
      source.path = *path;
    } else if (bytes) {
      std::string_view view = *bytes;
      source.bytes = {view.data(), view.size()};
    }
  }
  auto compile = [&] {
    py::gil_scoped_release release;
    return mlir::lowbit::compileModels(sources, options);
  };
  llvm::Expected<mlir::lowbit::CompileResult> result = compile();
  if (!result)
    lowbit::python::raise("CompileError", llvm::toString(result.takeError()));
  llvm::StringRef artifact = result->output->getBuffer();
  return py::bytes(artifact.data(), artifact.size());
}
