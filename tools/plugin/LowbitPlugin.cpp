//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The lowbit dialect and its passes for tools that load plugins, such as a
// stock mlir-opt:
//
//   mlir-opt x.mlir --load-dialect-plugin=LowbitPlugin.so
//       --pass-pipeline='builtin.module(convert-lowbit-to-linalg)'
//
// The onnx dialect stays out: onnx-mlir owns the same name. The plugin brings
// no copy of MLIR; the host that loads it has one.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Conversion/Passes.h"
#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "lowbit/Dialect/Lowbit/Transforms/BufferizableOpInterfaceImpl.h"
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h"
#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"

using namespace mlir;
using namespace mlir::lowbit;

static void registerPasses() {
  registerLowbitPasses();
  registerConvertLowbitToLinalg();
  registerConvertLowbitToVector();
}

static void registerDialect(DialectRegistry *registry) {
  registry->insert<LowbitDialect>();
  lowbit::registerBufferizableOpInterfaceExternalModels(*registry);
  registerPasses();
}

extern "C" LLVM_ATTRIBUTE_WEAK DialectPluginLibraryInfo
mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "lowbit", LOWBIT_VERSION, registerDialect};
}

extern "C" LLVM_ATTRIBUTE_WEAK PassPluginLibraryInfo mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "lowbit-passes", LOWBIT_VERSION,
          registerPasses};
}
