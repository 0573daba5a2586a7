//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reshape, Flatten, Squeeze, Unsqueeze: views.
//
//===----------------------------------------------------------------------===//

#include "Structured.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::lowbit;

namespace {
/// The dimensions of a Reshape while they are worked out.
struct TargetShape {
  SmallVector<OpFoldResult> sizes;
  std::optional<size_t> inferred; // the position of a constant -1
  bool uncertain = false;         // a -1 or 0 may turn up in the run
};
} // namespace

static OpFoldResult select(ScalarMath &math, Value condition, OpFoldResult a,
                           OpFoldResult b) {
  Value first = math.toValue(a), second = math.toValue(b);
  return getAsOpFoldResult(math.build([&](OpBuilder &builder, Location loc) {
    return builder.createOrFold<arith::SelectOp>(loc, condition, first, second);
  }));
}

/// Reads the operand `shape`: constants 0 and -1 are resolved at compile time,
/// a size that is computed from dimensions is never special.
static FailureOr<TargetShape> readShape(onnx::ReshapeOp op, Lowering &l,
                                        ArrayRef<OpFoldResult> given) {
  ScalarMath &math = l.getMath();
  TargetShape shape;
  shape.sizes = l.getIndices(l.operand(op.getShape()));
  bool copies = op.getAllowzero() == 0;
  for (auto [i, size] : llvm::enumerate(shape.sizes)) {
    std::optional<int64_t> constant = getConstantSize(size);
    if (constant && *constant == 0 && copies) {
      if (i >= given.size())
        return l.fail("copies dimension " + Twine(i) + " of an input of rank " +
                      Twine(given.size()));
      size = given[i];
    } else if (constant && *constant == -1) {
      if (shape.inferred)
        return l.fail("has a shape with more than one -1");
      shape.inferred = i;
    } else if (constant && *constant < 0) {
      return l.fail("has a negative dimension " + Twine(*constant));
    } else if (!constant && !math.isNonNegative(size)) {
      shape.uncertain = true;
      if (copies && i < given.size())
        size = select(math, math.isEqual(size, math.index(0)), given[i], size);
    }
  }
  return shape;
}

/// Replaces a -1 by what is left of the number of elements.
static void inferDimension(Lowering &l, TargetShape &shape,
                           ArrayRef<OpFoldResult> given) {
  ScalarMath &math = l.getMath();
  OpFoldResult one = math.index(1), minusOne = math.index(-1);
  OpFoldResult total = math.product(given);
  SmallVector<OpFoldResult> others = shape.sizes;
  for (auto [i, size] : llvm::enumerate(others)) {
    if (i == shape.inferred)
      size = one;
    else if (shape.uncertain && !math.isNonNegative(size))
      size = select(math, math.isEqual(size, minusOne), one, size);
  }
  OpFoldResult rest = math.product(others);
  std::optional<OpFoldResult> exact = math.divideExactly(total, rest);
  OpFoldResult quotient = exact ? *exact : math.div(total, math.max(rest, one));
  for (auto [i, size] : llvm::enumerate(shape.sizes)) {
    if (i == shape.inferred)
      size = quotient;
    else if (shape.uncertain && !math.isNonNegative(size))
      size =
          math.max(select(math, math.isEqual(size, minusOne), quotient, size),
                   math.index(0));
  }
}

