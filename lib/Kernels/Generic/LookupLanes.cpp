//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LookupLanes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"

using namespace mlir;
using namespace mlir::lowbit;

SmallVector<Value> LookupLanes::widen(ArrayRef<Value> added, ValueRange sums) {
  SmallVector<Value> next;
  for (auto [i, value] : llvm::enumerate(added)) {
    Value pairs = vector::BitCastOp::create(e.b, e.loc, wideType, value);
    Value odd =
        arith::ShRUIOp::create(e.b, e.loc, pairs, e.constant(wideType, 8));
    next.push_back(e.add(sums[2 * i], pairs));
    next.push_back(e.add(sums[2 * i + 1], odd));
  }
  return next;
}

Value LookupLanes::finish(ValueRange sums) {
  auto part = VectorType::get({bytes / 4}, e.b.getI32Type());
  SmallVector<Value> parts;
  for (int64_t v = 0; v < 2; ++v) {
    // What the odd bytes added to the pairs is taken away: even bytes remain.
    Value odd = sums[2 * v + 1];
    Value shifted =
        arith::ShLIOp::create(e.b, e.loc, odd, e.constant(wideType, 8));
    Value even = e.sub(sums[2 * v], shifted);
    Value pairs[2] = {vector::BitCastOp::create(e.b, e.loc, part, even),
                      vector::BitCastOp::create(e.b, e.loc, part, odd)};
    // Bytes 4 i, 4 i + 1, 4 i + 2, 4 i + 3 in turn.
    for (Value pair : pairs)
      parts.push_back(
          arith::AndIOp::create(e.b, e.loc, pair, e.constant(part, 65535)));
    for (Value pair : pairs)
      parts.push_back(
          arith::ShRUIOp::create(e.b, e.loc, pair, e.constant(part, 16)));
  }
  return e.concat(parts);
}

SmallVector<Value> LookupLanes::split(ArrayRef<Value> sums) {
  // Packed results are stored in whole bytes.
  int64_t width = std::max<int64_t>(bytes / 4, 8);
  SmallVector<Value> parts;
  for (Value sum : sums)
    for (int64_t first = 0; first < 2 * bytes; first += width)
      parts.push_back(vector::ExtractStridedSliceOp::create(
          e.b, e.loc, sum, ArrayRef<int64_t>{first}, ArrayRef<int64_t>{width},
          ArrayRef<int64_t>{1}));
  return parts;
}

Value LookupLanes::columnSums(Value rhs, Value panel, Value steps) {
  auto part = VectorType::get({bytes / 2}, e.b.getI32Type());
  SmallVector<Value> parts;
  for (int64_t i = 0; i < 4; ++i) {
    Value raw =
        e.load(rhs, {panel, e.add(steps, e.index(i)), e.index(0)}, 2 * bytes);
    parts.push_back(vector::BitCastOp::create(e.b, e.loc, part, raw));
  }
  return e.concat(parts);
}

Value mlir::lowbit::getSelectedCounts(Emission &e, Operation *op,
                                      unsigned bits) {
  unsigned entries = 1u << bits;
  std::string name = "lowbit_selected_counts_" + std::to_string(bits);
  auto type = MemRefType::get({entries, entries}, e.b.getI8Type());
  auto module = op->getParentOfType<ModuleOp>();
  if (!module.lookupSymbol(name)) {
    std::vector<int8_t> counts;
    for (unsigned a = 0; a < entries; ++a)
      for (unsigned w = 0; w < entries; ++w)
        counts.push_back(llvm::popcount(a & w));
    OpBuilder atModule = OpBuilder::atBlockBegin(module.getBody());
    memref::GlobalOp::create(
        atModule, e.loc, name, atModule.getStringAttr("private"), type,
        DenseElementsAttr::get(
            RankedTensorType::get(type.getShape(), e.b.getI8Type()),
            ArrayRef<int8_t>(counts)),
        /*constant=*/true, atModule.getI64IntegerAttr(64));
  }
  return memref::GetGlobalOp::create(e.b, e.loc, type, name);
}
