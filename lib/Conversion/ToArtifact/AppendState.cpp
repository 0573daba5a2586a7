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
/// A result that is an input with rows behind it.
struct Append {
  BlockArgument past;
  tensor::InsertSliceOp whole; // the new rows into a copy of the old ones
  int64_t axis;
};
} // namespace

static bool isContiguous(tensor::InsertSliceOp insert) {
  return llvm::all_of(insert.getMixedStrides(), [](OpFoldResult stride) {
    return isConstantIntValue(stride, 1);
  });
}

/// Whether `sum` is computed as `a + b`.
static bool isSum(OpFoldResult sum, OpFoldResult a, OpFoldResult b) {
  auto value = dyn_cast_if_present<Value>(sum);
  auto add = value ? value.getDefiningOp<arith::AddIOp>() : arith::AddIOp();
  if (!add)
    return false;
  OpFoldResult left = getAsOpFoldResult(add.getLhs());
  OpFoldResult right = getAsOpFoldResult(add.getRhs());
  return (isEqualConstantIntOrValue(left, a) &&
          isEqualConstantIntOrValue(right, b)) ||
         (isEqualConstantIntOrValue(left, b) &&
          isEqualConstantIntOrValue(right, a));
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
  if (!isSum(all[*axis], oldSizes[*axis], sizes[*axis]))
    return std::nullopt;
  return Append{past, whole, *axis};
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
          rewrite(operand, *append);
  }

private:
  static void rewrite(OpOperand &result, const Append &append) {
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
    auto copy = whole.getDest().getDefiningOp<tensor::InsertSliceOp>();
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
