//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Stage llvm: from buffers and loops to the LLVM dialect. Memory and threads
// come first, while loops and memrefs are still there to be read; what follows
// is upstream's lowering in the order that works.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Pipelines/Pipelines.h"

#include "lowbit/Conversion/Passes.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/Transforms/Passes.h"
#include "mlir/Dialect/Vector/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::lowbit;

static void cleanUp(OpPassManager &pm) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

/// One model, from @main to functions of the LLVM dialect.
static void lowerModel(OpPassManager &pm, StringRef name) {
  // What is left of linalg and vector becomes loops and one-dimensional
  // vectors.
  pm.addNestedPass<func::FuncOp>(createLowbitLinalgToLoops());
  pm.addNestedPass<func::FuncOp>(vector::createLowerVectorMultiReductionPass());
  pm.addPass(createConvertVectorToSCFPass());
  pm.addPass(createLowbitExpandMath());
  // Sizes of buffers must be seen to follow from the dimensions of the inputs.
  pm.addPass(memref::createResolveShapedTypeResultDimsPass());
  cleanUp(pm);

  // Memory, entry, threads.
  pm.addPass(createLowbitPlanArena());
  ConvertToLowbitEntryOptions entry;
  entry.name = name.str();
  pm.addPass(createConvertToLowbitEntry(entry));
  pm.addPass(createLowbitOutlineParallel());
  cleanUp(pm);

  // The LLVM dialect.
  pm.addPass(memref::createFoldMemRefAliasOpsPass());
  pm.addPass(memref::createExpandOpsPass());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(arith::createArithExpandOpsPass());
  pm.addPass(createConvertVectorToLLVMPass());
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createConvertMathToLibmPass());
  pm.addPass(createArithToLLVMConversionPass());
  pm.addPass(createConvertIndexToLLVMPass());
  pm.addPass(createFinalizeMemRefToLLVMConversionPass());
  pm.addPass(createConvertFuncToLLVMPass());
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addPass(createUBToLLVMConversionPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createLowbitWidenTruths());
}

void mlir::lowbit::buildLLVMStage(OpPassManager &pm,
                                  const LLVMStageOptions &options) {
  if (options.program) {
    lowerModel(pm.nest<ModuleOp>(), options.entry);
    pm.addPass(createLowbitLinkEntries());
  } else {
    lowerModel(pm, options.entry);
  }
  pm.addPass(createLowbitPackGlobals());
  pm.addPass(createLowbitMergeGlobals());
  LowbitEmitArtifactTableOptions table;
  table.symbol = options.symbol;
  pm.addPass(createLowbitEmitArtifactTable(table));
}
