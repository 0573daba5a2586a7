//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What lowbit-fuse-quantizers asks of a quantizer and of what it reads.
//
//===----------------------------------------------------------------------===//

#include "QuantizedProduct.h"

using namespace mlir;
using namespace mlir::lowbit;

/// [..., K] to [..., H, D] with H and D known.
static bool splitsLast(tensor::ExpandShapeOp op) {
  ArrayRef<int64_t> shape = op.getResultType().getShape();
  if (shape.size() != static_cast<size_t>(op.getSrcType().getRank()) + 1 ||
      ShapedType::isDynamic(shape.back()) ||
      ShapedType::isDynamic(shape[shape.size() - 2]))
    return false;
  for (auto [i, group] : llvm::enumerate(op.getReassociationIndices()))
    if (group.size() !=
        (i + 1 == static_cast<size_t>(op.getSrcType().getRank()) ? 2u : 1u))
      return false;
  return true;
}

std::optional<QuantizedProduct>
mlir::lowbit::findQuantizedProduct(QuantizePackOp op, std::string &reason) {
  auto stays = [&](const Twine &why) {
    reason = why.str();
    return std::nullopt;
  };
  if (op.getGranularity() != Granularity::tensor)
    return stays("its scale is found at run time");
  if (op.hasInputBody())
    return stays("it computes what it quantizes");
  Value source = op.getInput();
  auto split = source.getDefiningOp<tensor::ExpandShapeOp>();
  if (split) {
    if (!splitsLast(split))
      return stays("it reads a result in another shape than that of heads");
    if (op.getShift())
      return stays("it shifts what is split into heads");
    if (op.getPacking().hasWholeCodes() &&
        cast<RankedTensorType>(split.getType()).getShape().back() % 4 != 0)
      return stays("its codes are stored as bytes, and heads are not words");
    if (!split->hasOneUse())
      return stays("what it reads is also read by others");
    source = split.getSrc();
  } else if (op.getPermutation() || op.getPacking().hasPanels()) {
    return stays("it reads a transposed result without heads");
  } else if (op.getPacking().getOrder() == Order::rows &&
             !op.getPacking().getSums()) {
    return stays("its rows are kept without sums");
  }
  auto matmul = source.getDefiningOp<PackedMatmulOp>();
  if (!matmul)
    return stays("it reads no product of levels but " +
                 (source.getDefiningOp()
                      ? source.getDefiningOp()->getName().getStringRef()
                      : StringRef("an input")));
  if (!source.hasOneUse())
    return stays("what it reads is also read by others");
  if (!cast<RankedTensorType>(source.getType()).getElementType().isF32() ||
      matmul.getResultPacking())
    return stays("the result that it reads is not f32");
  if (matmul.getDynamicColumns())
    return stays("the number of columns is not known");
  return QuantizedProduct{matmul, split};
}
