//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The words of each order of `#lowbit.packing`, as its description says.
//
//===----------------------------------------------------------------------===//

#include "PackedWords.h"
#include "Definitions.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::lowbit;
using namespace mlir::lowbit::definitions;

Value Codes::isInside(Arithmetic a, Value row, Value k) const {
  return arith::AndIOp::create(a.b, a.loc, a.less(row, rows), a.less(k, size));
}

Value Codes::get(Arithmetic a, ValueRange batch, Value row, Value k) const {
  Value inside = isInside(a, row, k);
  auto yieldCode = [&](OpBuilder &b, Location loc) {
    Arithmetic inner{b, loc};
    SmallVector<Value> position(batch);
    position.append({transposed ? k : row, transposed ? row : k});
    Value stored = tensor::ExtractOp::create(b, loc, levels, position);
    Value level = extendLevel(b, loc, stored, type, b.getI64Type());
    Value above =
        arith::SubIOp::create(b, loc, level, inner.word(type.getFirst()));
    Value code =
        arith::DivUIOp::create(b, loc, above, inner.word(type.getStep()));
    scf::YieldOp::create(b, loc, code);
  };
  auto yieldZero = [&](OpBuilder &b, Location loc) {
    scf::YieldOp::create(b, loc, Arithmetic{b, loc}.word(0));
  };
  return scf::IfOp::create(a.b, a.loc, inside, yieldCode, yieldZero)
      .getResult(0);
}

Value definitions::getByteOfLane(Arithmetic a, PackingAttr packing,
                                 Value lane) {
  int64_t vector = packing.getLanes() / 2, quarter = vector / 4;
  Value row = a.rem(lane, vector);
  Value inVector =
      a.add(a.mul(a.rem(row, quarter), a.index(4)), a.div(row, quarter));
  return a.add(a.mul(a.div(lane, vector), a.index(vector)), inVector);
}

std::pair<Value, Value>
definitions::getLookupBit(Arithmetic a, PackingAttr packing, Value k) {
  if (packing.getOrder() == Order::nibbles)
    return {a.div(k, 8), a.rem(k, 8)};
  Value in = a.rem(k, 24), isLow = a.less(in, a.index(18));
  auto select = [&](Value low, Value high) {
    return arith::SelectOp::create(a.b, a.loc, isLow, low, high);
  };
  // From 18 on: (in - 18) / 2 and 6 + (in - 18) % 2.
  Value byte = select(a.div(in, 6), a.rem(a.div(in, 2), 9));
  Value bit = select(a.rem(in, 6), a.add(a.rem(in, 2), a.index(6)));
  return {a.add(a.mul(a.div(k, 24), a.index(3)), byte), bit};
}

