//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See Quantizer.h.
//
//===----------------------------------------------------------------------===//

#include "Quantizer.h"
#include "Division.h"
#include "Epilogue.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::lowbit;

Quantizer::Quantizer(Emission &e, QuantizePackOp op)
    : op(op), packing(op.getPacking()), e(e), levels(packing.getLevels()),
      last(cast<MemRefType>(op.getInput().getType()).getRank() - 1) {
  if (auto attr = op.getPermutation())
    permutation.assign(attr->begin(), attr->end());
  else
    llvm::append_range(permutation, llvm::seq<int64_t>(last + 1));
  size = e.dim(op.getInput(), permutation[last]);
  rows = e.dim(op.getInput(), permutation[last - 1]);
  for (int64_t i = 0; i < last - 1; ++i)
    batchExtents.push_back(e.dim(op.getInput(), permutation[i]));
  if (op.getScale() && op.getGranularity() == Granularity::tensor)
    scale = memref::LoadOp::create(e.b, e.loc, op.getScale());
  if (op.getOffset())
    offset = memref::LoadOp::create(e.b, e.loc, op.getOffset());
  for (Value operand : op.getInputOperands())
    inputOperands.push_back(memref::LoadOp::create(e.b, e.loc, operand));
}

Value Quantizer::load(ValueRange batch, Value row, Value k, int64_t lanes,
                      Value count) {
  SmallVector<Value> logical(batch);
  logical.append({row, k});
  SmallVector<Value> indices(logical.size());
  for (auto [i, value] : llvm::enumerate(logical))
    indices[permutation[i]] = value;
  return e.load(op.getInput(), indices, lanes, count);
}

Value Quantizer::loadShift(Value at, int64_t lanes, Value count) {
  return op.getShift() ? e.load(op.getShift(), at, lanes, count) : Value();
}

Value Quantizer::loadScale(ValueRange batch, Value row) {
  if (!op.getScale() || op.getGranularity() != Granularity::token)
    return scale;
  SmallVector<Value> indices(batch);
  indices.push_back(row);
  return memref::LoadOp::create(e.b, e.loc, op.getScale(), indices);
}

SmallVector<Value> Quantizer::getPosition(ValueRange batch, Value row,
                                          Value word) {
  SmallVector<Value> indices(batch);
  if (!packing.hasPanels()) {
    indices.append({row, word});
    return indices;
  }
  int64_t width = packing.getLanes();
  indices.append({e.floorDiv(row, width), word,
                  arith::RemUIOp::create(e.b, e.loc, row, e.index(width))});
  return indices;
}

void Quantizer::storeWord(Value value, ValueRange batch, Value row,
                          Value word) {
  memref::StoreOp::create(e.b, e.loc, value, op.getInit(),
                          getPosition(batch, row, word));
}

void Quantizer::storePanel(Value vector, ValueRange batch, Value panel,
                           Value word) {
  SmallVector<Value> indices(batch);
  indices.append({panel, word, e.index(0)});
  e.store(vector, op.getInit(), indices);
}

void Quantizer::forPanels(llvm::function_ref<void(ValueRange batch, Value panel,
                                                  Value row, Value count)>
                              body) {
  int64_t width = packing.getLanes();
  SmallVector<Value> extents(batchExtents);
  extents.push_back(e.ceilDiv(rows, width));
  e.parallel(extents, /*grain=*/2, [&](ValueRange ivs) {
    Value panel = ivs.back(), row = e.mul(panel, e.index(width)), count;
    std::optional<int64_t> known = getConstantIntValue(rows);
    if (!known || *known % width != 0)
      count = e.min(e.sub(rows, row), e.index(width));
    body(ivs.drop_back(), panel, row, count);
  });
}

Value Quantizer::applyInputBody(Value x) {
  int64_t lanes = cast<VectorType>(x.getType()).getNumElements();
  return Epilogue(e, op.getInputBody().front(), inputOperands, /*shape=*/{},
                  lanes)
      .apply(x, /*position=*/{}, /*count=*/Value())
      .front();
}

SmallVector<Value> Quantizer::quantize(Value x, Value shift, Value scale) {
  if (op.hasInputBody())
    x = applyInputBody(x);
  if (shift)
    x = arith::AddFOp::create(e.b, e.loc, x, shift);
  auto type = cast<VectorType>(x.getType());
  int64_t lanes = type.getNumElements();
  Value zero = e.constant(type, 0);
  auto compare = [&](arith::CmpFPredicate predicate) -> Value {
    return arith::CmpFOp::create(e.b, e.loc, predicate, x, zero);
  };
  if (op.getRounding() == Rounding::step)
    return {compare(arith::CmpFPredicate::OGE)};
  if (op.getRounding() == Rounding::sign) {
    Value positive = compare(arith::CmpFPredicate::OGT);
    if (packing.getPlanes() == 1)
      return {positive};
    // Codes of -1, 0, 1 are 0, 1, 2; NaN counts as zero.
    return {compare(arith::CmpFPredicate::UEQ), positive};
  }
  if (offset)
    x = arith::SubFOp::create(e.b, e.loc, x, e.broadcast(offset, lanes));
  if (scale && std::max(-levels.getFirst(), levels.getLast()) <= kGreatestCode)
    x = divideForCode(e, x, scale);
  else if (scale)
    x = arith::DivFOp::create(e.b, e.loc, x, e.broadcast(scale, lanes));
  if (levels.getFirst() == 0 && levels.getLast() == 1)
    // round(x) >= 1, half to even, is x > 0.5.
    return {arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::OGT, x,
                                  e.constant(type, 0.5))};
  return {e.roundToCode(x, levels.getFirst(), levels.getLast())};
}

SmallVector<Value> Quantizer::getPlanes(Value x, Value shift, Value scale) {
  SmallVector<Value> parts = quantize(x, shift, scale);
  auto type = cast<VectorType>(parts.front().getType());
  if (type.getElementType().isInteger(1))
    return parts;
  SmallVector<Value> planes;
  for (unsigned plane = 0; plane < packing.getPlanes(); ++plane)
    planes.push_back(e.planeOf(parts.front(), plane));
  return planes;
}

Value Quantizer::getCodes(Value x, Value shift, Value scale) {
  SmallVector<Value> parts = quantize(x, shift, scale);
  auto type = cast<VectorType>(parts.front().getType());
  if (type.getElementType().isInteger(32))
    return parts.front();
  auto ints = VectorType::get(type.getShape(), e.b.getI32Type());
  Value code;
  for (auto [plane, bits] : llvm::enumerate(parts)) {
    Value value = arith::SelectOp::create(
        e.b, e.loc, bits, e.constant(ints, 1 << plane), e.constant(ints, 0));
    code = code ? e.add(code, value) : value;
  }
  return code;
}
