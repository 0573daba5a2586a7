//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The screen of `lowbit.top_product`: bounds of all logits from products of
// codes. A thread takes a block of panels of the table and multiplies it with
// all rows, two at a time where there are registers for them. A lane holds one
// row of the table, so sums need no reduction across lanes.
//
// Products of bytes are made by vpdpbusd (AVX-512 VNNI, AVX-VNNI), else in 16
// bits by pmaddwd, which every x86 has: bytes of even and of odd positions
// apart.
//
//===----------------------------------------------------------------------===//

#include "TopProduct.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include <limits>

using namespace mlir;
using namespace mlir::lowbit;

/// Vectors of the table that are multiplied together.
static constexpr int64_t kVectors = 4;
/// High and low bytes of the codes of a row.
static constexpr int64_t kParts = 2;
/// More than all steps whose results are too small to be normal floats lose.
static constexpr double kUnderflow = 0x1p-126;

namespace {

class TopScreen {
public:
  TopScreen(Emission &e, TopProductOp op, const Target &target)
      : e(e), op(op), codes(op.getScreen()[0]), bounds(op.getScreen()[1]),
        wide(target.getVectorBits() == 512 && target.has("avx512bw")),
        lanes(wide                 ? 16
              : target.has("avx2") ? 8
                                   : 4),
        hasDotProducts(wide ? target.has("avx512vnni")
                            : lanes == 8 && target.has("avxvnni")),
        ints(VectorType::get({lanes}, e.b.getI32Type())),
        floats(VectorType::get({lanes}, e.b.getF32Type())),
        bytes(VectorType::get({lanes * 4}, e.b.getI8Type())),
        halves(VectorType::get({lanes * 2}, e.b.getI16Type())) {}

  void emit(Value rows) {
    auto type = cast<MemRefType>(codes.getType());
    int64_t panels = type.getDimSize(0), block = getTopProductBlock(op);
    quads = type.getDimSize(1);
    int64_t most = wide ? 2 : 1;
    Value blocks = e.index(llvm::divideCeil(panels, block));
    e.parallel(blocks, /*grain=*/1, [&](ValueRange ivs) {
      Value begin = e.mul(ivs[0], e.index(block));
      Value end = e.min(e.add(begin, e.index(block)), e.index(panels));
      Value whole = e.mul(e.floorDiv(rows, most), e.index(most));
      auto emitRows = [&](Value row, int64_t count) {
        // A panel is as wide as several tiles of narrow vectors.
        Value width = e.index(TopProductOp::kPanelRows);
        e.forLoop(e.index(0), width, kVectors * lanes, [&](Value lane) {
          emitTile(row, count, ivs[0], begin, end, lane);
        });
      };
      e.forLoop(e.index(0), whole, most,
                [&](Value row) { emitRows(row, most); });
      if (most > 1)
        e.forLoop(whole, rows, 1, [&](Value row) { emitRows(row, 1); });
    });
  }

private:
  /// The panels of a block, from `lane` on, with `count` rows.
  void emitTile(Value row, int64_t count, Value block, Value begin, Value end,
                Value lane) {
    SmallVector<Value> rows;
    for (int64_t r = 0; r < count; ++r)
      rows.push_back(e.add(row, e.index(r)));
    Value none = e.constant(floats, -std::numeric_limits<double>::infinity());
    SmallVector<Value> largest(count * kVectors, none);
    largest =
        e.forLoop(begin, end, 1, largest, [&](Value panel, ValueRange carried) {
          return emitPanel(rows, panel, lane, carried);
        });
    Value first = e.add(e.mul(block, e.index(TopProductOp::kPanelRows)), lane);
    for (int64_t r = 0; r < count; ++r)
      for (int64_t v = 0; v < kVectors; ++v)
        e.store(largest[r * kVectors + v], op.getScratch()[kGroups],
                ValueRange{rows[r], e.add(first, e.index(v * lanes))});
  }

  /// The largest lower bounds, those of one more panel included.
  SmallVector<Value> emitPanel(ArrayRef<Value> rows, Value panel, Value lane,
                               ValueRange carried) {
    int64_t count = rows.size();
    SmallVector<Value> sums(count * kParts * kVectors, e.constant(ints, 0));
    sums = e.forLoop(e.index(0), e.index(quads), 1, sums,
                     [&](Value quad, ValueRange sums) {
                       return multiply(rows, panel, lane, quad, sums);
                     });
    Value first = e.add(e.mul(panel, e.index(TopProductOp::kPanelRows)), lane);
    SmallVector<Value> next;
    for (int64_t r = 0; r < count; ++r) {
      ValueRange own =
          ValueRange(sums).slice(r * kParts * kVectors, kParts * kVectors);
      for (int64_t v = 0; v < kVectors; ++v) {
        Value products = addParts(rows[r], own[v], own[kVectors + v]);
        next.push_back(emitBounds(rows[r], e.add(first, e.index(v * lanes)),
                                  products, carried[r * kVectors + v]));
      }
    }
    return next;
  }

