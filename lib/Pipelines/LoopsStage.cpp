//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Stage `loops`: kernels chosen, operands packed, epilogues fused, everything
// on buffers and in loops over vectors.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Conversion/Passes.h"
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h"
#include "lowbit/Pipelines/Pipelines.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::lowbit;

static void addCleanup(OpPassManager &pm) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void mlir::lowbit::buildLoopsStage(OpPassManager &pm,
                                   const LoopsStageOptions &options) {
  // Packing: the levels that remain afterwards have no kernel and take the
  // definition of their operation.
  LowbitPackOptions pack;
  pack.kernel = options.kernel;
  pm.addPass(createLowbitPack(pack));
  pm.addPass(createLowbitScreenProducts());
  // Sizes in terms of the inputs' dimensions: the arena needs them so, and a
  // dimension of a collapsed shape is not resolved on buffers any more.
  pm.addPass(memref::createResolveRankedShapeTypeResultDimsPass());
  addCleanup(pm);
  ConvertLowbitToLinalgOptions definition;
  definition.keepKernels = true;
  pm.addPass(createConvertLowbitToLinalg(definition));
  addCleanup(pm);

  pm.addPass(createLowbitFuseEpilogue());
  addCleanup(pm);
  pm.addPass(createLowbitFuseNorm());
  pm.addPass(createLowbitFuseAttention());
  pm.addPass(createLowbitProbeMinimum());
  pm.addPass(createLowbitFuseQuantizers());
  addCleanup(pm);
  pm.addPass(createLowbitFuseThresholds());
  // What the others left: quantizers of which not all is known before they run.
  pm.addPass(createLowbitFuseInputs());
  addCleanup(pm);
  // Again: kernels are chosen and all is fused that will be, and tensors still
  // tell sizes and who reads what.
  pm.addPass(createLowbitReport());

  // Rows that are sized by the inputs' dimensions, as above.
  pm.addNestedPass<func::FuncOp>(createLowbitSplitReductions());
  LowbitPackTablesOptions tables;
  tables.type = options.tables;
  pm.addNestedPass<func::FuncOp>(createLowbitPackTables(tables));
  pm.addPass(memref::createResolveRankedShapeTypeResultDimsPass());
  addCleanup(pm);

  pm.addNestedPass<func::FuncOp>(createLowbitProtectInputs());
  pm.addNestedPass<func::FuncOp>(createLowbitAppendState());
  bufferization::OneShotBufferizePassOptions bufferize;
  bufferize.bufferizeFunctionBoundaries = true;
  bufferize.functionBoundaryTypeConversion =
      bufferization::LayoutMapOption::IdentityLayoutMap;
  pm.addPass(bufferization::createEmptyTensorEliminationPass());
  pm.addPass(bufferization::createOneShotBufferizePass(bufferize));
  addCleanup(pm);

  pm.addPass(createLowbitOutlineKernels());
  pm.addPass(createConvertLowbitToVector());
  pm.addNestedPass<func::FuncOp>(createLowbitLinalgToLoops());
  addCleanup(pm);
}
