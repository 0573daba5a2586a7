//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The definition of `lowbit.top_product`: all logits, then their largest, one
// after the other. Logits are compared by integers in which what comes first is
// greater: NaN, then numbers, then positions from the first on.
//
//===----------------------------------------------------------------------===//

#include "Definitions.h"
#include "lowbit/Dialect/Lowbit/IR/ReportMarks.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <limits>

using namespace mlir;
using namespace mlir::lowbit;
using namespace mlir::lowbit::definitions;

namespace {

class Selection {
public:
  Selection(OpBuilder &builder, TopProductOp op)
      : builder(builder), op(op), loc(op.getLoc()),
        rank(getRank(op.getInput())),
        element(builder.getMultiDimIdentityMap(rank)),
        row(getMapOfFirst(builder.getContext(), rank, rank - 1)),
        column(getMap(builder.getContext(), rank, {rank - 1})),
        sizes(tensor::getMixedSizes(builder, loc, op.getInput())) {
    rows.assign(sizes.begin(), sizes.end() - 1);
    sizes.back() = builder.getIndexAttr(op.getTableRows());
  }

  /// The two results.
  SmallVector<Value> create() {
    Value logits = createLogits();
    Value keys = createKeys(logits);
    Value first = empty(rows, builder.getI64Type());
    Value limit = constant(std::numeric_limits<int64_t>::max());
    Value before =
        linalg::FillOp::create(builder, loc, limit, first).getResult(0);
    auto index = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(builder, loc, value);
    };
    auto loop = scf::ForOp::create(
        builder, loc, index(0), index(op.getCount()), index(1),
        ValueRange{before, op.getInits()[0], op.getInits()[1]});
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    ValueRange carried = loop.getRegionIterArgs();
    Value next = createLargestBelow(keys, carried[0]);
    Value positions = createPositions(next);
    Value place = loop.getInductionVar();
    Value values = insert(pick(logits, positions), carried[1], place);
    Value indices = insert(positions, carried[2], place);
    // Bufferization wants what is yielded in the place of what was carried.
    next = linalg::CopyOp::create(builder, loc, next, carried[0]).getResult(0);
    scf::YieldOp::create(builder, loc, ValueRange{next, values, indices});
    return {loop.getResult(1), loop.getResult(2)};
  }

private:
  Value empty(ArrayRef<OpFoldResult> extents, Type type) {
    return tensor::EmptyOp::create(builder, loc, extents, type);
  }
  Value constant(int64_t value) {
    return arith::ConstantIntOp::create(builder, loc, value, 64);
  }

  Value createLogits() {
    MLIRContext *context = builder.getContext();
    int64_t loops = rank + 1, n = rank - 1, k = rank;
    Value sums = createReduction(
        builder, loc, {op.getInput(), op.getTable()},
        {getMapOfFirst(context, loops, rank - 1, {k}),
         getMap(context, loops, {n, k})},
        empty(sizes, builder.getF32Type()), getMapOfFirst(context, loops, rank),
        /*reduced=*/1, builder.getF32FloatAttr(0),
        [](OpBuilder &b, Location loc, ValueRange elements) -> Value {
          Value product =
              arith::MulFOp::create(b, loc, elements[0], elements[1]);
          return arith::AddFOp::create(b, loc, elements[2], product);
        });
    sums.getDefiningOp()->setAttr(kFloatMatmul, builder.getUnitAttr());
    if (!op.getBias())
      return sums;
    return createElementwise(
        builder, loc, {sums, op.getBias()}, {element, column},
        empty(sizes, builder.getF32Type()),
        [](OpBuilder &b, Location loc, ValueRange elements) -> Value {
          return arith::AddFOp::create(b, loc, elements[0], elements[1]);
        });
  }

