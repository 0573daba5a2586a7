//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Quantize and pack in one sweep: see `lowbit.quantize_pack`.
//
// Two shapes of code. Where K is contiguous, 64 elements of a row are compared
// a vector at a time and their bits joined to a word. Where the rows of the
// logical operand are contiguous (values of attention, packed along the
// sequence), the lanes of a vector are rows and each step along K sets one bit
// in every lane.
//
//===----------------------------------------------------------------------===//

#include "../Quantizer.h"
#include "lowbit/Kernels/Emitters.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::lowbit;

namespace {

class QuantizePack {
public:
  QuantizePack(Emission &e, Quantizer &quantizer, const Target &target)
      : e(e), quantizer(quantizer), packing(quantizer.packing),
        planes(packing.getPlanes()), lanes(getFloatLanes(target)),
        dwords(packing.getOrder() == Order::dwords),
        wordBits(packing.getElementsPerWord()),
        batchExtents(quantizer.batchExtents), size(quantizer.size),
        rows(quantizer.rows), words(e.ceilDiv(size, wordBits)) {}

  void emitAlongSize();
  void emitAlongRows();

private:
  Value outputWord(ValueRange batch, Value row, Value position, Value word) {
    Value stored = word;
    if (dwords)
      stored = arith::TruncIOp::create(e.b, e.loc, e.b.getI32Type(), word);
    quantizer.storeWord(stored, batch, row, position);
    return word;
  }

  /// The words (one for each plane) of the elements from `begin` on; `count` is
  /// null for 64 elements.
  SmallVector<Value> packWord(ValueRange batch, Value row, Value begin,
                              Value count, Value rowScale) {
    SmallVector<SmallVector<Value>> parts(planes);
    for (int64_t part = 0; part < wordBits; part += lanes) {
      Value k = e.add(begin, e.index(part));
      Value left = e.remaining(count, part);
      Value x = quantizer.load(batch, row, k, lanes, left);
      Value shift = quantizer.loadShift(k, lanes, left);
      SmallVector<Value> bits = quantizer.getPlanes(x, shift, rowScale);
      for (auto [plane, bit] : llvm::zip(parts, bits)) {
        if (left)
          bit = arith::AndIOp::create(
              e.b, e.loc, bit,
              vector::CreateMaskOp::create(e.b, e.loc, bit.getType(), left));
        plane.push_back(bit);
      }
    }
    SmallVector<Value> result;
    for (ArrayRef<Value> plane : parts)
      result.push_back(e.joinBits(plane));
    return result;
  }

  /// The last word of a row from running counts of the ones of each plane.
  Value sumWord(ValueRange ones) {
    Value sum = e.i64(0);
    for (auto [plane, count] : llvm::enumerate(ones))
      sum = e.addPlane(sum, count, plane);
    return sum;
  }

  void packRow(ValueRange batch, Value row) {
    Value rowScale = quantizer.loadScale(batch, row);
    SmallVector<Value> ones(planes, e.i64(0));
    ones = e.forVectors(
        size, wordBits, ones,
        [&](Value begin, Value count, ValueRange carried) {
          SmallVector<Value> packed =
              packWord(batch, row, begin, count, rowScale);
          Value at = e.mul(e.floorDiv(begin, wordBits), e.index(planes));
          SmallVector<Value> next;
          for (unsigned plane = 0; plane < planes; ++plane) {
            outputWord(batch, row, e.add(at, e.index(plane)), packed[plane]);
            next.push_back(
                e.add(carried[plane],
                      math::CtPopOp::create(e.b, e.loc, packed[plane])));
          }
          return next;
        });
    if (packing.getSums())
      outputWord(batch, row, e.mul(words, e.index(planes)), sumWord(ones));
  }

