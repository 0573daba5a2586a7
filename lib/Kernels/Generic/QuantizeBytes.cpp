//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Quantize into bytes: `lowbit.quantize_pack` in the orders `bytes` (left sides
// of byte products) and `quads` (right sides that are made at run time).
//
// Where K is contiguous, a vector of codes narrows to bytes that are the words
// of a row, one after the other or one to a step of a panel. Where the rows of
// the logical operand are contiguous, the lanes of a vector are rows and four
// steps along K make a word of each.
//
//===----------------------------------------------------------------------===//

#include "../Quantizer.h"

using namespace mlir;
using namespace mlir::lowbit;

namespace {

class QuantizeBytes {
public:
  QuantizeBytes(Emission &e, Quantizer &quantizer, const Target &target)
      : e(e), quantizer(quantizer), panels(quantizer.packing.hasPanels()),
        width(quantizer.packing.getLanes()),
        centre(quantizer.packing.getCentre()), lanes(getFloatLanes(target)),
        words(e.ceilDiv(quantizer.size, 4)) {}

  void emitAlongSize();
  void emitAlongRows();

private:
  /// Rows with K contiguous.
  void packRow(ValueRange batch, Value row);
  void clearRow(ValueRange batch, Value row);
  /// A panel whose rows are contiguous; `count` of them when it is given.
  void packPanel(ValueRange batch, Value panel, Value row, Value count);

  /// Codes as they are stored, 0 where `mask` (which may be null) is not set.
  Value getStored(Value x, Value shift, Value scale, Value mask) {
    Value code = quantizer.getCodes(x, shift, scale);
    Type type = code.getType();
    if (centre)
      code = e.sub(code, e.constant(type, centre));
    if (mask)
      code =
          arith::SelectOp::create(e.b, e.loc, mask, code, e.constant(type, 0));
    return code;
  }

  /// Does `store` where `i` is below `count`, or always.
  void storeIf(Value count, int64_t i, llvm::function_ref<void()> store) {
    if (!count)
      return store();
    Value inside = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ult,
                                         e.index(i), count);
    e.ifElse(inside, store, [] {});
  }

  Value createMask(int64_t lanes, Value count) {
    if (!count)
      return Value();
    return vector::CreateMaskOp::create(
        e.b, e.loc, VectorType::get({lanes}, e.b.getI1Type()), count);
  }

  Emission &e;
  Quantizer &quantizer;
  bool panels;
  int64_t width, centre, lanes;
  Value words;
};

} // namespace

void QuantizeBytes::emitAlongSize() {
  SmallVector<Value> extents(quantizer.batchExtents);
  Value rows = quantizer.rows;
  // Lanes beyond the last row hold nothing.
  extents.push_back(panels ? e.mul(e.ceilDiv(rows, width), e.index(width))
                           : rows);
  e.parallel(extents, /*grain=*/8, [&](ValueRange ivs) {
    ValueRange batch = ivs.drop_back();
    Value row = ivs.back();
    std::optional<int64_t> known = getConstantIntValue(rows);
    if (!panels || (known && *known % width == 0))
      return packRow(batch, row);
    Value inside =
        arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ult, row, rows);
    e.ifElse(
        inside, [&] { packRow(batch, row); }, [&] { clearRow(batch, row); });
  });
}

