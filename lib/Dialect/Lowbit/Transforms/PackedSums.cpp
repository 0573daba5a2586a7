//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See PackedSums.h. With the sums read from the words, the product alone reads
// the levels, so that their quantizer can join whatever makes its numbers.
//
//===----------------------------------------------------------------------===//

#include "PackedSums.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::lowbit;

static bool hasSumInLastWord(PackingAttr packing) {
  Order order = packing.getOrder();
  return packing.getSums() && (order == Order::panels ||
                               order == Order::dwords || order == Order::quads);
}

/// The last words of all panels, `[..., panels, lanes]`.
static Value sliceLastWords(OpBuilder &b, Location loc, Value packed) {
  auto type = cast<RankedTensorType>(packed.getType());
  int64_t rank = type.getRank(), words = rank - 2;
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, packed);
  SmallVector<OpFoldResult> offsets(rank, b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(rank, b.getIndexAttr(1));
  if (auto count = dyn_cast<Value>(sizes[words])) {
    Value one = arith::ConstantIndexOp::create(b, loc, 1);
    offsets[words] = arith::SubIOp::create(b, loc, count, one).getResult();
  } else {
    offsets[words] = b.getIndexAttr(type.getDimSize(words) - 1);
  }
  sizes[words] = b.getIndexAttr(1);
  SmallVector<int64_t> shape(type.getShape());
  shape.erase(shape.begin() + words);
  return tensor::ExtractSliceOp::create(b, loc, type.clone(shape), packed,
                                        offsets, sizes, strides);
}

/// `[..., panels, lanes]` as `[..., columns]`, without lanes that have no row.
static Value joinPanels(OpBuilder &b, Location loc, Value lanes,
                        OpFoldResult columns) {
  int64_t last = cast<RankedTensorType>(lanes.getType()).getRank() - 1;
  SmallVector<ReassociationIndices> groups;
  for (int64_t i = 0; i < last - 1; ++i)
    groups.push_back({i});
  groups.push_back({last - 1, last});
  Value joined = tensor::CollapseShapeOp::create(b, loc, lanes, groups);
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, joined);
  sizes.back() = columns;
  SmallVector<OpFoldResult> offsets(last, b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(last, b.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(b, loc, joined, offsets, sizes,
                                        strides);
}

/// `first * K + step * codes` for every lane, where what is stored is the sum
/// of codes less the packing's centre.
static Value createLevelSums(OpBuilder &b, LevelSumOp op, Value packed,
                             PackingAttr packing) {
  Location loc = op.getLoc();
  LevelsType levels = packing.getLevels();
  auto constant = [loc](OpBuilder &at, int64_t value) -> Value {
    return arith::ConstantIntOp::create(at, loc, value, 32);
  };
  Value size = arith::IndexCastOp::create(
      b, loc, b.getI32Type(),
      tensor::DimOp::create(b, loc, op.getInput(), op.getAxis()));
  Value base = arith::MulIOp::create(
      b, loc, size,
      constant(b, levels.getFirst() + levels.getStep() * packing.getCentre()));
  Value words = sliceLastWords(b, loc, packed);
  int64_t loops = cast<RankedTensorType>(words.getType()).getRank();
  Value init = tensor::EmptyOp::create(
      b, loc, tensor::getMixedSizes(b, loc, words), b.getI32Type());
  AffineMap map = b.getMultiDimIdentityMap(loops);
  SmallVector<utils::IteratorType> iterators(loops,
                                             utils::IteratorType::parallel);
  auto body = [&](OpBuilder &at, Location, ValueRange elements) {
    Value sum = elements[0];
    if (!sum.getType().isInteger(32))
      sum = arith::TruncIOp::create(at, loc, at.getI32Type(), sum);
    Value scaled =
        arith::MulIOp::create(at, loc, sum, constant(at, levels.getStep()));
    linalg::YieldOp::create(
        at, loc, arith::AddIOp::create(at, loc, scaled, base).getResult());
  };
  Value sums =
      linalg::GenericOp::create(b, loc, init.getType(), words, init,
                                ArrayRef<AffineMap>{map, map}, iterators, body)
          .getResult(0);
  int64_t last = cast<RankedTensorType>(op.getInput().getType()).getRank() - 1;
  int64_t columns =
      static_cast<int64_t>(op.getAxis()) == last ? last - 1 : last;
  return joinPanels(b, loc, sums,
                    tensor::getMixedSize(b, loc, op.getInput(), columns));
}

void mlir::lowbit::replaceLevelSums(RewriterBase &rewriter, Value levels,
                                    int64_t axis, Value packed,
                                    PackingAttr packing) {
  if (!hasSumInLastWord(packing))
    return;
  Operation *definition = packed.getDefiningOp();
  for (Operation *user : llvm::make_early_inc_range(levels.getUsers())) {
    auto sum = dyn_cast<LevelSumOp>(user);
    if (!sum || static_cast<int64_t>(sum.getAxis()) != axis || !definition ||
        sum->getBlock() != definition->getBlock() ||
        !definition->isBeforeInBlock(sum))
      continue;
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(sum);
    rewriter.replaceOp(sum, createLevelSums(rewriter, sum, packed, packing));
  }
}
