//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The stages of compilation as pass pipelines. The same five names are used by
// `lowbit-compile --emit`, by the registered pipelines and in the
// documentation:
//
//   onnx -> lowbit -> loops -> llvm -> artifact
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_PIPELINES_PIPELINES_H
#define LOWBIT_PIPELINES_PIPELINES_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace mlir::lowbit {

/// Options of the stage `lowbit`.
struct LowbitStageOptions : PassPipelineOptions<LowbitStageOptions> {
  ListOption<std::string> top{
      *this, "top",
      llvm::cl::desc("outputs that are wanted for their largest elements only, "
                     "NAME:COUNT")};
};

/// Options of the stage `loops`.
struct LoopsStageOptions : PassPipelineOptions<LoopsStageOptions> {
  Option<std::string> kernel{
      *this, "kernel",
      llvm::cl::desc("use this row of the kernel table where it applies")};
  Option<std::string> tables{
      *this, "tables", llvm::cl::init("f32"),
      llvm::cl::desc("how constant right sides of float products are stored: "
                     "f32, bf16 or int8")};
};

/// Options of the stage `llvm`.
struct LLVMStageOptions : PassPipelineOptions<LLVMStageOptions> {
  Option<std::string> symbol{
      *this, "symbol",
      llvm::cl::desc("symbol of the artifact's table of contents"),
      llvm::cl::init("lowbit_artifact")};
  Option<std::string> entry{
      *this, "entry", llvm::cl::desc("name of the entry of a single model"),
      llvm::cl::init("main")};
  Option<bool> program{
      *this, "program",
      llvm::cl::desc("the module holds several models, a module for each"),
      llvm::cl::init(false)};
};

/// Stage `onnx`: infers shapes, folds what is constant, removes duplicates.
void buildONNXStage(OpPassManager &pm);
/// Stage `lowbit`: recognises quantizers and quantized matmuls, lowers the rest
/// to linalg, and selects the largest elements of outputs.
void buildLowbitStage(OpPassManager &pm, const LowbitStageOptions &options);
/// The end of stage `lowbit` where sessions shall keep codes: works on all
/// models of a program at once.
void buildPackStates(OpPassManager &pm);
/// Stage `loops`: chooses kernels, packs, fuses, bufferizes, emits loops.
void buildLoopsStage(OpPassManager &pm, const LoopsStageOptions &options);
/// Stage `llvm`: plans memory, builds the entry, lowers to the LLVM dialect.
void buildLLVMStage(OpPassManager &pm, const LLVMStageOptions &options);

/// Registers `lowbit-stage-onnx`, `-lowbit`, `-loops`, `-llvm`.
void registerPipelines();

} // namespace mlir::lowbit

#endif // LOWBIT_PIPELINES_PIPELINES_H
