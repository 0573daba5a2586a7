//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Constraints that the verifiers of several operations share.
//
//===----------------------------------------------------------------------===//

#include "VerifierSupport.h"

using namespace mlir;
using namespace mlir::lowbit;

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

std::string lowbit::detail::formatShape(ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << '[';
  llvm::interleaveComma(shape, os, [&](int64_t extent) {
    if (ShapedType::isDynamic(extent))
      os << '?';
    else
      os << extent;
  });
  os << ']';
  return text;
}

LogicalResult lowbit::detail::verifyShape(Operation *op, StringRef what,
                                          Value value,
                                          ArrayRef<int64_t> expected) {
  ArrayRef<int64_t> shape = getShape(value);
  if (succeeded(verifyCompatibleShape(shape, expected)))
    return success();
  return op->emitOpError("expected ")
         << what << " of shape " << formatShape(expected) << ", got "
         << formatShape(shape);
}

LogicalResult lowbit::detail::verifyMatrix(Operation *op,
                                           ArrayRef<int64_t> logical) {
  if (logical.size() >= 2)
    return success();
  return op->emitOpError("expected rank 2 or more, got ") << logical.size();
}

LogicalResult lowbit::detail::verifyOrder(Operation *op, PackingAttr packing,
                                          Order order) {
  if (packing.getOrder() == order)
    return success();
  return op->emitOpError("expected the order ")
         << stringifyOrder(order) << ", got "
         << stringifyOrder(packing.getOrder());
}

LogicalResult lowbit::detail::verifyRows(Operation *op, PackingAttr packing) {
  if (failed(verifyOrder(op, packing, Order::rows)))
    return failure();
  if (!packing.getSums())
    return op->emitOpError("expected rows with sums of codes");
  return success();
}

LogicalResult lowbit::detail::verifyResultPacking(Operation *op,
                                                  PackingAttr packing) {
  return packing.isSummedRows() ? success() : verifyRows(op, packing);
}

SmallVector<Type> lowbit::detail::getYielded(PackingAttr packing) {
  unsigned width = packing.hasWholeCodes() ? 32 : 1;
  return SmallVector<Type>(packing.getYieldedCount(),
                           IntegerType::get(packing.getContext(), width));
}

LogicalResult lowbit::detail::verifyPacked(Operation *op, StringRef what,
                                           Value value, PackingAttr packing,
                                           ArrayRef<int64_t> logical) {
  Type elementType = getElementTypeOrSelf(value.getType());
  if (elementType != packing.getElementType())
    return op->emitOpError("expected ")
           << what << " of " << packing.getElementType() << ", got "
           << elementType;
  SmallVector<int64_t> expected = packing.getPackedShape(
      logical.drop_back(2), logical[logical.size() - 2], logical.back());
  return verifyShape(op, what, value, expected);
}

//===----------------------------------------------------------------------===//
// Quantizers and sums
//===----------------------------------------------------------------------===//

LogicalResult lowbit::detail::verifyScale(Operation *op, Value scale,
                                          Granularity granularity,
                                          ArrayRef<int64_t> shape) {
  switch (granularity) {
  case Granularity::tensor:
    return verifyShape(op, "a scale", scale, {});
  case Granularity::row:
    if (shape.size() < 2)
      return op->emitOpError(
                 "expected rank 2 or more for a scale per row, got ")
             << shape.size();
    return verifyShape(op, "a scale", scale, shape[shape.size() - 2]);
  case Granularity::token:
    if (shape.empty())
      return op->emitOpError(
          "expected rank 1 or more for a scale per token, got 0");
    return verifyShape(op, "a scale", scale, shape.drop_back());
  }
  return op->emitOpError("unknown granularity");
}

LogicalResult lowbit::detail::verifySum(Operation *op, int64_t size,
                                        int64_t magnitude) {
  if (ShapedType::isDynamic(size) || magnitude == 0 ||
      size <= std::numeric_limits<int32_t>::max() / magnitude)
    return success();
  return op->emitOpError("sums of ")
         << size << " terms of magnitude " << magnitude
         << " may leave the range of i32";
}

