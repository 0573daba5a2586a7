//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reshapes, transposes and slices: views where the sizes allow it, at compile
// time where the value is a constant.
//
//===----------------------------------------------------------------------===//

#include "Structured.h"
#include "lowbit/Constants/Constants.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"

using namespace mlir;
using namespace mlir::lowbit;

static Value createArithConstant(Lowering &l, ElementsAttr attr) {
  Value result = arith::ConstantOp::create(l.getBuilder(), l.getLoc(),
                                           cast<TypedAttr>(attr));
  l.setSizes(result, getAsIndexOpFoldResult(l.getBuilder().getContext(),
                                            attr.getShapedType().getShape()));
  return result;
}

//===----------------------------------------------------------------------===//
// Reshape
//===----------------------------------------------------------------------===//

namespace {
/// Runs of dimensions of two shapes that hold the same elements.
struct Grouping {
  SmallVector<ReassociationIndices> source, target;
};
} // namespace

static ScalarMath::Factors multiply(ScalarMath &math, ScalarMath::Factors a,
                                    OpFoldResult size) {
  ScalarMath::Factors b = math.getFactors(size);
  a.constant *= b.constant;
  a.values.append(b.values);
  if (a.constant == 0)
    a.values.clear();
  return a;
}

/// Groups dimensions from the front: a group grows on the side whose product
/// divides the other's, until both agree.
static std::optional<Grouping> groupDimensions(ScalarMath &math,
                                               ArrayRef<OpFoldResult> source,
                                               ArrayRef<OpFoldResult> target) {
  Grouping grouping;
  size_t i = 0, j = 0;
  while (i < source.size() && j < target.size()) {
    ReassociationIndices sourceGroup{int64_t(i)}, targetGroup{int64_t(j)};
    ScalarMath::Factors left = math.getFactors(source[i++]);
    ScalarMath::Factors right = math.getFactors(target[j++]);
    while (!math.equal(left, right)) {
      bool growLeft = math.divide(right, left).has_value();
      bool growRight = !growLeft && math.divide(left, right).has_value();
      if (!growLeft && !growRight)
        growLeft = growRight = true;
      if ((growLeft && i == source.size()) || (growRight && j == target.size()))
        return std::nullopt;
      if (growLeft) {
        left = multiply(math, left, source[i]);
        sourceGroup.push_back(i++);
      }
      if (growRight) {
        right = multiply(math, right, target[j]);
        targetGroup.push_back(j++);
      }
    }
    grouping.source.push_back(sourceGroup);
    grouping.target.push_back(targetGroup);
  }
  if (grouping.source.empty())
    return std::nullopt;
  for (; i < source.size(); ++i) {
    if (!math.equal(source[i], math.index(1)))
      return std::nullopt;
    grouping.source.back().push_back(i);
  }
  for (; j < target.size(); ++j) {
    if (!math.equal(target[j], math.index(1)))
      return std::nullopt;
    grouping.target.back().push_back(j);
  }
  return grouping;
}

/// Where factors do not tell: the dimensions that agree at both ends stay,
/// those in between make one group.
static Grouping groupBetween(ScalarMath &math, ArrayRef<OpFoldResult> source,
                             ArrayRef<OpFoldResult> target) {
  size_t common = std::min(source.size(), target.size()) - 1;
  size_t front = 0, back = 0;
  while (front < common && math.equal(source[front], target[front]))
    ++front;
  while (back < common - front && math.equal(source[source.size() - 1 - back],
                                             target[target.size() - 1 - back]))
    ++back;
  auto group = [&](size_t rank) {
    SmallVector<ReassociationIndices> groups;
    for (size_t i = 0; i < rank; ++i) {
      bool starts = i <= front || i >= rank - back;
      if (starts)
        groups.emplace_back();
      groups.back().push_back(i);
    }
    return groups;
  };
  return {group(source.size()), group(target.size())};
}

