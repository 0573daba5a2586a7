//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// CumSum: loops that carry the sum so far, in the order of the axis.
//
//===----------------------------------------------------------------------===//

#include "Structured.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::lowbit;

namespace {
/// The running sums of one line of a tensor along `axis`.
struct LineScan {
  Value input, start, end, step, last, zero;
  int64_t axis;
  bool isExclusive, isReverse;

  /// Writes the sums of the line at `outer` into `output`.
  Value emit(OpBuilder &b, Location loc, ValueRange outer, Value output) const {
    auto loop = scf::ForOp::create(
        b, loc, start, end, step, ValueRange{output, zero},
        [&](OpBuilder &b, Location loc, Value iteration, ValueRange carried) {
          Value index = iteration;
          if (isReverse)
            index = arith::SubIOp::create(b, loc, last, iteration);
          SmallVector<Value> position(outer);
          position.insert(position.begin() + axis, index);
          Value element = tensor::ExtractOp::create(b, loc, input, position);
          Value before = carried[1], after;
          if (isa<FloatType>(element.getType()))
            after = arith::AddFOp::create(b, loc, before, element);
          else
            after = arith::AddIOp::create(b, loc, before, element);
          Value next = tensor::InsertOp::create(
              b, loc, isExclusive ? before : after, carried[0], position);
          scf::YieldOp::create(b, loc, ValueRange{next, after});
        });
    return loop.getResult(0);
  }
};
} // namespace

static LogicalResult lowerCumSum(onnx::CumSumOp op, Lowering &l) {
  ScalarMath &math = l.getMath();
  OpBuilder &builder = l.getBuilder();
  Value input = l.operand(op.getX());
  SmallVector<OpFoldResult> sizes = l.getSizes(input);
  std::optional<int64_t> axis = normalizeAxis(op.getAxis(), sizes.size());
  if (!axis)
    return l.fail("has axis " + Twine(op.getAxis()) + " for an input of rank " +
                  Twine(sizes.size()));
  Type type = cast<RankedTensorType>(input.getType()).getElementType();
  Value zero = math.toValue(math.index(0)), one = math.toValue(math.index(1));
  LineScan scan{input,
                zero,
                math.toValue(sizes[*axis]),
                one,
                math.toValue(math.sub(sizes[*axis], math.index(1))),
                math.constant(cast<TypedAttr>(builder.getZeroAttr(type))),
                *axis,
                op.getExclusive() != 0,
                op.getReverse() != 0};
  SmallVector<Value> ends;
  for (auto [i, size] : llvm::enumerate(sizes))
    if (static_cast<int64_t>(i) != *axis)
      ends.push_back(math.toValue(size));
  Value result = createEmpty(l, sizes, type);
  if (ends.empty()) {
    result = scan.emit(builder, l.getLoc(), {}, result);
  } else {
    SmallVector<Value> starts(ends.size(), zero), steps(ends.size(), one);
    result =
        scf::buildLoopNest(builder, l.getLoc(), starts, ends, steps, result,
                           [&](OpBuilder &b, Location loc, ValueRange outer,
                               ValueRange carried) -> scf::ValueVector {
                             return {scan.emit(b, loc, outer, carried.front())};
                           })
            .results.front();
  }
  l.setSizes(result, sizes);
  return l.replace(op.getResult(), result);
}

void mlir::lowbit::populateScanLowerings(LoweringTable &table) {
  table.add(lowerCumSum);
}