void QuantizeBytes::packRow(ValueRange batch, Value row) {
  Value scale = quantizer.loadScale(batch, row);
  auto ints = VectorType::get({lanes}, e.b.getI32Type());
  Value sums = e.forVectors(
      quantizer.size, lanes, e.constant(ints, 0),
      [&](Value k, Value count, ValueRange carried) -> SmallVector<Value> {
        Value x = quantizer.load(batch, row, k, lanes, count);
        Value shift = quantizer.loadShift(k, lanes, count);
        Value code = getStored(x, shift, scale, createMask(lanes, count));
        Value narrow = e.joinBytes(code);
        Value word = e.floorDiv(k, 4);
        Value stored = count ? e.ceilDiv(count, 4) : Value();
        if (!panels)
          e.store(narrow, quantizer.op.getInit(),
                  quantizer.getPosition(batch, row, word), stored);
        else
          for (int64_t i = 0; i < lanes / 4; ++i)
            storeIf(stored, i, [&] {
              Value quad = vector::ExtractOp::create(e.b, e.loc, narrow, i);
              quantizer.storeWord(quad, batch, row, e.add(word, e.index(i)));
            });
        return {e.add(carried[0], code)};
      })[0];
  Value sum =
      e.reduce(sums, [&](Value a, Value b) -> Value { return e.add(a, b); });
  quantizer.storeWord(sum, batch, row, words);
}

void QuantizeBytes::clearRow(ValueRange batch, Value row) {
  e.forLoop(e.index(0), e.add(words, e.index(1)), 1, [&](Value word) {
    quantizer.storeWord(e.i32(0), batch, row, word);
  });
}

void QuantizeBytes::emitAlongRows() {
  quantizer.forPanels(
      [&](ValueRange batch, Value panel, Value row, Value count) {
        packPanel(batch, panel, row, count);
      });
}

void QuantizeBytes::packPanel(ValueRange batch, Value panel, Value row,
                              Value count) {
  auto ints = VectorType::get({width}, e.b.getI32Type());
  Value zero = e.constant(ints, 0), byte = e.constant(ints, 255);
  Value mask = createMask(width, count);
  Value shift = quantizer.loadShift(row, width, count);
  Value scale = quantizer.loadScale(batch, row);
  auto store = [&](Value vector, Value word) {
    quantizer.storePanel(vector, batch, panel, word);
  };
  // The word of up to four steps, and the sums with its codes.
  auto emitWord = [&](Value word, Value steps, Value sums) -> Value {
    Value first = e.mul(word, e.index(4));
    SmallVector<Value> result =
        e.forLoop(e.index(0), steps, 1, {zero, zero, sums},
                  [&](Value step, ValueRange carried) -> SmallVector<Value> {
                    Value x = quantizer.load(batch, row, e.add(first, step),
                                             width, count);
                    Value code = getStored(x, shift, scale, mask);
                    Value bits = arith::AndIOp::create(e.b, e.loc, code, byte);
                    bits = arith::ShLIOp::create(e.b, e.loc, bits, carried[1]);
                    return {arith::OrIOp::create(e.b, e.loc, carried[0], bits),
                            e.add(carried[1], e.constant(ints, 8)),
                            e.add(carried[2], code)};
                  });
    store(result[0], word);
    return result[2];
  };
  Value whole = e.floorDiv(quantizer.size, 4);
  Value sums =
      e.forLoop(e.index(0), whole, 1, {zero},
                [&](Value word, ValueRange carried) -> SmallVector<Value> {
                  return {emitWord(word, e.index(4), carried[0])};
                })[0];
  Value rest = e.sub(quantizer.size, e.mul(whole, e.index(4)));
  // At most one step, none when the size is a multiple of four.
  sums = e.forLoop(whole, words, 1, {sums},
                   [&](Value word, ValueRange carried) -> SmallVector<Value> {
                     return {emitWord(word, rest, carried[0])};
                   })[0];
  store(sums, words);
}

LogicalResult mlir::lowbit::emitQuantizeBytes(Emission &e, Quantizer &quantizer,
                                              const Target &target) {
  if (quantizer.packing.hasPanels() &&
      quantizer.packing.getElementsPerWord() != 4)
    return quantizer.op.emitOpError(
        "cannot pack codes of fewer than 8 bits in the order 'quads' at run "
        "time");
  QuantizeBytes bytes(e, quantizer, target);
  if (quantizer.isContiguousAlongSize())
    bytes.emitAlongSize();
  else
    bytes.emitAlongRows();
  return success();
}
