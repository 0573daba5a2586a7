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
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/IRMapping.h"
#include <limits>

using namespace mlir;
using namespace mlir::lowbit;
using namespace mlir::lowbit::definitions;

namespace {

/// The scale 1.
Value createOne(OpBuilder &b, Location loc) {
  auto type = RankedTensorType::get({}, b.getF32Type());
  return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, 1.0f));
}

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
    Value input = op.getInput(), scale = op.getScale();
    if (op.hasInputBody())
      input = applyInputBody(rewriter, op);
    if (!scale && op.getRounding() == Rounding::half_even)
      scale = createOne(rewriter, loc);
    Value logical = QuantizeOp::create(rewriter, loc, input, scale,
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

private:
  /// What the region makes of each element.
  static Value applyInputBody(OpBuilder &builder, QuantizePackOp op) {
    Location loc = op.getLoc();
    int64_t rank = cast<RankedTensorType>(op.getInput().getType()).getRank();
    SmallVector<Value> inputs = {op.getInput()};
    SmallVector<AffineMap> maps = {builder.getMultiDimIdentityMap(rank)};
    for (Value operand : op.getInputOperands()) {
      inputs.push_back(operand);
      maps.push_back(AffineMap::get(rank, 0, builder.getContext()));
    }
    Value init = tensor::EmptyOp::create(
        builder, loc, tensor::getMixedSizes(builder, loc, op.getInput()),
        builder.getF32Type());
    Block &region = op.getInputBody().front();
    auto body = [&](OpBuilder &b, Location, ValueRange elements) {
      IRMapping map;
      map.map(region.getArguments(), elements.drop_back());
      for (Operation &inner : region.without_terminator())
        b.clone(inner, map);
      return map.lookup(region.getTerminator()->getOperand(0));
    };
    return createElementwise(builder, loc, inputs, maps, init, body);
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
    int64_t size = ShapedType::getNumElements(split);
    Value rows = UnpackOp::create(rewriter, loc, op.getInput(), op.getSource(),
                                  rewriter.getIndexAttr(size))
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
    Value heads = rows;
    if (split.size() == 2) {
      int64_t last = type.getRank() - 1;
      SmallVector<ReassociationIndices> groups;
      for (int64_t i = 0; i < last; ++i)
        groups.push_back({i});
      groups.push_back({last, last + 1});
      heads = tensor::ExpandShapeOp::create(rewriter, loc, type.clone(shape),
                                            rows, groups, sizes);
    }
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

/// The level of the code with these planes, as a number.
Value createLevel(OpBuilder &b, Location loc, PackingAttr packing,
                  ValueRange yielded) {
  LevelsType levels = packing.getLevels();
  Type i32 = b.getI32Type();
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIntOp::create(b, loc, value, 32);
  };
  Value level = constant(levels.getFirst());
  for (auto [plane, bits] : llvm::enumerate(yielded)) {
    Value set = packing.hasWholeCodes()
                    ? Value(bits)
                    : arith::ExtUIOp::create(b, loc, i32, bits);
    Value weight = constant(levels.getStep() << plane);
    level = arith::AddIOp::create(b, loc, level,
                                  arith::MulIOp::create(b, loc, set, weight));
  }
  return arith::SIToFPOp::create(b, loc, b.getF32Type(), level);
}

/// Packs levels that are given as numbers.
Value packNumbers(OpBuilder &b, Location loc, Value numbers,
                  PackingAttr packing) {
  bool twoSigns = packing.getLevels().getStep() != 1;
  Value one = twoSigns ? Value() : createOne(b, loc);
  return QuantizePackOp::create(b, loc, numbers, one, Value(), Value(), packing,
                                twoSigns ? Rounding::step : Rounding::half_even)
      ->getResult(0);
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
      rewriter.replaceOp(
          op, createEpilogue(rewriter, op, product, op.getInit(), getYielded));
      return success();
    }
    Value levels = createEpilogue(
        rewriter, op, product,
        tensor::EmptyOp::create(rewriter, loc, shape, rewriter.getF32Type()),
        getLevel);
    rewriter.replaceOp(
        op, packNumbers(rewriter, loc, levels, *op.getResultPacking()));
    return success();
  }

