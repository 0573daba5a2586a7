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

static mlir::lowbit::CompileOptions getOptions(const std::string &target,
                                               const std::string &kernel) {
  mlir::lowbit::CompileOptions options;
  options.target = target;
  options.kernel = kernel;
  return options;
}

/// The artifact, or a CompileError; the GIL must be held.
static py::bytes
takeArtifact(llvm::Expected<mlir::lowbit::CompileResult> result) {
  if (!result)
    lowbit::python::raise("CompileError", llvm::toString(result.takeError()));
  llvm::StringRef artifact = result->output->getBuffer();
  return py::bytes(artifact.data(), artifact.size());
}

py::bytes lowbit::python::compileFile(const std::string &path,
                                      const std::string &target,
                                      const std::string &kernel) {
  auto compile = [&] {
    py::gil_scoped_release release;
    return mlir::lowbit::compileFile(path, getOptions(target, kernel));
  };
  return takeArtifact(compile());
}

py::bytes lowbit::python::compileBytes(const py::bytes &model,
                                       const std::string &target,
                                       const std::string &kernel) {
  std::string_view bytes = model;
  auto compile = [&] {
    py::gil_scoped_release release;
    return mlir::lowbit::compileBuffer({bytes.data(), bytes.size()},
                                       /*isMLIR=*/false, /*baseDir=*/"",
                                       getOptions(target, kernel));
  };
  return takeArtifact(compile());
}
