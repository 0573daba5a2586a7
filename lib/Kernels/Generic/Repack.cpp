//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rows of planes in another order: see `lowbit.repack`.
//
// Where the last dimension stays last, runs of bits of a row are cut out and
// stored as words. Where it becomes the rows of the result (values of
// attention, packed along the sequence), the bits of a run are the lanes of a
// vector and each step along the sequence sets one bit in every lane.
//
// In the order `quads` a plane gives one bit to each byte: four bits of a run
// are spread over a word by a multiplication, or each step along the sequence
// sets the bits of one byte in every lane.
//
//===----------------------------------------------------------------------===//

#include "RepackLayout.h"
#include "lowbit/Kernels/Emitters.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::lowbit;

namespace {

class Repack : RepackLayout {
public:
  Repack(Emission &e, RepackOp op)
      : RepackLayout(e, op), planes(packing.getPlanes()),
        dwords(packing.getOrder() == Order::dwords),
        quads(packing.getOrder() == Order::quads),
        panels(dwords || quads || packing.getOrder() == Order::panels),
        wordBits(packing.getElementsPerWord()),
        words(e.ceilDiv(size, wordBits)) {}

  LogicalResult emit() {
    if (packing.getOrder() != Order::rows && !panels)
      return op.emitOpError("cannot pack in the order '")
             << stringifyOrder(packing.getOrder()) << "' at run time";
    if (failed(check()))
      return failure();
    if (!keepsLast())
      forPanels([&](ValueRange batch, Value panel, int64_t count) {
        quads ? packBytes(batch, panel, count)
              : packPlanes(batch, panel, count);
      });
    else if (quads)
      emitByteRuns();
    else
      emitRuns();
    return success();
  }

private:
  /// `count` (at most 64) bits of a plane from element `k` of the last
  /// dimension on, for a position of the other dimensions of the result.
  Value loadBits(ArrayRef<Value> position, Value k, int64_t count,
                 int64_t plane) {
    SmallVector<Value> split = getSplit(position);
    Value bit = k;
    if (op.getSplit().size() == 2)
      bit = e.add(e.mul(split[outer], e.index(extent)), k);
    auto load = [&](Value word) -> Value {
      SmallVector<Value> indices(ArrayRef<Value>(split).take_front(outer));
      indices.push_back(e.add(e.mul(word, e.index(planes)), e.index(plane)));
      return memref::LoadOp::create(e.b, e.loc, op.getInput(), indices);
    };
    Value word = e.floorDiv(bit, 64);
    Value bits = load(word);
    bool aligned = extent % 64 == 0 && 64 % count == 0;
    if (extent % 64 != 0 || count != 64) {
      Value shift = arith::IndexCastOp::create(
          e.b, e.loc, e.b.getI64Type(),
          arith::RemUIOp::create(e.b, e.loc, bit, e.index(64)));
      bits = arith::ShRUIOp::create(e.b, e.loc, bits, shift);
      if (!aligned && 64 % extent != 0)
        bits = orNext(bits, bit, shift, count, load);
    }
    if (count < 64)
      bits = arith::AndIOp::create(e.b, e.loc, bits,
                                   e.i64((int64_t(1) << count) - 1));
    return bits;
  }

  /// Adds what a run has in the next word; there is none beyond the last bit.
  Value orNext(Value bits, Value bit, Value shift, int64_t count,
               llvm::function_ref<Value(Value)> load) {
    Value end = e.add(bit, e.index(count - 1));
    Value next = e.floorDiv(end, 64);
    Value crosses = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ne,
                                          next, e.floorDiv(bit, 64));
    Value up = arith::AndIOp::create(
        e.b, e.loc, arith::SubIOp::create(e.b, e.loc, e.i64(64), shift),
        e.i64(63));
    Value high = arith::ShLIOp::create(e.b, e.loc, load(next), up);
    high = arith::SelectOp::create(e.b, e.loc, crosses, high, e.i64(0));
    return arith::OrIOp::create(e.b, e.loc, bits, high);
  }

  //===--- The last dimension stays packed --------------------------------===//

  void storeWord(ValueRange batch, Value row, Value position, Value word) {
    if (dwords || quads)
      word = arith::TruncIOp::create(e.b, e.loc, e.b.getI32Type(), word);
    memref::StoreOp::create(e.b, e.loc, word, op.getInit(),
                            getTarget(batch, row, position));
  }

