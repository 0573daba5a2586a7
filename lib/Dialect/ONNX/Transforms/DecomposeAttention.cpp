//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention of opset 23 as the operators that older exporters write:
//
//   scores = softcap(Q K^T * scale) + mask
//   Y = Softmax(scores) V, and 0 in rows without a key
//
//===----------------------------------------------------------------------===//

#include "Decompose.h"
#include "OperatorBuilder.h"
#include "lowbit/Dialect/ONNX/IR/ShapeElements.h"
#include <cmath>

using namespace mlir;
using namespace mlir::lowbit;

namespace {

/// Makes the operators of one Attention; types are inferred one by one.
class AttentionBuilder : public OperatorBuilder {
public:
  AttentionBuilder(onnx::AttentionOp op)
      : OperatorBuilder(op,
                        cast<TensorType>(op.getQ().getType()).getElementType()),
        op(op) {}

  /// Whether ranks, head counts and the scale are known.
  bool canBuild();
  /// The result, null after a diagnostic.
  Value build();

private:
  Value makeScalar(double value);
  /// [batch, length, heads * size] as [batch, heads, length, size].
  Value splitHeads(Value value, int64_t heads);
  /// Every head of [batch, heads, length, size] `times` times in a row.
  Value repeatHeads(Value value, int64_t heads, int64_t times);
  /// True where a query may see a key: [length of Q, length of K].
  Value makeCausalMask(Value q, Value k);
  /// Adds the masks to `scores`; `empty` is true for rows without a key.
  Value applyMask(Value scores, Value q, Value k, Value &empty);

  onnx::AttentionOp op;
};

} // namespace

LogicalResult lowbit::decomposeAttention(onnx::AttentionOp op) {
  AttentionBuilder attention(op);
  if (!attention.canBuild())
    return success();
  Value result = attention.build();
  if (!result)
    return failure();
  op.getY().replaceAllUsesWith(result);
  op.erase();
  return success();
}

Value AttentionBuilder::makeScalar(double value) {
  auto type = RankedTensorType::get({}, element);
  return onnx::ConstantOp::create(
      builder, loc, type,
      DenseElementsAttr::get(type, builder.getFloatAttr(element, value)));
}

Value AttentionBuilder::splitHeads(Value value, int64_t heads) {
  auto type = cast<RankedTensorType>(value.getType());
  int64_t hidden = type.getDimSize(2);
  int64_t size = ShapedType::isDynamic(hidden) ? -1 : hidden / heads;
  return transpose(reshape(value, {0, 0, heads, size}), {0, 2, 1, 3});
}

Value AttentionBuilder::repeatHeads(Value value, int64_t heads, int64_t times) {
  if (times == 1)
    return value;
  auto type = cast<RankedTensorType>(value.getType());
  Value grouped =
      make<onnx::UnsqueezeOp>(value, builder.getDenseI64ArrayAttr({2}));
  Value repeated = make<onnx::ExpandOp>(grouped, makeInts({1, 1, times, 1, 1}));
  // Two extents may be dynamic; both are those of `value`.
  Value batch = makeTyped<onnx::ShapeOp>(builder.getI64Type(), value,
                                         builder.getI64IntegerAttr(0),
                                         builder.getI64IntegerAttr(1));
  Value rest = makeTyped<onnx::ShapeOp>(builder.getI64Type(), value,
                                        builder.getI64IntegerAttr(2),
                                        builder.getI64IntegerAttr(4));
  if (type.hasStaticShape())
    return reshape(repeated, {type.getDimSize(0), heads * times,
                              type.getDimSize(2), type.getDimSize(3)});
  Value shape = makeTyped<onnx::ConcatOp>(
      builder.getI64Type(), ValueRange{batch, makeInts({heads * times}), rest},
      builder.getI64IntegerAttr(0));
  return make<onnx::ReshapeOp>(repeated, shape, builder.getI64IntegerAttr(0));
}

Value AttentionBuilder::makeCausalMask(Value q, Value k) {
  Type i64 = builder.getI64Type();
  auto scalar = [&](int64_t value) -> Value {
    auto type = RankedTensorType::get({}, i64);
    return onnx::ConstantOp::create(builder, loc, type,
                                    DenseElementsAttr::get(type, value));
  };
  auto positions = [&](Value value, int64_t unitAxis) {
    Value length = makeTyped<onnx::ShapeOp>(
        i64, value, builder.getI64IntegerAttr(2), builder.getI64IntegerAttr(3));
    length = makeTyped<onnx::SqueezeOp>(i64, length,
                                        builder.getDenseI64ArrayAttr({0}));
    Value range = makeTyped<onnx::RangeOp>(i64, scalar(0), length, scalar(1));
    return makeTyped<onnx::UnsqueezeOp>(
        i64, range, builder.getDenseI64ArrayAttr({unitAxis}));
  };
  return makeTyped<onnx::LessOrEqualOp>(builder.getI1Type(), positions(k, 0),
                                        positions(q, 1));
}

