//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Type inference of data movement: operators that keep elements and change the
// shape or the order.
//
//===----------------------------------------------------------------------===//

#include "Inference.h"
#include "llvm/ADT/SmallBitVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::onnx;

LogicalResult ConcatOp::inferResultTypes(InferenceScope, TypeList &types) {
  if (getInputs().empty())
    return emitOpError("needs at least one input");
  Type element = getElement(getInputs().front());
  std::optional<Shape> result;
  bool ranked = true;
  for (auto [i, input] : llvm::enumerate(getInputs())) {
    if (failed(checkSameElement(*this, 0, i)))
      return failure();
    std::optional<ArrayRef<int64_t>> shape = getShapeOf(input);
    if (!shape) {
      ranked = false;
      continue;
    }
    FailureOr<int64_t> axis =
        normalizeAxis(*this, "axis", getAxis(), shape->size());
    if (failed(axis))
      return failure();
    if (!result) {
      result = Shape(*shape);
      continue;
    }
    if (shape->size() != result->size())
      return emitOpError("inputs must have one rank, got ")
             << result->size() << " and " << shape->size();
    for (auto [d, extent] : llvm::enumerate(*shape)) {
      int64_t &target = (*result)[d];
      if (static_cast<int64_t>(d) == *axis) {
        if (ShapedType::isDynamic(target) || ShapedType::isDynamic(extent))
          target = kDynamic;
        else if (llvm::AddOverflow(target, extent, target))
          return emitOpError("extent of the result overflows");
        continue;
      }
      FailureOr<int64_t> unified =
          unifyExtents(*this, target, extent, "extents of inputs");
      if (failed(unified))
        return failure();
      target = *unified;
    }
  }
  types.push_back(ranked ? makeType(*result, element) : makeUnranked(element));
  return success();
}

LogicalResult ExpandOp::inferResultTypes(InferenceScope scope,
                                         TypeList &types) {
  Type element = getElement(getInput());
  if (failed(checkElement(*this, 1, ElementSet::Index)))
    return failure();
  std::optional<ArrayRef<int64_t>> input = getShapeOf(getInput());
  std::optional<SmallVector<ShapeElement>> target =
      readShape(getShape(), scope);
  if (!input || !target) {
    types.push_back(makeUnranked(element));
    return success();
  }
  Shape shape = llvm::map_to_vector(*target, toExtent);
  for (int64_t extent : shape)
    if (!ShapedType::isDynamic(extent) && extent < 0)
      return emitOpError("shape has the negative extent ") << extent;
  Shape result(*input);
  if (failed(broadcastInto(*this, result, shape)))
    return failure();
  types.push_back(makeType(result, element));
  return success();
}

LogicalResult FlattenOp::inferResultTypes(InferenceScope, TypeList &types) {
  Shape result(2, kDynamic);
  if (std::optional<ArrayRef<int64_t>> shape = getShapeOf(getInput())) {
    int64_t rank = shape->size();
    int64_t given = static_cast<int64_t>(getAxis());
    int64_t axis = given < 0 ? given + rank : given;
    if (axis < 0 || axis > rank)
      return emitOpError("'axis' is ")
             << given << ", out of range for rank " << rank;
    auto product = [](ArrayRef<int64_t> extents) {
      int64_t value = 1;
      for (int64_t extent : extents)
        if (ShapedType::isDynamic(extent) ||
            llvm::MulOverflow(value, extent, value))
          return kDynamic;
      return value;
    };
    result = {product(shape->take_front(axis)),
              product(shape->drop_front(axis))};
  }
  types.push_back(makeType(result, getElement(getInput())));
  return success();
}

LogicalResult PadOp::inferResultTypes(InferenceScope scope, TypeList &types) {
  Type element = getElement(getData());
  if (getMode() != "constant")
    return emitOpError("'mode' must be \"constant\", got \"")
           << getMode() << "\"";
  if (failed(checkElement(*this, 1, ElementSet::Index)) ||
      (getConstantValue() && failed(checkSameElement(*this, 0, 2))))
    return failure();
  std::optional<ArrayRef<int64_t>> shape = getShapeOf(getData());
  if (!shape) {
    types.push_back(makeUnranked(element));
    return success();
  }
  std::optional<SmallVector<ShapeElement>> pads = readShape(getPads(), scope);
  if (pads && pads->size() != 2 * shape->size())
    return emitOpError("pads must have ")
           << 2 * shape->size() << " elements, got " << pads->size();
  Shape result(shape->size(), kDynamic);
  for (auto [d, extent] : llvm::enumerate(*shape)) {
    if (!pads)
      continue;
    ShapeElement before = (*pads)[d], after = (*pads)[shape->size() + d];
    if (before.isConstant(0) && after.isConstant(0)) {
      result[d] = extent;
      continue;
    }
    if (!before.isConstant() || !after.isConstant() ||
        ShapedType::isDynamic(extent))
      continue;
    if (llvm::AddOverflow(extent, before.getConstant(), result[d]) ||
        llvm::AddOverflow(result[d], after.getConstant(), result[d]) ||
        result[d] < 0)
      return emitOpError("pads ")
             << before.getConstant() << " and " << after.getConstant()
             << " leave no valid extent of " << extent;
  }
  types.push_back(makeType(result, element));
  return success();
}

