//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Definitions of the operations on packed words: by the operations that they
// fuse, or by unpacking their operands.
//
//===----------------------------------------------------------------------===//

#include "Definitions.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::lowbit;
using namespace mlir::lowbit::definitions;

namespace {

/// pack(transpose(quantize(input))).
struct PackOfQuantize : OpConversionPattern<QuantizePackOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(QuantizePackOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isa<RankedTensorType>(op.getInit().getType()))
      return rewriter.notifyMatchFailure(op, "not on tensors");
    Location loc = op.getLoc();
    PackingAttr packing = op.getPacking();
    LevelsType levels = packing.getLevels();
    Value logical =
        QuantizeOp::create(rewriter, loc, op.getInput(), op.getScale(),
                           op.getShift(), op.getOffset(), levels,
                           op.getRounding(), op.getGranularity())
            ->getResult(0);
    if (std::optional<ArrayRef<int64_t>> permutation = op.getPermutation()) {
      SmallVector<OpFoldResult> sizes =
          tensor::getMixedSizes(rewriter, loc, logical);
      Value empty = tensor::EmptyOp::create(
          rewriter, loc, applyPermutation(sizes, *permutation), levels);
      logical = linalg::TransposeOp::create(rewriter, loc, logical, empty,
                                            *permutation)
                    ->getResult(0);
    }
    rewriter.replaceOpWithNewOp<PackOp>(op, op.getInit().getType(), logical,
                                        op.getInit(), packing,
                                        /*transpose=*/false);
    return success();
  }
};

/// The map of an operand that is broadcast to `shape`, as numpy does.
AffineMap getBroadcastMap(MLIRContext *context, ArrayRef<int64_t> operand,
                          ArrayRef<int64_t> shape) {
  int64_t skipped = shape.size() - operand.size();
  SmallVector<AffineExpr> results;
  for (auto [dim, extent] : llvm::enumerate(operand)) {
    if (extent == 1)
      results.push_back(getAffineConstantExpr(0, context));
    else
      results.push_back(getAffineDimExpr(skipped + dim, context));
  }
  return AffineMap::get(shape.size(), /*symbolCount=*/0, results, context);
}

/// The product of unpacked operands, then the epilogue element by element.
struct ProductOfPacked : OpConversionPattern<PackedMatmulOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(PackedMatmulOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isa<RankedTensorType>(op.getInit().getType()))
      return rewriter.notifyMatchFailure(op, "not on tensors");
    Location loc = op.getLoc();
    auto getExtent = [&](int64_t known, Value dynamic) -> OpFoldResult {
      return dynamic ? OpFoldResult(dynamic) : rewriter.getIndexAttr(known);
    };
    OpFoldResult size = getExtent(op.getSize(), op.getDynamicSize());
    OpFoldResult columns = getExtent(op.getColumns(), op.getDynamicColumns());

    Value lhs = op.getLhs();
    SmallVector<OpFoldResult> shape = tensor::getMixedSizes(rewriter, loc, lhs);
    LevelsType lhsLevels;
    if (std::optional<PackingAttr> packing = op.getLhsPacking()) {
      lhsLevels = packing->getLevels();
      shape.back() = size;
      lhs = createUnpacked(rewriter, loc, lhs, *packing, shape);
    }
    PackingAttr rhsPacking = op.getRhsPacking();
    int64_t matrixRank = rhsPacking.getPackedShape({}, 1, 1).size();
    SmallVector<OpFoldResult> rhsShape =
        tensor::getMixedSizes(rewriter, loc, op.getRhs());
    rhsShape.truncate(rhsShape.size() - matrixRank);
    rhsShape.append({columns, size});
    Value rhs =
        createUnpacked(rewriter, loc, op.getRhs(), rhsPacking, rhsShape);

    shape.back() = columns;
    Type sum = op.getBody().front().getArgument(0).getType();
    Value empty = tensor::EmptyOp::create(rewriter, loc, shape, sum);
    Value product =
        createMatmul(rewriter, loc, lhs, lhsLevels, rhs, rhsPacking.getLevels(),
                     /*transposed=*/true, empty);
    rewriter.replaceOp(op, createEpilogue(rewriter, op, product));
    return success();
  }

private:
  static Value createEpilogue(OpBuilder &builder, PackedMatmulOp op,
                              Value product) {
    ArrayRef<int64_t> shape =
        cast<RankedTensorType>(op.getInit().getType()).getShape();
    SmallVector<Value> inputs = {product};
    SmallVector<AffineMap> maps = {
        builder.getMultiDimIdentityMap(shape.size())};
    for (Value operand : op.getEpilogue()) {
      inputs.push_back(operand);
      maps.push_back(getBroadcastMap(
          op.getContext(), cast<ShapedType>(operand.getType()).getShape(),
          shape));
    }
    auto body = [&](OpBuilder &b, Location, ValueRange elements) -> Value {
      Block &region = op.getBody().front();
      IRMapping mapping;
      mapping.map(region.getArguments(), elements.drop_back());
      for (Operation &nested : region.without_terminator())
        b.clone(nested, mapping);
      auto yield = cast<YieldOp>(region.getTerminator());
      return mapping.lookup(yield.getValue());
    };
    return createElementwise(builder, op.getLoc(), inputs, maps, op.getInit(),
                             body);
  }
};

/// A lookup in the unpacked table.
struct LookupOfUnpacked : OpConversionPattern<PackedLookupOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(PackedLookupOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isa<RankedTensorType>(op.getInit().getType()))
      return rewriter.notifyMatchFailure(op, "not on tensors");
    Location loc = op.getLoc();
    SmallVector<OpFoldResult> sizes = {
        tensor::getMixedSize(rewriter, loc, op.getTable(), 0),
        tensor::getMixedSize(rewriter, loc, op.getInit(),
                             getRank(op.getInit()) - 1)};
    Value table =
        createUnpacked(rewriter, loc, op.getTable(), op.getPacking(), sizes);
    rewriter.replaceOp(
        op, createLookup(rewriter, loc, table, op.getPacking().getLevels(),
                         op.getIds(), op.getScale(), op.getInit()));
    return success();
  }
};

} // namespace

void definitions::populatePackedOperations(const TypeConverter &converter,
                                           RewritePatternSet &patterns) {
  patterns.add<PackOfQuantize, ProductOfPacked, LookupOfUnpacked>(
      converter, patterns.getContext());
}
