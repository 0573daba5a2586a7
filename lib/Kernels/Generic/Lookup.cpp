//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rows of a packed embedding table as floats: see `lowbit.packed_lookup`.
//
//===----------------------------------------------------------------------===//

#include "../Emission.h"
#include "lowbit/Kernels/Emitters.h"

using namespace mlir;
using namespace mlir::lowbit;

/// The bits [part, part + lanes) of a word as a vector of i1.
static Value bitsOf(Emission &e, Value word, int64_t part, int64_t lanes) {
  auto all = VectorType::get({64}, e.b.getI1Type());
  Value bits = vector::BitCastOp::create(e.b, e.loc, all, e.broadcast(word, 1));
  return vector::ExtractStridedSliceOp::create(e.b, e.loc, bits, part, lanes,
                                               int64_t(1));
}

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

/// Writes the elements of row `id` whose level is 0 over those of the words.
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

LogicalResult mlir::lowbit::emitPackedLookup(RewriterBase &rewriter,
                                             PackedLookupOp op,
                                             const Target &target) {
  auto initType = dyn_cast<MemRefType>(op.getInit().getType());
  if (!initType)
    return op.emitOpError("must be on buffers before code is emitted for it");
  if (op.getPacking().getOrder() != Order::rows)
    return op.emitOpError("expects a table packed in the order 'rows'");
  Emission e(rewriter, op.getLoc());
  LevelsType levels = op.getPacking().getLevels();
  unsigned planes = levels.getPlanes();
  int64_t lanes = std::max<int64_t>(getFloatLanes(target), 8);
  int64_t rank = initType.getRank();
  Value size = e.dim(op.getInit(), rank - 1);
  auto floats = VectorType::get({lanes}, e.b.getF32Type());

  SmallVector<Value> extents;
  for (int64_t i = 0; i + 1 < rank; ++i)
    extents.push_back(e.dim(op.getInit(), i));
  auto emitRow = [&](ValueRange position) {
    Value id = memref::LoadOp::create(e.b, e.loc, op.getIds(), position);
    id = arith::IndexCastOp::create(e.b, e.loc, e.b.getIndexType(), id);
    bool perRow = cast<MemRefType>(op.getScale().getType()).getRank() == 1;
    Value factor = memref::LoadOp::create(
        e.b, e.loc, op.getScale(), perRow ? ValueRange(id) : ValueRange());
    Value scale = e.broadcast(factor, lanes);
    auto emitPart = [&](ArrayRef<Value> words, Value k, int64_t part,
                        Value count) {
      // level = first + step * code, plane by plane, then times the scale.
      Value level = e.constant(floats, levels.getFirst());
      for (unsigned plane = 0; plane < planes; ++plane) {
        Value term = arith::SelectOp::create(
            e.b, e.loc, bitsOf(e, words[plane], part, lanes),
            e.constant(floats, levels.getStep() << plane),
            e.constant(floats, 0));
        level = arith::AddFOp::create(e.b, e.loc, level, term);
      }
      Value y = arith::MulFOp::create(e.b, e.loc, level, scale);
      SmallVector<Value> indices(position);
      indices.push_back(k);
      e.store(y, op.getInit(), indices, count);
    };
    e.forVectors(size, 64, [&](Value begin, Value count) {
      SmallVector<Value> words;
      Value at = e.mul(e.floorDiv(begin, 64), e.index(planes));
      for (unsigned plane = 0; plane < planes; ++plane)
        words.push_back(
            memref::LoadOp::create(e.b, e.loc, op.getTable(),
                                   ValueRange{id, e.add(at, e.index(plane))}));
      for (int64_t part = 0; part < 64; part += lanes) {
        Value left;
        if (count)
          left = arith::MaxSIOp::create(e.b, e.loc, e.sub(count, e.index(part)),
                                        e.index(0));
        emitPart(words, e.add(begin, e.index(part)), part, left);
      }
    });
    if (op.getZeros())
      storeZeros(e, op, id, factor, position);
  };
  if (extents.empty())
    emitRow({});
  else
    e.parallel(extents, /*grain=*/8, emitRow);
  rewriter.eraseOp(op);
  return success();
}