namespace {

/// How words of a plane are made.
struct Words {
  int64_t planes, bits;
  /// Whether the last word tells which planes are not empty.
  bool tellsPlanes;
};

/// A word of elements of one plane of a row.
Value getPlaneWord(Arithmetic a, const Codes &codes, Words words,
                   ValueRange batch, Value row, Value position) {
  Value first = a.mul(a.div(position, words.planes), a.index(words.bits));
  Value plane = a.rem(position, words.planes);
  return a
      .loop(a.index(words.bits), 1,
            [&](Arithmetic a, Value i, ValueRange carried) {
              Value code = codes.get(a, batch, row, a.add(first, i));
              Value bit = a.at(a.bit(code, plane), i);
              Value word = arith::OrIOp::create(a.b, a.loc, carried[0], bit);
              return SmallVector<Value>{word};
            })
      .front();
}

/// The last word of a row: the sum of its codes below, above it a bit for each
/// plane that is not empty.
Value getSumWord(Arithmetic a, const Codes &codes, Words words,
                 ValueRange batch, Value row) {
  SmallVector<Value> sums =
      a.loop(codes.size, 2, [&](Arithmetic a, Value k, ValueRange carried) {
        Value code = codes.get(a, batch, row, k);
        return SmallVector<Value>{
            a.add(carried[0], code),
            arith::OrIOp::create(a.b, a.loc, carried[1], code)};
      });
  if (!words.tellsPlanes)
    return sums[0];
  Value high = a.at(sums[1], a.index(32));
  return arith::OrIOp::create(a.b, a.loc, sums[0], high);
}

/// The word of a row at `position` of `count`.
Value getWord(Arithmetic a, const Codes &codes, Words words, ValueRange batch,
              Value row, Value position, Value count) {
  Value last = a.add(position, a.index(1));
  Value isSum =
      arith::CmpIOp::create(a.b, a.loc, arith::CmpIPredicate::eq, last, count);
  return scf::IfOp::create(
             a.b, a.loc, isSum,
             [&](OpBuilder &b, Location loc) {
               Value word = getSumWord({b, loc}, codes, words, batch, row);
               scf::YieldOp::create(b, loc, word);
             },
             [&](OpBuilder &b, Location loc) {
               Value word =
                   getPlaneWord({b, loc}, codes, words, batch, row, position);
               scf::YieldOp::create(b, loc, word);
             })
      .getResult(0);
}

/// The word of a row at `position` of `count` whose bytes are made of codes.
Value getByteWord(Arithmetic a, const Codes &codes, PackingAttr packing,
                  ValueRange batch, Value row, Value position, Value count) {
  int64_t perWord = packing.getElementsPerWord(), bits = 32 / perWord;
  auto stored = [&](Arithmetic a, Value k) {
    Value code = codes.get(a, batch, row, k);
    Value inside = arith::ExtUIOp::create(a.b, a.loc, a.b.getI64Type(),
                                          codes.isInside(a, row, k));
    return arith::SubIOp::create(a.b, a.loc, code,
                                 a.mul(inside, a.word(packing.getCentre())))
        .getResult();
  };
  Value last = a.add(position, a.index(1));
  Value isSum =
      arith::CmpIOp::create(a.b, a.loc, arith::CmpIPredicate::eq, last, count);
  Value word =
      scf::IfOp::create(
          a.b, a.loc, isSum,
          [&](OpBuilder &b, Location loc) {
            Value sum =
                Arithmetic{b, loc}
                    .loop(codes.size, 1,
                          [&](Arithmetic a, Value k, ValueRange carried) {
                            return SmallVector<Value>{
                                a.add(carried[0], stored(a, k))};
                          })
                    .front();
            scf::YieldOp::create(b, loc, sum);
          },
          [&](OpBuilder &b, Location loc) {
            Arithmetic inner{b, loc};
            Value joined = inner.word(0);
            for (int64_t i = 0; i < perWord; ++i) {
              Value k = inner.add(inner.mul(position, inner.index(perWord)),
                                  inner.index(i));
              Value byte = arith::AndIOp::create(b, loc, stored(inner, k),
                                                 inner.word(255));
              int64_t shift = 8 * (i % 4) + bits * (i / 4);
              joined = arith::OrIOp::create(b, loc, joined,
                                            inner.at(byte, inner.index(shift)));
            }
            scf::YieldOp::create(b, loc, joined);
          })
          .getResult(0);
  return arith::TruncIOp::create(a.b, a.loc, a.b.getI32Type(), word);
}

/// One plane of element `k` of eight rows of a panel.
Value getLaneByte(Arithmetic a, const Codes &codes, PackingAttr packing,
                  ValueRange batch, Value panel, Value step, Value byte) {
  int64_t planes = packing.getPlanes();
  Value k = a.div(step, planes), plane = a.rem(step, planes);
  Value first =
      a.add(a.mul(panel, a.index(packing.getLanes())), a.mul(byte, a.index(8)));
  Value word =
      a.loop(a.index(8), 1, [&](Arithmetic a, Value i, ValueRange carried) {
         Value code = codes.get(a, batch, a.add(first, i), k);
         Value bit = a.at(a.bit(code, plane), i);
         Value byte = arith::OrIOp::create(a.b, a.loc, carried[0], bit);
         return SmallVector<Value>{byte};
       }).front();
  return arith::TruncIOp::create(a.b, a.loc, a.b.getI8Type(), word);
}

/// The inverse of `getByteOfLane`.
Value getLaneOfByte(Arithmetic a, PackingAttr packing, Value byte) {
  int64_t vector = packing.getLanes() / 2, quarter = vector / 4;
  Value inVector = a.rem(byte, vector);
  Value row =
      a.add(a.mul(a.rem(inVector, 4), a.index(quarter)), a.div(inVector, 4));
  return a.add(a.mul(a.div(byte, vector), a.index(vector)), row);
}

/// The inverse of `getLookupBit`.
Value getLookedUpElement(Arithmetic a, PackingAttr packing, Value byte,
                         Value bit) {
  if (packing.getOrder() == Order::nibbles)
    return a.add(a.mul(byte, a.index(8)), bit);
  Value group = a.mul(a.div(byte, 3), a.index(24)), inGroup = a.rem(byte, 3);
  Value low = a.add(a.mul(inGroup, a.index(6)), bit);
  // 18 + 2 * inGroup + bit - 6
  Value high = a.add(a.mul(inGroup, a.index(2)), a.add(bit, a.index(12)));
  Value k =
      arith::SelectOp::create(a.b, a.loc, a.less(bit, a.index(6)), low, high);
  return a.add(group, k);
}

/// Eight elements of a row, or one byte of the sums of the codes in the last
/// four of `count` steps.
Value getLookedUpByte(Arithmetic a, const Codes &codes, PackingAttr packing,
                      ValueRange batch, Value panel, Value step, Value byte,
                      Value count) {
  Value lanes = a.index(packing.getLanes());
  Value firstRow = a.mul(panel, lanes);
  Value steps = arith::SubIOp::create(a.b, a.loc, count, a.index(4));
  auto yieldElements = [&](OpBuilder &b, Location loc) {
    Arithmetic a{b, loc};
    Value row = a.add(firstRow, getLaneOfByte(a, packing, byte));
    Value word =
        a.loop(a.index(8), 1, [&](Arithmetic a, Value i, ValueRange carried) {
           Value k = getLookedUpElement(a, packing, step, i);
           Value code = codes.get(a, batch, row, k);
           Value bit = a.at(code, i);
           Value byte = arith::OrIOp::create(a.b, a.loc, carried[0], bit);
           return SmallVector<Value>{byte};
         }).front();
    scf::YieldOp::create(b, loc, word);
  };
  auto yieldSum = [&](OpBuilder &b, Location loc) {
    Arithmetic a{b, loc};
    Value past = arith::SubIOp::create(b, loc, step, steps);
    Value position = a.add(a.mul(past, lanes), byte);
    Words words{packing.getPlanes(), 8, /*tellsPlanes=*/false};
    Value sum =
        getSumWord(a, codes, words, batch, a.add(firstRow, a.div(position, 4)));
    Value shift = a.mul(a.rem(position, 4), a.index(8));
    Value shifted = arith::ShRUIOp::create(b, loc, sum, a.toWord(shift));
    scf::YieldOp::create(b, loc, shifted);
  };
  Value word = scf::IfOp::create(a.b, a.loc, a.less(step, steps), yieldElements,
                                 yieldSum)
                   .getResult(0);
  return arith::TruncIOp::create(a.b, a.loc, a.b.getI8Type(), word);
}

/// The byte at `position` of `count` in a row: digits of elements that lie
/// `count` apart.
Value getDigitByte(Arithmetic a, const Codes &codes, PackingAttr packing,
                   ValueRange batch, Value row, Value position, Value count) {
  int64_t range = packing.getDigitRange();
  Value value = a.word(0), k = position;
  for (int64_t i = 0, e = packing.getElementsPerWord(); i < e; ++i) {
    value = a.add(a.mul(value, a.word(packing.getLevels().getCount())),
                  codes.get(a, batch, row, k));
    k = a.add(k, count);
  }
  Value up = a.add(a.mul(value, a.word(256)), a.word(range - 1));
  Value byte = arith::DivUIOp::create(a.b, a.loc, up, a.word(range));
  return arith::TruncIOp::create(a.b, a.loc, a.b.getI8Type(), byte);
}

} // namespace

