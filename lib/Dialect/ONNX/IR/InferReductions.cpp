//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Type inference of reductions, normalisations and contractions.
//
//===----------------------------------------------------------------------===//

#include "Inference.h"

using namespace mlir;
using namespace mlir::onnx;

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

static LogicalResult inferReduce(Operation *op,
                                 std::optional<ArrayRef<int64_t>> axes,
                                 bool keepDims, bool noopWithEmptyAxes,
                                 TypeList &types) {
  if (failed(checkElement(op, 0, ElementSet::Numeric)))
    return failure();
  Value data = op->getOperand(0);
  if (noopWithEmptyAxes && (!axes || axes->empty())) {
    types.push_back(cast<TensorType>(data.getType()));
    return success();
  }
  std::optional<ArrayRef<int64_t>> shape = getShapeOf(data);
  if (!shape) {
    types.push_back(makeUnranked(getElement(data)));
    return success();
  }
  bool all = !axes || axes->empty();
  FailureOr<SmallVector<int64_t>> reduced =
      normalizeAxes(op, all ? ArrayRef<int64_t>() : *axes, shape->size());
  if (failed(reduced))
    return failure();
  Shape result;
  for (auto [i, extent] : llvm::enumerate(*shape)) {
    if (!all && !llvm::is_contained(*reduced, static_cast<int64_t>(i)))
      result.push_back(extent);
    else if (keepDims)
      result.push_back(1);
  }
  types.push_back(makeType(result, getElement(data)));
  return success();
}

#define LOWBIT_INFER_REDUCE(OP)                                                \
  LogicalResult OP::inferResultTypes(InferenceScope, TypeList &types) {        \
    return inferReduce(*this, getAxes(), getKeepdims() != 0,                   \
                       getNoopWithEmptyAxes() != 0, types);                    \
  }
LOWBIT_INFER_REDUCE(ReduceL1Op)
LOWBIT_INFER_REDUCE(ReduceL2Op)
LOWBIT_INFER_REDUCE(ReduceMaxOp)
LOWBIT_INFER_REDUCE(ReduceMeanOp)
LOWBIT_INFER_REDUCE(ReduceMinOp)
LOWBIT_INFER_REDUCE(ReduceProdOp)
LOWBIT_INFER_REDUCE(ReduceSumOp)
#undef LOWBIT_INFER_REDUCE

/// The result has the type of operand 0, in which `axis` must exist.
static LogicalResult inferAlongAxis(Operation *op, int64_t axis,
                                    ElementSet elements, TypeList &types) {
  Value data = op->getOperand(0);
  if (failed(checkElement(op, 0, elements)))
    return failure();
  if (std::optional<ArrayRef<int64_t>> shape = getShapeOf(data))
    if (failed(normalizeAxis(op, "axis", axis, shape->size())))
      return failure();
  types.push_back(cast<TensorType>(data.getType()));
  return success();
}

LogicalResult CumSumOp::inferResultTypes(InferenceScope, TypeList &types) {
  return inferAlongAxis(*this, getAxis(), ElementSet::Numeric, types);
}

LogicalResult SoftmaxOp::inferResultTypes(InferenceScope, TypeList &types) {
  return inferAlongAxis(*this, getAxis(), ElementSet::Float, types);
}

/// Normalisation over the axes from `axis` on with operands that broadcast to
/// the input from there.
static LogicalResult inferNormalization(Operation *op, int64_t axis,
                                        TypeList &types) {
  if (failed(inferAlongAxis(op, axis, ElementSet::Float, types)))
    return failure();
  std::optional<ArrayRef<int64_t>> shape = getShapeOf(op->getOperand(0));
  for (unsigned i = 1; i < op->getNumOperands(); ++i) {
    if (failed(checkElement(op, i, ElementSet::Float)))
      return failure();
    std::optional<ArrayRef<int64_t>> scale = getShapeOf(op->getOperand(i));
    if (!shape || !scale)
      continue;
    Shape result(*shape);
    if (failed(broadcastInto(op, result, *scale)))
      return failure();
    bool widens = result.size() != shape->size();
    for (auto [extent, before] : llvm::zip(result, *shape))
      widens |= before == 1 && extent != 1 && !ShapedType::isDynamic(extent);
    if (widens)
      return op->emitOpError("operand #")
             << i << " must broadcast to the input, got "
             << op->getOperand(i).getType();
  }
  return success();
}

LogicalResult LayerNormalizationOp::inferResultTypes(InferenceScope,
                                                     TypeList &types) {
  return inferNormalization(*this, getAxis(), types);
}

LogicalResult RMSNormalizationOp::inferResultTypes(InferenceScope,
                                                   TypeList &types) {
  return inferNormalization(*this, getAxis(), types);
}

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

