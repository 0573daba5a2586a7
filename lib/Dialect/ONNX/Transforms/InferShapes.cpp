//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// onnx-infer-shapes: one walk in program order refines all types.
//
//===----------------------------------------------------------------------===//

#include "ResultTypes.h"
#include "lowbit/Dialect/ONNX/IR/ONNX.h"
#include "lowbit/Dialect/ONNX/Transforms/Passes.h"

namespace mlir::lowbit {
#define GEN_PASS_DEF_INFERSHAPES
#include "lowbit/Dialect/ONNX/Transforms/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

namespace {

struct InferShapes : lowbit::impl::InferShapesBase<InferShapes> {
  void runOnOperation() override {
    WalkResult walked =
        getOperation().walk([](onnx::ShapeInferenceOpInterface op) {
          if (failed(op.inferShapes()))
            return WalkResult::interrupt();
          for (Value result : op->getResults())
            if (!cast<TensorType>(result.getType()).hasRank()) {
              op->emitOpError("has a result whose rank cannot be inferred");
              return WalkResult::interrupt();
            }
          return WalkResult::advance();
        });
    if (walked.wasInterrupted())
      return signalPassFailure();
    updateResultTypes(getOperation());
  }
};

} // namespace

void lowbit::updateResultTypes(func::FuncOp function) {
  if (function.isExternal())
    return;
  auto result =
      dyn_cast<func::ReturnOp>(function.getBody().back().getTerminator());
  if (!result || !llvm::hasSingleElement(function.getBody()))
    return;
  function.setType(FunctionType::get(function.getContext(),
                                     function.getArgumentTypes(),
                                     result.getOperandTypes()));
}
