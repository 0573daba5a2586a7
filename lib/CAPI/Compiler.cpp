//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The C API of the compiler, around the C++ one.
//
//===----------------------------------------------------------------------===//

#include "lowbit-c/Compiler.h"

#include "lowbit/Compiler/Compiler.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir::lowbit;

struct LowbitCompiled {
  CompileResult result;
};

static LowbitError *makeError(LowbitErrorCode code,
                              const std::string &message) {
  return lowbitErrorCreate(code, message.c_str());
}

/// Calls `compile` with the options as the compiler knows them, and wraps what
/// it returns.
static LowbitError *compileWith(
    const LowbitCompileOptions *given, LowbitCompiled **compiled,
    llvm::function_ref<llvm::Expected<CompileResult>(const CompileOptions &)>
        compile) {
  *compiled = nullptr;
  CompileOptions options;
  if (given) {
    if (given->emit) {
      std::optional<Emit> emit = parseEmit(given->emit);
      if (!emit)
        return makeError(LOWBIT_ERROR_INVALID_ARGUMENT,
                         "unknown emit '" + std::string(given->emit) +
                             "', expected one of " + getEmitNames().str());
      options.emit = *emit;
    }
    if (given->target)
      options.target = given->target;
    if (given->kernel)
      options.kernel = given->kernel;
    if (given->tables)
      options.tables = given->tables;
    if (given->name)
      options.name = given->name;
    options.remarks = given->remarks != 0;
    options.packStates = given->pack_states != 0;
    for (int32_t i = 0; i < given->num_states; ++i)
      options.states.emplace_back(given->states[i].input,
                                  given->states[i].output);
    for (int32_t i = 0; i < given->num_top; ++i)
      options.top.emplace_back(given->top[i].output, given->top[i].count);
  }
  llvm::Expected<CompileResult> result = compile(options);
  if (!result)
    return makeError(LOWBIT_ERROR_COMPILE, llvm::toString(result.takeError()));
  *compiled = new LowbitCompiled{std::move(*result)};
  return nullptr;
}

LowbitError *lowbitCompileFile(const char *path,
                               const LowbitCompileOptions *options,
                               LowbitCompiled **compiled) {
  return compileWith(options, compiled, [&](const CompileOptions &options) {
    return compileFile(path ? path : "", options);
  });
}

LowbitError *lowbitCompileBuffer(const void *data, size_t size,
                                 const char *base_dir,
                                 const LowbitCompileOptions *options,
                                 LowbitCompiled **compiled) {
  const llvm::StringRef bytes(static_cast<const char *>(data), size);
  return compileWith(options, compiled, [&](const CompileOptions &options) {
    return compileBuffer(bytes, /*isMLIR=*/false, base_dir ? base_dir : "",
                         options);
  });
}

LowbitError *lowbitCompileModels(const LowbitModelSource *models,
                                 int32_t num_models,
                                 const LowbitCompileOptions *options,
                                 LowbitCompiled **compiled) {
  std::vector<ModelSource> sources;
  for (int32_t i = 0; i < num_models; ++i) {
    const LowbitModelSource &model = models[i];
    ModelSource &source = sources.emplace_back();
    source.name = model.name ? model.name : "";
    source.path = model.path ? model.path : "";
    source.bytes =
        llvm::StringRef(static_cast<const char *>(model.data), model.size);
    source.baseDir = model.base_dir ? model.base_dir : "";
  }
  return compileWith(options, compiled, [&](const CompileOptions &options) {
    return compileModels(sources, options);
  });
}

const void *lowbitCompiledGetData(const LowbitCompiled *compiled) {
  return compiled->result.output->getBufferStart();
}

size_t lowbitCompiledGetSize(const LowbitCompiled *compiled) {
  return compiled->result.output->getBufferSize();
}

const char *lowbitCompiledGetReport(const LowbitCompiled *compiled) {
  return compiled->result.report.c_str();
}

const char *lowbitCompiledGetDiagnostics(const LowbitCompiled *compiled) {
  return compiled->result.diagnostics.c_str();
}

const char *lowbitCompiledGetHeader(const LowbitCompiled *compiled) {
  return compiled->result.header.c_str();
}

LowbitError *lowbitCompiledWrite(const LowbitCompiled *compiled,
                                 const char *path) {
  if (llvm::Error error = writeFile(path, compiled->result.output->getBuffer()))
    return makeError(LOWBIT_ERROR_FILE, llvm::toString(std::move(error)));
  return nullptr;
}

void lowbitCompiledDestroy(LowbitCompiled *compiled) { delete compiled; }