/// A group of several dynamic dimensions: upstream lowers no such expand_shape
/// of a buffer, so the sizes go through a small tensor.
static Value reshapeBySizes(Lowering &l, Value value, RankedTensorType type,
                            ArrayRef<OpFoldResult> sizes) {
  Type i64 = l.getBuilder().getI64Type();
  SmallVector<Value> extents =
      llvm::map_to_vector(sizes, [&](OpFoldResult size) {
        return l.getMath().toInteger(size, i64);
      });
  int64_t rank = sizes.size();
  Value shape = l.fromScalars(extents, RankedTensorType::get(rank, i64));
  return tensor::ReshapeOp::create(l.getBuilder(), l.getLoc(), type, value,
                                   shape);
}

static Value castTo(Lowering &l, Value value, RankedTensorType type) {
  if (value.getType() == type)
    return value;
  return tensor::CastOp::create(l.getBuilder(), l.getLoc(), type, value);
}

static Value collapse(Lowering &l, Value value,
                      ArrayRef<ReassociationIndices> groups) {
  auto type = cast<RankedTensorType>(value.getType());
  if (static_cast<int64_t>(groups.size()) == type.getRank())
    return value;
  return tensor::CollapseShapeOp::create(l.getBuilder(), l.getLoc(), value,
                                         groups);
}

/// Expands `value`, casting first where a group is static on one side only.
static Value expand(Lowering &l, Value value, RankedTensorType type,
                    ArrayRef<ReassociationIndices> groups,
                    ArrayRef<OpFoldResult> sizes) {
  SmallVector<int64_t> shape;
  for (const ReassociationIndices &group : groups) {
    int64_t product = 1;
    for (int64_t i : group)
      product = type.isDynamicDim(i) || ShapedType::isDynamic(product)
                    ? ShapedType::kDynamic
                    : product * type.getDimSize(i);
    shape.push_back(product);
  }
  value = castTo(l, value, type.clone(shape));
  if (value.getType() == type)
    return value;
  return tensor::ExpandShapeOp::create(l.getBuilder(), l.getLoc(), type, value,
                                       groups, sizes);
}

Value mlir::lowbit::createReshape(Lowering &l, Value value,
                                  ArrayRef<OpFoldResult> sizes) {
  ScalarMath &math = l.getMath();
  SmallVector<OpFoldResult> given = l.getSizes(value);
  auto type = cast<RankedTensorType>(value.getType());
  RankedTensorType target = getTensorType(sizes, type.getElementType());
  if (type == target && type.hasStaticShape())
    return value;
  l.assertEqual(math.product(given), math.product(sizes),
                "the shape does not hold as many elements as the input");
  if (type.hasStaticShape() && target.hasStaticShape() &&
      type.getNumElements() == target.getNumElements()) {
    if (ElementsAttr attr = getConstantAttr(value))
      if (ElementsAttr reshaped = reshapeConstant(attr, target))
        return createArithConstant(l, reshaped);
    if (l.isScalars(value))
      return l.fromScalars(l.getScalars(value), target);
  }

  std::optional<Grouping> grouping = groupDimensions(math, given, sizes);
  Value result;
  if (given.empty()) {
    result =
        tensor::ExpandShapeOp::create(l.getBuilder(), l.getLoc(), target, value,
                                      ArrayRef<ReassociationIndices>(), sizes);
  } else if (sizes.empty()) {
    SmallVector<int64_t> ones(given.size(), 1);
    result = collapse(l, castTo(l, value, type.clone(ones)), {});
  } else {
    if (!grouping)
      grouping = groupBetween(math, given, sizes);
    bool hasSizes = llvm::any_of(grouping->target, [&](const auto &group) {
      return llvm::count_if(
                 group, [&](int64_t i) { return target.isDynamicDim(i); }) > 1;
    });
    result = hasSizes ? reshapeBySizes(l, value, target, sizes)
                      : expand(l, collapse(l, value, grouping->source), target,
                               grouping->target, sizes);
  }
  l.setSizes(result, sizes);
  return result;
}

//===----------------------------------------------------------------------===//
// Transpose
//===----------------------------------------------------------------------===//