  void emitRuns() {
    forRows([&](ValueRange position) {
      ValueRange batch = position.drop_back();
      Value row = position.back(), sum = e.i64(0);
      SmallVector<Value> where(position);
      for (int64_t plane = 0; plane < planes; ++plane) {
        Value ones = e.i64(0);
        for (int64_t k = 0; k < extent; k += wordBits) {
          Value bits = loadBits(where, e.index(k),
                                std::min<int64_t>(wordBits, extent - k), plane);
          storeWord(batch, row, e.index(k / wordBits * planes + plane), bits);
          ones = e.add(ones, math::CtPopOp::create(e.b, e.loc, bits));
        }
        sum = e.addPlane(sum, ones, plane);
      }
      if (packing.getSums())
        storeWord(batch, row, e.mul(words, e.index(planes)), sum);
    });
    if (panels)
      clearLanes();
  }

  /// As `emitRuns`, in bytes that hold a code each.
  void emitByteRuns() {
    forRows([&](ValueRange position) {
      ValueRange batch = position.drop_back();
      Value row = position.back();
      auto storeBytes = [&](Value word, int64_t count, Value sum) {
        Value bytes = e.i64(0);
        for (int64_t plane = 0; plane < planes; ++plane) {
          Value bits = loadBits(SmallVector<Value>(position),
                                e.mul(word, e.index(4)), count, plane);
          Value spread = arith::AndIOp::create(
              e.b, e.loc, e.mul(bits, e.i64(0x00204081)), e.i64(0x01010101));
          bytes = e.addPlane(bytes, spread, plane);
          sum = e.addPlane(sum, math::CtPopOp::create(e.b, e.loc, bits), plane);
        }
        storeWord(batch, row, word,
                  subtractCentre(bytes, e.i64(getByteMask(count))));
        return sum;
      };
      int64_t whole = extent / 4, rest = extent % 4;
      Value sum = e.forLoop(e.index(0), e.index(whole), 1, {e.i64(0)},
                            [&](Value word, ValueRange carried) {
                              return SmallVector<Value>{
                                  storeBytes(word, 4, carried[0])};
                            })[0];
      if (rest)
        sum = storeBytes(e.index(whole), rest, sum);
      storeWord(batch, row, words, subtractCentres(sum));
    });
    clearLanes();
  }

  static int64_t getByteMask(int64_t count) {
    return static_cast<int64_t>(uint64_t(0x01010101) &
                                ((uint64_t(1) << (8 * count)) - 1));
  }

  /// Bytes less the centre, where `inside` has a 1; each in its byte.
  Value subtractCentre(Value bytes, Value inside) {
    int64_t centre = packing.getCentre();
    if (centre == 0)
      return bytes;
    auto constant = [&](int64_t value) -> Value {
      return isa<VectorType>(bytes.getType())
                 ? e.constant(bytes.getType(), static_cast<int32_t>(value))
                 : e.i64(value);
    };
    auto mask = [&](Value value, int64_t bits) -> Value {
      return arith::AndIOp::create(e.b, e.loc, value, constant(bits));
    };
    // Carries stop at the highest bit of a byte, which is added without.
    Value added = e.mul(inside, constant(256 - centre));
    Value sum = e.add(mask(bytes, 0x7f7f7f7f), mask(added, 0x7f7f7f7f));
    Value highest =
        mask(arith::XOrIOp::create(e.b, e.loc, bytes, added), 0x80808080);
    return arith::XOrIOp::create(e.b, e.loc, sum, highest);
  }

  /// The sum of codes of a row, less the centre of each.
  Value subtractCentres(Value sum) {
    Value size64 =
        arith::IndexCastOp::create(e.b, e.loc, e.b.getI64Type(), size);
    return e.sub(sum, e.mul(size64, e.i64(packing.getCentre())));
  }

  void clearLanes() {
    Value depth =
        e.add(quads ? words : e.mul(words, e.index(planes)), e.index(1));
    forPadding([&](ValueRange batch, Value row) {
      e.forLoop(e.index(0), depth, 1, [&](Value position) {
        storeWord(batch, row, position, e.i64(0));
      });
    });
  }

  //===--- The last dimension becomes lanes -------------------------------===//

  /// The position of lanes at step `k`: that of a row is not used.
  SmallVector<Value> getStep(ValueRange batch, Value k) {
    SmallVector<Value> position(batch);
    position.append({e.index(0), k});
    return position;
  }

