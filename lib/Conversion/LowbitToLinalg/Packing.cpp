//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Definitions of pack and unpack: `#lowbit.packing` word by word, bit by bit.
//
// A packed tensor is a tensor.generate of its words. A word asks for the codes
// that it holds; those beyond the ends of the logical operand are zero.
//
//===----------------------------------------------------------------------===//

#include "Definitions.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace mlir::lowbit;
using namespace mlir::lowbit::definitions;

namespace {

/// Arithmetic on indices and words, without folding: what is written is what
/// the layout says.
struct Arithmetic {
  OpBuilder &b;
  Location loc;

  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, loc, value);
  }
  Value word(int64_t value) {
    return arith::ConstantIntOp::create(b, loc, value, 64);
  }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) { return arith::MulIOp::create(b, loc, x, y); }
  Value div(Value x, int64_t y) {
    return arith::DivUIOp::create(b, loc, x, index(y));
  }
  Value rem(Value x, int64_t y) {
    return arith::RemUIOp::create(b, loc, x, index(y));
  }
  Value less(Value x, Value y) {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, x, y);
  }
  Value toWord(Value x) {
    return arith::IndexCastOp::create(b, loc, b.getI64Type(), x);
  }
  /// Bit `position` (an index) of `x`, as 0 or 1.
  Value bit(Value x, Value position) {
    Value shifted = arith::ShRUIOp::create(b, loc, x, toWord(position));
    return arith::AndIOp::create(b, loc, shifted, word(1));
  }
  /// `x` moved up to bit `position`.
  Value at(Value x, Value position) {
    return arith::ShLIOp::create(b, loc, x, toWord(position));
  }
  /// The result of a loop from 0 to `end` over words.
  SmallVector<Value>
  loop(Value end, int64_t count,
       llvm::function_ref<SmallVector<Value>(Arithmetic, Value, ValueRange)>
           body) {
    SmallVector<Value> start(count, word(0));
    return scf::ForOp::create(b, loc, index(0), end, index(1), start,
                              [&](OpBuilder &nested, Location nestedLoc,
                                  Value i, ValueRange carried) {
                                scf::YieldOp::create(
                                    nested, nestedLoc,
                                    body({nested, nestedLoc}, i, carried));
                              })
        .getResults();
  }
};

/// The codes of a logical operand `[..., R, K]`.
struct Codes {
  Value levels;
  LevelsType type;
  bool transposed;
  Value rows, size;

  Value isInside(Arithmetic a, Value row, Value k) const {
    return arith::AndIOp::create(a.b, a.loc, a.less(row, rows),
                                 a.less(k, size));
  }

