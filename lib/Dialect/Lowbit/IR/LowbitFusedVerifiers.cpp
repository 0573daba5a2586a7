//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The constraints of the operations that fuse others around packed products,
// under the numbers that their descriptions give them.
//
//===----------------------------------------------------------------------===//

#include "VerifierSupport.h"

using namespace mlir;
using namespace mlir::lowbit;
using namespace mlir::lowbit::detail;

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

SmallVector<int64_t> PackedAttentionOp::getScoresShape() {
  SmallVector<int64_t> shape(getShape(getQ()));
  shape.back() = ShapedType::kDynamic;
  return shape;
}

SmallVector<int64_t> PackedAttentionOp::getContextShape() {
  SmallVector<int64_t> shape(getShape(getQ()));
  shape.back() = getColumns();
  return shape;
}

PackingAttr PackedAttentionOp::getCodes() {
  if (std::optional<PackingAttr> packing = getCodePacking())
    return *packing;
  return PackingAttr::get(
      getContext(), LevelsType::getRange(getContext(), 0, 1), Order::rows, 1);
}

bool PackedAttentionOp::takesProbabilities(LevelsType levels) {
  return levels.getFirst() == 0 && levels.getStep() == 1 &&
         levels.getLast() >= 1 && levels.getLast() <= 256;
}

/// A product of `packed_attention` has sides that go together.
static LogicalResult verifySides(Operation *op, PackingAttr lhs,
                                 PackingAttr rhs) {
  bool quads = rhs.getOrder() == Order::quads;
  if (!quads && rhs.getOrder() != Order::panels &&
      rhs.getOrder() != Order::dwords)
    return op->emitOpError(
               "expected keys and values in panels, dwords or quads, got ")
           << stringifyOrder(rhs.getOrder());
  if (quads != (lhs.getOrder() == Order::bytes))
    return op->emitOpError("expected queries or codes of bytes with keys or "
                           "values of quads, and only there");
  return quads ? success() : verifyRows(op, lhs);
}

LogicalResult PackedAttentionOp::verify() {
  // (C1)
  if (failed(verifySides(*this, getQPacking(), getKPacking())) ||
      failed(verifySides(*this, getCodes(), getVPacking())))
    return failure();
  LevelsType codes = getCodes().getLevels();
  if (!takesProbabilities(codes))
    return emitOpError("expected codes of 0, 1, ... 256 at most, got ")
           << codes;
  // (C2)
  if (static_cast<int64_t>(getSize()) < 0 ||
      static_cast<int64_t>(getColumns()) < 0)
    return emitOpError("expected a size and columns of 0 or more, got ")
           << static_cast<int64_t>(getSize()) << " and "
           << static_cast<int64_t>(getColumns());
  SmallVector<int64_t> queries(getShape(getQ()));
  if (failed(verifyMatrix(*this, queries)))
    return failure();
  queries.back() = getSize();
  SmallVector<int64_t> keys(queries), values(queries);
  keys[keys.size() - 2] = ShapedType::kDynamic;
  values[values.size() - 2] = getColumns();
  values.back() = ShapedType::kDynamic;
  if (failed(verifyPacked(*this, "queries", getQ(), getQPacking(), queries)) ||
      failed(verifyPacked(*this, "keys", getK(), getKPacking(), keys)) ||
      failed(verifyPacked(*this, "values", getV(), getVPacking(), values)))
    return failure();
  if (!getShape(getScale()).empty())
    return emitOpError("expected a scale of rank 0, got ")
           << formatShape(getShape(getScale()));
  // (C5)
  SmallVector<int64_t> result = getContextShape();
  if (getTransposed()) {
    if (result.size() != 4)
      return emitOpError("expected rank 4 of a transposed result, got ")
             << result.size();
    std::swap(result[1], result[2]);
  }
  Type element = getElementTypeOrSelf(getInit().getType());
  SmallVector<Type> yielded = {element};
  if (std::optional<PackingAttr> packing = getResultPacking()) {
    if (!getTransposed() || getColumns() % 8 != 0 ||
        ShapedType::isDynamic(result[2]))
      return emitOpError("expected a transposed result of known heads whose "
                         "size is a multiple of 8 to be packed");
    result[2] *= result[3];
    result.pop_back();
    if (failed(verifyResultPacking(*this, *packing)) ||
        failed(
            verifyPacked(*this, "a destination", getInit(), *packing, result)))
      return failure();
    yielded = getYielded(*packing);
  } else if (failed(verifyShape(*this, "a destination", getInit(), result))) {
    return failure();
  }
  // (C3), (C4)
  Type f32 = Float32Type::get(getContext());
  Type i32 = IntegerType::get(getContext(), 32);
  SmallVector<Type> context = {i32};
  if (getSubtractMinimum())
    context.push_back(f32);
  if (failed(verifyRegion(*this, "score region", getScoreBody(), i32,
                          getScoreOperands(), getScoresShape(), f32)) ||
      failed(verifyRegion(*this, "context region", getContextBody(), context,
                          getContextOperands(), getContextShape(), yielded)))
    return failure();
  // (C6)
  int64_t expected =
      isa<MemRefType>(getInit().getType()) ? getNumScratchBuffers() : 0;
  if (static_cast<int64_t>(getScratch().size()) != expected)
    return emitOpError("expected ")
           << expected << " scratch buffers, got " << getScratch().size();
  // (C7)
  return verifySum(*this, getSize(),
                   getQPacking().getLevels().getMaxMagnitude() *
                       getKPacking().getLevels().getMaxMagnitude());
}

//===----------------------------------------------------------------------===//
// Normalisation
//===----------------------------------------------------------------------===//

LogicalResult LayerNormPackOp::verify() {
  // (C1)
  if (getPackings().empty())
    return emitOpError("expected at least one packing");
  if (getInits().size() != getPackings().size() + 1)
    return emitOpError("expected a destination and one for each packing, got ")
           << getInits().size() << " for " << getPackings().size();
  // (C2)
  Value normalized = getInits().front();
  Type f32 = Float32Type::get(getContext());
  ArrayRef<int64_t> shape = getShape(getInput());
  if (Type element = getElementTypeOrSelf(normalized.getType()); element != f32)
    return emitOpError("expected a destination of ")
           << f32 << ", got " << element;
  if (failed(verifyMatrix(*this, shape)) ||
      failed(verifyLayerNorm(*this, getInput(), normalized, getScale(),
                             getBias(), getResidual(), getEpsilon())))
    return failure();
  // (C3)
  SmallVector<Type> yielded;
  for (auto [attr, init] :
       llvm::zip_equal(getPackings(), getInits().drop_front())) {
    auto packing = cast<PackingAttr>(attr);
    llvm::append_range(yielded, getYielded(packing));
    if (failed(verifyResultPacking(*this, packing)) ||
        failed(
            verifyPacked(*this, "a packed destination", init, packing, shape)))
      return failure();
  }
  // (C4)
  return verifyRegion(*this, "region", getBody(), f32, getBodyOperands(), shape,
                      yielded);
}
