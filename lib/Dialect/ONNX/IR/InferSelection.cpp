//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Type inference of operators that select elements, and of constants and
// shapes.
//
//===----------------------------------------------------------------------===//

#include "Inference.h"
#include "lowbit/Constants/Constants.h"
#include <cmath>

using namespace mlir;
using namespace mlir::onnx;

//===----------------------------------------------------------------------===//
// Constants and shapes
//===----------------------------------------------------------------------===//

LogicalResult ConstantOp::inferResultTypes(InferenceScope, TypeList &types) {
  auto type = dyn_cast<TensorType>(getValue().getShapedType());
  if (!type)
    return emitOpError("value must be a tensor, got ")
           << getValue().getShapedType();
  types.push_back(type);
  return success();
}

LogicalResult ConstantOfShapeOp::inferResultTypes(InferenceScope scope,
                                                  TypeList &types) {
  if (failed(checkElement(*this, 0, ElementSet::Index)))
    return failure();
  Type element = Float32Type::get(getContext());
  if (std::optional<ElementsAttr> value = getValue()) {
    if (value->getNumElements() != 1)
      return emitOpError("'value' must have one element, got ")
             << value->getNumElements();
    element = value->getElementType();
  }
  std::optional<SmallVector<ShapeElement>> shape = readShape(getInput(), scope);
  if (!shape) {
    types.push_back(makeUnranked(element));
    return success();
  }
  Shape result = llvm::map_to_vector(*shape, toExtent);
  for (int64_t extent : result)
    if (!ShapedType::isDynamic(extent) && extent < 0)
      return emitOpError("shape has the negative extent ") << extent;
  types.push_back(makeType(result, element));
  return success();
}

LogicalResult RangeOp::inferResultTypes(InferenceScope scope, TypeList &types) {
  Type element = getElement(getStart());
  if (failed(checkElement(*this, 0, ElementSet::Numeric)) ||
      failed(checkSameElement(*this, 0, 1)) ||
      failed(checkSameElement(*this, 0, 2)))
    return failure();
  for (Value operand : getOperands())
    if (auto type = dyn_cast<RankedTensorType>(operand.getType()))
      if (type.hasStaticShape() && type.getNumElements() != 1)
        return emitOpError("operands must be scalars, got ") << type;
  int64_t extent = kDynamic;
  if (scope == InferenceScope::Producers) {
    // The standard computes ceil((limit - start) / delta) in the element type.
    auto read = [](Value value) -> std::optional<double> {
      if (std::optional<double> number = lowbit::getConstantScalarFloat(value))
        return number;
      if (std::optional<int64_t> number = lowbit::getConstantScalarInt(value))
        return static_cast<double>(*number);
      return std::nullopt;
    };
    std::optional<double> start = read(getStart()), limit = read(getLimit()),
                          delta = read(getDelta());
    if (delta && *delta == 0)
      return emitOpError("delta must not be 0");
    if (start && limit && delta) {
      double distance = *limit - *start;
      if (element.isF32())
        distance = static_cast<float>(*limit) - static_cast<float>(*start);
      double count = std::ceil(distance / *delta);
      if (!(count < static_cast<double>(kMaxTensorBytes)))
        return emitOpError("would make more elements than the limit of ")
               << kMaxTensorBytes;
      extent = count > 0 ? static_cast<int64_t>(count) : 0;
    } else if (start && *start == 0 && delta && *delta == 1) {
      // range(0, n, 1) has n elements where n is a dimension.
      std::optional<SmallVector<ShapeElement>> elements =
          getShapeElements(getLimit());
      if (elements && elements->size() == 1)
        extent = toExtent(elements->front());
    }
  }
  types.push_back(makeType(extent, element));
  return success();
}

LogicalResult ShapeOp::inferResultTypes(InferenceScope, TypeList &types) {
  int64_t extent = kDynamic;
  if (std::optional<ArrayRef<int64_t>> shape = getShapeOf(getData())) {
    auto [begin, end] = getRange(shape->size());
    extent = end - begin;
  }
  types.push_back(makeType(extent, IntegerType::get(getContext(), 64)));
  return success();
}

