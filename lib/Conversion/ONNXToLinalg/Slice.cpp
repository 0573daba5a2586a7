//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Slice: starts and ends count from the end when negative and are clamped to
// the tensor. Positive steps give views, negative ones copies.
//
//===----------------------------------------------------------------------===//

#include "Structured.h"
#include "lowbit/Constants/Constants.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::lowbit;

namespace {
/// The part of every dimension that a Slice takes.
struct SliceBounds {
  SmallVector<OpFoldResult> starts, sizes;
  SmallVector<int64_t> steps;
};
} // namespace

/// Exporters write "to the end" as the largest integer of some width.
constexpr int64_t kEverything = std::numeric_limits<int32_t>::max();

/// `position` counted from the front and clamped to [low, high].
static OpFoldResult clampPosition(ScalarMath &math, OpFoldResult position,
                                  OpFoldResult size, OpFoldResult low,
                                  OpFoldResult high) {
  std::optional<int64_t> constant = getConstantSize(position);
  if (constant && *constant >= kEverything)
    return high;
  if (constant && *constant <= -kEverything)
    return low;
  if (constant && *constant < 0) {
    position = math.add(size, position);
  } else if (!constant && !math.isNonNegative(position)) {
    Value value = math.toValue(position), zero = math.toValue(math.index(0));
    Value fromEnd = math.toValue(math.add(position, size));
    position = getAsOpFoldResult(math.build([&](OpBuilder &b, Location loc) {
      Value isNegative = b.createOrFold<arith::CmpIOp>(
          loc, arith::CmpIPredicate::slt, value, zero);
      return b.createOrFold<arith::SelectOp>(loc, isNegative, fromEnd, value);
    }));
  }
  return math.max(math.min(position, high), low);
}

/// Works out the bounds of one dimension.
static void setBounds(Lowering &l, SliceBounds &bounds, int64_t axis,
                      OpFoldResult start, OpFoldResult end, int64_t step) {
  ScalarMath &math = l.getMath();
  OpFoldResult size = bounds.sizes[axis], zero = math.index(0);
  bounds.steps[axis] = step;
  if (step > 0) {
    OpFoldResult from = clampPosition(math, start, size, zero, size);
    OpFoldResult to = clampPosition(math, end, size, zero, size);
    OpFoldResult length = math.max(math.sub(to, from), zero);
    bounds.starts[axis] = from;
    bounds.sizes[axis] = math.ceilDiv(length, math.index(step));
    if (step == 1 && math.isNonNegative(start) && math.atLeast(end, start))
      l.noteClamped(bounds.sizes[axis], math.sub(end, start));
    return;
  }
  OpFoldResult last = math.sub(size, math.index(1));
  OpFoldResult from = clampPosition(math, start, size, zero, last);
  OpFoldResult to = clampPosition(math, end, size, math.index(-1), last);
  OpFoldResult length = math.max(math.sub(from, to), zero);
  bounds.starts[axis] = from;
  bounds.sizes[axis] = math.min(math.ceilDiv(length, math.index(-step)), size);
}