  void packPanel(ValueRange batch, Value panel, Value row, Value count) {
    int64_t width = packing.getLanes();
    auto wordsType = VectorType::get({width}, e.b.getIntegerType(wordBits));
    Value zero = e.constant(wordsType, 0);
    auto store = [&](Value vector, Value position) {
      quantizer.storePanel(vector, batch, panel, position);
    };
    Value shift = quantizer.loadShift(row, width, count);
    Value scale = quantizer.loadScale(batch, row);
    // Lanes that are no rows must stay without bits.
    Value mask;
    if (count)
      mask = vector::CreateMaskOp::create(
          e.b, e.loc, VectorType::get({width}, e.b.getI1Type()), count);
    SmallVector<Value> zeros(planes, zero);
    SmallVector<Value> ones = e.forLoop(
        e.index(0), words, 1, zeros, [&](Value word, ValueRange carried) {
          Value begin = e.mul(word, e.index(wordBits));
          Value end = e.min(e.add(begin, e.index(wordBits)), size);
          SmallVector<Value> init(zeros);
          init.push_back(e.constant(wordsType, 1));
          SmallVector<Value> packed =
              e.forLoop(begin, end, 1, init, [&](Value k, ValueRange state) {
                Value x = quantizer.load(batch, row, k, width, count);
                SmallVector<Value> bits = quantizer.getPlanes(x, shift, scale);
                SmallVector<Value> next;
                Value one = state.back();
                for (auto [bit, value] : llvm::zip(bits, state.drop_back())) {
                  if (mask)
                    bit = arith::AndIOp::create(e.b, e.loc, bit, mask);
                  Value set =
                      arith::SelectOp::create(e.b, e.loc, bit, one, zero);
                  next.push_back(arith::OrIOp::create(e.b, e.loc, value, set));
                }
                next.push_back(e.add(one, one));
                return next;
              });
          SmallVector<Value> next;
          Value at = e.mul(word, e.index(planes));
          for (unsigned plane = 0; plane < planes; ++plane) {
            store(packed[plane], e.add(at, e.index(plane)));
            next.push_back(
                e.add(carried[plane],
                      math::CtPopOp::create(e.b, e.loc, packed[plane])));
          }
          return next;
        });
    store(e.sumVector(ones), e.mul(words, e.index(planes)));
  }

  Emission &e;
  Quantizer &quantizer;
  PackingAttr packing;
  unsigned planes;
  int64_t lanes;
  bool dwords;
  int64_t wordBits;
  ArrayRef<Value> batchExtents;
  Value size, rows, words;
};

} // namespace

void QuantizePack::emitAlongSize() {
  SmallVector<Value> extents(batchExtents);
  extents.push_back(rows);
  e.parallel(extents, /*grain=*/8,
             [&](ValueRange ivs) { packRow(ivs.drop_back(), ivs.back()); });
  if (!packing.hasPanels())
    return;
  // Lanes beyond the last row hold nothing.
  Value padded =
      e.mul(e.ceilDiv(rows, packing.getLanes()), e.index(packing.getLanes()));
  std::optional<int64_t> known = getConstantIntValue(rows);
  if (known && *known % packing.getLanes() == 0)
    return;
  Value depth = e.add(e.mul(words, e.index(planes)), e.index(1));
  e.parallel(batchExtents.empty() ? ValueRange(e.index(1))
                                  : ValueRange(batchExtents),
             /*grain=*/64, [&](ValueRange ivs) {
               ValueRange batch = batchExtents.empty() ? ValueRange() : ivs;
               e.forLoop(rows, padded, 1, [&](Value row) {
                 e.forLoop(e.index(0), depth, 1, [&](Value position) {
                   outputWord(batch, row, position, e.i64(0));
                 });
               });
             });
}

void QuantizePack::emitAlongRows() {
  quantizer.forPanels(
      [&](ValueRange batch, Value panel, Value row, Value count) {
        packPanel(batch, panel, row, count);
      });
}

LogicalResult mlir::lowbit::emitQuantizePack(RewriterBase &rewriter,
                                             QuantizePackOp op,
                                             const Target &target) {
  if (!isa<MemRefType>(op.getInit().getType()))
    return op.emitOpError("must be on buffers before code is emitted for it");
  Order order = op.getPacking().getOrder();
  if (order == Order::lanes || order == Order::digits ||
      PackingAttr::isLookedUp(order))
    return op.emitOpError("cannot pack in the order '")
           << stringifyOrder(order) << "' at run time";
  if (!op.getPacking().getSums() && order != Order::rows)
    return op.emitOpError("cannot pack without sums of codes at run time");
  Emission e(rewriter, op.getLoc(), target);
  Quantizer quantizer(e, op);
  bool alongSize = quantizer.isContiguousAlongSize();
  if (!alongSize &&
      (!op.getPacking().hasPanels() || !quantizer.isContiguousAlongRows() ||
       op.getGranularity() == Granularity::token))
    return op.emitOpError("expects the last dimension of the input to be the "
                          "packed one, or that of the panels");
  if (op.getPacking().hasWholeCodes()) {
    if (failed(emitQuantizeBytes(e, quantizer, target)))
      return failure();
  } else if (alongSize) {
    QuantizePack(e, quantizer, target).emitAlongSize();
  } else {
    QuantizePack(e, quantizer, target).emitAlongRows();
  }
  rewriter.eraseOp(op);
  return success();
}