LogicalResult SizeOp::inferResultTypes(InferenceScope, TypeList &types) {
  types.push_back(makeType({}, IntegerType::get(getContext(), 64)));
  return success();
}

std::pair<int64_t, int64_t> ShapeOp::getRange(int64_t rank) {
  auto clamp = [&](int64_t value) {
    return std::clamp<int64_t>(value < 0 ? value + rank : value, 0, rank);
  };
  int64_t begin = clamp(getStart());
  int64_t end = clamp(getEnd().value_or(rank));
  return {begin, std::max(begin, end)};
}

//===----------------------------------------------------------------------===//
// Selection
//===----------------------------------------------------------------------===//

LogicalResult GatherOp::inferResultTypes(InferenceScope, TypeList &types) {
  Type element = getElement(getData());
  if (failed(checkElement(*this, 1, ElementSet::Index)))
    return failure();
  std::optional<ArrayRef<int64_t>> data = getShapeOf(getData()),
                                   indices = getShapeOf(getIndices());
  if (!data || !indices) {
    types.push_back(makeUnranked(element));
    return success();
  }
  FailureOr<int64_t> axis =
      normalizeAxis(*this, "axis", getAxis(), data->size());
  if (failed(axis))
    return failure();
  Shape result(data->take_front(*axis));
  llvm::append_range(result, *indices);
  llvm::append_range(result, data->drop_front(*axis + 1));
  types.push_back(makeType(result, element));
  return success();
}

/// Checks `batch + tuple <= rank` and returns the length of an index tuple,
/// kDynamic if it is not known.
static FailureOr<int64_t> getTupleLength(Operation *op,
                                         ArrayRef<int64_t> indices,
                                         int64_t dataRank, int64_t batch) {
  int64_t length = indices.back();
  if (!ShapedType::isDynamic(length) &&
      (length < 1 || batch + length > dataRank))
    return op->emitOpError("index tuples have ")
           << length << " elements, expected 1 to " << dataRank - batch;
  return length;
}

LogicalResult GatherNDOp::inferResultTypes(InferenceScope, TypeList &types) {
  Type element = getElement(getData());
  if (failed(checkElement(*this, 1, ElementSet::Index)) ||
      failed(checkMinRank(*this, 0, 1)) || failed(checkMinRank(*this, 1, 1)))
    return failure();
  std::optional<ArrayRef<int64_t>> data = getShapeOf(getData()),
                                   indices = getShapeOf(getIndices());
  if (!data || !indices) {
    types.push_back(makeUnranked(element));
    return success();
  }
  int64_t batch = getBatchDims();
  if (batch < 0 ||
      batch >= static_cast<int64_t>(std::min(data->size(), indices->size())))
    return emitOpError("'batch_dims' is ")
           << batch << ", out of range for ranks " << data->size() << " and "
           << indices->size();
  FailureOr<int64_t> tuple =
      getTupleLength(*this, *indices, data->size(), batch);
  if (failed(tuple))
    return failure();
  if (ShapedType::isDynamic(*tuple)) {
    types.push_back(makeUnranked(element));
    return success();
  }
  Shape result(indices->drop_back());
  for (int64_t d = 0; d < batch; ++d) {
    FailureOr<int64_t> extent =
        unifyExtents(*this, (*data)[d], result[d], "batch dimensions");
    if (failed(extent))
      return failure();
    result[d] = *extent;
  }
  llvm::append_range(result, data->drop_front(batch + *tuple));
  types.push_back(makeType(result, element));
  return success();
}

