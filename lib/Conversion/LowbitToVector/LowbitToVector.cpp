//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Replaces packed operations on buffers by the loops of their kernels.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Conversion/Passes.h"
#include "lowbit/Kernels/Emitters.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::lowbit {
#define GEN_PASS_DEF_CONVERTLOWBITTOVECTOR
#include "lowbit/Conversion/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

namespace {

struct ConvertLowbitToVector
    : lowbit::impl::ConvertLowbitToVectorBase<ConvertLowbitToVector> {
  void runOnOperation() override {
    Target target = Target::get(getOperation());
    SmallVector<Operation *> work;
    getOperation()->walk([&](Operation *op) {
      if (isa<PackedMatmulOp, PackedAttentionOp, QuantizePackOp, RepackOp,
              PackedLookupOp, LayerNormOp, LayerNormPackOp, SoftmaxOp,
              TopProductOp>(op))
        work.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (Operation *op : work) {
      rewriter.setInsertionPoint(op);
      auto emit = [&](auto emitter) {
        return [&, emitter](auto typed) {
          return emitter(rewriter, typed, target);
        };
      };
      LogicalResult emitted =
          TypeSwitch<Operation *, LogicalResult>(op)
              .Case<PackedMatmulOp>(emit(emitPackedMatmul))
              .Case<PackedAttentionOp>(emit(emitPackedAttention))
              .Case<QuantizePackOp>(emit(emitQuantizePack))
              .Case<RepackOp>(emit(emitRepack))
              .Case<PackedLookupOp>(emit(emitPackedLookup))
              .Case<LayerNormOp>(emit(emitLayerNorm))
              .Case<LayerNormPackOp>(emit(emitLayerNormPack))
              .Case<SoftmaxOp>(emit(emitSoftmax))
              .Case<TopProductOp>(emit(emitTopProduct))
              .Default([](Operation *) { return failure(); });
      if (failed(emitted))
        return signalPassFailure();
    }
  }
};

} // namespace