LogicalResult ReshapeOp::inferResultTypes(InferenceScope scope,
                                          TypeList &types) {
  Type element = getElement(getData());
  if (failed(checkElement(*this, 1, ElementSet::Index)))
    return failure();
  std::optional<SmallVector<ShapeElement>> target =
      readShape(getShape(), scope);
  if (!target) {
    types.push_back(makeUnranked(element));
    return success();
  }
  std::optional<ArrayRef<int64_t>> input = getShapeOf(getData());
  bool producers = scope == InferenceScope::Producers;

  // Dimensions of the input that no requested dimension equals.
  SmallVector<ShapeElement> rest;
  if (input)
    for (int64_t d = 0, e = input->size(); d < e; ++d)
      rest.push_back(!ShapedType::isDynamic((*input)[d])
                         ? ShapeElement::constant((*input)[d])
                     : producers ? getDimension(getData(), d)
                                 : ShapeElement::dimension(getData(), d));
  SmallVector<ShapeElement> inputDims = rest;

  Shape result(target->size(), kDynamic);
  std::optional<size_t> inferred;
  bool unknown = false;
  int64_t known = 1;
  for (auto [d, requested] : llvm::enumerate(*target)) {
    ShapeElement extent = requested;
    if (extent.isConstant(-1)) {
      if (inferred)
        return emitOpError("shape has more than one -1");
      inferred = d;
      continue;
    }
    if (extent.isConstant(0) && !getAllowzero()) {
      if (!input)
        extent = ShapeElement::unknown();
      else if (d >= inputDims.size())
        return emitOpError("shape copies dimension ")
               << d << " of an input of rank " << inputDims.size();
      else
        extent = inputDims[d];
    }
    if (extent.isConstant() && extent.getConstant() < 0)
      return emitOpError("shape has the negative extent ")
             << extent.getConstant();
    result[d] = toExtent(extent);
    if (extent.isConstant()) {
      if (llvm::MulOverflow(known, extent.getConstant(), known))
        return emitOpError("number of elements overflows");
      continue;
    }
    // An equal dimension of the input cancels in the quotient below.
    auto *match = llvm::find(rest, extent);
    if (match == rest.end())
      unknown = true;
    else
      rest.erase(match);
  }

  int64_t available = 1;
  bool divisible = input.has_value() && !unknown;
  for (const ShapeElement &extent : rest) {
    if (!extent.isConstant())
      divisible = false;
    else if (llvm::MulOverflow(available, extent.getConstant(), available))
      return emitOpError("number of elements overflows");
  }
  if (divisible) {
    bool exact = rest.size() == inputDims.size();
    if (!inferred && known != available && (exact || known * available != 0))
      return emitOpError("cannot reshape ")
             << available << " elements to " << known;
    if (inferred && known != 0) {
      if (available % known != 0)
        return emitOpError("cannot reshape ")
               << available << " elements to a multiple of " << known;
      result[*inferred] = available / known;
    }
    if (inferred && known == 0 && getAllowzero())
      return emitOpError("shape has both 0 and -1");
  }
  types.push_back(makeType(result, element));
  return success();
}

