//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Definitions of matmul, level_sum and lookup, as loops over levels in i8.
//
//===----------------------------------------------------------------------===//

#include "Definitions.h"
#include "lowbit/Dialect/Lowbit/IR/ReportMarks.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::lowbit;
using namespace mlir::lowbit::definitions;

Value definitions::createMatmul(OpBuilder &builder, Location loc, Value lhs,
                                LevelsType lhsLevels, Value rhs,
                                LevelsType rhsLevels, bool transposed,
                                Value init) {
  MLIRContext *context = builder.getContext();
  // The loops are the batch, m, n and k.
  int64_t loops = getRank(init) + 1;
  int64_t m = loops - 3, n = loops - 2, k = loops - 1;
  int64_t rhsBatch = getRank(rhs) - 2;
  SmallVector<int64_t> matrix = {k, n};
  if (transposed)
    std::swap(matrix[0], matrix[1]);
  SmallVector<AffineMap> maps = {
      getMapOfFirst(context, loops, m, {m, k}),
      getMapOfFirst(context, loops, rhsBatch, matrix)};
  AffineMap result = getMapOfFirst(context, loops, m, {m, n});

  Type sum = cast<ShapedType>(init.getType()).getElementType();
  auto body = [&](OpBuilder &b, Location loc, ValueRange elements) -> Value {
    if (!lhsLevels) {
      Value weight = getLevelAsFloat(b, loc, elements[1], rhsLevels);
      Value product = arith::MulFOp::create(b, loc, elements[0], weight);
      return arith::AddFOp::create(b, loc, elements[2], product);
    }
    Value left = extendLevel(b, loc, elements[0], lhsLevels, sum);
    Value right = extendLevel(b, loc, elements[1], rhsLevels, sum);
    Value product = arith::MulIOp::create(b, loc, left, right);
    return arith::AddIOp::create(b, loc, elements[2], product);
  };
  return createReduction(builder, loc, {lhs, rhs}, maps, init, result,
                         /*reduced=*/1, builder.getZeroAttr(sum), body);
}

Value definitions::createLookup(OpBuilder &builder, Location loc, Value table,
                                LevelsType levels, Value ids, Value scale,
                                Value init) {
  int64_t rank = getRank(init);
  auto body = [&](OpBuilder &b, Location loc, ValueRange elements) -> Value {
    Value row =
        arith::IndexCastOp::create(b, loc, b.getIndexType(), elements[0]);
    Value column = linalg::IndexOp::create(b, loc, rank - 1);
    Value stored =
        tensor::ExtractOp::create(b, loc, table, ValueRange{row, column});
    SmallVector<Value> position(getRank(scale), row);
    Value factor = tensor::ExtractOp::create(b, loc, scale, position);
    Value level = getLevelAsFloat(b, loc, stored, levels);
    return arith::MulFOp::create(b, loc, level, factor);
  };
  return createElementwise(builder, loc, ids,
                           getMapOfFirst(builder.getContext(), rank, rank - 1),
                           init, body);
}

namespace {

struct GenericOfMatmul : OpConversionPattern<MatmulOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(MatmulOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto lhsType = cast<ShapedType>(op.getLhs().getType());
    Value result = createMatmul(rewriter, op.getLoc(), adaptor.getLhs(),
                                dyn_cast<LevelsType>(lhsType.getElementType()),
                                adaptor.getRhs(), getLevels(op.getRhs()),
                                op.getTransposeRhs(), adaptor.getInit());
    auto elementOf = [](Value side) {
      return TypeAttr::get(cast<ShapedType>(side.getType()).getElementType());
    };
    result.getDefiningOp()->setAttr(
        kLevelsMatmul, rewriter.getArrayAttr(
                           {elementOf(op.getLhs()), elementOf(op.getRhs())}));
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct GenericOfLevelSum : OpConversionPattern<LevelSumOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(LevelSumOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isa<RankedTensorType>(op.getInit().getType()))
      return rewriter.notifyMatchFailure(op, "not on tensors");
    MLIRContext *context = op.getContext();
    // The loops are the dimensions of the result, then the one summed over.
    int64_t loops = getRank(op.getInput()), last = loops - 1;
    SmallVector<int64_t> dims = llvm::to_vector(llvm::seq<int64_t>(last));
    dims.insert(dims.begin() + op.getAxis(), last);
    LevelsType levels = getLevels(op.getInput());
    auto body = [&](OpBuilder &b, Location loc, ValueRange elements) -> Value {
      Value level = extendLevel(b, loc, elements[0], levels, b.getI32Type());
      return arith::AddIOp::create(b, loc, elements[1], level);
    };
    rewriter.replaceOp(
        op,
        createReduction(rewriter, op.getLoc(), adaptor.getInput(),
                        getMap(context, loops, dims), adaptor.getInit(),
                        getMapOfFirst(context, loops, last),
                        /*reduced=*/1, rewriter.getI32IntegerAttr(0), body));
    return success();
  }
};

struct GenericOfLookup : OpConversionPattern<LookupOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(LookupOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isa<RankedTensorType>(op.getInit().getType()))
      return rewriter.notifyMatchFailure(op, "not on tensors");
    Value result = createLookup(rewriter, op.getLoc(), adaptor.getTable(),
                                getLevels(op.getTable()), adaptor.getIds(),
                                adaptor.getScale(), adaptor.getInit());
    rewriter.replaceOp(op, result);
    return success();
  }
};

} // namespace

void definitions::populateContractions(const TypeConverter &converter,
                                       RewritePatternSet &patterns) {
  patterns.add<GenericOfMatmul, GenericOfLevelSum, GenericOfLookup>(
      converter, patterns.getContext());
}
