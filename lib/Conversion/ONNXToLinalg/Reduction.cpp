//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reductions over axes. Float sums and products may be taken in
// any order (`reassoc`), so that they vectorise; maxima propagate NaN.
//
//===----------------------------------------------------------------------===//

#include "Structured.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::lowbit;

namespace {
enum class Reducer { sum, product, max, min };
} // namespace

static Value emitReducer(OpBuilder &b, Location loc, Reducer reducer, Value x,
                         Value y, bool isUnsigned) {
  bool isFloat = isa<FloatType>(x.getType());
  auto anyOrder = arith::FastMathFlags::reassoc;
  switch (reducer) {
  case Reducer::sum:
    return isFloat ? arith::AddFOp::create(b, loc, x, y, anyOrder).getResult()
                   : b.createOrFold<arith::AddIOp>(loc, x, y);
  case Reducer::product:
    return isFloat ? arith::MulFOp::create(b, loc, x, y, anyOrder).getResult()
                   : b.createOrFold<arith::MulIOp>(loc, x, y);
  case Reducer::max:
    if (isFloat)
      return b.createOrFold<arith::MaximumFOp>(loc, x, y);
    return isUnsigned ? b.createOrFold<arith::MaxUIOp>(loc, x, y)
                      : b.createOrFold<arith::MaxSIOp>(loc, x, y);
  case Reducer::min:
    if (isFloat)
      return b.createOrFold<arith::MinimumFOp>(loc, x, y);
    return isUnsigned ? b.createOrFold<arith::MinUIOp>(loc, x, y)
                      : b.createOrFold<arith::MinSIOp>(loc, x, y);
  }
  llvm_unreachable("all reducers are handled");
}

/// The result over no elements.
static TypedAttr getNeutral(Lowering &l, Reducer reducer, Type type,
                            bool isUnsigned) {
  OpBuilder &b = l.getBuilder();
  if (reducer == Reducer::sum)
    return cast<TypedAttr>(b.getZeroAttr(type));
  if (reducer == Reducer::product)
    return cast<TypedAttr>(b.getOneAttr(type));
  bool isMax = reducer == Reducer::max;
  if (auto real = dyn_cast<FloatType>(type))
    return b.getFloatAttr(
        type, APFloat::getInf(real.getFloatSemantics(), /*Negative=*/isMax));
  unsigned width = type.getIntOrFloatBitWidth();
  if (isUnsigned)
    return b.getIntegerAttr(type, isMax ? APInt::getMinValue(width)
                                        : APInt::getMaxValue(width));
  return b.getIntegerAttr(type, isMax ? APInt::getSignedMinValue(width)
                                      : APInt::getSignedMaxValue(width));
}

namespace {
/// What a reduction computes: `finish(reduce(prepare(x)))`.
struct ReduceSpec {
  Reducer reducer;
  Value (*prepare)(OpBuilder &, Location, Value) = nullptr;
  bool isMean = false;
  bool isRoot = false;
};
} // namespace

static Value emitAbs(OpBuilder &b, Location loc, Value x) {
  if (isa<FloatType>(x.getType()))
    return math::AbsFOp::create(b, loc, x);
  return math::AbsIOp::create(b, loc, x);
}

static Value emitSquare(OpBuilder &b, Location loc, Value x) {
  if (isa<FloatType>(x.getType()))
    return arith::MulFOp::create(b, loc, x, x);
  return arith::MulIOp::create(b, loc, x, x);
}

template <typename OpTy>
static FailureOr<SmallVector<int64_t>> getAxes(OpTy op, Lowering &l,
                                               int64_t rank) {
  SmallVector<int64_t> axes;
  if (auto given = op.getAxes()) {
    for (int64_t number : *given) {
      std::optional<int64_t> axis = normalizeAxis(number, rank);
      if (!axis)
        return l.fail("has axis " + Twine(number) + " for an input of rank " +
                      Twine(rank));
      axes.push_back(*axis);
    }
    llvm::sort(axes);
    axes.erase(llvm::unique(axes), axes.end());
  }
  if (axes.empty() && op.getNoopWithEmptyAxes() == 0)
    axes = getTrailingLoops(rank, rank);
  return axes;
}