Value definitions::getPackedWord(Arithmetic a, const Codes &codes,
                                 PackingAttr packing, ValueRange position,
                                 Value count) {
  ValueRange batch = position.drop_back(packing.hasPanels() ? 3 : 2);
  ValueRange at = position.drop_front(batch.size());
  bool dwords = packing.getOrder() == Order::dwords;
  Words words{packing.getPlanes(), dwords ? 32 : 64, !dwords};
  auto rowOfLane = [&](Value lane) {
    return a.add(a.mul(at[0], a.index(packing.getLanes())), lane);
  };
  auto wordOfRow = [&](Value row) {
    return packing.getSums()
               ? getWord(a, codes, words, batch, row, at[1], count)
               : getPlaneWord(a, codes, words, batch, row, at[1]);
  };
  switch (packing.getOrder()) {
  case Order::rows:
    return wordOfRow(at[0]);
  case Order::panels:
    return wordOfRow(rowOfLane(at[2]));
  case Order::dwords:
    return arith::TruncIOp::create(a.b, a.loc, a.b.getI32Type(),
                                   wordOfRow(rowOfLane(at[2])));
  case Order::bytes:
    return getByteWord(a, codes, packing, batch, at[0], at[1], count);
  case Order::quads:
    return getByteWord(a, codes, packing, batch, rowOfLane(at[2]), at[1],
                       count);
  case Order::lanes:
    return getLaneByte(a, codes, packing, batch, at[0], at[1], at[2]);
  case Order::nibbles:
  case Order::sextets:
    return getLookedUpByte(a, codes, packing, batch, at[0], at[1], at[2],
                           count);
  case Order::digits:
    return getDigitByte(a, codes, packing, batch, at[0], at[1], count);
  }
  llvm_unreachable("unknown order");
}
