//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rows of a packed embedding table as floats: see `lowbit.packed_lookup`.
//
// A vector of bytes is multiplied by the number of levels for one digit after
// the other, as `#lowbit.packing` describes for the order `digits`; each gives
// a vector of elements that lie side by side.
//
//===----------------------------------------------------------------------===//

#include "../Emission.h"
#include "lowbit/Kernels/Emitters.h"

using namespace mlir;
using namespace mlir::lowbit;

/// Where in the ascending `zeros` the first pair of row `id` or of a later one
/// is.
static Value findFirst(Emission &e, Value zeros, Value id) {
  Value count = e.dim(zeros, 0);
  // Halves [low, high) as often as `count` has bits.
  Value bits = e.index(64);
  if (auto known = getConstantIntValue(count))
    bits = e.index(llvm::Log2_64_Ceil(*known + 1));
  return e.forLoop(
      e.index(0), bits, 1, {e.index(0), count},
      [&](Value, ValueRange carried) -> SmallVector<Value> {
        Value low = carried[0], high = carried[1];
        Value middle = e.floorDiv(e.add(low, high), 2);
        // The range may be empty already.
        Value at = e.min(middle, e.sub(count, e.index(1)));
        Value row = memref::LoadOp::create(e.b, e.loc, zeros,
                                           ValueRange{at, e.index(0)});
        row = arith::IndexCastOp::create(e.b, e.loc, e.b.getIndexType(), row);
        auto is = [&](arith::CmpIPredicate predicate, Value a, Value b) {
          return arith::CmpIOp::create(e.b, e.loc, predicate, a, b);
        };
        auto select = [&](Value condition, Value a, Value b) -> Value {
          return arith::SelectOp::create(e.b, e.loc, condition, a, b);
        };
        Value open = is(arith::CmpIPredicate::ult, low, high);
        Value before = arith::AndIOp::create(
            e.b, e.loc, open, is(arith::CmpIPredicate::slt, row, id));
        Value notBefore = arith::AndIOp::create(
            e.b, e.loc, open, is(arith::CmpIPredicate::sge, row, id));
        return {select(before, e.add(middle, e.index(1)), low),
                select(notBefore, middle, high)};
      })[0];
}

/// Writes the elements of row `id` whose level is 0 over those of the table.
static void storeZeros(Emission &e, PackedLookupOp op, Value id, Value scale,
                       ValueRange position) {
  Value zeros = op.getZeros();
  Value zero =
      arith::MulFOp::create(e.b, e.loc, e.constant(scale.getType(), 0), scale);
  Value begin = findFirst(e, zeros, id);
  Value end = findFirst(e, zeros, e.add(id, e.index(1)));
  e.forLoop(begin, end, 1, [&](Value i) {
    Value column =
        memref::LoadOp::create(e.b, e.loc, zeros, ValueRange{i, e.index(1)});
    SmallVector<Value> indices(position);
    indices.push_back(
        arith::IndexCastOp::create(e.b, e.loc, e.b.getIndexType(), column));
    memref::StoreOp::create(e.b, e.loc, zero, op.getInit(), indices);
  });
}

namespace {

/// Emits the rows of one lookup.
class Lookup {
public:
  Lookup(Emission &e, PackedLookupOp op, int64_t lanes)
      : e(e), op(op), lanes(lanes),
        size(e.dim(op.getInit(), getRank(op.getInit()) - 1)) {}

  /// The row of the result at `position`.
  void emitRow(ValueRange position) {
    Value id = memref::LoadOp::create(e.b, e.loc, op.getIds(), position);
    id = arith::IndexCastOp::create(e.b, e.loc, e.b.getIndexType(), id);
    bool perRow = getRank(op.getScale()) == 1;
    Value scale = memref::LoadOp::create(
        e.b, e.loc, op.getScale(), perRow ? ValueRange(id) : ValueRange());
    unpack(id, e.broadcast(scale, lanes), position);
    if (op.getZeros())
      storeZeros(e, op, id, scale, position);
  }

private:
  static int64_t getRank(Value memref) {
    return cast<MemRefType>(memref.getType()).getRank();
  }

  /// A row of the table, times its scale, into the result at `position`.
  void unpack(Value row, Value scale, ValueRange position) {
    Value table = op.getTable();
    PackingAttr packing = op.getPacking();
    LevelsType levels = packing.getLevels();
    int64_t digits = packing.getElementsPerWord();
    Value bytes = e.dim(table, 1);
    auto integers = VectorType::get({lanes}, e.b.getI32Type());
    auto floats = VectorType::get({lanes}, e.b.getF32Type());
    auto times = [&](Value x, int64_t factor) -> Value {
      if (factor == 1)
        return x;
      return arith::MulIOp::create(e.b, e.loc, x, e.constant(integers, factor));
    };
    e.forVectors(bytes, lanes, [&](Value begin, Value count) {
      Value left = e.load(table, {row, begin}, lanes, count);
      left = arith::ExtUIOp::create(e.b, e.loc, integers, left);
      for (int64_t digit = 0; digit < digits; ++digit) {
        left = times(left, levels.getCount());
        Value code =
            arith::ShRUIOp::create(e.b, e.loc, left, e.constant(integers, 8));
        left =
            arith::AndIOp::create(e.b, e.loc, left, e.constant(integers, 255));
        Value level =
            arith::AddIOp::create(e.b, e.loc, times(code, levels.getStep()),
                                  e.constant(integers, levels.getFirst()));
        level = arith::SIToFPOp::create(e.b, e.loc, floats, level);
        Value y = arith::MulFOp::create(e.b, e.loc, level, scale);
        SmallVector<Value> at(position);
        at.push_back(e.add(e.mul(bytes, e.index(digit)), begin));
        e.store(y, op.getInit(), at, limit(digit, bytes, at.back(), count));
      }
    });
  }

  /// How many elements from `k` on a vector of digits stores; null for all.
  /// Behind the end of a row the last digits of its last bytes have none.
  Value limit(int64_t digit, Value bytes, Value k, Value count) {
    std::optional<int64_t> known = getConstantIntValue(size),
                           row = getConstantIntValue(bytes);
    if (known && row) {
      int64_t end = count ? *row : *row / lanes * lanes;
      if (digit * *row + end <= *known)
        return count;
    }
    Value most = e.min(e.sub(size, k), count ? count : e.index(lanes));
    return e.b.createOrFold<arith::MaxSIOp>(e.loc, most, e.index(0));
  }

  Emission &e;
  PackedLookupOp op;
  int64_t lanes;
  Value size;
};

} // namespace

LogicalResult mlir::lowbit::emitPackedLookup(RewriterBase &rewriter,
                                             PackedLookupOp op,
                                             const Target &target) {
  auto initType = dyn_cast<MemRefType>(op.getInit().getType());
  if (!initType)
    return op.emitOpError("must be on buffers before code is emitted for it");
  Emission e(rewriter, op.getLoc(), target);
  Lookup lookup(e, op, std::max<int64_t>(getFloatLanes(target), 8));
  SmallVector<Value> extents;
  for (int64_t i = 0; i + 1 < initType.getRank(); ++i)
    extents.push_back(e.dim(op.getInit(), i));
  if (extents.empty())
    lookup.emitRow({});
  else
    e.parallel(extents, /*grain=*/8,
               [&](ValueRange position) { lookup.emitRow(position); });
  rewriter.eraseOp(op);
  return success();
}