LogicalResult SplitOp::inferResultTypes(InferenceScope, TypeList &types) {
  Type element = getElement(getInput());
  int64_t parts = getNumResults();
  std::optional<ArrayRef<int64_t>> lengths = getSplit();
  if (parts == 0)
    return emitOpError("needs at least one result");
  if (lengths && static_cast<int64_t>(lengths->size()) != parts)
    return emitOpError("'split' must have ")
           << parts << " elements, got " << lengths->size();
  std::optional<ArrayRef<int64_t>> shape = getShapeOf(getInput());
  if (!shape) {
    types.append(parts, makeUnranked(element));
    return success();
  }
  FailureOr<int64_t> axis =
      normalizeAxis(*this, "axis", getAxis(), shape->size());
  if (failed(axis))
    return failure();
  int64_t extent = (*shape)[*axis];
  int64_t left = extent;
  for (int64_t i = 0; i < parts; ++i) {
    Shape result(*shape);
    if (lengths) {
      if ((*lengths)[i] < 0)
        return emitOpError("'split' has the negative length ") << (*lengths)[i];
      result[*axis] = (*lengths)[i];
    } else if (!ShapedType::isDynamic(extent)) {
      // Equal parts; the last one is shorter when they do not divide.
      int64_t length = llvm::divideCeil(extent, parts);
      result[*axis] = std::min(length, left);
    }
    if (!ShapedType::isDynamic(extent)) {
      left -= result[*axis];
      if (left < 0)
        break;
    }
    types.push_back(makeType(result, element));
  }
  if (!ShapedType::isDynamic(extent) && left != 0)
    return emitOpError("'split' must add up to ") << extent;
  return success();
}

LogicalResult SqueezeOp::inferResultTypes(InferenceScope, TypeList &types) {
  Type element = getElement(getData());
  std::optional<ArrayRef<int64_t>> shape = getShapeOf(getData());
  std::optional<ArrayRef<int64_t>> axes = getAxes();
  // Without axes, whether a dynamic dimension goes is known at run time only.
  if (!shape || (!axes && llvm::any_of(*shape, ShapedType::isDynamic))) {
    types.push_back(makeUnranked(element));
    return success();
  }
  FailureOr<SmallVector<int64_t>> dropped =
      normalizeAxes(*this, axes.value_or(ArrayRef<int64_t>()), shape->size());
  if (failed(dropped))
    return failure();
  Shape result;
  for (auto [d, extent] : llvm::enumerate(*shape)) {
    bool drop = axes ? llvm::is_contained(*dropped, static_cast<int64_t>(d))
                     : extent == 1;
    if (!drop)
      result.push_back(extent);
    else if (extent != 1 && !ShapedType::isDynamic(extent))
      return emitOpError("cannot drop dimension ")
             << d << " of extent " << extent;
  }
  types.push_back(makeType(result, element));
  return success();
}

LogicalResult TransposeOp::inferResultTypes(InferenceScope, TypeList &types) {
  Type element = getElement(getData());
  std::optional<ArrayRef<int64_t>> perm = getPerm();
  if (perm) {
    llvm::SmallBitVector seen(perm->size());
    for (int64_t axis : *perm) {
      if (axis < 0 || axis >= static_cast<int64_t>(perm->size()) ||
          seen.test(axis))
        return emitOpError("'perm' [") << *perm << "] is not a permutation";
      seen.set(axis);
    }
  }
  std::optional<ArrayRef<int64_t>> shape = getShapeOf(getData());
  if (!shape && !perm) {
    types.push_back(makeUnranked(element));
    return success();
  }
  if (shape && perm && shape->size() != perm->size())
    return emitOpError("'perm' must have ")
           << shape->size() << " elements, got " << perm->size();
  Shape result(shape ? shape->size() : perm->size(), kDynamic);
  if (shape)
    for (int64_t d = 0, e = result.size(); d < e; ++d)
      result[d] = (*shape)[perm ? (*perm)[d] : e - 1 - d];
  types.push_back(makeType(result, element));
  return success();
}

LogicalResult TriluOp::inferResultTypes(InferenceScope, TypeList &types) {
  if (failed(checkMinRank(*this, 0, 2)))
    return failure();
  if (getK() && failed(checkElement(*this, 1, ElementSet::Index)))
    return failure();
  types.push_back(cast<TensorType>(getInput().getType()));
  return success();
}

LogicalResult UnsqueezeOp::inferResultTypes(InferenceScope, TypeList &types) {
  Type element = getElement(getData());
  std::optional<ArrayRef<int64_t>> shape = getShapeOf(getData());
  if (!shape) {
    types.push_back(makeUnranked(element));
    return success();
  }
  int64_t rank = shape->size() + getAxes().size();
  FailureOr<SmallVector<int64_t>> axes = normalizeAxes(*this, getAxes(), rank);
  if (failed(axes))
    return failure();
  Shape result;
  const int64_t *next = shape->begin();
  for (int64_t d = 0; d < rank; ++d)
    result.push_back(llvm::is_contained(*axes, d) ? 1 : *next++);
  types.push_back(makeType(result, element));
  return success();
}