private:
  /// What an element of the destination of an epilogue is.
  using Element = Value (*)(OpBuilder &, PackedMatmulOp, ValueRange yielded);

  static Value getYielded(OpBuilder &, PackedMatmulOp, ValueRange yielded) {
    return yielded.front();
  }

  static Value getLevel(OpBuilder &b, PackedMatmulOp op, ValueRange yielded) {
    return createLevel(b, op.getLoc(), *op.getResultPacking(), yielded);
  }

  static Value createEpilogue(OpBuilder &builder, PackedMatmulOp op,
                              Value product, Value init, Element element) {
    ArrayRef<int64_t> shape = cast<RankedTensorType>(init.getType()).getShape();
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

/// The least element of a tensor of f32, NaN where there is one.
static Value createMinimum(OpBuilder &b, Location loc, Value tensor) {
  FloatType f32 = b.getF32Type();
  int64_t rank = cast<RankedTensorType>(tensor.getType()).getRank();
  Value init = tensor::EmptyOp::create(b, loc, ArrayRef<int64_t>(), f32);
  return createReduction(
      b, loc, tensor, b.getMultiDimIdentityMap(rank), init,
      AffineMap::get(rank, 0, b.getContext()), /*reduced=*/rank,
      b.getFloatAttr(f32, std::numeric_limits<float>::infinity()),
      [](OpBuilder &b, Location loc, ValueRange elements) -> Value {
        return arith::MinimumFOp::create(b, loc, elements[0], elements[1]);
      });
}

/// Scores, softmax, codes and context one after the other.
struct StepsOfAttention : OpConversionPattern<PackedAttentionOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(PackedAttentionOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isa<RankedTensorType>(op.getInit().getType()))
      return rewriter.notifyMatchFailure(op, "not on tensors");
    Location loc = op.getLoc();
    Type f32 = rewriter.getF32Type();
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(rewriter, loc, op.getQ());
    auto createMatmul = [&](Value lhs, Value rhs, PackingAttr lhsPacking,
                            PackingAttr rhsPacking, ValueRange operands,
                            Region &body, OpFoldResult size,
                            OpFoldResult columns, Type element,
                            StringRef kernel) {
      sizes.back() = columns;
      Value empty = tensor::EmptyOp::create(rewriter, loc, sizes, element);
      auto split = [&](OpFoldResult extent) -> std::pair<IntegerAttr, Value> {
        if (auto value = dyn_cast<Value>(extent))
          return {rewriter.getI64IntegerAttr(ShapedType::kDynamic), value};
        return {rewriter.getI64IntegerAttr(*getConstantIntValue(extent)),
                Value()};
      };
      auto [sizeAttr, dynamicSize] = split(size);
      auto [columnsAttr, dynamicColumns] = split(columns);
      auto matmul = PackedMatmulOp::create(
          rewriter, loc, empty.getType(), lhs, rhs, operands, empty,
          dynamicSize, dynamicColumns, /*scratch=*/Value(),
          rewriter.getStringAttr(kernel), sizeAttr, columnsAttr, lhsPacking,
          rhsPacking, PackingAttr());
      rewriter.cloneRegionBefore(body, matmul.getBody(),
                                 matmul.getBody().end());
      return matmul->getResult(0);
    };
    OpFoldResult size = rewriter.getIndexAttr(op.getSize());
    OpFoldResult columns = rewriter.getIndexAttr(op.getColumns());
    OpFoldResult keys = op.getKeys();
    Value scores =
        createMatmul(op.getQ(), op.getK(), op.getQPacking(), op.getKPacking(),
                     op.getScoreOperands(), op.getScoreBody(), size, keys, f32,
                     op.getKernel());
    Value p = SoftmaxOp::create(rewriter, loc, scores)->getResult(0);
    PackingAttr codes = op.getCodes();
    Value least;
    if (op.getSubtractMinimum())
      least = createMinimum(rewriter, loc, p);
    Value code =
        QuantizePackOp::create(rewriter, loc, p, op.getScale(), Value(), least,
                               codes, Rounding::half_even)
            ->getResult(0);
    SmallVector<Value> contextOperands(op.getContextOperands());
    if (least)
      contextOperands.insert(contextOperands.begin(), least);
    // A packed result is made of levels as numbers. The rewriter keeps what it
    // changes until the end, and this region does not live so long.
    Region body;
    IRMapping map;
    op.getContextBody().cloneInto(&body, map);
    if (std::optional<PackingAttr> packing = op.getResultPacking()) {
      Operation *yield = body.front().getTerminator();
      OpBuilder builder(yield);
      Value level = createLevel(builder, loc, *packing, yield->getOperands());
      YieldOp::create(builder, loc, level);
      yield->erase();
    }
    Type element = body.front().getTerminator()->getOperand(0).getType();
    Value context = createMatmul(
        code, op.getV(), codes, op.getVPacking(), contextOperands, body, keys,
        columns, element, op.getContextKernel().value_or(op.getKernel()));
    if (op.getTransposed()) {
      SmallVector<int64_t> permutation = {0, 2, 1, 3};
      Value empty = tensor::EmptyOp::create(
          rewriter, loc, applyPermutation(sizes, permutation), element);
      context = linalg::TransposeOp::create(rewriter, loc, context, empty,
                                            permutation)
                    ->getResult(0);
    }
    if (std::optional<PackingAttr> packing = op.getResultPacking()) {
      SmallVector<ReassociationIndices> groups = {{0}, {1}, {2, 3}};
      Value rows =
          tensor::CollapseShapeOp::create(rewriter, loc, context, groups);
      context = packNumbers(rewriter, loc, rows, *packing);
    }
    if (context.getType() != op.getInit().getType())
      context = tensor::CastOp::create(rewriter, loc, op.getInit().getType(),
                                       context);
    rewriter.replaceOp(op, context);
    return success();
  }
};