static LogicalResult lowerReshape(onnx::ReshapeOp op, Lowering &l) {
  ScalarMath &math = l.getMath();
  Value data = l.operand(op.getData());
  SmallVector<OpFoldResult> given = l.getSizes(data);
  if (!Lowering::isSmall(
          cast<RankedTensorType>(l.operand(op.getShape()).getType())))
    return l.fail("is unsupported with a shape of unknown length");
  FailureOr<TargetShape> shape = readShape(op, l, given);
  if (failed(shape))
    return failure();
  RankedTensorType declared = l.getDeclaredType(op.getReshaped());
  if (static_cast<int64_t>(shape->sizes.size()) != declared.getRank())
    return l.fail("has a result of rank " + Twine(declared.getRank()) +
                  " and a shape of length " + Twine(shape->sizes.size()));
  if (shape->inferred || shape->uncertain)
    inferDimension(l, *shape, given);
  SmallVector<OpFoldResult> sizes = l.refine(shape->sizes, declared);
  std::optional<int64_t> before = getConstantSize(math.product(given));
  std::optional<int64_t> after = getConstantSize(math.product(sizes));
  if (before && after && *before != *after)
    return l.fail("has " + Twine(*before) + " elements and a shape for " +
                  Twine(*after));
  return l.replace(op.getResult(), createReshape(l, data, sizes));
}

static LogicalResult lowerFlatten(onnx::FlattenOp op, Lowering &l) {
  ScalarMath &math = l.getMath();
  Value input = l.operand(op.getInput());
  SmallVector<OpFoldResult> sizes = l.getSizes(input);
  int64_t rank = sizes.size(), axis = op.getAxis();
  if (axis < -rank || axis > rank)
    return l.fail("has axis " + Twine(axis) + " for an input of rank " +
                  Twine(rank));
  if (axis < 0)
    axis += rank;
  ArrayRef<OpFoldResult> all = sizes;
  SmallVector<OpFoldResult> result{math.product(all.take_front(axis)),
                                   math.product(all.drop_front(axis))};
  return l.replace(op.getResult(), createReshape(l, input, result));
}

static LogicalResult lowerSqueeze(onnx::SqueezeOp op, Lowering &l) {
  ScalarMath &math = l.getMath();
  Value data = l.operand(op.getData());
  SmallVector<OpFoldResult> sizes = l.getSizes(data), kept;
  int64_t rank = sizes.size();
  llvm::SmallDenseSet<int64_t> dropped;
  if (auto axes = op.getAxes()) {
    for (int64_t given : *axes) {
      std::optional<int64_t> axis = normalizeAxis(given, rank);
      if (!axis)
        return l.fail("has axis " + Twine(given) + " for an input of rank " +
                      Twine(rank));
      std::optional<int64_t> constant = getConstantSize(sizes[*axis]);
      if (constant && *constant != 1)
        return l.fail("squeezes dimension " + Twine(*axis) + " of size " +
                      Twine(*constant));
      l.assertEqual(sizes[*axis], math.index(1),
                    "a squeezed dimension is not 1");
      dropped.insert(*axis);
    }
  } else {
    for (auto [i, size] : llvm::enumerate(sizes))
      if (getConstantSize(size) == 1)
        dropped.insert(i);
  }
  for (auto [i, size] : llvm::enumerate(sizes))
    if (!dropped.contains(i))
      kept.push_back(size);
  return l.replace(op.getResult(), createReshape(l, data, kept));
}

static LogicalResult lowerUnsqueeze(onnx::UnsqueezeOp op, Lowering &l) {
  Value data = l.operand(op.getData());
  SmallVector<OpFoldResult> sizes = l.getSizes(data);
  int64_t rank = sizes.size() + op.getAxes().size();
  SmallVector<OpFoldResult> result(rank, OpFoldResult());
  for (int64_t given : op.getAxes()) {
    std::optional<int64_t> axis = normalizeAxis(given, rank);
    if (!axis || result[*axis])
      return l.fail("has axes that do not fit a result of rank " + Twine(rank));
    result[*axis] = l.getMath().index(1);
  }
  auto next = sizes.begin();
  for (OpFoldResult &size : result)
    if (!size)
      size = *next++;
  return l.replace(op.getResult(), createReshape(l, data, result));
}

void mlir::lowbit::populateReshapeLowerings(LoweringTable &table) {
  table.add(lowerReshape);
  table.add(lowerFlatten);
  table.add(lowerSqueeze);
  table.add(lowerUnsqueeze);
}
