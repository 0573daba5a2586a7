//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tiling: every dimension of a result is a parallel loop, except the one that a
// normalisation runs over. How an operand is sliced follows from which loop, if
// any, each of its dimensions belongs to.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::lowbit;

namespace {

/// The loop of each dimension of an operand; kWhole for a dimension that every
/// tile needs from end to end.
using LoopsOfDims = SmallVector<int64_t, 6>;
constexpr int64_t kWhole = -1;

/// The loops 0 ... count - 1, then `tail`.
LoopsOfDims loops(int64_t count, ArrayRef<int64_t> tail = {}) {
  LoopsOfDims result = llvm::to_vector<6>(llvm::seq<int64_t>(0, count));
  result.append(tail.begin(), tail.end());
  return result;
}

int64_t getRank(Value value) {
  return cast<ShapedType>(value.getType()).getRank();
}

/// The loops of a scale, given the rank of what it scales.
LoopsOfDims getScaleLoops(Granularity granularity, int64_t rank) {
  switch (granularity) {
  case Granularity::tensor:
    return {};
  case Granularity::row:
    return {rank - 2};
  case Granularity::token:
    return loops(rank - 1);
  }
  llvm_unreachable("unknown granularity");
}

//===----------------------------------------------------------------------===//
// The loops of each operation's operands, in operand order
//===----------------------------------------------------------------------===//

int64_t getLoopCount(QuantizeOp op) { return getRank(op.getInit()); }
SmallVector<LoopsOfDims> getOperandLoops(QuantizeOp op) {
  int64_t rank = getRank(op.getInput());
  SmallVector<LoopsOfDims> result = {loops(rank)};
  if (op.getScale())
    result.push_back(getScaleLoops(op.getGranularity(), rank));
  if (op.getShift())
    result.push_back({rank - 1});
  if (op.getOffset())
    result.push_back({});
  result.push_back(loops(rank));
  return result;
}

int64_t getLoopCount(DequantizeOp op) { return getRank(op.getInit()); }
SmallVector<LoopsOfDims> getOperandLoops(DequantizeOp op) {
  int64_t rank = getRank(op.getInput());
  SmallVector<LoopsOfDims> result = {loops(rank),
                                     getScaleLoops(op.getGranularity(), rank)};
  if (op.getOffset())
    result.push_back({});
  result.push_back(loops(rank));
  return result;
}

int64_t getLoopCount(ThresholdOp op) { return getRank(op.getInit()); }
SmallVector<LoopsOfDims> getOperandLoops(ThresholdOp op) {
  int64_t rank = getRank(op.getInput());
  return {loops(rank), {rank - 1, kWhole}, loops(rank)};
}

int64_t getLoopCount(MatmulOp op) { return getRank(op.getInit()); }
SmallVector<LoopsOfDims> getOperandLoops(MatmulOp op) {
  int64_t rank = getRank(op.getLhs()), column = rank - 1;
  LoopsOfDims rhs = loops(getRank(op.getRhs()) - 2);
  if (op.getTransposeRhs())
    rhs.append({column, kWhole});
  else
    rhs.append({kWhole, column});
  return {loops(rank - 1, {kWhole}), rhs, loops(rank)};
}

int64_t getLoopCount(LayerNormOp op) { return getRank(op.getInit()) - 1; }
SmallVector<LoopsOfDims> getOperandLoops(LayerNormOp op) {
  LoopsOfDims row = loops(getLoopCount(op), {kWhole});
  SmallVector<LoopsOfDims> result = {row, {kWhole}};
  if (op.getBias())
    result.push_back({kWhole});
  if (op.getResidual())
    result.push_back(row);
  result.push_back(row);
  return result;
}

int64_t getLoopCount(SoftmaxOp op) { return getRank(op.getInit()) - 1; }
SmallVector<LoopsOfDims> getOperandLoops(SoftmaxOp op) {
  LoopsOfDims row = loops(getLoopCount(op), {kWhole});
  return {row, row};
}

//===----------------------------------------------------------------------===//
// The interface, for any of them
//===----------------------------------------------------------------------===//

OpFoldResult getDim(OpBuilder &builder, Location loc, Value value,
                    int64_t dim) {
  if (isa<TensorType>(value.getType()))
    return tensor::getMixedSize(builder, loc, value, dim);
  return memref::getMixedSize(builder, loc, value, dim);
}

template <typename OpTy>
SmallVector<utils::IteratorType> getIterators(OpTy op) {
  return SmallVector<utils::IteratorType>(getLoopCount(op),
                                          utils::IteratorType::parallel);
}

template <typename OpTy>
SmallVector<Range> getDomain(OpTy op, OpBuilder &builder) {
  OpFoldResult zero = builder.getIndexAttr(0), one = builder.getIndexAttr(1);
  SmallVector<Range> domain;
  for (int64_t dim : llvm::seq<int64_t>(0, getLoopCount(op)))
    domain.push_back(
        {zero, getDim(builder, op.getLoc(), op.getInit(), dim), one});
  return domain;
}

/// Offsets and sizes of the part of `value` that a tile touches.
void getSlice(OpBuilder &builder, Location loc, Value value,
              ArrayRef<int64_t> loopsOfDims, ArrayRef<OpFoldResult> offsets,
              ArrayRef<OpFoldResult> sizes,
              SmallVectorImpl<OpFoldResult> &sliceOffsets,
              SmallVectorImpl<OpFoldResult> &sliceSizes) {
  for (auto [dim, loop] : llvm::enumerate(loopsOfDims)) {
    sliceOffsets.push_back(loop == kWhole ? builder.getIndexAttr(0)
                                          : offsets[loop]);
    sliceSizes.push_back(loop == kWhole ? getDim(builder, loc, value, dim)
                                        : sizes[loop]);
  }
}

template <typename OpTy>
FailureOr<TilingResult> tile(OpTy op, OpBuilder &builder,
                             ArrayRef<OpFoldResult> offsets,
                             ArrayRef<OpFoldResult> sizes) {
  Location loc = op.getLoc();
  OpFoldResult one = builder.getIndexAttr(1);
  SmallVector<Value> operands;
  SmallVector<Operation *> slices;
  for (auto [value, loopsOfDims] :
       llvm::zip_equal(op->getOperands(), getOperandLoops(op))) {
    if (llvm::all_of(loopsOfDims,
                     [](int64_t loop) { return loop == kWhole; })) {
      operands.push_back(value);
      continue;
    }
    SmallVector<OpFoldResult> sliceOffsets, sliceSizes;
    getSlice(builder, loc, value, loopsOfDims, offsets, sizes, sliceOffsets,
             sliceSizes);
    SmallVector<OpFoldResult> strides(sliceOffsets.size(), one);
    Operation *slice;
    if (isa<TensorType>(value.getType()))
      slice = tensor::ExtractSliceOp::create(builder, loc, value, sliceOffsets,
                                             sliceSizes, strides);
    else
      slice = memref::SubViewOp::create(builder, loc, value, sliceOffsets,
                                        sliceSizes, strides);
    slices.push_back(slice);
    operands.push_back(slice->getResult(0));
  }
  SmallVector<Type> types;
  if (op->getNumResults() != 0)
    types.push_back(operands.back().getType());
  Operation *tiled = mlir::clone(builder, op, types, operands);
  return TilingResult{{tiled}, SmallVector<Value>(tiled->getResults()), slices};
}

template <typename OpTy>
LogicalResult getPosition(OpTy op, OpBuilder &builder,
                          ArrayRef<OpFoldResult> offsets,
                          ArrayRef<OpFoldResult> sizes,
                          SmallVector<OpFoldResult> &resultOffsets,
                          SmallVector<OpFoldResult> &resultSizes) {
  getSlice(builder, op.getLoc(), op.getInit(), getOperandLoops(op).back(),
           offsets, sizes, resultOffsets, resultSizes);
  return success();
}

/// Whether the tile of a result spans the dimensions that have no loop.
template <typename OpTy>
bool spansWholeDims(OpTy op, ArrayRef<OpFoldResult> offsets,
                    ArrayRef<OpFoldResult> sizes) {
  auto type = cast<ShapedType>(op.getInit().getType());
  for (int64_t dim = getLoopCount(op); dim < type.getRank(); ++dim)
    if (!isConstantIntValue(offsets[dim], 0) || type.isDynamicDim(dim) ||
        !isConstantIntValue(sizes[dim], type.getDimSize(dim)))
      return false;
  return true;
}

template <typename OpTy>
LogicalResult getDomainTile(OpTy op, ArrayRef<OpFoldResult> offsets,
                            ArrayRef<OpFoldResult> sizes,
                            SmallVectorImpl<OpFoldResult> &domainOffsets,
                            SmallVectorImpl<OpFoldResult> &domainSizes) {
  if (!spansWholeDims(op, offsets, sizes))
    return failure();
  size_t count = getLoopCount(op);
  domainOffsets.assign(offsets.begin(), offsets.begin() + count);
  domainSizes.assign(sizes.begin(), sizes.begin() + count);
  return success();
}

template <typename OpTy>
FailureOr<TilingResult> tileResult(OpTy op, OpBuilder &builder,
                                   ArrayRef<OpFoldResult> offsets,
                                   ArrayRef<OpFoldResult> sizes) {
  SmallVector<OpFoldResult> domainOffsets, domainSizes;
  if (failed(getDomainTile(op, offsets, sizes, domainOffsets, domainSizes)))
    return failure();
  return tile(op, builder, domainOffsets, domainSizes);
}

} // namespace

