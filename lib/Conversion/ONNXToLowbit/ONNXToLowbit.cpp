//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The pass convert-onnx-to-lowbit: runs the recognisers over every function,
// then removes what they have left without a use.
//
//===----------------------------------------------------------------------===//

#include "Recognisers.h"
#include "WeightQuantizer.h"
#include "lowbit/Conversion/Passes.h"
#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "lowbit/Dialect/ONNX/IR/ONNX.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::lowbit {
#define GEN_PASS_DEF_CONVERTONNXTOLOWBIT
#include "lowbit/Conversion/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

namespace {

struct ConvertONNXToLowbit
    : lowbit::impl::ConvertONNXToLowbitBase<ConvertONNXToLowbit> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<FunctionOpInterface>())
      if (!function.isExternal())
        convert(function);
  }

  void convert(FunctionOpInterface function) {
    IRRewriter rewriter(&getContext());
    // Quantizers whose pattern holds another's come first.
    recogniseMinMaxQuantizers(function, rewriter);
    recogniseDynamicRangeQuantizers(function, rewriter);
    eraseDead(function, rewriter);
    recogniseElasticQuantizers(function, rewriter);
    recogniseSignQuantizers(function, rewriter);
    recogniseStepQuantizers(function, rewriter);
    recogniseBoundQuantizers(function, rewriter);
    recogniseAbsMaxQuantizers(function, rewriter);
    removeStraightThroughResidues(function, rewriter);
    moveDataMovementToLevels(function, rewriter);

    WeightQuantizers weights(function, rewriter);
    recogniseEmbeddingLookups(function, rewriter, weights);
    recogniseMatmuls(function, rewriter, weights);

    recogniseLayerNorms(function, rewriter);
    recogniseSoftmaxes(function, rewriter);
    recogniseGelus(function, rewriter);
    eraseDead(function, rewriter);
  }

  /// Erases operations without effects whose results nobody uses.
  static void eraseDead(FunctionOpInterface function, RewriterBase &rewriter) {
    for (Block &block : function.getFunctionBody())
      for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
        if (isOpTriviallyDead(&op))
          rewriter.eraseOp(&op);
  }
};

} // namespace
