//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Gather and GatherND. One index makes a view, more make a copy whose innermost
// loops run over whole slices. Indices are checked at once before the first
// use.
//
//===----------------------------------------------------------------------===//

#include "Indices.h"
#include "Structured.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::lowbit;
using arith::CmpIPredicate;

void mlir::lowbit::checkIndices(Lowering &l, Value indices, OpFoldResult size) {
  Type type = cast<RankedTensorType>(indices.getType()).getElementType();
  ScalarMath &math = l.getMath();
  Value high = math.toInteger(size, type);
  Value low = math.toInteger(math.sub(math.index(0), size), type);
  assertAll(
      l, indices,
      [&](OpBuilder &b, Location loc, Value index) {
        Value isAbove =
            b.createOrFold<arith::CmpIOp>(loc, CmpIPredicate::sge, index, low);
        Value isBelow =
            b.createOrFold<arith::CmpIOp>(loc, CmpIPredicate::slt, index, high);
        return b.createOrFold<arith::AndIOp>(loc, isAbove, isBelow);
      },
      "index out of range");
}

Value mlir::lowbit::getPosition(OpBuilder &b, Location loc, Value index,
                                Value size) {
  Value position =
      b.createOrFold<arith::IndexCastOp>(loc, b.getIndexType(), index);
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value isNegative =
      b.createOrFold<arith::CmpIOp>(loc, CmpIPredicate::slt, position, zero);
  Value fromEnd = b.createOrFold<arith::AddIOp>(loc, position, size);
  return b.createOrFold<arith::SelectOp>(loc, isNegative, fromEnd, position);
}

void mlir::lowbit::checkIndexTuples(Lowering &l, Value indices,
                                    ArrayRef<OpFoldResult> sizes) {
  ScalarMath &math = l.getMath();
  SmallVector<OpFoldResult> all = l.getSizes(indices);
  SmallVector<OpFoldResult> offsets(all.size(), math.index(0));
  SmallVector<OpFoldResult> strides(all.size(), math.index(1));
  int64_t last = all.size() - 1;
  all[last] = math.index(1);
  for (auto [i, size] : llvm::enumerate(sizes)) {
    offsets[last] = math.index(i);
    Value column = sizes.size() == 1
                       ? indices
                       : createSlice(l, indices, offsets, all, strides);
    checkIndices(l, column, size);
  }
}

/// Picks elements that exist as scalars by constant indices.
static Value gatherScalars(Lowering &l, Value data, Value indices) {
  auto type = cast<RankedTensorType>(data.getType());
  auto indicesType = cast<RankedTensorType>(indices.getType());
  if (type.getRank() != 1 || !l.isScalars(data) || !l.isScalars(indices))
    return {};
  SmallVector<Value> scalars = l.getScalars(data), picked;
  int64_t count = scalars.size();
  for (OpFoldResult index : l.getIndices(indices)) {
    std::optional<int64_t> constant = getConstantSize(index);
    if (!constant || *constant < -count || *constant >= count)
      return {};
    picked.push_back(scalars[*constant < 0 ? *constant + count : *constant]);
  }
  return l.fromScalars(picked, type.clone(indicesType.getShape()));
}

/// The slice that a single index picks.
static Value gatherOne(Lowering &l, Value data, Value indices, int64_t axis) {
  ScalarMath &math = l.getMath();
  SmallVector<OpFoldResult> sizes = l.getSizes(data);
  Value index = l.getScalars(indices).front();
  Value size = math.toValue(sizes[axis]);
  Value position = math.build([&](OpBuilder &b, Location loc) {
    return getPosition(b, loc, index, size);
  });
  SmallVector<OpFoldResult> offsets(sizes.size(), math.index(0));
  SmallVector<OpFoldResult> strides(sizes.size(), math.index(1));
  offsets[axis] = math.toIndex(position);
  sizes[axis] = math.index(1);
  Value slice = createSlice(l, data, offsets, sizes, strides, axis);
  SmallVector<OpFoldResult> result = l.getSizes(slice);
  int64_t rank = cast<RankedTensorType>(indices.getType()).getRank();
  result.insert(result.begin() + axis, rank, math.index(1));
  return rank == 0 ? slice : createReshape(l, slice, result);
}