#define LOWBIT_IMPLEMENT_TILING(OpTy)                                          \
  SmallVector<utils::IteratorType> OpTy::getLoopIteratorTypes() {              \
    return getIterators(*this);                                                \
  }                                                                            \
  SmallVector<Range> OpTy::getIterationDomain(OpBuilder &builder) {            \
    return getDomain(*this, builder);                                          \
  }                                                                            \
  FailureOr<TilingResult> OpTy::getTiledImplementation(                        \
      OpBuilder &builder, ArrayRef<OpFoldResult> offsets,                      \
      ArrayRef<OpFoldResult> sizes) {                                          \
    return tile(*this, builder, offsets, sizes);                               \
  }                                                                            \
  LogicalResult OpTy::getResultTilePosition(                                   \
      OpBuilder &builder, unsigned, ArrayRef<OpFoldResult> offsets,            \
      ArrayRef<OpFoldResult> sizes, SmallVector<OpFoldResult> &resultOffsets,  \
      SmallVector<OpFoldResult> &resultSizes) {                                \
    return getPosition(*this, builder, offsets, sizes, resultOffsets,          \
                       resultSizes);                                           \
  }                                                                            \
  FailureOr<TilingResult> OpTy::generateResultTileValue(                       \
      OpBuilder &builder, unsigned, ArrayRef<OpFoldResult> offsets,            \
      ArrayRef<OpFoldResult> sizes) {                                          \
    return tileResult(*this, builder, offsets, sizes);                         \
  }                                                                            \
  LogicalResult OpTy::getIterationDomainTileFromResultTile(                    \
      OpBuilder &, unsigned, ArrayRef<OpFoldResult> offsets,                   \
      ArrayRef<OpFoldResult> sizes,                                            \
      SmallVectorImpl<OpFoldResult> &domainOffsets,                            \
      SmallVectorImpl<OpFoldResult> &domainSizes) {                            \
    return getDomainTile(*this, offsets, sizes, domainOffsets, domainSizes);   \
  }

LOWBIT_IMPLEMENT_TILING(QuantizeOp)
LOWBIT_IMPLEMENT_TILING(DequantizeOp)
LOWBIT_IMPLEMENT_TILING(ThresholdOp)
LOWBIT_IMPLEMENT_TILING(MatmulOp)
LOWBIT_IMPLEMENT_TILING(LayerNormOp)
LOWBIT_IMPLEMENT_TILING(SoftmaxOp)

#undef LOWBIT_IMPLEMENT_TILING
