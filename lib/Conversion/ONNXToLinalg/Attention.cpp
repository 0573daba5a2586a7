//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention: softmax(Q K^T * scale + mask) V by its parts. Heads of K and V
// that several heads of Q share are broadcast, not copied. A row without any
// allowed key gives zeros.
//
//===----------------------------------------------------------------------===//

#include "MatMul.h"
#include "Normalization.h"
#include "Structured.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::lowbit;

/// [batch, sequence, heads * size] as [batch, heads, sequence, size].
static FailureOr<Value> splitHeads(Lowering &l, Value value,
                                   std::optional<int64_t> heads) {
  ScalarMath &math = l.getMath();
  SmallVector<OpFoldResult> sizes = l.getSizes(value);
  if (sizes.size() == 4)
    return value;
  if (sizes.size() != 3 || !heads || *heads <= 0)
    return l.fail("takes operands of rank 4, or of rank 3 with the numbers of "
                  "heads");
  std::optional<int64_t> hidden = getConstantSize(sizes[2]);
  if (hidden && *hidden % *heads != 0)
    return l.fail("cannot split " + Twine(*hidden) + " features into " +
                  Twine(*heads) + " heads");
  OpFoldResult count = math.index(*heads);
  Value split = createReshape(
      l, value, {sizes[0], sizes[1], count, math.div(sizes[2], count)});
  return createTranspose(l, split, {0, 2, 1, 3});
}

/// Inserts a dimension behind the heads: `groups` for Q, 1 for K and V.
static Value groupHeads(Lowering &l, Value value, OpFoldResult heads,
                        OpFoldResult group) {
  SmallVector<OpFoldResult> sizes = l.getSizes(value);
  return createReshape(l, value, {sizes[0], heads, group, sizes[2], sizes[3]});
}

/// Scales, caps and masks the products of queries and keys.
static FailureOr<Value> maskScores(onnx::AttentionOp op, Lowering &l,
                                   Value scores, Value scale) {
  double softcap = op.getSoftcap().convertToDouble();
  bool isCausal = op.getIsCausal() != 0;
  Type type = scale.getType();
  SmallVector<Value> inputs{scores};
  if (op.getAttnMask())
    inputs.push_back(l.operand(op.getAttnMask()));
  return createElementwise(
      l, inputs, type,
      [&](OpBuilder &b, Location loc, ValueRange elements) -> Value {
        auto constant = [&](double value) {
          return createConstant(b, loc, type, value);
        };
        Value score = arith::MulFOp::create(b, loc, elements[0], scale);
        if (softcap > 0) {
          Value ratio = arith::DivFOp::create(b, loc, score, constant(softcap));
          Value tanh = math::TanhOp::create(b, loc, ratio);
          score = arith::MulFOp::create(b, loc, tanh, constant(softcap));
        }
        Value never = constant(-std::numeric_limits<double>::infinity());
        if (elements.size() > 1) {
          Value mask = elements[1];
          score = mask.getType().isInteger(1)
                      ? arith::SelectOp::create(b, loc, mask, score, never)
                            .getResult()
                      : arith::AddFOp::create(b, loc, score, mask).getResult();
        }
        if (!isCausal)
          return score;
        Value query = linalg::IndexOp::create(b, loc, 2);
        Value key = linalg::IndexOp::create(b, loc, 3);
        Value allowed = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle,
                                              key, query);
        return arith::SelectOp::create(b, loc, allowed, score, never);
      });
}

static Value getScale(onnx::AttentionOp op, Lowering &l, Type type,
                      OpFoldResult headSize) {
  ScalarMath &math = l.getMath();
  if (op.getScale())
    return math.constant(
        l.getBuilder().getFloatAttr(type, op.getScale()->convertToDouble()));
  Value size = math.toInteger(headSize, l.getBuilder().getI64Type());
  return math.build([&](OpBuilder &b, Location loc) {
    Value real = b.createOrFold<arith::SIToFPOp>(loc, type, size);
    Value root = b.createOrFold<math::SqrtOp>(loc, real);
    Value one = createConstant(b, loc, type, 1);
    return b.createOrFold<arith::DivFOp>(loc, one, root);
  });
}

static LogicalResult lowerAttention(onnx::AttentionOp op, Lowering &l) {
  ScalarMath &math = l.getMath();
  Value query = l.operand(op.getQ());
  bool isRank3 = cast<RankedTensorType>(query.getType()).getRank() == 3;
  FailureOr<Value> q = splitHeads(l, query, op.getQNumHeads());
  FailureOr<Value> k = splitHeads(l, l.operand(op.getK()), op.getKvNumHeads());
  FailureOr<Value> v = splitHeads(l, l.operand(op.getV()), op.getKvNumHeads());
  if (failed(q) || failed(k) || failed(v))
    return failure();
  SmallVector<OpFoldResult> sizes = l.getSizes(*q);
  OpFoldResult heads = sizes[1], sharedHeads = l.getSizes(*k)[1];
  bool isGrouped = !math.equal(heads, sharedHeads);
  if (isGrouped) {
    std::optional<int64_t> all = getConstantSize(heads);
    std::optional<int64_t> shared = getConstantSize(sharedHeads);
    isGrouped = all && shared;
    if (!isGrouped)
      l.assertEqual(heads, sharedHeads, "queries and keys differ in heads");
    else if (*shared == 0 || *all % *shared != 0)
      return l.fail(
          "has heads of keys that do not divide its heads of queries");
  }
  if (isGrouped) {
    OpFoldResult group =
        math.index(*getConstantSize(heads) / *getConstantSize(sharedHeads));
    q = groupHeads(l, *q, sharedHeads, group);
    k = groupHeads(l, *k, sharedHeads, math.index(1));
    v = groupHeads(l, *v, sharedHeads, math.index(1));
  }
  SmallVector<int64_t> swap = isGrouped ? SmallVector<int64_t>{0, 1, 2, 4, 3}
                                        : SmallVector<int64_t>{0, 1, 3, 2};
  FailureOr<Value> scores = createMatMul(l, *q, createTranspose(l, *k, swap));
  if (failed(scores))
    return failure();
  SmallVector<OpFoldResult> grouped = l.getSizes(*scores);
  SmallVector<OpFoldResult> flat{sizes[0], heads, sizes[2], grouped.back()};
  Type type = cast<RankedTensorType>(scores->getType()).getElementType();
  FailureOr<Value> masked = maskScores(op, l, createReshape(l, *scores, flat),
                                       getScale(op, l, type, sizes[3]));
  if (failed(masked))
    return failure();
  FailureOr<Value> weights =
      createSoftmax(l, *masked, 3, /*zeroWithoutMaximum=*/true);
  if (failed(weights))
    return failure();
  FailureOr<Value> mixed =
      createMatMul(l, createReshape(l, *weights, grouped), *v);
  if (failed(mixed))
    return failure();
  OpFoldResult valueSize = l.getSizes(*mixed).back();
  Value result =
      createReshape(l, *mixed, {sizes[0], heads, sizes[2], valueSize});
  if (isRank3)
    result = createReshape(l, createTranspose(l, result, {0, 2, 1, 3}),
                           {sizes[0], sizes[2], math.mul(heads, valueSize)});
  return l.replace(op.getResult(), result);
}

void mlir::lowbit::populateAttentionLowerings(LoweringTable &table) {
  table.add(lowerAttention);
}
