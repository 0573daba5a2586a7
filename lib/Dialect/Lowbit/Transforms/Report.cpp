//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Writes what became of every matmul, normalisation and quantizer into the
// module's attribute `lowbit.report`, as JSON (docs/Report.md).
//
//===----------------------------------------------------------------------===//

#include "ReportBuilder.h"
#include "lowbit/Dialect/Lowbit/IR/ReportMarks.h"
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::lowbit {
#define GEN_PASS_DEF_LOWBITREPORT
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

/// Whether an operation works on tensors: buffers have no sizes of their own.
static bool isOnTensors(Operation *op) {
  return op->getNumResults() != 0 &&
         isa<RankedTensorType>(op->getResult(0).getType());
}

namespace {
struct LowbitReport : lowbit::impl::LowbitReportBase<LowbitReport> {
  void runOnOperation() override {
    ReportBuilder report(Target::get(getOperation()));
    getOperation()->walk([&](Operation *op) {
      if (!isOnTensors(op))
        return;
      llvm::TypeSwitch<Operation *>(op)
          .Case<MatmulOp, PackedMatmulOp, PackedAttentionOp, LayerNormOp,
                LayerNormPackOp, QuantizePackOp, TopProductOp>(
              [&](auto known) { report.add(known); })
          .Case([&](linalg::LinalgOp loops) {
            if (op->hasAttr(kFloatMatmul) || op->hasAttr(kLevelsMatmul))
              report.addLoops(loops);
          });
    });
    getOperation()->setAttr("lowbit.report",
                            StringAttr::get(&getContext(), report.takeText()));
    markAllAnalysesPreserved();
  }
};
} // namespace
