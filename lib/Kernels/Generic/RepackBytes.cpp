//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rows of bytes in another order: see `lowbit.repack`.
//
// Where the last dimension stays last, words are copied, or become the steps of
// a lane. Where it becomes the rows of the result (values of attention, packed
// along the sequence), the bytes of four steps are the words of the lanes.
//
//===----------------------------------------------------------------------===//

#include "RepackLayout.h"

using namespace mlir;
using namespace mlir::lowbit;

namespace {

class RepackBytes : RepackLayout {
public:
  RepackBytes(Emission &e, RepackOp op, const Target &target)
      : RepackLayout(e, op), width(getFloatLanes(target)),
        centre(packing.getCentre()), words(extent / 4) {}

  LogicalResult emit() {
    if (!packing.hasWholeCodes())
      return op.emitOpError("packs bytes as bytes alone");
    if (extent % 4 != 0)
      return op.emitOpError("expects heads of bytes to be whole words");
    if (failed(check()))
      return failure();
    if (keepsLast())
      emitRows();
    else
      forPanels([&](ValueRange batch, Value panel, int64_t count) {
        packPanel(SmallVector<Value>(batch), panel, count);
      });
    return success();
  }

private:
  /// The indices of word `word` of the last dimension at a position of the
  /// dimensions of the result before it, or of all where `position` is whole.
  SmallVector<Value> getSource(ArrayRef<Value> position, Value word) {
    SmallVector<Value> split = getSplit(position);
    if (op.getSplit().size() == 2)
      word = e.add(e.mul(split[outer], e.index(words)), word);
    SmallVector<Value> indices(ArrayRef<Value>(split).take_front(outer));
    indices.push_back(word);
    return indices;
  }

  /// Words of bytes less the centre; `centres` has it in each byte.
  Value subtractCentre(Value codes, Value centres) {
    if (centre == 0)
      return codes;
    auto type = cast<VectorType>(codes.getType());
    auto bytes = VectorType::get({type.getNumElements() * 4}, e.b.getI8Type());
    Value difference =
        e.sub(vector::BitCastOp::create(e.b, e.loc, bytes, codes),
              vector::BitCastOp::create(e.b, e.loc, bytes, centres));
    return vector::BitCastOp::create(e.b, e.loc, type, difference);
  }

  Value getCentres(int64_t width) {
    return e.constant(VectorType::get({width}, e.b.getI32Type()),
                      static_cast<int32_t>(centre * 0x01010101));
  }

  //===--- The last dimension stays last ----------------------------------===//

  void emitRows() {
    forRows([&](ValueRange position) {
      SmallVector<Value> where(position);
      auto type = VectorType::get({width}, e.b.getI32Type());
      Value sums = e.constant(type, 0);
      for (int64_t first = 0; first < words; first += width) {
        int64_t count = std::min(width, words - first);
        Value left = count < width ? e.index(count) : Value();
        Value codes = e.load(op.getInput(), getSource(where, e.index(first)),
                             width, left);
        sums = e.addBytes(sums, codes);
        storeRow(where, first, codes, count);
      }
      Value sum = vector::ReductionOp::create(e.b, e.loc,
                                              vector::CombiningKind::ADD, sums);
      storeWord(position.drop_back(), position.back(), words,
                e.sub(sum, e.i32(centre * extent)));
    });
    if (packing.hasPanels())
      forPadding([&](ValueRange batch, Value row) {
        for (int64_t word = 0; word <= words; ++word)
          storeWord(batch, row, word, e.i32(0));
      });
  }

  void storeWord(ValueRange batch, Value row, int64_t word, Value value) {
    memref::StoreOp::create(e.b, e.loc, value, op.getInit(),
                            getTarget(batch, row, e.index(word)));
  }

  void storeRow(ArrayRef<Value> position, int64_t first, Value codes,
                int64_t count) {
    ValueRange batch = position.drop_back();
    if (!packing.hasPanels())
      return e.store(codes, op.getInit(),
                     getTarget(batch, position.back(), e.index(first)),
                     count < width ? e.index(count) : Value());
    Value stored = subtractCentre(codes, getCentres(width));
    for (int64_t i = 0; i < count; ++i)
      storeWord(batch, position.back(), first + i,
                vector::ExtractOp::create(e.b, e.loc, stored, i));
  }

