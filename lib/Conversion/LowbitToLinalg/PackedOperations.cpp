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

/// pack(transpose(expand(unpack(input)))).
struct RepackOfUnpacked : OpConversionPattern<RepackOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(RepackOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isa<RankedTensorType>(op.getInit().getType()))
      return rewriter.notifyMatchFailure(op, "not on tensors");
    Location loc = op.getLoc();
    ArrayRef<int64_t> split = op.getSplit();
    Value rows = UnpackOp::create(rewriter, loc, op.getInput(), op.getSource(),
                                  rewriter.getIndexAttr(split[0] * split[1]))
                     ->getResult(0);
    auto type = cast<RankedTensorType>(rows.getType());
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(rewriter, loc, rows);
    SmallVector<int64_t> shape(type.getShape().drop_back());
    sizes.pop_back();
    for (int64_t extent : split) {
      shape.push_back(extent);
      sizes.push_back(rewriter.getIndexAttr(extent));
    }
    int64_t last = type.getRank() - 1;
    SmallVector<ReassociationIndices> groups;
    for (int64_t i = 0; i < last; ++i)
      groups.push_back({i});
    groups.push_back({last, last + 1});
    Value heads = tensor::ExpandShapeOp::create(rewriter, loc,
                                                type.clone(shape), rows,
                                                groups, sizes);
    Value empty = tensor::EmptyOp::create(
        rewriter, loc, applyPermutation(sizes, op.getPermutation()),
        type.getElementType());
    Value permuted = linalg::TransposeOp::create(rewriter, loc, heads, empty,
                                                 op.getPermutation())
                         ->getResult(0);
    rewriter.replaceOpWithNewOp<PackOp>(op, op.getInit().getType(), permuted,
                                        op.getInit(), op.getPacking(),
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
    if (!op.getResultPacking()) {
      rewriter.replaceOp(op, createEpilogue(rewriter, op, product,
                                            op.getInit(), getYielded));
      return success();
    }
    Value levels = createEpilogue(
        rewriter, op, product,
        tensor::EmptyOp::create(rewriter, loc, shape, rewriter.getF32Type()),
        getLevel);
    rewriter.replaceOp(op, packLevels(rewriter, op, levels));
    return success();
  }

private:
  /// What an element of the destination of an epilogue is.
  using Element = Value (*)(OpBuilder &, PackedMatmulOp, ValueRange yielded);

  static Value getYielded(OpBuilder &, PackedMatmulOp, ValueRange yielded) {
    return yielded.front();
  }

  /// The level of the code with these planes, as a number.
  static Value getLevel(OpBuilder &b, PackedMatmulOp op, ValueRange planes) {
    Location loc = op.getLoc();
    LevelsType levels = op.getResultPacking()->getLevels();
    Type i32 = b.getI32Type();
    auto constant = [&](int64_t value) -> Value {
      return arith::ConstantIntOp::create(b, loc, value, 32);
    };
    Value level = constant(levels.getFirst());
    for (auto [plane, bit] : llvm::enumerate(planes)) {
      Value set = arith::ExtUIOp::create(b, loc, i32, bit);
      Value weight = constant(levels.getStep() << plane);
      level = arith::AddIOp::create(
          b, loc, level, arith::MulIOp::create(b, loc, set, weight));
    }
    return arith::SIToFPOp::create(b, loc, b.getF32Type(), level);
  }

  static Value packLevels(OpBuilder &b, PackedMatmulOp op, Value numbers) {
    Location loc = op.getLoc();
    PackingAttr packing = *op.getResultPacking();
    bool twoSigns = packing.getLevels().getStep() != 1;
    Value one;
    if (!twoSigns)
      one = arith::ConstantOp::create(
          b, loc,
          DenseElementsAttr::get(RankedTensorType::get({}, b.getF32Type()),
                                 1.0f));
    return QuantizePackOp::create(
               b, loc, numbers, one, Value(), Value(), packing,
               twoSigns ? Rounding::step : Rounding::half_even)
        ->getResult(0);
  }

  static Value createEpilogue(OpBuilder &builder, PackedMatmulOp op,
                              Value product, Value init, Element element) {
    ArrayRef<int64_t> shape =
        cast<RankedTensorType>(init.getType()).getShape();
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
      SmallVector<Value> yielded = llvm::map_to_vector(
          region.getTerminator()->getOperands(),
          [&](Value value) { return mapping.lookup(value); });
      return element(b, op, yielded);
    };
    return createElementwise(builder, op.getLoc(), inputs, maps, init, body);
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
  patterns.add<PackOfQuantize, RepackOfUnpacked, ProductOfPacked,
               LookupOfUnpacked>(
      converter, patterns.getContext());
}
