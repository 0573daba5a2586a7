//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Stage lowbit: recognise what is quantized, lower the float rest to linalg.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Conversion/Passes.h"
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h"
#include "lowbit/Pipelines/Pipelines.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void mlir::lowbit::buildLowbitStage(OpPassManager &pm,
                                    const LowbitStageOptions &options) {
  // Recognisers compare operands by identity: duplicates must be gone.
  pm.addPass(createCSEPass());
  pm.addPass(createConvertONNXToLowbit());
  pm.addPass(createCSEPass());
  LowbitSelectOutputsOptions select;
  select.top.assign(options.top.begin(), options.top.end());
  pm.addPass(createLowbitSelectOutputs(select));
  pm.addPass(createConvertONNXToLinalg());
  pm.addPass(createLowbitSinkCollapses());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createLowbitReport());
}

void mlir::lowbit::buildPackStates(OpPassManager &pm) {
  pm.addPass(createLowbitPackStates());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}