/// Permutes `count` elements of `Width` bytes.
template <typename Word>
static std::vector<Word> permute(ArrayRef<Word> data, ArrayRef<int64_t> shape,
                                 ArrayRef<int64_t> permutation) {
  int64_t rank = shape.size();
  SmallVector<int64_t> strides(rank, 1), steps, extents, position(rank, 0);
  for (int64_t i = rank - 2; i >= 0; --i)
    strides[i] = strides[i + 1] * shape[i + 1];
  for (int64_t i : permutation) {
    steps.push_back(strides[i]);
    extents.push_back(shape[i]);
  }
  std::vector<Word> result(data.size());
  int64_t source = 0;
  for (Word &word : result) {
    word = data[source];
    for (int64_t i = rank - 1; i >= 0; --i) {
      source += steps[i];
      if (++position[i] < extents[i])
        break;
      source -= steps[i] * extents[i];
      position[i] = 0;
    }
  }
  return result;
}

template <typename Word>
static ElementsAttr transposeAs(ElementsAttr attr, RankedTensorType type,
                                ArrayRef<int64_t> permutation) {
  auto elements = getConstantElements<Word>(attr);
  if (!elements)
    return {};
  std::vector<Word> scratch;
  return makeConstant<Word>(type, permute(elements->toArray(scratch),
                                          attr.getShapedType().getShape(),
                                          permutation));
}

static ElementsAttr transposeConstant(ElementsAttr attr, RankedTensorType type,
                                      ArrayRef<int64_t> permutation) {
  if (attr.isSplat())
    return reshapeConstant(attr, type);
  Type elementType = type.getElementType();
  if (elementType.isF32())
    return transposeAs<float>(attr, type, permutation);
  if (elementType.isF64())
    return transposeAs<double>(attr, type, permutation);
  if (elementType.isInteger(8))
    return transposeAs<int8_t>(attr, type, permutation);
  if (elementType.isInteger(32))
    return transposeAs<int32_t>(attr, type, permutation);
  if (elementType.isInteger(64))
    return transposeAs<int64_t>(attr, type, permutation);
  return {};
}

Value mlir::lowbit::createTranspose(Lowering &l, Value value,
                                    ArrayRef<int64_t> permutation) {
  if (llvm::equal(permutation, llvm::seq<int64_t>(0, permutation.size())))
    return value;
  SmallVector<OpFoldResult> given = l.getSizes(value), sizes;
  bool moves = false;
  int64_t last = -1;
  for (int64_t i : permutation) {
    sizes.push_back(given[i]);
    if (getConstantSize(given[i]) == 1)
      continue;
    moves |= i < last;
    last = i;
  }
  // Only dimensions of 1 move: the elements stay where they are.
  if (!moves)
    return createReshape(l, value, sizes);
  Type elementType = cast<RankedTensorType>(value.getType()).getElementType();
  if (ElementsAttr attr = getConstantAttr(value))
    if (ElementsAttr transposed = transposeConstant(
            attr, getTensorType(sizes, elementType), permutation))
      return createArithConstant(l, transposed);
  Value empty = createEmpty(l, sizes, elementType);
  Value result = linalg::TransposeOp::create(l.getBuilder(), l.getLoc(), value,
                                             empty, permutation)
                     ->getResult(0);
  l.setSizes(result, sizes);
  return result;
}

//===----------------------------------------------------------------------===//
// Slice
//===----------------------------------------------------------------------===//

Value mlir::lowbit::createSlice(Lowering &l, Value value,
                                ArrayRef<OpFoldResult> offsets,
                                ArrayRef<OpFoldResult> sizes,
                                ArrayRef<OpFoldResult> strides,
                                ArrayRef<int64_t> dropped) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<OpFoldResult> kept;
  for (auto [i, size] : llvm::enumerate(sizes))
    if (!llvm::is_contained(dropped, int64_t(i)))
      kept.push_back(size);
  // An offset at the very end would be out of bounds for the verifier.
  if (llvm::any_of(sizes,
                   [](OpFoldResult s) { return getConstantSize(s) == 0; }))
    return createEmpty(l, kept, type.getElementType());
  Value result = tensor::ExtractSliceOp::create(
      l.getBuilder(), l.getLoc(), getTensorType(kept, type.getElementType()),
      value, offsets, sizes, strides);
  l.setSizes(result, kept);
  return result;
}
