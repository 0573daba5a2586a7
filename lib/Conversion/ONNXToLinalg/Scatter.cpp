//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// ScatterND and ScatterElements: a copy of the data in which loops over the
// updates, in order, replace elements.
//
//===----------------------------------------------------------------------===//

#include "Indices.h"
#include "Structured.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::lowbit;

/// `data` with each element of `updates`, which has these sizes, in order at
/// the position that `getTarget` makes of that of the update.
static Value replaceElements(
    Lowering &l, Value data, Value updates, ArrayRef<OpFoldResult> sizes,
    function_ref<SmallVector<Value>(OpBuilder &, Location, ValueRange)>
        getTarget) {
  ScalarMath &math = l.getMath();
  Value zero = math.toValue(math.index(0)), one = math.toValue(math.index(1));
  SmallVector<Value> ends;
  for (OpFoldResult size : sizes)
    ends.push_back(math.toValue(size));
  SmallVector<Value> starts(ends.size(), zero), steps(ends.size(), one);
  auto body = [&](OpBuilder &b, Location loc, ValueRange positions,
                  ValueRange carried) -> scf::ValueVector {
    SmallVector<Value> target = getTarget(b, loc, positions);
    Value update = tensor::ExtractOp::create(b, loc, updates, positions);
    return {tensor::InsertOp::create(b, loc, update, carried.front(), target)};
  };
  OpBuilder &builder = l.getBuilder();
  if (ends.empty())
    return body(builder, l.getLoc(), {}, data).front();
  return scf::buildLoopNest(builder, l.getLoc(), starts, ends, steps, data,
                            body)
      .results.front();
}

static LogicalResult lowerScatterND(onnx::ScatterNDOp op, Lowering &l) {
  ScalarMath &math = l.getMath();
  Value data = l.operand(op.getData()), indices = l.operand(op.getIndices());
  Value updates = l.operand(op.getUpdates());
  SmallVector<OpFoldResult> sizes = l.getSizes(data);
  SmallVector<OpFoldResult> picks = l.getSizes(indices);
  SmallVector<OpFoldResult> given = l.getSizes(updates);
  int64_t rank = sizes.size(), inner = picks.size();
  std::optional<int64_t> tuple =
      inner == 0 ? std::nullopt : getConstantSize(picks.back());
  if (!tuple || *tuple < 1 || *tuple > rank)
    return l.fail("has indices that do not fit data of rank " + Twine(rank));
  SmallVector<OpFoldResult> wanted(ArrayRef(picks).drop_back());
  llvm::append_range(wanted, ArrayRef(sizes).drop_front(*tuple));
  if (given.size() != wanted.size())
    return l.fail("takes updates of rank " + Twine(wanted.size()) +
                  ", got rank " + Twine(given.size()));
  for (auto [have, want] : llvm::zip(given, wanted))
    l.assertEqual(have, want, "the updates do not fit the indices");
  checkIndexTuples(l, indices, ArrayRef(sizes).take_front(*tuple));

  SmallVector<Value> numbers, extents;
  for (int64_t t = 0; t < *tuple; ++t) {
    numbers.push_back(math.toValue(math.index(t)));
    extents.push_back(math.toValue(sizes[t]));
  }
  auto getTarget = [&](OpBuilder &b, Location loc, ValueRange positions) {
    SmallVector<Value> where(positions.take_front(inner - 1)), target;
    where.push_back(Value());
    for (int64_t t = 0; t < *tuple; ++t) {
      where.back() = numbers[t];
      Value index = tensor::ExtractOp::create(b, loc, indices, where);
      target.push_back(getPosition(b, loc, index, extents[t]));
    }
    llvm::append_range(target, positions.drop_front(inner - 1));
    return target;
  };
  Value result = replaceElements(l, data, updates, wanted, getTarget);
  l.setSizes(result, sizes);
  return l.replace(op.getResult(), result);
}

static LogicalResult lowerScatterElements(onnx::ScatterElementsOp op,
                                          Lowering &l) {
  ScalarMath &math = l.getMath();
  Value data = l.operand(op.getData()), indices = l.operand(op.getIndices());
  Value updates = l.operand(op.getUpdates());
  SmallVector<OpFoldResult> sizes = l.getSizes(data);
  SmallVector<OpFoldResult> picks = l.getSizes(indices);
  SmallVector<OpFoldResult> given = l.getSizes(updates);
  auto axis = static_cast<int64_t>(op.getAxis());
  int64_t rank = sizes.size();
  axis = axis < 0 ? axis + rank : axis;
  if (given.size() != sizes.size() || picks.size() != sizes.size())
    return l.fail("takes indices and updates of rank " + Twine(rank));
  for (int64_t d = 0; d < rank; ++d) {
    l.assertEqual(given[d], picks[d], "the updates do not fit the indices");
    if (d == axis || math.equal(picks[d], sizes[d]))
      continue;
    Value fits = math.build([&](OpBuilder &b, Location loc) {
      return b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::sle,
                                           math.toValue(picks[d]),
                                           math.toValue(sizes[d]));
    });
    l.assertTrue(fits, "the indices do not fit the data");
  }
  checkIndices(l, indices, sizes[axis]);

  Value extent = math.toValue(sizes[axis]);
  auto getTarget = [&](OpBuilder &b, Location loc, ValueRange positions) {
    Value index = tensor::ExtractOp::create(b, loc, indices, positions);
    SmallVector<Value> target(positions);
    target[axis] = getPosition(b, loc, index, extent);
    return target;
  };
  Value result = replaceElements(l, data, updates, picks, getTarget);
  l.setSizes(result, sizes);
  return l.replace(op.getResult(), result);
}

void mlir::lowbit::populateScatterLowerings(LoweringTable &table) {
  table.add(lowerScatterElements);
  table.add(lowerScatterND);
}
