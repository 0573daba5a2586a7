//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Definitions of layer_norm and softmax, a sweep over the rows for each sum.
//
//===----------------------------------------------------------------------===//

#include "Definitions.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <limits>

using namespace mlir;
using namespace mlir::lowbit;
using namespace mlir::lowbit::definitions;

namespace {

/// Sweeps over a tensor `[..., K]` and sums `[...]` of its rows.
class Rows {
public:
  Rows(OpBuilder &builder, Location loc, Value init)
      : builder(builder), loc(loc), rank(getRank(init)),
        element(builder.getMultiDimIdentityMap(rank)),
        row(getMapOfFirst(builder.getContext(), rank, rank - 1)),
        column(getMap(builder.getContext(), rank, {rank - 1})) {
    sizes = tensor::getMixedSizes(builder, loc, init);
  }

  /// A new tensor of the whole shape.
  Value map(ValueRange inputs, ArrayRef<AffineMap> maps, Body body) {
    return createElementwise(builder, loc, inputs, maps, empty(sizes), body);
  }

  /// A value for each row; the body gets the one so far last.
  Value reduce(ValueRange inputs, ArrayRef<AffineMap> maps, double identity,
               Body body) {
    ArrayRef<OpFoldResult> rows = ArrayRef<OpFoldResult>(sizes).drop_back();
    return createReduction(builder, loc, inputs, maps, empty(rows), row,
                           /*reduced=*/1, builder.getF32FloatAttr(identity),
                           body);
  }

  /// K as f32.
  Value getSize() {
    Value size = getValueOrCreateConstantIndexOp(builder, loc, sizes.back());
    size = arith::IndexCastOp::create(builder, loc, builder.getI64Type(), size);
    return arith::SIToFPOp::create(builder, loc, builder.getF32Type(), size);
  }

private:
  Value empty(ArrayRef<OpFoldResult> extents) {
    return tensor::EmptyOp::create(builder, loc, extents, builder.getF32Type());
  }

  OpBuilder &builder;
  Location loc;
  int64_t rank;
  SmallVector<OpFoldResult> sizes;

public:
  /// The maps of an operand of the whole shape, `[...]`, `[K]`.
  AffineMap element, row, column;
};

Value add(OpBuilder &b, Location loc, ValueRange elements) {
  return arith::AddFOp::create(b, loc, elements[0], elements[1]);
}

struct SweepsOfLayerNorm : OpConversionPattern<LayerNormOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(LayerNormOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isa<RankedTensorType>(op.getInit().getType()))
      return rewriter.notifyMatchFailure(op, "not on tensors");
    Rows rows(rewriter, op.getLoc(), op.getInit());
    Value x = op.getInput();
    if (op.getResidual())
      x = rows.map({x, op.getResidual()}, {rows.element, rows.element}, add);
    Value size = rows.getSize();

    auto center = [&](OpBuilder &b, Location loc, Value x, Value sum) -> Value {
      Value mean = arith::DivFOp::create(b, loc, sum, size);
      return arith::SubFOp::create(b, loc, x, mean);
    };
    Value sum = rows.reduce(x, rows.element, 0, add);
    Value squares = rows.reduce(
        {x, sum}, {rows.element, rows.row}, 0,
        [&](OpBuilder &b, Location loc, ValueRange elements) -> Value {
          Value centered = center(b, loc, elements[0], elements[1]);
          Value square = arith::MulFOp::create(b, loc, centered, centered);
          return arith::AddFOp::create(b, loc, elements[2], square);
        });

    SmallVector<Value> inputs = {x, sum, squares, op.getScale()};
    SmallVector<AffineMap> maps = {rows.element, rows.row, rows.row,
                                   rows.column};
    if (op.getBias()) {
      inputs.push_back(op.getBias());
      maps.push_back(rows.column);
    }
    auto body = [&](OpBuilder &b, Location loc, ValueRange elements) -> Value {
      Value centered = center(b, loc, elements[0], elements[1]);
      Value variance = arith::DivFOp::create(b, loc, elements[2], size);
      Value epsilon = arith::ConstantOp::create(b, loc, op.getEpsilonAttr());
      variance = arith::AddFOp::create(b, loc, variance, epsilon);
      Value deviation = math::SqrtOp::create(b, loc, variance);
      Value y = arith::DivFOp::create(b, loc, centered, deviation);
      y = arith::MulFOp::create(b, loc, y, elements[3]);
      return op.getBias() ? arith::AddFOp::create(b, loc, y, elements[4]) : y;
    };
    rewriter.replaceOp(op, createElementwise(rewriter, op.getLoc(), inputs,
                                             maps, op.getInit(), body));
    return success();
  }
};

struct SweepsOfSoftmax : OpConversionPattern<SoftmaxOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(SoftmaxOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isa<RankedTensorType>(op.getInit().getType()))
      return rewriter.notifyMatchFailure(op, "not on tensors");
    Rows rows(rewriter, op.getLoc(), op.getInit());
    Value maximum = rows.reduce(
        op.getInput(), rows.element, -std::numeric_limits<double>::infinity(),
        [](OpBuilder &b, Location loc, ValueRange elements) -> Value {
          return arith::MaximumFOp::create(b, loc, elements[0], elements[1]);
        });
    Value powers =
        rows.map({op.getInput(), maximum}, {rows.element, rows.row},
                 [](OpBuilder &b, Location loc, ValueRange elements) -> Value {
                   Value below =
                       arith::SubFOp::create(b, loc, elements[0], elements[1]);
                   return math::ExpOp::create(b, loc, below);
                 });
    Value sum = rows.reduce(powers, rows.element, 0, add);
    Value result = createElementwise(
        rewriter, op.getLoc(), {powers, sum}, {rows.element, rows.row},
        op.getInit(),
        [](OpBuilder &b, Location loc, ValueRange elements) -> Value {
          return arith::DivFOp::create(b, loc, elements[0], elements[1]);
        });
    rewriter.replaceOp(op, result);
    return success();
  }
};

} // namespace

void definitions::populateNormalizations(const TypeConverter &converter,
                                         RewritePatternSet &patterns) {
  patterns.add<SweepsOfLayerNorm, SweepsOfSoftmax>(converter,
                                                   patterns.getContext());
}
