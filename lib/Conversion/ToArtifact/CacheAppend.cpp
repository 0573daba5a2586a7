//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See CacheAppend.h. onnx.Concat has become two insertions by now.
//
//===----------------------------------------------------------------------===//

#include "CacheAppend.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"

using namespace mlir;
using namespace mlir::lowbit;

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

std::optional<CacheAppend> mlir::lowbit::matchCacheAppend(Value result) {
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
  return CacheAppend{past, whole, copy, *axis};
}
