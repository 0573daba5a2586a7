//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Builders that make an operation on tensors together with its empty
// destination.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Builders.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::lowbit;

using Sizes = SmallVector<OpFoldResult>;

static Sizes getSizes(OpBuilder &builder, OperationState &state, Value value) {
  return tensor::getMixedSizes(builder, state.location, value);
}

static Value createEmpty(OpBuilder &builder, OperationState &state,
                         const Sizes &sizes, Type elementType) {
  return tensor::EmptyOp::create(builder, state.location, sizes, elementType);
}

//===----------------------------------------------------------------------===//
// Packed extents
//===----------------------------------------------------------------------===//

SmallVector<OpFoldResult>
mlir::lowbit::getPackedSizes(OpBuilder &builder, Location loc,
                             PackingAttr packing, ArrayRef<OpFoldResult> batch,
                             OpFoldResult rows, OpFoldResult size) {
  std::optional<int64_t> knownRows = getConstantIntValue(rows);
  std::optional<int64_t> knownSize = getConstantIntValue(size);
  SmallVector<int64_t> shape =
      packing.getPackedShape({}, knownRows.value_or(ShapedType::kDynamic),
                             knownSize.value_or(ShapedType::kDynamic));

  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  auto divideCeil = [&](OpFoldResult extent, int64_t by) -> Value {
    Value value = getValueOrCreateConstantIndexOp(builder, loc, extent);
    return builder.createOrFold<arith::CeilDivUIOp>(loc, value, constant(by));
  };
  // An unknown extent is that of the rows (first) or depends on the size.
  auto getUnknown = [&](size_t dim) -> OpFoldResult {
    if (dim == 0)
      return packing.hasPanels() ? divideCeil(rows, packing.getLanes()) : rows;
    // `perBlock` for each block of `block` elements, and a tail.
    int64_t block = packing.getElementsPerWord();
    int64_t tail = packing.getPackedShape({}, 1, 0)[dim];
    int64_t perBlock = packing.getPackedShape({}, 1, block)[dim] - tail;
    Value extent = builder.createOrFold<arith::MulIOp>(
        loc, divideCeil(size, block), constant(perBlock));
    return builder.createOrFold<arith::AddIOp>(loc, extent, constant(tail));
  };

  SmallVector<OpFoldResult> sizes(batch);
  for (auto [dim, extent] : llvm::enumerate(shape))
    sizes.push_back(ShapedType::isDynamic(extent)
                        ? getUnknown(dim)
                        : OpFoldResult(builder.getIndexAttr(extent)));
  return sizes;
}

/// The empty destination of a pack whose logical operand has these sizes.
static Value createEmptyPacked(OpBuilder &builder, OperationState &state,
                               const Sizes &sizes, PackingAttr packing) {
  ArrayRef<OpFoldResult> all = sizes;
  Sizes packed =
      getPackedSizes(builder, state.location, packing, all.drop_back(2),
                     all[all.size() - 2], all.back());
  return createEmpty(builder, state, packed, packing.getElementType());
}

//===----------------------------------------------------------------------===//
// Builders
//===----------------------------------------------------------------------===//

void QuantizeOp::build(OpBuilder &builder, OperationState &state, Value input,
                       Value scale, Value shift, Value offset,
                       LevelsType levels, Rounding rounding,
                       Granularity granularity) {
  Value init =
      createEmpty(builder, state, getSizes(builder, state, input), levels);
  build(builder, state, init.getType(), input, scale, shift, offset, init,
        rounding, granularity);
}

void DequantizeOp::build(OpBuilder &builder, OperationState &state, Value input,
                         Value scale, Value offset, Granularity granularity) {
  Value init = createEmpty(builder, state, getSizes(builder, state, input),
                           builder.getF32Type());
  build(builder, state, init.getType(), input, scale, offset, init,
        granularity);
}

void ThresholdOp::build(OpBuilder &builder, OperationState &state, Value input,
                        Value thresholds, LevelsType levels) {
  Value init =
      createEmpty(builder, state, getSizes(builder, state, input), levels);
  build(builder, state, init.getType(), input, thresholds, init);
}

