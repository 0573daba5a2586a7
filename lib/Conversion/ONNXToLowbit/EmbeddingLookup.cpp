//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Gather from a quantized embedding table becomes `lowbit.lookup`: ids are
// checked once, as one truth value, and negative ones (which count from the
// end) are made positive.
//
//===----------------------------------------------------------------------===//

#include "Match.h"
#include "Recognisers.h"
#include "WeightQuantizer.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::lowbit;

/// Asserts that every id lies in `-rows ... rows - 1`.
static void checkIds(OpBuilder &builder, onnx::GatherOp gather, int64_t rows) {
  Location loc = gather.getLoc();
  Value ids = gather.getIndices();
  auto type = cast<RankedTensorType>(ids.getType());
  Value yes = arith::ConstantIntOp::create(builder, loc, 1, 1);
  Value init = tensor::FromElementsOp::create(
      builder, loc, RankedTensorType::get({}, builder.getI1Type()), yes);
  AffineMap identity = builder.getMultiDimIdentityMap(type.getRank());
  AffineMap scalar = AffineMap::get(type.getRank(), 0, builder.getContext());
  auto inRange = linalg::GenericOp::create(
      builder, loc, init.getType(), ids, init, ArrayRef{identity, scalar},
      SmallVector<utils::IteratorType>(type.getRank(),
                                       utils::IteratorType::reduction),
      [&](OpBuilder &b, Location loc, ValueRange args) {
        auto constant = [&](int64_t value) -> Value {
          return arith::ConstantOp::create(
              b, loc, b.getIntegerAttr(type.getElementType(), value));
        };
        Value high = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt,
                                           args[0], constant(rows));
        Value low = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge,
                                          args[0], constant(-rows));
        Value both = arith::AndIOp::create(b, loc, high, low);
        Value all = arith::AndIOp::create(b, loc, args[1], both);
        linalg::YieldOp::create(b, loc, all);
      });
  Value all = tensor::ExtractOp::create(builder, loc, inRange.getResult(0));
  cf::AssertOp::create(builder, loc, all,
                       "node '" + getNodeName(gather) +
                           "': index out of range");
}

/// The ids with `rows` added to negative ones.
static Value wrapIds(OpBuilder &builder, Location loc, Value ids,
                     int64_t rows) {
  auto type = cast<RankedTensorType>(ids.getType());
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, loc, ids);
  Value init =
      tensor::EmptyOp::create(builder, loc, sizes, type.getElementType());
  AffineMap identity = builder.getMultiDimIdentityMap(type.getRank());
  auto wrapped = linalg::GenericOp::create(
      builder, loc, init.getType(), ids, init, ArrayRef{identity, identity},
      SmallVector<utils::IteratorType>(type.getRank(),
                                       utils::IteratorType::parallel),
      [&](OpBuilder &b, Location loc, ValueRange args) {
        Value zero = arith::ConstantOp::create(
            b, loc, b.getIntegerAttr(type.getElementType(), 0));
        Value count = arith::ConstantOp::create(
            b, loc, b.getIntegerAttr(type.getElementType(), rows));
        Value negative = arith::CmpIOp::create(
            b, loc, arith::CmpIPredicate::slt, args[0], zero);
        Value sum = arith::AddIOp::create(b, loc, args[0], count);
        Value id = arith::SelectOp::create(b, loc, negative, sum, args[0]);
        linalg::YieldOp::create(b, loc, id);
      });
  return wrapped.getResult(0);
}

void lowbit::recogniseEmbeddingLookups(FunctionOpInterface function,
                                       RewriterBase &rewriter,
                                       WeightQuantizers &weights) {
  for (auto gather : collect<onnx::GatherOp>(function)) {
    auto table = getFloatTensor(gather.getData());
    auto ids = dyn_cast<RankedTensorType>(gather.getIndices().getType());
    auto axis = static_cast<int64_t>(gather.getAxis());
    if (!table || table.getRank() != 2 || !ids || (axis != 0 && axis != -2) ||
        !(ids.getElementType().isInteger(64) ||
          ids.getElementType().isInteger(32)) ||
        !isConstantExpression(gather.getData()))
      continue;
    OffLevels why;
    const QuantizedWeight *weight =
        weights.recognise(gather.getData(), /*transpose=*/false, why);
    if (!weight) {
      if (why.nearMiss)
        gather.emitRemark() << "not a quantized lookup: " << why.reason;
      weights.foldOperand(gather.getDataMutable());
      continue;
    }
    Location loc = gather.getLoc();
    rewriter.setInsertionPoint(gather);
    checkIds(rewriter, gather, table.getShape()[0]);
    Value wrapped =
        wrapIds(rewriter, loc, gather.getIndices(), table.getShape()[0]);
    Value scale = weight->scales.size() == 1
                      ? createScalar(rewriter, loc, weight->scales.front())
                      : createVector(rewriter, loc, weight->scales);
    Value rows = LookupOp::create(rewriter, loc, weight->levels, wrapped, scale)
                     .getResult();
    rewriter.replaceOp(
        gather, castTo(rewriter, loc, rows, gather.getOutput().getType()));
  }
}
