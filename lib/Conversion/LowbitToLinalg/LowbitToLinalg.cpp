//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// convert-lowbit-to-linalg: every operation on tensors by its definition.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Conversion/LowbitToLinalg.h"
#include "Definitions.h"
#include "lowbit/Conversion/Passes.h"
#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::lowbit {
#define GEN_PASS_DEF_CONVERTLOWBITTOLINALG
#include "lowbit/Conversion/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

void mlir::lowbit::populateLevelsToLinalgPatterns(
    const LevelsTypeConverter &converter, RewritePatternSet &patterns) {
  definitions::populateElementwise(converter, patterns);
  definitions::populateContractions(converter, patterns);
  definitions::populatePacking(converter, patterns);
  definitions::populateTopProduct(converter, patterns);
}

void mlir::lowbit::populateKernelsToLinalgPatterns(
    const LevelsTypeConverter &converter, RewritePatternSet &patterns) {
  definitions::populateNormalizations(converter, patterns);
  definitions::populatePackedOperations(converter, patterns);
}

namespace {

struct ConvertLowbitToLinalg
    : lowbit::impl::ConvertLowbitToLinalgBase<ConvertLowbitToLinalg> {
  using ConvertLowbitToLinalgBase::ConvertLowbitToLinalgBase;

  void runOnOperation() override {
    LevelsTypeConverter converter;
    RewritePatternSet patterns(&getContext());
    populateLevelMovementPatterns(converter, patterns);
    populateLevelsToLinalgPatterns(converter, patterns);
    if (!keepKernels)
      populateKernelsToLinalgPatterns(converter, patterns);

    // On buffers there are only operations that kernels lower.
    ConversionTarget target(getContext());
    target.addDynamicallyLegalDialect<LowbitDialect>([&](Operation *op) {
      bool onBuffers =
          llvm::any_of(op->getOperandTypes(), llvm::IsaPred<BaseMemRefType>);
      return onBuffers || (isa<YieldOp>(op)) ||
             (keepKernels &&
              isa<QuantizePackOp, RepackOp, PackedMatmulOp, PackedAttentionOp,
                  PackedLookupOp, LayerNormOp, LayerNormPackOp, SoftmaxOp>(
                  op)) ||
             (keepKernels && isa<TopProductOp>(op) &&
              !cast<TopProductOp>(op).getScreen().empty());
    });
    target.markUnknownOpDynamicallyLegal(
        [&](Operation *op) { return converter.isFreeOfLevels(op); });
    if (failed(applyPartialConversion(getOperation(), target,
                                      std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