  /// Adds the products of one quad: sums of the high bytes of a row, then those
  /// of its low bytes.
  SmallVector<Value> multiply(ArrayRef<Value> rows, Value panel, Value lane,
                              Value quad, ValueRange sums) {
    SmallVector<Value> columns, next;
    for (int64_t v = 0; v < kVectors; ++v) {
      Value byte =
          e.mul(e.add(lane, e.index(v * lanes)), e.index(TopProductOp::kQuad));
      columns.push_back(
          e.load(codes, ValueRange{panel, quad, byte}, lanes * 4));
    }
    for (auto [r, row] : llvm::enumerate(rows))
      for (int64_t part = 0; part < kParts; ++part) {
        Value four =
            memref::LoadOp::create(e.b, e.loc, op.getScratch()[kRowCodes],
                                   ValueRange{row, e.index(part), quad});
        four = e.broadcast(four, lanes);
        for (int64_t v = 0; v < kVectors; ++v)
          next.push_back(multiplyAdd(sums[next.size()], columns[v], four));
      }
    return next;
  }

  Value call(StringRef name, Type type, ValueRange operands) {
    return LLVM::CallIntrinsicOp::create(e.b, e.loc, type,
                                         e.b.getStringAttr(name), operands)
        .getResult(0);
  }
  Value bitcast(Type type, Value value) {
    return vector::BitCastOp::create(e.b, e.loc, type, value);
  }

  /// sum + the four products of unsigned bytes `column` and signed ones `four`
  /// in each lane.
  Value multiplyAdd(Value sum, Value column, Value four) {
    if (hasDotProducts)
      return call(wide ? "llvm.x86.avx512.vpdpbusd.512"
                       : "llvm.x86.avx512.vpdpbusd.256",
                  ints, {sum, column, bitcast(bytes, four)});
    Value eight = e.constant(halves, 8);
    auto shift = [&](auto kind, Value value) -> Value {
      return decltype(kind)::create(e.b, e.loc, value, eight);
    };
    column = bitcast(halves, column);
    four = bitcast(halves, four);
    Value even =
        arith::AndIOp::create(e.b, e.loc, column, e.constant(halves, 255));
    Value evenFour = shift(arith::ShRSIOp(), shift(arith::ShLIOp(), four));
    StringRef name = wide         ? "llvm.x86.avx512.pmaddw.d.512"
                     : lanes == 8 ? "llvm.x86.avx2.pmadd.wd"
                                  : "llvm.x86.sse2.pmadd.wd";
    sum = e.add(sum, call(name, ints, {even, evenFour}));
    return e.add(sum, call(name, ints,
                           {shift(arith::ShRUIOp(), column),
                            shift(arith::ShRSIOp(), four)}));
  }

  /// 256 * high + low as floats, without what the offset of codes added.
  Value addParts(Value row, Value high, Value low) {
    auto part = [&](Value sums, int64_t index) -> Value {
      Value offset = memref::LoadOp::create(
          e.b, e.loc, op.getScratch()[kRowCodes],
          ValueRange{row, e.index(index), e.index(quads)});
      return arith::SIToFPOp::create(e.b, e.loc, floats,
                                     e.sub(sums, e.broadcast(offset, lanes)));
    };
    Value scaled = arith::MulFOp::create(e.b, e.loc, part(high, 0),
                                         e.constant(floats, 256));
    return arith::AddFOp::create(e.b, e.loc, scaled, part(low, 1));
  }

  /// Stores the upper bounds of logits and returns the greater of the lower
  /// ones and `largest`.
  Value emitBounds(Value row, Value first, Value products, Value largest) {
    auto ofRow = [&](int64_t column) -> Value {
      Value value =
          memref::LoadOp::create(e.b, e.loc, op.getScratch()[kRowBounds],
                                 ValueRange{row, e.index(column)});
      return e.broadcast(value, lanes);
    };
    auto ofTable = [&](int64_t kind) {
      return e.load(bounds, ValueRange{e.index(kind), first}, lanes);
    };
    auto times = [&](Value x, Value y) -> Value {
      return arith::MulFOp::create(e.b, e.loc, x, y);
    };
    auto plus = [&](Value x, Value y) -> Value {
      return arith::AddFOp::create(e.b, e.loc, x, y);
    };
    Value logit =
        times(times(products, ofRow(kRowScale)), ofTable(TopProductOp::kScale));
    Value bound =
        plus(plus(times(ofRow(kRowNorm), ofTable(TopProductOp::kError)),
                  times(ofRow(kRowError), ofTable(TopProductOp::kNorm))),
             e.constant(floats, kUnderflow));
    // Rounding is monotonic: the bias, which the logit is added to in floats,
    // keeps bounds what they are.
    Value bias = ofTable(TopProductOp::kBias);
    e.store(plus(plus(logit, bound), bias), op.getScratch()[kUppers],
            ValueRange{row, first});
    Value lower = plus(arith::SubFOp::create(e.b, e.loc, logit, bound), bias);
    return e.greater(lower, largest);
  }

  Emission &e;
  TopProductOp op;
  Value codes, bounds;
  bool wide;
  int64_t lanes;
  bool hasDotProducts;
  VectorType ints, floats, bytes, halves;
  int64_t quads = 0;
};

} // namespace

void mlir::lowbit::emitTopProductScreen(Emission &e, TopProductOp op,
                                        Value rows, const Target &target) {
  TopScreen(e, op, target).emit(rows);
}