/// Divides a sum by the number of elements it was taken over, or takes the
/// root.
static FailureOr<Value> finishReduction(Lowering &l, Value reduced,
                                        const ReduceSpec &spec,
                                        OpFoldResult count) {
  Type type = cast<RankedTensorType>(reduced.getType()).getElementType();
  if (!spec.isMean && !spec.isRoot)
    return reduced;
  bool isFloat = isa<FloatType>(type);
  Value divisor;
  if (spec.isMean) {
    ScalarMath &math = l.getMath();
    OpFoldResult atLeastOne = math.max(count, math.index(1));
    divisor = math.toInteger(isFloat ? count : atLeastOne,
                             isFloat ? l.getBuilder().getI64Type() : type);
    if (isFloat)
      divisor = math.build([&](OpBuilder &b, Location loc) {
        return b.createOrFold<arith::SIToFPOp>(loc, type, divisor);
      });
  }
  return createElementwise(
      l, reduced, type, [&](OpBuilder &b, Location loc, ValueRange elements) {
        Value x = elements[0];
        if (divisor)
          return isFloat ? b.createOrFold<arith::DivFOp>(loc, x, divisor)
                         : b.createOrFold<arith::DivSIOp>(loc, x, divisor);
        if (isFloat)
          return b.createOrFold<math::SqrtOp>(loc, x);
        Value real = b.createOrFold<arith::SIToFPOp>(loc, b.getF64Type(), x);
        Value root = b.createOrFold<math::SqrtOp>(loc, real);
        return b.createOrFold<arith::FPToSIOp>(loc, type, root);
      });
}

template <typename OpTy>
static LogicalResult lowerReduce(OpTy op, Lowering &l, const ReduceSpec &spec) {
  Value data = l.operand(op.getData());
  SmallVector<OpFoldResult> sizes = l.getSizes(data);
  FailureOr<SmallVector<int64_t>> axes = getAxes(op, l, sizes.size());
  if (failed(axes))
    return failure();
  if (axes->empty() && op.getNoopWithEmptyAxes() != 0)
    return l.replace(op.getResult(), data);

  bool isUnsigned = cast<ShapedType>(op.getData().getType())
                        .getElementType()
                        .isUnsignedInteger();
  Type type = cast<RankedTensorType>(data.getType()).getElementType();
  // A bool is one bit without a sign.
  isUnsigned |= type.isInteger(1);
  Value reduced = createReduction(
      l, data, *axes, getNeutral(l, spec.reducer, type, isUnsigned),
      [&](OpBuilder &b, Location loc, ValueRange elements) {
        Value x = elements[0];
        if (spec.prepare)
          x = spec.prepare(b, loc, x);
        return emitReducer(b, loc, spec.reducer, x, elements[1], isUnsigned);
      });
  SmallVector<OpFoldResult> reducedSizes, kept(sizes);
  for (int64_t axis : *axes) {
    reducedSizes.push_back(sizes[axis]);
    kept[axis] = l.getMath().index(1);
  }
  FailureOr<Value> result =
      finishReduction(l, reduced, spec, l.getMath().product(reducedSizes));
  if (failed(result))
    return failure();
  if (op.getKeepdims() != 0)
    result = createReshape(l, *result, kept);
  return l.replace(op.getResult(), *result);
}

template <typename OpTy>
static void addReduce(LoweringTable &table, ReduceSpec spec) {
  table.add<OpTy>(
      [spec](OpTy op, Lowering &l) { return lowerReduce(op, l, spec); });
}

void mlir::lowbit::populateReductionLowerings(LoweringTable &table) {
  using namespace onnx;
  addReduce<ReduceL1Op>(table, {Reducer::sum, emitAbs});
  addReduce<ReduceL2Op>(table, {Reducer::sum, emitSquare, false, true});
  addReduce<ReduceMaxOp>(table, {Reducer::max});
  addReduce<ReduceMeanOp>(table, {Reducer::sum, nullptr, true});
  addReduce<ReduceMinOp>(table, {Reducer::min});
  addReduce<ReduceProdOp>(table, {Reducer::product});
  addReduce<ReduceSumOp>(table, {Reducer::sum});
}