LogicalResult
lowbit::detail::verifyQuantizer(Operation *op, ArrayRef<int64_t> shape,
                                Value scale, Value shift, Value offset,
                                LevelsType levels, Rounding rounding,
                                Granularity granularity, bool needsScale) {
  // (C2) What a rounding needs.
  if (rounding == Rounding::half_even) {
    if (!scale && needsScale)
      return op->emitOpError("expected a scale with the rounding half_even");
    if (levels.getStep() != 1)
      return op->emitOpError("expected consecutive levels with the rounding "
                             "half_even, got ")
             << levels;
  } else {
    if (scale || offset)
      return op->emitOpError("expected no ")
             << (scale ? "scale" : "offset") << " with the rounding "
             << stringifyRounding(rounding);
    // (C3) What a rounding yields.
    bool binary = levels.getLevels() == ArrayRef<int64_t>{-1, 1};
    bool ternary = levels.getLevels() == ArrayRef<int64_t>{-1, 0, 1};
    if (!binary && (!ternary || rounding == Rounding::step))
      return op->emitOpError("expected the levels -1, 1")
             << (rounding == Rounding::sign ? " or -1, 0, 1" : "")
             << " with the rounding " << stringifyRounding(rounding) << ", got "
             << levels;
  }
  // (C4)
  if (granularity == Granularity::row)
    return op->emitOpError("expected the granularity tensor or token, got row");
  if (scale && failed(verifyScale(op, scale, granularity, shape)))
    return failure();
  // (C5)
  if (shift) {
    if (shape.empty())
      return op->emitOpError("expected rank 1 or more for a shift, got 0");
    if (failed(verifyShape(op, "a shift", shift, shape.back())))
      return failure();
  }
  // (C6)
  if (offset)
    return verifyShape(op, "an offset", offset, {});
  return success();
}

//===----------------------------------------------------------------------===//
// Normalisations
//===----------------------------------------------------------------------===//

LogicalResult lowbit::detail::verifyLayerNorm(Operation *op, Value input,
                                              Value init, Value scale,
                                              Value bias, Value residual,
                                              const APFloat &epsilon) {
  // (C1)
  ArrayRef<int64_t> shape = getShape(input);
  if (shape.empty())
    return op->emitOpError("expected an input of rank 1 or more, got 0");
  if (failed(verifyShape(op, "a destination", init, shape)))
    return failure();
  // (C2)
  if (failed(verifyShape(op, "a scale", scale, shape.back())) ||
      (bias && failed(verifyShape(op, "a bias", bias, shape.back()))))
    return failure();
  // (C3)
  if (residual && failed(verifyShape(op, "a residual", residual, shape)))
    return failure();
  // (C4)
  if (epsilon.isNaN() || epsilon.isNegative())
    return op->emitOpError("expected an epsilon of 0 or more, got ")
           << epsilon.convertToDouble();
  return success();
}

//===----------------------------------------------------------------------===//
// Regions
//===----------------------------------------------------------------------===//

/// Whether a tensor of shape `from` can be broadcast to `to`, as numpy does.
static bool isBroadcastable(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  if (from.size() > to.size())
    return false;
  return llvm::all_of(
      llvm::zip_equal(from, to.take_back(from.size())), [](auto pair) {
        auto [extent, target] = pair;
        return extent == 1 || extent == target ||
               ShapedType::isDynamic(extent) || ShapedType::isDynamic(target);
      });
}

LogicalResult lowbit::detail::verifyRegion(Operation *op, StringRef name,
                                           Region &region, ArrayRef<Type> first,
                                           OperandRange operands,
                                           ArrayRef<int64_t> shape,
                                           ArrayRef<Type> yielded) {
  SmallVector<Type> arguments(first);
  for (Value operand : operands) {
    arguments.push_back(getElementTypeOrSelf(operand.getType()));
    if (!isBroadcastable(getShape(operand), shape))
      return op->emitOpError("expected an operand of the ")
             << name << " that broadcasts to " << formatShape(shape) << ", got "
             << formatShape(getShape(operand));
  }
  auto expectTypes = [&](StringRef what, auto expected,
                         auto got) -> LogicalResult {
    if (llvm::equal(expected, got))
      return success();
    InFlightDiagnostic error = op->emitOpError("expected the ")
                               << name << " to " << what << " ";
    llvm::interleaveComma(expected, error);
    error << ", got ";
    llvm::interleaveComma(got, error);
    return error;
  };
  // The operations in the region are verified later: it may still be empty.
  Block &body = region.front();
  if (failed(expectTypes("take", arguments, body.getArgumentTypes())))
    return failure();
  auto yield = body.empty() ? YieldOp() : dyn_cast<YieldOp>(body.back());
  if (!yield)
    return op->emitOpError("expected the ")
           << name << " to end with lowbit.yield";
  // Kernels widen what is in the region to vectors.
  for (Operation &inner : body.without_terminator())
    if (!inner.hasTrait<OpTrait::ConstantLike>() &&
        !OpTrait::hasElementwiseMappableTraits(&inner))
      return op->emitOpError("expected the ")
             << name << " to hold elementwise operations, got '"
             << inner.getName() << "'";
  return expectTypes("yield", yielded, yield.getOperandTypes());
}