  /// The bits of a logit, so that they ascend with it, above its position from
  /// the end.
  Value createKeys(Value logits) {
    return createElementwise(
        builder, loc, logits, element, empty(sizes, builder.getI64Type()),
        [&](OpBuilder &b, Location loc, ValueRange elements) -> Value {
          auto word = [&](int64_t value) -> Value {
            return arith::ConstantIntOp::create(b, loc, value, 32);
          };
          auto wide = [&](int64_t value) -> Value {
            return arith::ConstantIntOp::create(b, loc, value, 64);
          };
          // Makes -0.0 equal to 0.0.
          Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0));
          Value x = arith::AddFOp::create(b, loc, elements[0], zero);
          Value bits = arith::BitcastOp::create(b, loc, b.getI32Type(), x);
          Value sign = arith::ShRSIOp::create(b, loc, bits, word(31));
          bits = arith::XOrIOp::create(
              b, loc, bits,
              arith::AndIOp::create(b, loc, sign, word(0x7FFFFFFF)));
          Value isNumber =
              arith::CmpFOp::create(b, loc, arith::CmpFPredicate::ORD, x, x);
          bits =
              arith::SelectOp::create(b, loc, isNumber, bits, word(0x7FFFFFFF));
          bits = arith::ExtSIOp::create(b, loc, b.getI64Type(), bits);
          bits = arith::ShLIOp::create(b, loc, bits, wide(32));
          Value n = linalg::IndexOp::create(b, loc, rank - 1);
          n = arith::IndexCastOp::create(b, loc, b.getI64Type(), n);
          return arith::OrIOp::create(
              b, loc, bits, arith::SubIOp::create(b, loc, wide(kLast), n));
        });
  }

  /// The largest key of each row that is less than the one before.
  Value createLargestBelow(Value keys, Value before) {
    constexpr int64_t least = std::numeric_limits<int64_t>::min();
    Value none = constant(least);
    return createReduction(
        builder, loc, {keys, before}, {element, row},
        empty(rows, builder.getI64Type()), row, /*reduced=*/1,
        builder.getI64IntegerAttr(least),
        [&](OpBuilder &b, Location loc, ValueRange elements) -> Value {
          Value below = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt,
                                              elements[0], elements[1]);
          Value key = arith::SelectOp::create(b, loc, below, elements[0], none);
          return arith::MaxSIOp::create(b, loc, elements[2], key);
        });
  }

  Value createPositions(Value keys) {
    AffineMap identity = builder.getMultiDimIdentityMap(rank - 1);
    Value last = constant(kLast), mask = constant(0xFFFFFFFF);
    return createElementwise(
        builder, loc, keys, identity, empty(rows, builder.getI64Type()),
        [&](OpBuilder &b, Location loc, ValueRange elements) -> Value {
          Value low = arith::AndIOp::create(b, loc, elements[0], mask);
          return arith::SubIOp::create(b, loc, last, low);
        });
  }

  /// The logit of each row at its position.
  Value pick(Value logits, Value positions) {
    AffineMap identity = builder.getMultiDimIdentityMap(rank - 1);
    return createElementwise(
        builder, loc, positions, identity, empty(rows, builder.getF32Type()),
        [&](OpBuilder &b, Location loc, ValueRange elements) -> Value {
          SmallVector<Value> indices;
          for (int64_t dim = 0; dim + 1 < rank; ++dim)
            indices.push_back(linalg::IndexOp::create(b, loc, dim));
          indices.push_back(arith::IndexCastOp::create(b, loc, b.getIndexType(),
                                                       elements[0]));
          return tensor::ExtractOp::create(b, loc, logits, indices);
        });
  }

  /// Puts one element for each row at `place` of `target`.
  Value insert(Value source, Value target, Value place) {
    SmallVector<OpFoldResult> offsets(rank, builder.getIndexAttr(0));
    offsets.back() = place;
    SmallVector<OpFoldResult> extents(rows),
        strides(rank, builder.getIndexAttr(1));
    extents.push_back(builder.getIndexAttr(1));
    return tensor::InsertSliceOp::create(builder, loc, source, target, offsets,
                                         extents, strides);
  }

  /// The low half of the key of position 0: no key is the largest integer.
  static constexpr int64_t kLast = 0xFFFFFFFE;

  OpBuilder &builder;
  TopProductOp op;
  Location loc;
  int64_t rank;
  /// The maps of what has the shape of the logits, a value for each row, and
  /// one for each column.
  AffineMap element, row, column;
  SmallVector<OpFoldResult> sizes, rows;
};

struct SelectionOfTopProduct : OpConversionPattern<TopProductOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(TopProductOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isa<RankedTensorType>(op.getInput().getType()))
      return rewriter.notifyMatchFailure(op, "not on tensors");
    rewriter.replaceOp(op, Selection(rewriter, op).create());
    return success();
  }
};

} // namespace

void definitions::populateTopProduct(const TypeConverter &converter,
                                     RewritePatternSet &patterns) {
  patterns.add<SelectionOfTopProduct>(converter, patterns.getContext());
}
