//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See RepackLayout.h.
//
//===----------------------------------------------------------------------===//

#include "RepackLayout.h"

using namespace mlir;
using namespace mlir::lowbit;

RepackLayout::RepackLayout(Emission &e, RepackOp op)
    : e(e), op(op), packing(op.getPacking()), lanes(packing.getLanes()),
      permutation(op.getPermutation()), last(permutation.size() - 1),
      outer(permutation.size() - op.getSplit().size()),
      extent(op.getSplit().back()) {
  SmallVector<Value> extents;
  for (int64_t dim = 0; dim < outer; ++dim)
    extents.push_back(e.dim(op.getInput(), dim));
  for (int64_t part : op.getSplit())
    extents.push_back(e.index(part));
  size = extents[permutation[last]];
  rows = extents[permutation[last - 1]];
  for (int64_t i = 0; i < last - 1; ++i)
    batchExtents.push_back(extents[permutation[i]]);
}

LogicalResult RepackLayout::check() {
  if (packing.getOrder() == Order::quads && packing.getElementsPerWord() != 4)
    return op.emitOpError("packs bytes of 8 bits alone at run time");
  if (!packing.getSums() && packing.hasPanels())
    return op.emitOpError("cannot pack without sums of codes at run time");
  if (!keepsLast() && !(packing.hasPanels() && permutation[last - 1] == last))
    return op.emitOpError("expects the last dimension of the input to be the "
                          "packed one, or that of the panels");
  return success();
}

SmallVector<Value> RepackLayout::getSplit(ArrayRef<Value> position) {
  SmallVector<Value> split(permutation.size());
  for (auto [i, value] : llvm::enumerate(position))
    split[permutation[i]] = value;
  return split;
}

SmallVector<Value> RepackLayout::getTarget(ValueRange batch, Value row,
                                           Value word) {
  SmallVector<Value> indices(batch);
  if (packing.hasPanels())
    indices.append({e.floorDiv(row, lanes), word,
                    arith::RemUIOp::create(e.b, e.loc, row, e.index(lanes))});
  else
    indices.append({row, word});
  return indices;
}

void RepackLayout::storePanel(ValueRange batch, Value panel, Value word,
                              Value vector) {
  SmallVector<Value> indices(batch);
  indices.append({panel, word, e.index(0)});
  e.store(vector, op.getInit(), indices);
}

void RepackLayout::forRows(llvm::function_ref<void(ValueRange position)> body) {
  SmallVector<Value> loops(batchExtents);
  loops.push_back(rows);
  e.parallel(loops, /*grain=*/64, body);
}

void RepackLayout::forPadding(
    llvm::function_ref<void(ValueRange batch, Value row)> body) {
  Value padded = e.mul(e.ceilDiv(rows, lanes), e.index(lanes));
  SmallVector<Value> loops(batchExtents);
  if (loops.empty())
    loops.push_back(e.index(1));
  e.parallel(loops, /*grain=*/64, [&](ValueRange position) {
    ValueRange batch = batchExtents.empty() ? ValueRange() : position;
    e.forLoop(rows, padded, 1, [&](Value row) { body(batch, row); });
  });
}

void RepackLayout::forPanels(
    llvm::function_ref<void(ValueRange batch, Value panel, int64_t count)>
        body) {
  SmallVector<Value> loops(batchExtents);
  loops.push_back(e.ceilDiv(rows, lanes));
  e.parallel(loops, /*grain=*/4, [&](ValueRange position) {
    ValueRange batch = position.drop_back();
    Value panel = position.back();
    int64_t whole = extent / lanes, rest = extent % lanes;
    if (whole == 0)
      return body(batch, panel, rest);
    if (rest == 0)
      return body(batch, panel, lanes);
    Value full = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ult,
                                       panel, e.index(whole));
    e.ifElse(
        full, [&] { body(batch, panel, lanes); },
        [&] { body(batch, panel, rest); });
  });
}
