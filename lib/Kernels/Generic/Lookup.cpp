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
    Value scale = memref::LoadOp::create(
        e.b, e.loc, op.getScale(), perRow ? ValueRange(id) : ValueRange());
    scale = e.broadcast(scale, lanes);
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
  };
  if (extents.empty())
    emitRow({});
  else
    e.parallel(extents, /*grain=*/8, emitRow);
  rewriter.eraseOp(op);
  return success();
}