  /// The code of element `k` of row `row`, 0 where there is none.
  Value get(Arithmetic a, ValueRange batch, Value row, Value k) const {
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
};

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

/// The byte of a panel of the order `nibbles` that holds the elements of a row,
/// from the row's lane.
Value getByteOfLane(Arithmetic a, PackingAttr packing, Value lane) {
  int64_t vector = packing.getLanes() / 2, quarter = vector / 4;
  Value row = a.rem(lane, vector);
  Value inVector =
      a.add(a.mul(a.rem(row, quarter), a.index(4)), a.div(row, quarter));
  return a.add(a.mul(a.div(lane, vector), a.index(vector)), inVector);
}

/// The inverse of `getByteOfLane`.
Value getLaneOfByte(Arithmetic a, PackingAttr packing, Value byte) {
  int64_t vector = packing.getLanes() / 2, quarter = vector / 4;
  Value inVector = a.rem(byte, vector);
  Value row =
      a.add(a.mul(a.rem(inVector, 4), a.index(quarter)), a.div(inVector, 4));
  return a.add(a.mul(a.div(byte, vector), a.index(vector)), row);
}

/// Eight elements of a row, or one byte of the sums of the codes in the last
/// four of `count` steps.
Value getNibbleByte(Arithmetic a, const Codes &codes, PackingAttr packing,
                    ValueRange batch, Value panel, Value step, Value byte,
                    Value count) {
  Value lanes = a.index(packing.getLanes());
  Value firstRow = a.mul(panel, lanes);
  Value steps = arith::SubIOp::create(a.b, a.loc, count, a.index(4));
  auto yieldElements = [&](OpBuilder &b, Location loc) {
    Arithmetic a{b, loc};
    Value row = a.add(firstRow, getLaneOfByte(a, packing, byte));
    Value k = a.mul(step, a.index(8));
    Value word =
        a.loop(a.index(8), 1, [&](Arithmetic a, Value i, ValueRange carried) {
           Value code = codes.get(a, batch, row, a.add(k, i));
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

SmallVector<Value> getDynamicSizes(OpBuilder &builder, Location loc,
                                   Value value) {
  SmallVector<Value> sizes;
  auto type = cast<RankedTensorType>(value.getType());
  for (int64_t dim : llvm::seq<int64_t>(type.getRank()))
    if (type.isDynamicDim(dim))
      sizes.push_back(tensor::DimOp::create(builder, loc, value, dim));
  return sizes;
}

struct GenerateOfPack : OpConversionPattern<PackOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(PackOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = dyn_cast<RankedTensorType>(op.getInit().getType());
    if (!type)
      return rewriter.notifyMatchFailure(op, "not on tensors");
    Location loc = op.getLoc();
    PackingAttr packing = op.getPacking();
    int64_t rank = getRank(op.getInput());
    bool transposed = op.getTranspose();
    auto getExtent = [&](Value value, int64_t dim) -> Value {
      return tensor::DimOp::create(rewriter, loc, value, dim);
    };
    Value input = adaptor.getInput();
    Codes codes{input, packing.getLevels(), transposed,
                getExtent(input, transposed ? rank - 1 : rank - 2),
                getExtent(input, transposed ? rank - 2 : rank - 1)};
    int64_t depth = type.getRank() - (packing.hasPanels() ? 2 : 1);
    Value count = getExtent(adaptor.getInit(), depth);
    bool dwords = packing.getOrder() == Order::dwords;
    Words words{packing.getPlanes(), dwords ? 32 : 64, !dwords};

    auto generate = tensor::GenerateOp::create(
        rewriter, loc, type, getDynamicSizes(rewriter, loc, adaptor.getInit()),
        [&](OpBuilder &b, Location loc, ValueRange position) {
          Arithmetic a{b, loc};
          ValueRange batch = position.take_front(rank - 2);
          ValueRange at = position.drop_front(rank - 2);
          Value word;
          switch (packing.getOrder()) {
          case Order::rows:
            word = getWord(a, codes, words, batch, at[0], at[1], count);
            break;
          case Order::panels:
          case Order::dwords: {
            Value row = a.add(a.mul(at[0], a.index(packing.getLanes())), at[2]);
            word = getWord(a, codes, words, batch, row, at[1], count);
            if (dwords)
              word = arith::TruncIOp::create(b, loc, b.getI32Type(), word);
            break;
          }
          case Order::bytes:
            word = getByteWord(a, codes, packing, batch, at[0], at[1], count);
            break;
          case Order::quads:
            word = getByteWord(
                a, codes, packing, batch,
                a.add(a.mul(at[0], a.index(packing.getLanes())), at[2]), at[1],
                count);
            break;
          case Order::lanes:
            word = getLaneByte(a, codes, packing, batch, at[0], at[1], at[2]);
            break;
          case Order::nibbles:
            word = getNibbleByte(a, codes, packing, batch, at[0], at[1], at[2],
                                 count);
            break;
          }
          tensor::YieldOp::create(b, loc, word);
        });
    rewriter.replaceOp(op, generate);
    return success();
  }
};

struct GenerateOfUnpack : OpConversionPattern<UnpackOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(UnpackOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isa<RankedTensorType>(op.getInput().getType()))
      return rewriter.notifyMatchFailure(op, "not on tensors");
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(rewriter, op.getLoc(), adaptor.getInit());
    rewriter.replaceOp(op,
                       createUnpacked(rewriter, op.getLoc(), adaptor.getInput(),
                                      op.getPacking(), sizes));
    return success();
  }
};

} // namespace

Value definitions::createUnpacked(OpBuilder &builder, Location loc,
                                  Value packed, PackingAttr packing,
                                  ArrayRef<OpFoldResult> sizes) {
  auto [shape, dynamicSizes] = decomposeMixedValues(
      SmallVector<OpFoldResult>(sizes.begin(), sizes.end()));
  auto type = RankedTensorType::get(shape, builder.getI8Type());
  int64_t rank = sizes.size(), planes = packing.getPlanes();
  int64_t perWord = packing.getElementsPerWord();
  LevelsType levels = packing.getLevels();

  auto body = [&](OpBuilder &b, Location loc, ValueRange position) {
    Arithmetic a{b, loc};
    Value row = position[rank - 2], k = position[rank - 1];
    int64_t lanes = packing.getLanes();
    Value panel = a.div(row, lanes), lane = a.rem(row, lanes);
    Value code = a.word(0);
    for (int64_t plane = 0; plane < planes; ++plane) {
      SmallVector<Value> at(position.take_front(rank - 2));
      auto getStep = [&](Value block) {
        return a.add(a.mul(block, a.index(planes)), a.index(plane));
      };
      bool dwords = packing.getOrder() == Order::dwords;
      Value bit = a.rem(k, dwords ? 32 : 64);
      switch (packing.getOrder()) {
      case Order::rows:
        at.append({row, getStep(a.div(k, 64))});
        break;
      case Order::panels:
      case Order::dwords:
        at.append({panel, getStep(a.div(k, dwords ? 32 : 64)), lane});
        break;
      case Order::lanes:
        at.append({panel, getStep(k), a.div(lane, 8)});
        bit = a.rem(lane, 8);
        break;
      case Order::bytes:
      case Order::quads: {
        at.push_back(packing.getOrder() == Order::bytes ? row : panel);
        at.push_back(a.div(k, perWord));
        if (packing.getOrder() == Order::quads)
          at.push_back(lane);
        // Byte k mod 4, and up in it the fourth part of where k lies.
        Value inWord = a.rem(k, perWord);
        bit = a.add(a.mul(a.rem(inWord, 4), a.index(8)),
                    a.add(a.mul(a.div(inWord, 4), a.index(32 / perWord)),
                          a.index(plane)));
        break;
      }
      case Order::nibbles:
        at.append({panel, a.div(k, 8), getByteOfLane(a, packing, lane)});
        bit = a.rem(k, 8);
        break;
      }
      Value word = tensor::ExtractOp::create(b, loc, packed, at);
      if (!packing.getElementType().isInteger(64))
        word = arith::ExtUIOp::create(b, loc, b.getI64Type(), word);
      code = a.add(code, a.at(a.bit(word, bit), a.index(plane)));
    }
    if (int64_t centre = packing.getCentre()) {
      // The eight bits have a sign.
      Value byte = arith::TruncIOp::create(b, loc, b.getI8Type(), code);
      code = a.add(arith::ExtSIOp::create(b, loc, b.getI64Type(), byte),
                   a.word(centre));
    }
    Value level =
        a.add(a.mul(code, a.word(levels.getStep())), a.word(levels.getFirst()));
    Value stored = arith::TruncIOp::create(b, loc, b.getI8Type(), level);
    tensor::YieldOp::create(b, loc, stored);
  };
  return tensor::GenerateOp::create(builder, loc, type, dynamicSizes, body);
}

void definitions::populatePacking(const TypeConverter &converter,
                                  RewritePatternSet &patterns) {
  patterns.add<GenerateOfPack, GenerateOfUnpack>(converter,
                                                 patterns.getContext());
}