void MatmulOp::build(OpBuilder &builder, OperationState &state, Value lhs,
                     Value rhs, bool transposeRhs) {
  Sizes sizes = getSizes(builder, state, lhs);
  int64_t rank = cast<RankedTensorType>(rhs.getType()).getRank();
  sizes.back() = tensor::getMixedSize(builder, state.location, rhs,
                                      transposeRhs ? rank - 2 : rank - 1);
  bool isFloat =
      isa<FloatType>(cast<RankedTensorType>(lhs.getType()).getElementType());
  Type elementType = builder.getI32Type();
  if (isFloat)
    elementType = builder.getF32Type();
  Value init = createEmpty(builder, state, sizes, elementType);
  build(builder, state, init.getType(), lhs, rhs, init, transposeRhs);
}

void LevelSumOp::build(OpBuilder &builder, OperationState &state, Value input,
                       int64_t axis) {
  Sizes sizes = getSizes(builder, state, input);
  sizes.erase(sizes.begin() + axis);
  Value init = createEmpty(builder, state, sizes, builder.getI32Type());
  build(builder, state, init.getType(), input, init, axis);
}

void LookupOp::build(OpBuilder &builder, OperationState &state, Value table,
                     Value ids, Value scale) {
  Sizes sizes = getSizes(builder, state, ids);
  sizes.push_back(tensor::getMixedSize(builder, state.location, table, 1));
  Value init = createEmpty(builder, state, sizes, builder.getF32Type());
  build(builder, state, init.getType(), table, ids, scale, init);
}

void LayerNormOp::build(OpBuilder &builder, OperationState &state, Value input,
                        Value scale, Value bias, Value residual,
                        const APFloat &epsilon) {
  Value init = createEmpty(builder, state, getSizes(builder, state, input),
                           builder.getF32Type());
  build(builder, state, init.getType(), input, scale, bias, residual, init,
        epsilon);
}

void SoftmaxOp::build(OpBuilder &builder, OperationState &state, Value input) {
  Value init = createEmpty(builder, state, getSizes(builder, state, input),
                           builder.getF32Type());
  build(builder, state, init.getType(), input, init);
}

void PackOp::build(OpBuilder &builder, OperationState &state, Value input,
                   PackingAttr packing, bool transpose) {
  Sizes sizes = getSizes(builder, state, input);
  if (transpose)
    std::swap(sizes.back(), sizes[sizes.size() - 2]);
  Value init = createEmptyPacked(builder, state, sizes, packing);
  build(builder, state, init.getType(), input, init, packing, transpose);
}

void UnpackOp::build(OpBuilder &builder, OperationState &state, Value input,
                     PackingAttr packing, OpFoldResult size) {
  Sizes sizes = getSizes(builder, state, input);
  sizes.back() = size;
  Value init = createEmpty(builder, state, sizes, packing.getLevels());
  build(builder, state, init.getType(), input, init, packing);
}

void RepackOp::build(OpBuilder &builder, OperationState &state, Value input,
                     PackingAttr source, PackingAttr packing,
                     ArrayRef<int64_t> split, ArrayRef<int64_t> permutation) {
  Sizes sizes = getSizes(builder, state, input);
  sizes.pop_back();
  for (int64_t extent : split)
    sizes.push_back(builder.getIndexAttr(extent));
  Sizes permuted =
      llvm::map_to_vector(permutation, [&](int64_t dim) { return sizes[dim]; });
  Value init = createEmptyPacked(builder, state, permuted, packing);
  build(builder, state, init.getType(), input, init, source, packing,
        builder.getDenseI64ArrayAttr(split),
        builder.getDenseI64ArrayAttr(permutation));
}

void QuantizePackOp::build(OpBuilder &builder, OperationState &state,
                           Value input, Value scale, Value shift, Value offset,
                           PackingAttr packing, Rounding rounding,
                           ArrayRef<int64_t> permutation,
                           Granularity granularity) {
  Sizes sizes = getSizes(builder, state, input);
  DenseI64ArrayAttr permutationAttr;
  if (!permutation.empty()) {
    permutationAttr = builder.getDenseI64ArrayAttr(permutation);
    sizes = llvm::map_to_vector(permutation,
                                [&](int64_t dim) { return sizes[dim]; });
  }
  Value init = createEmptyPacked(builder, state, sizes, packing);
  build(builder, state, init.getType(), input, scale, shift, offset,
        /*input_operands=*/ValueRange(), init, packing, rounding,
        permutationAttr, granularity);
}
