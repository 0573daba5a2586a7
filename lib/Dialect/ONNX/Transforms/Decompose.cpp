//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// onnx-decompose: operators that stand for several others. See Passes.td.
//
//===----------------------------------------------------------------------===//

#include "Decompose.h"
#include "ResultTypes.h"
#include "lowbit/Dialect/ONNX/Transforms/Passes.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::lowbit {
#define GEN_PASS_DEF_DECOMPOSE
#include "lowbit/Dialect/ONNX/Transforms/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

namespace {

struct Decompose : lowbit::impl::DecomposeBase<Decompose> {
  void runOnOperation() override {
    WalkResult walked = getOperation().walk([](Operation *op) {
      LogicalResult done = llvm::TypeSwitch<Operation *, LogicalResult>(op)
                               .Case(decomposeAttention)
                               .Case(decomposeEinsum)
                               .Case(decomposeSlice)
                               .Default([](Operation *) { return success(); });
      return failed(done) ? WalkResult::interrupt() : WalkResult::advance();
    });
    if (walked.wasInterrupted())
      return signalPassFailure();
    // A replacement may have a more precise type.
    updateResultTypes(getOperation());
  }
};

} // namespace