LogicalResult MatMulOp::inferResultTypes(InferenceScope, TypeList &types) {
  Type element = getElement(getA());
  if (failed(checkElement(*this, 0, ElementSet::Numeric)) ||
      failed(checkSameElement(*this, 0, 1)) ||
      failed(checkMinRank(*this, 0, 1)) || failed(checkMinRank(*this, 1, 1)))
    return failure();
  std::optional<ArrayRef<int64_t>> a = getShapeOf(getA()),
                                   b = getShapeOf(getB());
  if (!a || !b) {
    types.push_back(makeUnranked(element));
    return success();
  }
  int64_t k = b->size() == 1 ? b->front() : (*b)[b->size() - 2];
  if (failed(unifyExtents(*this, a->back(), k, "contracted dimensions")))
    return failure();
  Shape result;
  if (failed(broadcastInto(*this, result,
                           a->drop_back(std::min<size_t>(a->size(), 2)))) ||
      failed(broadcastInto(*this, result,
                           b->drop_back(std::min<size_t>(b->size(), 2)))))
    return failure();
  if (a->size() > 1)
    result.push_back((*a)[a->size() - 2]);
  if (b->size() > 1)
    result.push_back(b->back());
  types.push_back(makeType(result, element));
  return success();
}

LogicalResult GemmOp::inferResultTypes(InferenceScope, TypeList &types) {
  Type element = getElement(getA());
  if (failed(checkElement(*this, 0, ElementSet::Numeric)))
    return failure();
  for (unsigned i = 1; i < getNumOperands(); ++i)
    if (failed(checkSameElement(*this, 0, i)))
      return failure();
  Shape result(2, kDynamic);
  int64_t contracted = kDynamic;
  for (unsigned i : {0, 1}) {
    bool transposed = (i == 0 ? getTransA() : getTransB()) != 0;
    std::optional<ArrayRef<int64_t>> shape = getShapeOf(getOperand(i));
    if (!shape)
      continue;
    if (shape->size() != 2)
      return emitOpError("operand #")
             << i << " must have rank 2, got " << getOperand(i).getType();
    unsigned outer = (i == 0) == !transposed ? 0 : 1;
    result[i] = (*shape)[outer];
    FailureOr<int64_t> k = unifyExtents(*this, contracted, (*shape)[1 - outer],
                                        "contracted dimensions");
    if (failed(k))
      return failure();
    contracted = *k;
  }
  if (getC())
    if (std::optional<ArrayRef<int64_t>> shape = getShapeOf(getC())) {
      Shape biased = result;
      if (failed(broadcastInto(*this, biased, *shape)))
        return failure();
      bool widens = biased.size() != 2;
      for (auto [extent, before] : llvm::zip(biased, result))
        widens |= before == 1 && extent != 1 && !ShapedType::isDynamic(extent);
      if (widens)
        return emitOpError("operand #2 must broadcast to the product, got ")
               << getC().getType();
    }
  types.push_back(makeType(result, element));
  return success();
}

LogicalResult AttentionOp::inferResultTypes(InferenceScope, TypeList &types) {
  Type element = getElement(getQ());
  if (failed(checkElement(*this, 0, ElementSet::Float)))
    return failure();
  std::optional<ArrayRef<int64_t>> q = getShapeOf(getQ()),
                                   k = getShapeOf(getK()),
                                   v = getShapeOf(getV());
  if (!q || !k || !v) {
    types.push_back(makeUnranked(element));
    return success();
  }
  if ((q->size() != 3 && q->size() != 4) || k->size() != q->size() ||
      v->size() != q->size())
    return emitOpError("Q, K and V must all have rank 3 or all rank 4, got ")
           << q->size() << ", " << k->size() << " and " << v->size();
  Shape result(*q);
  if (q->size() == 4) {
    if (failed(
            unifyExtents(*this, (*q)[3], (*k)[3], "head sizes of Q and K")) ||
        failed(
            unifyExtents(*this, (*k)[1], (*v)[1], "head counts of K and V")) ||
        failed(unifyExtents(*this, (*k)[2], (*v)[2], "lengths of K and V")))
      return failure();
    int64_t heads = (*q)[1], groups = (*k)[1];
    if (!ShapedType::isDynamic(heads) && !ShapedType::isDynamic(groups) &&
        (groups == 0 || heads % groups != 0))
      return emitOpError("number of query heads must be a multiple of the "
                         "number of key heads, got ")
             << heads << " and " << groups;
    result[3] = (*v)[3];
    types.push_back(makeType(result, element));
    return success();
  }
  int64_t qHeads = getQNumHeads().value_or(0);
  int64_t kvHeads = getKvNumHeads().value_or(0);
  if (qHeads <= 0 || kvHeads <= 0 || qHeads % kvHeads != 0)
    return emitOpError("operands of rank 3 need 'q_num_heads', a multiple of "
                       "'kv_num_heads', got ")
           << qHeads << " and " << kvHeads;
  for (auto [shape, heads] :
       {std::pair(*q, qHeads), std::pair(*k, kvHeads), std::pair(*v, kvHeads)})
    if (!ShapedType::isDynamic(shape[2]) && shape[2] % heads != 0)
      return emitOpError("hidden size ")
             << shape[2] << " is not a multiple of " << heads << " heads";
  if (failed(unifyExtents(*this, (*k)[1], (*v)[1], "lengths of K and V")))
    return failure();
  result[2] =
      ShapedType::isDynamic((*v)[2]) ? kDynamic : (*v)[2] / kvHeads * qHeads;
  types.push_back(makeType(result, element));
  return success();
}
