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
// and has room behind them: an argument of its own, which the entry gets from
// the host's `append`.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Conversion/Passes.h"

#include "Markers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Pass/Pass.h"

namespace mlir::lowbit {
#define GEN_PASS_DEF_LOWBITAPPENDSTATE
#include "lowbit/Conversion/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

namespace {
/// A result that is an input with rows behind it.
struct Append {
  BlockArgument past;
  tensor::InsertSliceOp whole; // the new rows into a copy of the old ones
  int64_t axis;
  int64_t count; // new rows
};
} // namespace

static bool isContiguous(tensor::InsertSliceOp insert) {
  return llvm::all_of(insert.getMixedStrides(), [](OpFoldResult stride) {
    return isConstantIntValue(stride, 1);
  });
}

/// Whether `sum` is `value + count`.
static bool isSum(OpFoldResult sum, OpFoldResult value, int64_t count) {
  auto add = dyn_cast_if_present<Value>(sum)
                 ? cast<Value>(sum).getDefiningOp<arith::AddIOp>()
                 : arith::AddIOp();
  auto base = dyn_cast_if_present<Value>(value);
  if (!add || !base)
    return false;
  return (add.getLhs() == base && isConstantIntValue(add.getRhs(), count)) ||
         (add.getRhs() == base && isConstantIntValue(add.getLhs(), count));
}

/// The input that an insertion copies whole to the start of a fresh tensor;
/// null for any other.
static BlockArgument findCopiedInput(tensor::InsertSliceOp copy) {
  auto past = dyn_cast<BlockArgument>(copy.getSource());
  if (!past || !isContiguous(copy) || !copy->hasOneUse() ||
      past.getType() != copy.getResultType() ||
      !copy.getDest().getDefiningOp<tensor::EmptyOp>() ||
      !llvm::all_of(copy.getMixedOffsets(), [](OpFoldResult offset) {
        return isConstantIntValue(offset, 0);
      }))
    return nullptr;
  // Its elements must not be wanted elsewhere: they may not lie together.
  for (Operation *user : past.getUsers())
    if (user != copy && !isa<tensor::DimOp>(user))
      return nullptr;
  return past;
}

/// Recognises a result as an append.
static std::optional<Append> matchAppend(Value result) {
  auto whole = result.getDefiningOp<tensor::InsertSliceOp>();
  auto copy = whole ? whole.getDest().getDefiningOp<tensor::InsertSliceOp>()
                    : tensor::InsertSliceOp();
  if (!copy || !isContiguous(whole) ||
      whole.getSourceType().getRank() != whole.getResultType().getRank())
    return std::nullopt;
  BlockArgument past = findCopiedInput(copy);
  if (!past)
    return std::nullopt;
  SmallVector<OpFoldResult> offsets = whole.getMixedOffsets();
  SmallVector<OpFoldResult> sizes = whole.getMixedSizes();
  SmallVector<OpFoldResult> oldSizes = copy.getMixedSizes();
  SmallVector<OpFoldResult> all =
      copy.getDest().getDefiningOp<tensor::EmptyOp>().getMixedSizes();
  std::optional<int64_t> axis;
  for (int64_t i = 0, rank = offsets.size(); i < rank; ++i) {
    if (isConstantIntValue(offsets[i], 0)) {
      if (!isEqualConstantIntOrValue(sizes[i], all[i]) ||
          !isEqualConstantIntOrValue(oldSizes[i], all[i]))
        return std::nullopt;
    } else if (axis) {
      return std::nullopt;
    } else {
      axis = i;
    }
  }
  // Sequences, the first dimension, are not what grows.
  if (!axis || *axis == 0 ||
      !isEqualConstantIntOrValue(offsets[*axis], oldSizes[*axis]))
    return std::nullopt;
  std::optional<int64_t> count = getConstantIntValue(sizes[*axis]);
  if (!count || !isSum(all[*axis], oldSizes[*axis], *count))
    return std::nullopt;
  return Append{past, whole, *axis, *count};
}

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
      if (std::optional<Append> append = matchAppend(operand.get()))
        if (seen.insert(append->whole).second)
          rewrite(function, operand, *append);
  }

private:
  static void rewrite(func::FuncOp function, OpOperand &result,
                      const Append &append) {
    tensor::InsertSliceOp whole = append.whole;
    OpBuilder builder(whole);
    int64_t fields[] = {append.past.getArgNumber(),
                        static_cast<int64_t>(result.getOperandNumber()),
                        append.axis, append.count};
    unsigned position = function.getNumArguments();
    auto attrs = builder.getDictionaryAttr(
        {builder.getNamedAttr(kAppendAttr,
                              builder.getDenseI64ArrayAttr(fields)),
         builder.getNamedAttr(
             bufferization::BufferizationDialect::kWritableAttrName,
             builder.getBoolAttr(true))});
    (void)function.insertArgument(position, append.past.getType(), attrs,
                                  whole.getLoc());
    Value storage = function.getArgument(position);
    auto copy = whole.getDest().getDefiningOp<tensor::InsertSliceOp>();
    SmallVector<OpFoldResult> all =
        copy.getDest().getDefiningOp<tensor::EmptyOp>().getMixedSizes();
    SmallVector<OpFoldResult> zeros(all.size(), builder.getIndexAttr(0));
    SmallVector<OpFoldResult> ones(all.size(), builder.getIndexAttr(1));
    Value written = tensor::InsertSliceOp::create(
        builder, whole.getLoc(), whole.getSource(), storage,
        whole.getMixedOffsets(), whole.getMixedSizes(),
        whole.getMixedStrides());
    Value view = tensor::ExtractSliceOp::create(builder, whole.getLoc(),
                                                whole.getResultType(), written,
                                                zeros, all, ones);
    result.set(written);
    whole.getResult().replaceAllUsesWith(view);
    whole.erase();
    copy.erase();
  }
};
} // namespace
