//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Stage `onnx`: from what an exporter wrote to static types, constant shapes
// and one spelling of each computation.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Dialect/ONNX/Transforms/Passes.h"
#include "lowbit/Pipelines/Pipelines.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void lowbit::buildONNXStage(OpPassManager &pm) {
  OpPassManager &function = pm.nest<func::FuncOp>();
  function.addPass(createInferShapes());
  function.addPass(createDecompose());
  // An Expand of a bias goes before folding would write it out.
  function.addPass(createSimplifyShapes());
  function.addPass(createFoldConstants());
  function.addPass(createCanonicalizerPass());
  function.addPass(createCSEPass());
  // Simpler shapes have made more types static.
  function.addPass(createInferShapes());
  function.addPass(createFoldConstants());
  function.addPass(createCanonicalizerPass());
  function.addPass(createCSEPass());
}
