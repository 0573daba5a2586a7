//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The stages as pipelines for tools that take passes by name.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Pipelines/Pipelines.h"

#include "mlir/Pass/PassRegistry.h"

using namespace mlir;

void mlir::lowbit::registerPipelines() {
  PassPipelineRegistration<>("lowbit-stage-onnx",
                             "Infer shapes, fold constants, remove duplicates",
                             buildONNXStage);
  PassPipelineRegistration<LowbitStageOptions>(
      "lowbit-stage-lowbit",
      "Recognise quantizers and quantized matmuls, lower the rest to linalg",
      buildLowbitStage);
  PassPipelineRegistration<LoopsStageOptions>(
      "lowbit-stage-loops", "Choose kernels, pack, fuse, bufferize, emit loops",
      buildLoopsStage);
  PassPipelineRegistration<LLVMStageOptions>(
      "lowbit-stage-llvm",
      "Plan memory, build the entry, lower to the LLVM dialect",
      buildLLVMStage);
}