static FailureOr<SliceBounds> getBounds(onnx::SliceOp op, Lowering &l,
                                        ArrayRef<OpFoldResult> sizes) {
  int64_t rank = sizes.size();
  for (Value list : {op.getStarts(), op.getEnds()})
    if (!Lowering::isSmall(cast<RankedTensorType>(l.operand(list).getType())))
      return l.fail("is unsupported with bounds of unknown number");
  SmallVector<OpFoldResult> starts = l.getIndices(l.operand(op.getStarts()));
  SmallVector<OpFoldResult> ends = l.getIndices(l.operand(op.getEnds()));
  std::vector<int64_t> axes(starts.size()), steps(starts.size(), 1);
  std::iota(axes.begin(), axes.end(), 0);
  for (auto [operand, list, name] :
       {std::tuple(op.getAxes(), &axes, "axes"),
        std::tuple(op.getSteps(), &steps, "steps")}) {
    if (!operand)
      continue;
    ElementsAttr attr = getConstantAttr(l.operand(operand));
    auto constant =
        attr ? getConstantInts(attr, Lowering::kMaxScalars) : std::nullopt;
    if (!constant)
      return l.fail("is unsupported with " + Twine(name) +
                    " that are not constant");
    *list = *constant;
  }
  if (ends.size() != starts.size() || axes.size() != starts.size() ||
      steps.size() != starts.size())
    return l.fail("has starts, ends, axes and steps of different length");

  SliceBounds bounds;
  bounds.starts.assign(rank, l.getMath().index(0));
  bounds.sizes.assign(sizes.begin(), sizes.end());
  bounds.steps.assign(rank, 1);
  llvm::SmallDenseSet<int64_t> seen;
  for (auto [start, end, number, step] : llvm::zip(starts, ends, axes, steps)) {
    std::optional<int64_t> axis = normalizeAxis(number, rank);
    if (!axis || !seen.insert(*axis).second)
      return l.fail("has axis " + Twine(number) + " for an input of rank " +
                    Twine(rank));
    if (step == 0)
      return l.fail("has step 0");
    setBounds(l, bounds, *axis, start, end, step);
  }
  return bounds;
}

/// Picks elements that exist as scalars.
static Value sliceScalars(Lowering &l, Value data, const SliceBounds &bounds) {
  SmallVector<Value> scalars = l.getScalars(data), picked;
  int64_t start = *getConstantSize(bounds.starts[0]);
  int64_t count = *getConstantSize(bounds.sizes[0]);
  for (int64_t i = 0; i < count; ++i)
    picked.push_back(scalars[start + i * bounds.steps[0]]);
  return l.fromScalars(picked,
                       cast<RankedTensorType>(data.getType()).clone({count}));
}

static LogicalResult lowerSlice(onnx::SliceOp op, Lowering &l) {
  ScalarMath &math = l.getMath();
  Value data = l.operand(op.getData());
  SmallVector<OpFoldResult> sizes = l.getSizes(data);
  int64_t rank = sizes.size();
  FailureOr<SliceBounds> bounds = getBounds(op, l, sizes);
  if (failed(bounds))
    return failure();
  if (rank == 1 && l.isScalars(data) && getConstantSize(bounds->starts[0]) &&
      getConstantSize(bounds->sizes[0]))
    return l.replace(op.getResult(), sliceScalars(l, data, *bounds));
  SmallVector<OpFoldResult> result =
      l.refine(bounds->sizes, l.getDeclaredType(op.getOutput()));

  bool isWhole = llvm::all_of(llvm::seq<int64_t>(0, rank), [&](int64_t i) {
    return bounds->steps[i] == 1 && math.equal(result[i], sizes[i]);
  });
  if (isWhole)
    return l.replace(op.getResult(), data);
  if (llvm::all_of(bounds->steps, [](int64_t step) { return step > 0; })) {
    SmallVector<OpFoldResult> strides;
    for (int64_t step : bounds->steps)
      strides.push_back(math.index(step));
    return l.replace(op.getResult(),
                     createSlice(l, data, bounds->starts, result, strides));
  }
  SmallVector<Value> starts, steps;
  for (int64_t i = 0; i < rank; ++i) {
    starts.push_back(math.toValue(bounds->starts[i]));
    steps.push_back(math.toValue(math.index(bounds->steps[i])));
  }
  Type elementType = cast<RankedTensorType>(data.getType()).getElementType();
  return l.replace(
      op.getResult(),
      createIndexed(l, result, elementType,
                    [&](OpBuilder &b, Location loc, ValueRange indices,
                        ValueRange) -> Value {
                      SmallVector<Value> position;
                      for (int64_t i = 0; i < rank; ++i) {
                        Value offset = b.createOrFold<arith::MulIOp>(
                            loc, indices[i], steps[i]);
                        position.push_back(b.createOrFold<arith::AddIOp>(
                            loc, starts[i], offset));
                      }
                      return tensor::ExtractOp::create(b, loc, data, position);
                    }));
}

void mlir::lowbit::populateSliceLowerings(LoweringTable &table) {
  table.add(lowerSlice);
}
