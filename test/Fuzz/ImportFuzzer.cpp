//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Feeds arbitrary bytes to the ONNX importer: whatever they are, the result is
// a module or a diagnostic.
//
//   build-fuzz/test/Fuzz/lowbit-import-fuzzer -max_len=20000 CORPUS...
//
//===----------------------------------------------------------------------===//

#include "lowbit/Dialect/ONNX/IR/ONNX.h"
#include "lowbit/Import/Import.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"

#include <cstdint>

using namespace mlir;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  DialectRegistry registry;
  registry.insert<func::FuncDialect, onnx::ONNXDialect>();
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  bool hasError = false;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    hasError |= diagnostic.getSeverity() == DiagnosticSeverity::Error;
  });
  OwningOpRef<ModuleOp> module = lowbit::importONNXBuffer(
      StringRef(reinterpret_cast<const char *>(data), size), /*baseDir=*/"",
      &context);
  // A refusal gives a reason, and what is accepted is well formed.
  if (!module ? !hasError : failed(verify(*module)))
    __builtin_trap();
  return 0;
}
