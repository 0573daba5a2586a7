//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See AttentionMinimum.h. Quotients by a sum ascend with the exponential: the
// least of a row is that of its least exponential.
//
//===----------------------------------------------------------------------===//

#include "AttentionMinimum.h"
#include <limits>

using namespace mlir;
using namespace mlir::lowbit;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

static Value minimum(Emission &e, Value a, Value b) {
  return arith::MinimumFOp::create(e.b, e.loc, a, b);
}

/// The indices of a row some rows after another.
static SmallVector<Value> advance(Emission &e, ArrayRef<Value> indices,
                                  int64_t rows) {
  SmallVector<Value> later(indices);
  later.back() = e.add(later.back(), e.index(rows));
  return later;
}

AttentionMinimum::AttentionMinimum(Emission &e, PackedAttentionOp op,
                                   int64_t lanes)
    : e(e), lanes(lanes), keys(op.getKeys()), exponentials(op.getScratch()[0]),
      sums(op.getScratch()[2]), minima(op.getScratch()[3]),
      least(getBuffer(op)) {}

Value AttentionMinimum::flatten() {
  ReassociationIndices all = llvm::to_vector(
      llvm::seq<int64_t>(cast<MemRefType>(minima.getType()).getRank()));
  return memref::CollapseShapeOp::create(e.b, e.loc, minima,
                                         ArrayRef<ReassociationIndices>(all));
}

void AttentionMinimum::clear() {
  Value flat = flatten(), infinity = e.constant(e.b.getF32Type(), kInfinity);
  e.forLoop(e.index(0), e.dim(flat, 0), 1, [&](Value i) {
    memref::StoreOp::create(e.b, e.loc, infinity, flat, i);
  });
}

void AttentionMinimum::add(ArrayRef<Value> sums, ArrayRef<Value> part,
                           ArrayRef<Value> rows, Indices exponentialAt) {
  Value found = memref::LoadOp::create(e.b, e.loc, minima, part);
  for (auto [row, sum, exponential] :
       llvm::enumerate(sums, findLeast(sums.size(), exponentialAt))) {
    memref::StoreOp::create(e.b, e.loc, sum, this->sums, advance(e, rows, row));
    found =
        minimum(e, found, arith::DivFOp::create(e.b, e.loc, exponential, sum));
  }
  memref::StoreOp::create(e.b, e.loc, found, minima, part);
}

/// The least exponential of each row; a NaN may get lost, but not from the sum
/// of the row.
SmallVector<Value> AttentionMinimum::findLeast(int64_t count,
                                               Indices exponentialAt) {
  auto type = VectorType::get({lanes}, e.b.getF32Type());
  SmallVector<Value> found(count, e.constant(type, kInfinity));
  found = e.forVectors(
      keys, lanes, found, [&](Value k, Value left, ValueRange carried) {
        SmallVector<Value> next;
        for (int64_t row = 0; row < count; ++row)
          next.push_back(
              e.less(carried[row], e.load(exponentials, exponentialAt(row, k),
                                          lanes, left, kInfinity)));
        return next;
      });
  for (Value &value : found)
    value = e.reduce(value, [&](Value a, Value b) { return e.less(a, b); });
  return found;
}

Value AttentionMinimum::finish() {
  Value flat = flatten(), infinity = e.constant(e.b.getF32Type(), kInfinity);
  Value found =
      e.forLoop(e.index(0), e.dim(flat, 0), 1, infinity,
                [&](Value i, ValueRange carried) -> SmallVector<Value> {
                  Value x = memref::LoadOp::create(e.b, e.loc, flat, i);
                  return {minimum(e, carried[0], x)};
                })
          .front();
  memref::StoreOp::create(e.b, e.loc, found, least);
  return found;
}

SmallVector<Value> AttentionMinimum::loadSums(int64_t count,
                                              ArrayRef<Value> rows) {
  SmallVector<Value> loaded;
  for (int64_t row = 0; row < count; ++row)
    loaded.push_back(
        memref::LoadOp::create(e.b, e.loc, sums, advance(e, rows, row)));
  return loaded;
}
