//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Softmax along the last dimension. Along another dimension it is lowered with
// the float operators.
//
//===----------------------------------------------------------------------===//

#include "Match.h"
#include "Recognisers.h"

using namespace mlir;
using namespace mlir::lowbit;

void lowbit::recogniseSoftmaxes(FunctionOpInterface function,
                                RewriterBase &rewriter) {
  for (auto op : collect<onnx::SoftmaxOp>(function)) {
    RankedTensorType type = getFloatTensor(op.getInput());
    auto axis = static_cast<int64_t>(op.getAxis());
    if (!type || type.getRank() == 0 ||
        !isLastAxis(ArrayRef(axis), type.getRank()))
      continue;
    rewriter.setInsertionPoint(op);
    Value result =
        SoftmaxOp::create(rewriter, op.getLoc(), op.getInput()).getResult();
    rewriter.replaceOp(
        op, castTo(rewriter, op.getLoc(), result, op.getOutput().getType()));
  }
}