Value AttentionBuilder::applyMask(Value scores, Value q, Value k,
                                  Value &empty) {
  Type i1 = builder.getI1Type();
  Value infinity = makeScalar(-INFINITY);
  Value mask = op.getAttnMask();
  Value causal = op.getIsCausal() ? makeCausalMask(q, k) : Value();
  if (!mask) {
    // Every query sees at least the first key.
    return causal ? make<onnx::WhereOp>(causal, scores, infinity) : scores;
  }
  auto last = builder.getDenseI64ArrayAttr({-1});
  auto one = builder.getI64IntegerAttr(1), zero = builder.getI64IntegerAttr(0);
  if (cast<TensorType>(mask.getType()).getElementType() == i1) {
    if (causal)
      mask = makeTyped<onnx::AndOp>(i1, mask, causal);
    Value counted = make<onnx::CastOp>(mask);
    Value any = make<onnx::ReduceMaxOp>(counted, last, one, zero);
    empty = makeTyped<onnx::EqualOp>(i1, any, makeScalar(0));
    return make<onnx::WhereOp>(mask, scores, infinity);
  }
  if (causal)
    mask = make<onnx::WhereOp>(causal, mask, infinity);
  Value largest = make<onnx::ReduceMaxOp>(mask, last, one, zero);
  empty = makeTyped<onnx::EqualOp>(i1, largest, infinity);
  return make<onnx::AddOp>(scores, mask);
}

bool AttentionBuilder::canBuild() {
  auto q = dyn_cast<RankedTensorType>(op.getQ().getType());
  auto k = dyn_cast<RankedTensorType>(op.getK().getType());
  if (!q || !k || !isa<RankedTensorType>(op.getV().getType()))
    return false;
  if (q.getRank() == 3)
    return op.getScale() || (q.getDimSize(2) > 0 && !q.isDynamicDim(2));
  bool sameHeads =
      onnx::getDimension(op.getQ(), 1) == onnx::getDimension(op.getK(), 1);
  bool knownHeads = !q.isDynamicDim(1) && !k.isDynamicDim(1);
  return (sameHeads || knownHeads) &&
         (op.getScale() || (!q.isDynamicDim(3) && q.getDimSize(3) > 0));
}

Value AttentionBuilder::build() {
  Value q = op.getQ(), k = op.getK(), v = op.getV();
  bool packed = cast<RankedTensorType>(q.getType()).getRank() == 3;
  if (packed) {
    q = splitHeads(q, *op.getQNumHeads());
    k = splitHeads(k, *op.getKvNumHeads());
    v = splitHeads(v, *op.getKvNumHeads());
  }
  auto qType = cast<RankedTensorType>(q.getType());
  int64_t qHeads = qType.getDimSize(1);
  int64_t kvHeads = cast<RankedTensorType>(k.getType()).getDimSize(1);
  int64_t times = qHeads == kvHeads ? 1 : qHeads / kvHeads;
  k = repeatHeads(k, kvHeads, times);
  v = repeatHeads(v, kvHeads, times);
  double scale =
      op.getScale() ? op.getScale()->convertToFloat()
                    : 1.0 / std::sqrt(static_cast<double>(qType.getDimSize(3)));
  Value scores = make<onnx::MatMulOp>(q, transpose(k, {0, 1, 3, 2}));
  scores = make<onnx::MulOp>(scores, makeScalar(scale));
  if (double cap = op.getSoftcap().convertToFloat(); cap != 0) {
    Value limit = makeScalar(cap);
    scores = make<onnx::TanhOp>(make<onnx::DivOp>(scores, limit));
    scores = make<onnx::MulOp>(scores, limit);
  }
  Value empty;
  scores = applyMask(scores, q, k, empty);
  Value weights = make<onnx::SoftmaxOp>(scores, builder.getI64IntegerAttr(-1));
  Value result = make<onnx::MatMulOp>(weights, v);
  if (empty)
    result = make<onnx::WhereOp>(empty, makeScalar(0), result);
  if (packed) {
    auto type = cast<RankedTensorType>(op.getY().getType());
    int64_t hidden = type.getDimSize(2);
    result = reshape(transpose(result, {0, 2, 1, 3}),
                     {0, 0, ShapedType::isDynamic(hidden) ? -1 : hidden});
  }
  return isValid() ? result : Value();
}