LogicalResult ScatterElementsOp::inferResultTypes(InferenceScope,
                                                  TypeList &types) {
  if (failed(checkElement(*this, 1, ElementSet::Index)) ||
      failed(checkSameElement(*this, 0, 2)) ||
      failed(checkMinRank(*this, 0, 1)))
    return failure();
  types.push_back(cast<TensorType>(getData().getType()));
  std::optional<ArrayRef<int64_t>> data = getShapeOf(getData());
  if (!data)
    return success();
  auto rank = static_cast<int64_t>(data->size());
  auto axis = static_cast<int64_t>(getAxis());
  if (axis < -rank || axis >= rank)
    return emitOpError("'axis' must be in [")
           << -rank << ", " << rank - 1 << "], got " << axis;
  for (Value other : {getIndices(), getUpdates()})
    if (std::optional<ArrayRef<int64_t>> shape = getShapeOf(other);
        shape && static_cast<int64_t>(shape->size()) != rank)
      return emitOpError("indices and updates must have the rank of data, ")
             << rank << ", got " << shape->size();
  return success();
}

LogicalResult ScatterNDOp::inferResultTypes(InferenceScope, TypeList &types) {
  if (failed(checkElement(*this, 1, ElementSet::Index)) ||
      failed(checkSameElement(*this, 0, 2)) ||
      failed(checkMinRank(*this, 0, 1)) || failed(checkMinRank(*this, 1, 1)))
    return failure();
  types.push_back(cast<TensorType>(getData().getType()));
  std::optional<ArrayRef<int64_t>> data = getShapeOf(getData()),
                                   indices = getShapeOf(getIndices()),
                                   updates = getShapeOf(getUpdates());
  if (!data || !indices || !updates)
    return success();
  FailureOr<int64_t> tuple = getTupleLength(*this, *indices, data->size(), 0);
  if (failed(tuple) || ShapedType::isDynamic(*tuple))
    return tuple;
  Shape expected(indices->drop_back());
  llvm::append_range(expected, data->drop_front(*tuple));
  if (expected.size() != updates->size())
    return emitOpError("updates must have rank ")
           << expected.size() << ", got " << updates->size();
  for (auto [a, b] : llvm::zip(expected, *updates))
    if (failed(unifyExtents(*this, a, b, "extents of updates and selection")))
      return failure();
  return success();
}

LogicalResult SliceOp::inferResultTypes(InferenceScope scope, TypeList &types) {
  Type element = getElement(getData());
  for (unsigned i = 1; i < getNumOperands(); ++i)
    if (failed(checkElement(*this, i, ElementSet::Index)))
      return failure();
  std::optional<ArrayRef<int64_t>> shape = getShapeOf(getData());
  if (!shape) {
    types.push_back(makeUnranked(element));
    return success();
  }
  std::optional<SmallVector<ShapeElement>> starts =
                                               readShape(getStarts(), scope),
                                           ends = readShape(getEnds(), scope),
                                           axes, steps;
  if (getAxes())
    axes = readShape(getAxes(), scope);
  if (getSteps())
    steps = readShape(getSteps(), scope);
  Shape result(*shape);
  bool known = starts && ends && (axes || !getAxes()) && (steps || !getSteps());
  if (known) {
    size_t count = starts->size();
    if (ends->size() != count || (axes && axes->size() != count) ||
        (steps && steps->size() != count) || count > shape->size())
      return emitOpError("starts, ends, axes and steps must have one length, "
                         "at most the rank ")
             << shape->size();
    known = !axes || llvm::all_of(*axes, [](const ShapeElement &axis) {
      return axis.isConstant();
    });
  }
  if (!known) {
    llvm::fill(result, kDynamic);
    types.push_back(makeType(result, element));
    return success();
  }
  SmallVector<int64_t> sliced;
  for (size_t i = 0; i < starts->size(); ++i)
    sliced.push_back(axes ? (*axes)[i].getConstant() : i);
  FailureOr<SmallVector<int64_t>> normal =
      normalizeAxes(*this, sliced, shape->size());
  if (failed(normal))
    return failure();
  for (auto [i, axis] : llvm::enumerate(*normal)) {
    ShapeElement step = steps ? (*steps)[i] : ShapeElement::constant(1);
    if (step.isConstant(0))
      return emitOpError("step of axis ") << axis << " is 0";
    result[axis] = getSlicedExtent(
        (*shape)[axis], (*starts)[i], (*ends)[i], step,
        scope == InferenceScope::Producers ? getDimension(getData(), axis)
                                           : ShapeElement::unknown());
  }
  types.push_back(makeType(result, element));
  return success();
}