  /// A panel with `count` rows, in bytes.
  void packBytes(ValueRange batch, Value panel, int64_t count) {
    auto type = VectorType::get({lanes}, e.b.getI32Type());
    auto masks = VectorType::get({lanes}, e.b.getI1Type());
    Value zero = e.constant(type, 0), first = e.mul(panel, e.index(lanes));
    Value isRow =
        vector::CreateMaskOp::create(e.b, e.loc, masks, e.index(count));
    auto select = [&](Value mask, Value yes) -> Value {
      return arith::SelectOp::create(e.b, e.loc, mask, yes, zero);
    };
    Value sums = e.forLoop(
        e.index(0), words, 1, {zero}, [&](Value word, ValueRange carried) {
          Value begin = e.mul(word, e.index(4));
          Value end = e.min(e.add(begin, e.index(4)), size);
          // Bytes, the sums, where codes are, and a 1 in the byte of the next.
          SmallVector<Value> state = e.forLoop(
              begin, end, 1, {zero, carried[0], zero, e.constant(type, 1)},
              [&](Value k, ValueRange state) {
                SmallVector<Value> position = getStep(batch, k);
                Value bytes = state[0], sums = state[1], one = state[3];
                for (int64_t plane = 0; plane < planes; ++plane) {
                  Value mask =
                      laneMask(loadBits(position, first, count, plane), masks);
                  Value shift = e.constant(type, int64_t(1) << plane);
                  Value bit = arith::MulIOp::create(e.b, e.loc, one, shift);
                  bytes = arith::OrIOp::create(e.b, e.loc, bytes,
                                               select(mask, bit));
                  sums = e.add(sums, select(mask, shift));
                }
                Value inside = arith::OrIOp::create(e.b, e.loc, state[2],
                                                    select(isRow, one));
                Value next = arith::MulIOp::create(e.b, e.loc, one,
                                                   e.constant(type, 256));
                return SmallVector<Value>{bytes, sums, inside, next};
              });
          storePanel(batch, panel, word, subtractCentre(state[0], state[2]));
          return SmallVector<Value>{state[1]};
        })[0];
    Value centres = arith::TruncIOp::create(e.b, e.loc, e.b.getI32Type(),
                                            subtractCentres(e.i64(0)));
    storePanel(batch, panel, words,
               e.add(sums, select(isRow, e.broadcast(centres, lanes))));
  }

  /// A panel with `count` rows, in planes.
  void packPlanes(ValueRange batch, Value panel, int64_t count) {
    auto type = VectorType::get({lanes}, e.b.getIntegerType(wordBits));
    auto masks = VectorType::get({lanes}, e.b.getI1Type());
    Value zero = e.constant(type, 0), first = e.mul(panel, e.index(lanes));
    SmallVector<Value> zeros(planes, zero);
    SmallVector<Value> ones = e.forLoop(
        e.index(0), words, 1, zeros, [&](Value word, ValueRange carried) {
          Value begin = e.mul(word, e.index(wordBits));
          Value end = e.min(e.add(begin, e.index(wordBits)), size);
          SmallVector<Value> init(zeros);
          init.push_back(e.constant(type, 1));
          SmallVector<Value> packed =
              e.forLoop(begin, end, 1, init, [&](Value k, ValueRange state) {
                SmallVector<Value> position = getStep(batch, k);
                SmallVector<Value> next;
                Value one = state.back();
                for (int64_t plane = 0; plane < planes; ++plane) {
                  Value bits = loadBits(position, first, count, plane);
                  Value mask = laneMask(bits, masks);
                  Value set =
                      arith::SelectOp::create(e.b, e.loc, mask, one, zero);
                  next.push_back(
                      arith::OrIOp::create(e.b, e.loc, state[plane], set));
                }
                next.push_back(e.add(one, one));
                return next;
              });
          SmallVector<Value> next;
          Value at = e.mul(word, e.index(planes));
          for (int64_t plane = 0; plane < planes; ++plane) {
            storePanel(batch, panel, e.add(at, e.index(plane)), packed[plane]);
            next.push_back(
                e.add(carried[plane],
                      math::CtPopOp::create(e.b, e.loc, packed[plane])));
          }
          return next;
        });
    storePanel(batch, panel, e.mul(words, e.index(planes)), e.sumVector(ones));
  }

  /// The lowest bits of a word as a mask of lanes.
  Value laneMask(Value bits, VectorType type) {
    int64_t width = type.getNumElements();
    if (width < 64)
      bits =
          arith::TruncIOp::create(e.b, e.loc, e.b.getIntegerType(width), bits);
    auto single = VectorType::get({1}, bits.getType());
    return vector::BitCastOp::create(
        e.b, e.loc, type,
        vector::BroadcastOp::create(e.b, e.loc, single, bits));
  }

  int64_t planes;
  bool dwords, quads, panels;
  int64_t wordBits; // elements of a word
  Value words;
};

} // namespace

LogicalResult mlir::lowbit::emitRepack(RewriterBase &rewriter, RepackOp op,
                                       const Target &target) {
  if (!isa<MemRefType>(op.getInit().getType()))
    return op.emitOpError("must be on buffers before code is emitted for it");
  Emission e(rewriter, op.getLoc(), target);
  if (failed(op.getSource().hasWholeCodes() ? emitRepackBytes(e, op, target)
                                            : Repack(e, op).emit()))
    return failure();
  rewriter.eraseOp(op);
  return success();
}
