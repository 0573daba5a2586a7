//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// lowbit-append-state. A cache that a step returns one row longer,
//
//   %present = concat(%past, %new)        along an axis
//
// becomes a write of the new rows into storage that holds the old ones already
// and has room behind them. The storage is a cast from the number of new rows,
// which nobody can look into; convert-to-lowbit-entry makes it a call of the
// host's `append`.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Conversion/Passes.h"

#include "CacheAppend.h"
#include "Markers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Pass/Pass.h"

namespace mlir::lowbit {
#define GEN_PASS_DEF_LOWBITAPPENDSTATE
#include "lowbit/Conversion/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

namespace {
struct AppendState : mlir::lowbit::impl::LowbitAppendStateBase<AppendState> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal() || function.isPrivate() ||
        !function.getBody().hasOneBlock())
      return;
    auto ret = cast<func::ReturnOp>(function.getBody().front().getTerminator());
    llvm::SmallPtrSet<Operation *, 8> seen;
    for (OpOperand &operand : ret->getOpOperands())
      if (std::optional<CacheAppend> append = matchCacheAppend(operand.get()))
        if (seen.insert(append->whole).second)
          rewrite(operand, *append);
  }

private:
  static void rewrite(OpOperand &result, const CacheAppend &append) {
    tensor::InsertSliceOp whole = append.whole;
    OpBuilder builder(whole);
    Location loc = whole.getLoc();
    Value rows = getValueOrCreateConstantIndexOp(
        builder, loc, whole.getMixedSizes()[append.axis]);
    RankedTensorType type = whole.getResultType();
    auto cast = UnrealizedConversionCastOp::create(
        builder, loc, MemRefType::get(type.getShape(), type.getElementType()),
        rows);
    cast->setAttr(
        kAppendAttr,
        builder.getDenseI64ArrayAttr(
            {append.past.getArgNumber(),
             static_cast<int64_t>(result.getOperandNumber()), append.axis}));
    Value storage = bufferization::ToTensorOp::create(
        builder, loc, type, cast.getResult(0), /*restrict=*/true,
        /*writable=*/true);
    tensor::InsertSliceOp copy = append.copy;
    SmallVector<OpFoldResult> all =
        copy.getDest().getDefiningOp<tensor::EmptyOp>().getMixedSizes();
    SmallVector<OpFoldResult> zeros(all.size(), builder.getIndexAttr(0));
    SmallVector<OpFoldResult> ones(all.size(), builder.getIndexAttr(1));
    Value written = tensor::InsertSliceOp::create(
        builder, loc, whole.getSource(), storage, whole.getMixedOffsets(),
        whole.getMixedSizes(), whole.getMixedStrides());
    Value view = tensor::ExtractSliceOp::create(
        builder, loc, whole.getResultType(), written, zeros, all, ones);
    result.set(written);
    whole.getResult().replaceAllUsesWith(view);
    whole.erase();
    copy.erase();
  }
};
} // namespace
