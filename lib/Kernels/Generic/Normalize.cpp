//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Layer normalisation and softmax, a row at a time: see `lowbit.layer_norm` and
// `lowbit.softmax`. Sums are taken in vector lanes and joined at the end of a
// row, so a result does not depend on the number of threads.
//
//===----------------------------------------------------------------------===//

#include "../Emission.h"
#include "lowbit/Kernels/Emitters.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <limits>

using namespace mlir;
using namespace mlir::lowbit;

namespace {

/// Rows of an operand whose last dimension is normalised.
class RowEmission {
public:
  RowEmission(Emission &e, const Target &target, Value init)
      : e(e), init(init), lanes(getFloatLanes(target)),
        type(VectorType::get({lanes}, e.b.getF32Type())),
        rank(cast<MemRefType>(init.getType()).getRank()),
        size(e.dim(init, rank - 1)) {}

  void forRows(llvm::function_ref<void(ValueRange)> body) {
    SmallVector<Value> extents;
    for (int64_t i = 0; i + 1 < rank; ++i)
      extents.push_back(e.dim(init, i));
    if (extents.empty())
      body({});
    else
      e.parallel(extents, /*grain=*/8, body);
  }

  Value load(Value memref, ValueRange row, Value k, Value count,
             double fill = 0) {
    SmallVector<Value> indices(row);
    indices.push_back(k);
    return e.load(memref, indices, lanes, count, fill);
  }
  void store(Value vector, ValueRange row, Value k, Value count) {
    SmallVector<Value> indices(row);
    indices.push_back(k);
    e.store(vector, init, indices, count);
  }

  /// The sum over a row of `term`, which is 0 in lanes beyond the end.
  Value sum(llvm::function_ref<Value(Value k, Value count)> term) {
    Value zero = e.constant(type, 0);
    SmallVector<Value> sums = e.forVectors(
        size, lanes, zero,
        [&](Value k, Value count, ValueRange carried) -> SmallVector<Value> {
          return {arith::AddFOp::create(e.b, e.loc, carried[0],
                                        term(k, count))};
        });
    return vector::ReductionOp::create(
        e.b, e.loc, vector::CombiningKind::ADD, sums[0],
        arith::FastMathFlags::reassoc);
  }

  /// `vector` with 0 in the lanes from `count` on.
  Value keep(Value vector, Value count) {
    if (!count)
      return vector;
    Value mask = vector::CreateMaskOp::create(
        e.b, e.loc, VectorType::get({lanes}, e.b.getI1Type()), count);
    return arith::SelectOp::create(e.b, e.loc, mask, vector,
                                   e.constant(type, 0));
  }

  Emission &e;
  Value init;
  int64_t lanes;
  VectorType type;
  int64_t rank;
  Value size;
};

} // namespace

LogicalResult mlir::lowbit::emitLayerNorm(RewriterBase &rewriter,
                                          LayerNormOp op,
                                          const Target &target) {
  if (!isa<MemRefType>(op.getInit().getType()))
    return op.emitOpError("must be on buffers before code is emitted for it");
  Emission e(rewriter, op.getLoc());
  RowEmission rows(e, target, op.getInit());
  int64_t lanes = rows.lanes;
  Type f32 = e.b.getF32Type();
  Value count = arith::UIToFPOp::create(
      e.b, e.loc, f32,
      arith::IndexCastOp::create(e.b, e.loc, e.b.getI64Type(), rows.size));
  rows.forRows([&](ValueRange row) {
    // With a residual the sum is kept in the result, which is read back.
    Value source = op.getInput();
    auto loadInput = [&](Value k, Value left) {
      Value x = rows.load(source, row, k, left);
      if (op.getResidual() && source == op.getInput())
        x = arith::AddFOp::create(e.b, e.loc, x,
                                  rows.load(op.getResidual(), row, k, left));
      return x;
    };
    Value total = rows.sum([&](Value k, Value left) {
      Value x = loadInput(k, left);
      if (op.getResidual())
        rows.store(x, row, k, left);
      return x;
    });
    if (op.getResidual())
      source = op.getInit();
    Value mean = e.broadcast(
        arith::DivFOp::create(e.b, e.loc, total, count), lanes);
    auto centred = [&](Value k, Value left) -> Value {
      return arith::SubFOp::create(e.b, e.loc, loadInput(k, left), mean);
    };
    Value squares = rows.sum([&](Value k, Value left) {
      Value d = rows.keep(centred(k, left), left);
      return arith::MulFOp::create(e.b, e.loc, d, d);
    });
    Value variance = arith::DivFOp::create(e.b, e.loc, squares, count);
    variance = arith::AddFOp::create(
        e.b, e.loc, variance,
        e.constant(f32, op.getEpsilon().convertToDouble()));
    Value deviation = e.broadcast(
        math::SqrtOp::create(e.b, e.loc, variance), lanes);
    e.forVectors(rows.size, lanes, [&](Value k, Value left) {
      Value y = arith::DivFOp::create(e.b, e.loc, centred(k, left), deviation);
      y = arith::MulFOp::create(e.b, e.loc, y,
                                e.load(op.getScale(), k, lanes, left));
      if (op.getBias())
        y = arith::AddFOp::create(e.b, e.loc, y,
                                  e.load(op.getBias(), k, lanes, left));
      rows.store(y, row, k, left);
    });
  });
  rewriter.eraseOp(op);
  return success();
}

LogicalResult mlir::lowbit::emitSoftmax(RewriterBase &rewriter, SoftmaxOp op,
                                        const Target &target) {
  if (!isa<MemRefType>(op.getInit().getType()))
    return op.emitOpError("must be on buffers before code is emitted for it");
  Emission e(rewriter, op.getLoc());
  RowEmission rows(e, target, op.getInit());
  int64_t lanes = rows.lanes;
  double lowest = -std::numeric_limits<double>::infinity();
  rows.forRows([&](ValueRange row) {
    Value least = e.constant(rows.type, lowest);
    SmallVector<Value> maxima = e.forVectors(
        rows.size, lanes, least,
        [&](Value k, Value left, ValueRange carried) -> SmallVector<Value> {
          Value x = rows.load(op.getInput(), row, k, left, lowest);
          return {arith::MaximumFOp::create(e.b, e.loc, carried[0], x)};
        });
    Value maximum = e.broadcast(
        vector::ReductionOp::create(e.b, e.loc, vector::CombiningKind::MAXIMUMF,
                                    maxima[0]),
        lanes);
    Value total = rows.sum([&](Value k, Value left) {
      Value x = rows.load(op.getInput(), row, k, left, lowest);
      x = arith::SubFOp::create(e.b, e.loc, x, maximum);
      Value y = rows.keep(math::ExpOp::create(e.b, e.loc, x), left);
      rows.store(y, row, k, left);
      return y;
    });
    Value sum = e.broadcast(total, lanes);
    e.forVectors(rows.size, lanes, [&](Value k, Value left) {
      Value y = rows.load(rows.init, row, k, left);
      rows.store(arith::DivFOp::create(e.b, e.loc, y, sum), row, k, left);
    });
  });
  rewriter.eraseOp(op);
  return success();
}