static LogicalResult lowerGather(onnx::GatherOp op, Lowering &l) {
  Value data = l.operand(op.getData()), indices = l.operand(op.getIndices());
  auto type = cast<RankedTensorType>(data.getType());
  auto indicesType = cast<RankedTensorType>(indices.getType());
  std::optional<int64_t> axis = normalizeAxis(op.getAxis(), type.getRank());
  if (!axis)
    return l.fail("has axis " + Twine(op.getAxis()) + " for data of rank " +
                  Twine(type.getRank()));
  if (!isa<IntegerType>(indicesType.getElementType()))
    return l.fail("takes integer indices, got type " +
                  Twine(debugString(indicesType)));
  if (Value picked = gatherScalars(l, data, indices))
    return l.replace(op.getResult(), picked);

  SmallVector<OpFoldResult> sizes = l.getSizes(data);
  checkIndices(l, indices, sizes[*axis]);
  // A constant index beyond the end has a check that always fails; the copy
  // below is valid IR for it, a slice is not.
  bool isOne =
      indicesType.hasStaticShape() && indicesType.getNumElements() == 1;
  if (isOne) {
    std::optional<int64_t> index =
        getConstantSize(l.getIndices(indices).front());
    std::optional<int64_t> extent = getConstantSize(sizes[*axis]);
    if (!index || !extent || (*index >= -*extent && *index < *extent))
      return l.replace(op.getResult(), gatherOne(l, data, indices, *axis));
  }

  SmallVector<OpFoldResult> result = sizes, picks = l.getSizes(indices);
  result.erase(result.begin() + *axis);
  result.insert(result.begin() + *axis, picks.begin(), picks.end());
  result = l.refine(result, l.getDeclaredType(op.getOutput()));
  int64_t inner = picks.size();
  Value size = l.getMath().toValue(sizes[*axis]);
  SmallVector<int64_t> loops =
      llvm::to_vector(llvm::seq<int64_t>(*axis, *axis + inner));
  return l.replace(
      op.getResult(),
      createIndexed(
          l, result, type.getElementType(),
          [&](OpBuilder &b, Location loc, ValueRange positions,
              ValueRange elements) -> Value {
            SmallVector<Value> source(positions.take_front(*axis));
            source.push_back(getPosition(b, loc, elements[0], size));
            llvm::append_range(source, positions.drop_front(*axis + inner));
            return tensor::ExtractOp::create(b, loc, data, source);
          },
          alignOperand(l, indices, loops, result)));
}

static LogicalResult lowerGatherND(onnx::GatherNDOp op, Lowering &l) {
  ScalarMath &math = l.getMath();
  Value data = l.operand(op.getData()), indices = l.operand(op.getIndices());
  SmallVector<OpFoldResult> sizes = l.getSizes(data);
  SmallVector<OpFoldResult> picks = l.getSizes(indices);
  int64_t rank = sizes.size(), inner = picks.size();
  int64_t batch = op.getBatchDims();
  std::optional<int64_t> tuple =
      inner == 0 ? std::nullopt : getConstantSize(picks.back());
  if (!tuple || *tuple < 1 || batch < 0 || batch >= inner ||
      batch + *tuple > rank)
    return l.fail("has indices that do not fit data of rank " + Twine(rank));
  for (int64_t i = 0; i < batch; ++i)
    l.assertEqual(sizes[i], picks[i], "the batch dimensions do not agree");
  checkIndexTuples(l, indices, ArrayRef(sizes).slice(batch, *tuple));

  SmallVector<OpFoldResult> result(ArrayRef(picks).drop_back());
  llvm::append_range(result, ArrayRef(sizes).drop_front(batch + *tuple));
  result = l.refine(result, l.getDeclaredType(op.getOutput()));
  SmallVector<Value> numbers, extents;
  for (int64_t t = 0; t < *tuple; ++t) {
    numbers.push_back(math.toValue(math.index(t)));
    extents.push_back(math.toValue(sizes[batch + t]));
  }
  Type elementType = cast<RankedTensorType>(data.getType()).getElementType();
  return l.replace(
      op.getResult(),
      createIndexed(
          l, result, elementType,
          [&](OpBuilder &b, Location loc, ValueRange positions,
              ValueRange) -> Value {
            SmallVector<Value> source(positions.take_front(batch));
            SmallVector<Value> where(positions.take_front(inner - 1));
            where.push_back(Value());
            for (int64_t t = 0; t < *tuple; ++t) {
              where.back() = numbers[t];
              Value index = tensor::ExtractOp::create(b, loc, indices, where);
              source.push_back(getPosition(b, loc, index, extents[t]));
            }
            llvm::append_range(source, positions.drop_front(inner - 1));
            return tensor::ExtractOp::create(b, loc, data, source);
          }));
}

void mlir::lowbit::populateGatherLowerings(LoweringTable &table) {
  table.add(lowerGather);
  table.add(lowerGatherND);
}