  //===--- The last dimension becomes lanes -------------------------------===//

  /// A panel with `count` rows.
  void packPanel(ArrayRef<Value> batch, Value panel, int64_t count) {
    auto type = VectorType::get({lanes}, e.b.getI32Type());
    Value whole = e.floorDiv(size, 4), zero = e.constant(type, 0);
    Value sums = e.forLoop(
        e.index(0), whole, 1, {zero}, [&](Value word, ValueRange carried) {
          return SmallVector<Value>{packWord(batch, panel, count, word,
                                             /*steps=*/Value(), carried[0])};
        })[0];
    Value steps = e.sub(size, e.mul(whole, e.index(4)));
    sums = e.forLoop(whole, e.ceilDiv(size, 4), 1, {sums},
                     [&](Value word, ValueRange carried) {
                       return SmallVector<Value>{packWord(
                           batch, panel, count, word, steps, carried[0])};
                     })[0];
    Value size32 =
        arith::IndexCastOp::create(e.b, e.loc, e.b.getI32Type(), size);
    Value centres = e.broadcast(e.mul(size32, e.i32(centre)), lanes);
    storeLanes(batch, panel, count, e.ceilDiv(size, 4), e.sub(sums, centres));
  }

  /// The words of four steps, of which `steps` are there where it is given;
  /// returns the sums with their codes.
  Value packWord(ArrayRef<Value> batch, Value panel, int64_t count, Value word,
                 Value steps, Value sums) {
    auto type = VectorType::get({lanes}, e.b.getI32Type());
    auto bytes = VectorType::get({lanes}, e.b.getI8Type());
    Value packed = e.constant(type, 0), centres = getCentres(lanes);
    if (steps) {
      Value bits = arith::IndexCastOp::create(e.b, e.loc, e.b.getI32Type(),
                                              e.mul(steps, e.index(8)));
      Value inside =
          e.sub(arith::ShLIOp::create(e.b, e.loc, e.i32(1), bits), e.i32(1));
      centres = arith::AndIOp::create(e.b, e.loc, centres,
                                      e.broadcast(inside, lanes));
    }
    for (int64_t step = 0; step < 4; ++step) {
      SmallVector<Value> position(batch);
      position.append(
          {e.index(0), e.add(e.mul(word, e.index(4)), e.index(step))});
      Value left = count < lanes ? e.index(count / 4) : Value();
      if (steps) {
        Value isThere = arith::CmpIOp::create(
            e.b, e.loc, arith::CmpIPredicate::ult, e.index(step), steps);
        left = arith::SelectOp::create(e.b, e.loc, isThere, e.index(count / 4),
                                       e.index(0));
      }
      Value row = e.load(op.getInput(),
                         getSource(position, e.mul(panel, e.index(lanes / 4))),
                         lanes / 4, left);
      Value codes = arith::ExtUIOp::create(
          e.b, e.loc, type, vector::BitCastOp::create(e.b, e.loc, bytes, row));
      sums = e.add(sums, codes);
      packed = arith::OrIOp::create(
          e.b, e.loc, packed,
          arith::ShLIOp::create(e.b, e.loc, codes, e.constant(type, 8 * step)));
    }
    storeLanes(batch, panel, count, word, subtractCentre(packed, centres));
    return sums;
  }

  /// Stores a word of all lanes, nothing in those beyond `count`.
  void storeLanes(ArrayRef<Value> batch, Value panel, int64_t count, Value word,
                  Value stored) {
    if (count < lanes)
      stored = arith::SelectOp::create(
          e.b, e.loc,
          vector::CreateMaskOp::create(
              e.b, e.loc, VectorType::get({lanes}, e.b.getI1Type()),
              e.index(count)),
          stored, e.constant(stored.getType(), 0));
    storePanel(batch, panel, word, stored);
  }

  int64_t width, centre;
  int64_t words; // of the last dimension
};

} // namespace

LogicalResult mlir::lowbit::emitRepackBytes(Emission &e, RepackOp op,
                                            const Target &target) {
  return RepackBytes(e, op, target).emit();
}