/// The normalisation, then each quantizer by itself.
struct StepsOfNormPack : OpConversionPattern<LayerNormPackOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(LayerNormPackOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isa<RankedTensorType>(op.getInput().getType()))
      return rewriter.notifyMatchFailure(op, "not on tensors");
    Location loc = op.getLoc();
    Value norm =
        LayerNormOp::create(rewriter, loc, op.getInput(), op.getScale(),
                            op.getBias(), op.getResidual(), op.getEpsilon())
            ->getResult(0);
    SmallVector<Value> results = {norm};
    ArrayRef<int64_t> shape = cast<RankedTensorType>(norm.getType()).getShape();
    SmallVector<Value> inputs = {norm};
    SmallVector<AffineMap> maps = {
        rewriter.getMultiDimIdentityMap(shape.size())};
    for (Value operand : op.getBodyOperands()) {
      inputs.push_back(operand);
      maps.push_back(getBroadcastMap(
          op.getContext(), cast<ShapedType>(operand.getType()).getShape(),
          shape));
    }
    int64_t first = 0;
    for (auto packing : op.getPackings().getAsRange<PackingAttr>()) {
      int64_t count = packing.getYieldedCount();
      auto body = [&](OpBuilder &b, Location, ValueRange elements) -> Value {
        Block &region = op.getBody().front();
        IRMapping mapping;
        mapping.map(region.getArguments(), elements.drop_back());
        for (Operation &nested : region.without_terminator())
          b.clone(nested, mapping);
        SmallVector<Value> yielded = llvm::map_to_vector(
            region.getTerminator()->getOperands().slice(first, count),
            [&](Value value) { return mapping.lookup(value); });
        return createLevel(b, loc, packing, yielded);
      };
      Value empty = tensor::EmptyOp::create(
          rewriter, loc, tensor::getMixedSizes(rewriter, loc, norm),
          rewriter.getF32Type());
      Value numbers =
          createElementwise(rewriter, loc, inputs, maps, empty, body);
      results.push_back(packNumbers(rewriter, loc, numbers, packing));
      first += count;
    }
    rewriter.replaceOp(op, results);
    return success();
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
    if (op.getZeros())
      table = withZeros(rewriter, loc, table, op.getZeros());
    rewriter.replaceOp(
        op, createLookup(rewriter, loc, table, op.getPacking().getLevels(),
                         op.getIds(), op.getScale(), op.getInit()));
    return success();
  }

  /// A table of levels with the level 0 at pairs of a row and a column.
  static Value withZeros(OpBuilder &builder, Location loc, Value table,
                         Value zeros) {
    auto index = [&](int64_t value) {
      return arith::ConstantIndexOp::create(builder, loc, value);
    };
    Value count = tensor::DimOp::create(builder, loc, zeros, 0);
    auto loop = scf::ForOp::create(
        builder, loc, index(0), count, index(1), table,
        [&](OpBuilder &b, Location loc, Value i, ValueRange carried) {
          SmallVector<Value> at;
          for (int64_t part = 0; part < 2; ++part) {
            Value number = tensor::ExtractOp::create(
                b, loc, zeros,
                ValueRange{i, arith::ConstantIndexOp::create(b, loc, part)});
            at.push_back(
                arith::IndexCastOp::create(b, loc, b.getIndexType(), number));
          }
          Value zero = arith::ConstantIntOp::create(b, loc, 0, 8);
          Value next = tensor::InsertOp::create(b, loc, zero, carried[0], at);
          scf::YieldOp::create(b, loc, next);
        });
    return loop.getResult(0);
  }
};

} // namespace

void definitions::populatePackedOperations(const TypeConverter &converter,
                                           RewritePatternSet &patterns) {
  patterns.add<PackOfQuantize, RepackOfUnpacked, ProductOfPacked,
               StepsOfAttention, StepsOfNormPack, LookupOfUnpacked>(
      converter, patterns.getContext());
}
