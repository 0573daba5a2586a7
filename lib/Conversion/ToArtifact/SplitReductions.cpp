//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// lowbit-split-reductions. A reduction over several dimensions is one serial
// loop nest, however many threads there are. Here it becomes a reduction of
// each row, parallel over the others, and one over the results of the rows:
//
//   r = min over i, j, k of x[i, j, k]   →   p[i, j] = min over k of x[i, j, k]
//                                            r       = min over i, j of p[i, j]
//
// Which rows there are does not depend on threads, so neither do sums.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Conversion/Passes.h"

#include "Reduction.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Pass/Pass.h"

namespace mlir::lowbit {
#define GEN_PASS_DEF_LOWBITSPLITREDUCTIONS
#include "lowbit/Conversion/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;
using linalg::GenericOp;

/// Elements below which a second loop costs more than it saves.
static constexpr int64_t kFewElements = 1024;

/// Whether the elements of a reduction are known to be few.
static bool isSmall(ArrayRef<int64_t> extents, ArrayRef<unsigned> reductions) {
  int64_t elements = 1;
  for (unsigned dim : reductions) {
    if (ShapedType::isDynamic(extents[dim]))
      return false;
    elements *= extents[dim];
  }
  return elements < kFewElements;
}

/// The reduced dimension along which the inputs lie contiguously.
static std::optional<unsigned> findRowDim(GenericOp op,
                                          ArrayRef<unsigned> reductions) {
  for (unsigned dim : llvm::reverse(reductions)) {
    bool along = false, across = false;
    for (OpOperand *input : op.getDpsInputOperands()) {
      AffineMap map = op.getMatchingIndexingMap(input);
      if (!map.isFunctionOfDim(dim))
        continue;
      auto last = dyn_cast<AffineDimExpr>(map.getResults().back());
      (last && last.getPosition() == dim ? along : across) = true;
    }
    if (along && !across)
      return dim;
  }
  return std::nullopt;
}

/// The sizes of all dimensions.
static SmallVector<OpFoldResult> getSizes(OpBuilder &builder, GenericOp op) {
  SmallVector<OpFoldResult> sizes;
  for (const Range &range :
       cast<linalg::LinalgOp>(*op).createLoopRanges(builder, op.getLoc()))
    sizes.push_back(range.size);
  return sizes;
}

/// Splits `op`; leaves it alone where that does not pay or is not possible.
static void split(RewriterBase &rewriter, GenericOp op) {
  if (op.getNumDpsInits() != 1 || !op.hasPureTensorSemantics() ||
      !llvm::all_of(op.getIndexingMapsArray(),
                    [](AffineMap map) { return map.isProjectedPermutation(); }))
    return;
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  SmallVector<unsigned> dims, reductions;
  op.getReductionDims(dims);
  for (unsigned dim : dims)
    if (extents[dim] != 1)
      reductions.push_back(dim);
  std::optional<Combiner> combiner = findCombiner(op, 0);
  // Predicates check a few ids.
  Type element = getElementTypeOrSelf(op.getResult(0).getType());
  if (reductions.size() < 2 || !combiner || element.isInteger(1) ||
      isSmall(extents, reductions))
    return;
  std::optional<unsigned> row = findRowDim(op, reductions);
  if (!row)
    return;

  // The result of every row.
  Location loc = op.getLoc();
  rewriter.setInsertionPoint(op);
  SmallVector<OpFoldResult> sizes = getSizes(rewriter, op);
  sizes.erase(sizes.begin() + *row);
  Value empty = tensor::EmptyOp::create(rewriter, loc, sizes, element);
  Value neutral = arith::ConstantOp::create(rewriter, loc, combiner->neutral);
  Value filled =
      linalg::FillOp::create(rewriter, loc, neutral, empty).getResult(0);
  unsigned rank = extents.size();
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  AffineMap result = maps.back();
  maps.back() =
      AffineMap::getMultiDimIdentityMap(rank, op.getContext()).dropResult(*row);
  SmallVector<utils::IteratorType> kinds(rank, utils::IteratorType::parallel);
  kinds[*row] = utils::IteratorType::reduction;
  auto rows = GenericOp::create(rewriter, loc, filled.getType(), op.getInputs(),
                                filled, maps, kinds);
  IRMapping mapping;
  op.getRegion().cloneInto(&rows.getRegion(), mapping);

  // All rows together.
  kinds = op.getIteratorTypesArray();
  kinds.erase(kinds.begin() + *row);
  SmallVector<AffineExpr> dimensions;
  for (unsigned dim = 0; dim + 1 < rank; ++dim)
    dimensions.push_back(rewriter.getAffineDimExpr(dim));
  dimensions.insert(dimensions.begin() + *row,
                    rewriter.getAffineConstantExpr(0));
  maps = {AffineMap::getMultiDimIdentityMap(rank - 1, op.getContext()),
          result.replaceDimsAndSymbols(dimensions, {}, rank - 1, 0)};
  rewriter.setInsertionPoint(op);
  auto whole = GenericOp::create(
      rewriter, loc, op.getResultTypes(), rows.getResult(0), op.getOutputs(),
      maps, kinds, [&](OpBuilder &builder, Location, ValueRange arguments) {
        linalg::YieldOp::create(
            builder, loc,
            combine(builder, *combiner, arguments[1], arguments[0]));
      });
  rewriter.replaceOp(op, whole.getResults());
}

namespace {
struct SplitReductions
    : mlir::lowbit::impl::LowbitSplitReductionsBase<SplitReductions> {
  void runOnOperation() override {
    SmallVector<GenericOp> ops;
    getOperation().walk([&](GenericOp op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (GenericOp op : ops)
      split(rewriter, op);
  }
};
} // namespace
