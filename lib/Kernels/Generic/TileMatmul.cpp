//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Products of bytes in tiles (AMX int8). An instruction multiplies 16 rows of
// 64 unsigned bytes by 64 rows of 16 signed bytes and adds the products to 16
// by 16 sums.
//
// Both sides stay packed in memory, as popcount (`rows`, `dwords`) or byte
// products (`bytes`, `quads`) want them, which multiply the rows of small
// matrices. Codes become bytes here, since that is cheap beside the products:
//
//  * of the left side once for all columns, into the scratch buffer, in the
//    order of tiles: those of 16 rows follow each other along K, 1 KiB each;
//  * of the right side for 32 columns at a time, into a buffer that stays in
//    the first-level cache. It is filled a few steps ahead of the products of
//    the first 32 rows, so that the vector units work beside the tiles.
//
// A block of 32 rows by 32 columns keeps its sums in four tiles. A long K is
// split to keep the buffer small; the sums wait in memory meanwhile.
//
//===----------------------------------------------------------------------===//

#include "../MatmulNest.h"
#include "TileCodes.h"
#include "Tiles.h"

using namespace mlir;
using namespace mlir::lowbit;

/// Rows and columns of a block of two by two tiles.
static constexpr int64_t kBlock = kTileColumns;
/// Steps whose right sides are in the buffer at a time (24 KiB), and how many
/// steps the codes are ahead of the products.
static constexpr int64_t kStepsInBuffer = 12, kStepsAhead = 3;
/// Rows whose sums go through the epilogue together.
static constexpr int64_t kEpilogueRows = 4;
/// The registers: sums, left and right sides.
static constexpr int64_t kSums = 0, kLeft = 4, kRight = 6;

namespace {

class TileMatmul {
public:
  TileMatmul(Emission &e, PackedMatmulOp op, const MatmulOperands &operands,
             const KernelRow &kernel)
      : e(e), op(op), operands(operands), tiles(e), block(kernel),
        lhs(*op.getLhsPacking()), rhs(op.getRhsPacking()),
        steps(llvm::divideCeil(op.getSize(), kTileStep)),
        splits(llvm::divideCeil(steps, kStepsInBuffer)),
        stepsPerSplit(llvm::divideCeil(steps, splits)),
        right(e, operands.rhs, rhs, op.getSize(), kernel.lanes),
        bytes(VectorType::get({kTileStep}, e.b.getI8Type())) {
    block.lanes = kBlock;
    lastWord = e.sub(e.dim(operands.lhs, 1), e.index(1));
  }

  void emit();

private:
  // The left side.
  void expandRow(Value row, Value position);
  Value expandWord(Value row, Value word);

  // The right side: steps of a split, in the buffer.
  void unpack(Value split, Value step, Value column);
  void unpackAhead(Value split, Value count, Value column);
  void unpackAfter(Value split, Value step, Value count, Value column);

  // Blocks.
  void emitColumns(Value first, Value count, Value column);
  void multiply(Value blockRow, Value split,
                llvm::function_ref<void(Value step)> beside);
  void storeBlock(Value first, Value blockRow, Value count, Value column);
  void emitRows(Value row, Value inBlock, int64_t rows, Value column,
                Value slot);

  Value isEqual(Value value, int64_t constant) {
    return arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::eq, value,
                                 e.index(constant));
  }
  Value getFirstStep(Value split) {
    return e.mul(split, e.index(stepsPerSplit));
  }
  /// Steps of a split; the last has the rest.
  Value getSteps(Value split) {
    return e.min(e.sub(e.index(steps), getFirstStep(split)),
                 e.index(stepsPerSplit));
  }
  /// Where the sums of a block of rows are: all blocks wait for the next split,
  /// without splits one waits for its epilogue.
  Value getSlot(Value blockRow) {
    if (splits > 1)
      return blockRow;
    return arith::RemUIOp::create(e.b, e.loc, blockRow, e.index(2));
  }

  /// Calls `body` for the four tiles of sums with where they wait.
  void forSums(Value slot, llvm::function_ref<void(int64_t, Value)> body) {
    for (int64_t tile = 0; tile < 4; ++tile)
      body(kSums + tile, e.pointer(sums, {slot, e.index(tile / 2 * kTileRows),
                                          e.index(tile % 2 * kTileRows)}));
  }

  Emission &e;
  PackedMatmulOp op;
  const MatmulOperands &operands;
  Tiles tiles;
  /// The row with the columns of a block in place of those of a panel.
  KernelRow block;
  PackingAttr lhs, rhs;
  int64_t steps, splits, stepsPerSplit;
  TileCodes right;
  VectorType bytes;
  Value lastWord;
  /// Of one thread: bytes of the right side, sums of the blocks.
  Value buffer, sums;
};

} // namespace

void TileMatmul::emit() {
  Value rows = e.dim(operands.init, 0);
  Value columns = e.ceilDiv(operands.columns, kBlock);
  e.forLoop(e.index(0), rows, kTileScratchRows, [&](Value first) {
    Value count = e.min(e.sub(rows, first), e.index(kTileScratchRows));
    e.parallel({count}, /*grain=*/16, [&](ValueRange ivs) {
      expandRow(e.add(first, ivs[0]), ivs[0]);
    });
    e.parallel({columns}, /*grain=*/2, [&](ValueRange ivs) {
      auto allocate = [&](ArrayRef<int64_t> shape, Type type) {
        return memref::AllocaOp::create(e.b, e.loc,
                                        MemRefType::get(shape, type),
                                        e.b.getI64IntegerAttr(64));
      };
      buffer = allocate({2 * stepsPerSplit * kTileBytes}, e.b.getI8Type());
      int64_t slots = splits > 1 ? kTileScratchRows / kBlock : 2;
      sums = allocate({slots, kBlock, kBlock}, e.b.getI32Type());
      tiles.configure(op);
      emitColumns(first, count, ivs[0]);
      tiles.release();
    });
  });
}

Value TileMatmul::expandWord(Value row, Value word) {
  auto bits = VectorType::get({kTileStep}, e.b.getI1Type());
  Value codes;
  for (int64_t plane = 0; plane < lhs.getPlanes(); ++plane) {
    Value at = e.add(e.mul(word, e.index(lhs.getPlanes())), e.index(plane));
    Value packed =
        memref::LoadOp::create(e.b, e.loc, operands.lhs, ValueRange{row, at});
    packed =
        vector::BitCastOp::create(e.b, e.loc, bits, e.broadcast(packed, 1));
    Value ones = arith::SelectOp::create(e.b, e.loc, packed,
                                         e.constant(bytes, 1 << plane),
                                         e.constant(bytes, 0));
    codes = codes ? arith::OrIOp::create(e.b, e.loc, codes, ones) : ones;
  }
  return codes;
}

/// Writes the codes of a row, the one at `position` in the scratch buffer.
void TileMatmul::expandRow(Value row, Value position) {
  Value tile = e.floorDiv(position, kTileRows);
  Value inTile = e.sub(position, e.mul(tile, e.index(kTileRows)));
  Value start = e.add(e.mul(tile, e.index(steps * kTileBytes)),
                      e.mul(inTile, e.index(kTileStep)));
  auto store = [&](Value codes, Value step) {
    e.store(codes, operands.scratch,
            e.add(start, e.mul(step, e.index(kTileBytes))));
  };
  if (!lhs.hasWholeCodes()) {
    e.forLoop(e.index(0), e.index(steps), 1,
              [&](Value word) { store(expandWord(row, word), word); });
    return;
  }
  e.forVectors(lastWord, kTileRows, [&](Value word, Value count) {
    Value words = e.load(operands.lhs, {row, word}, kTileRows, count);
    store(vector::BitCastOp::create(e.b, e.loc, bytes, words),
          e.floorDiv(word, kTileRows));
  });
}

/// All rows from `first` on, `count` of them, times the columns of a block. The
/// sums of a block of rows go through the epilogue during the products of the
/// next, because the tiles would wait for it.
void TileMatmul::emitColumns(Value first, Value count, Value column) {
  Value blocks = e.ceilDiv(count, kBlock);
  Value none = e.index(0);
  e.forLoop(none, e.index(splits), 1, [&](Value split) {
    e.forLoop(none, blocks, 1, [&](Value blockRow) {
      Value slot = getSlot(blockRow);
      e.ifElse(
          isEqual(split, 0),
          [&] {
            for (int64_t tile = 0; tile < 4; ++tile)
              tiles.zero(kSums + tile);
          },
          [&] {
            forSums(slot, [&](int64_t tile, Value at) {
              tiles.load(tile, at, e.i64(kBlock * 4));
            });
          });
      Value steps = getSteps(split);
      e.ifElse(
          isEqual(blockRow, 0),
          [&] {
            unpackAhead(split, steps, column);
            multiply(blockRow, split, [&](Value step) {
              unpackAfter(split, step, steps, column);
              right.prefetch(e.add(column, e.index(1)),
                             e.add(getFirstStep(split), step));
            });
          },
          [&] {
            Value before = e.sub(blockRow, e.index(1));
            Value row = e.add(first, e.mul(before, e.index(kBlock)));
            Value groups =
                arith::SelectOp::create(e.b, e.loc, isEqual(split, splits - 1),
                                        e.index(kBlock / kEpilogueRows), none);
            multiply(blockRow, split, [&](Value step) {
              int64_t perStep =
                  llvm::divideCeil(kBlock / kEpilogueRows,
                                   this->steps - (splits - 1) * stepsPerSplit);
              Value begin = e.mul(step, e.index(perStep));
              Value end = e.min(e.add(begin, e.index(perStep)), groups);
              e.forLoop(begin, end, 1, [&](Value group) {
                Value inBlock = e.mul(group, e.index(kEpilogueRows));
                emitRows(e.add(row, inBlock), inBlock, kEpilogueRows, column,
                         getSlot(before));
              });
            });
          });
      forSums(slot, [&](int64_t tile, Value at) {
        tiles.store(tile, at, e.i64(kBlock * 4));
      });
    });
  });
  storeBlock(first, e.sub(blocks, e.index(1)), count, column);
}

/// Adds the products of the steps of one split; `beside` emits other work of a
/// step.
void TileMatmul::multiply(Value blockRow, Value split,
                          llvm::function_ref<void(Value step)> beside) {
  Value left = e.add(e.mul(blockRow, e.index(2 * steps)),
                     e.mul(split, e.index(stepsPerSplit)));
  e.forLoop(e.index(0), getSteps(split), 1, [&](Value step) {
    for (int64_t i = 0; i < 2; ++i) {
      // The left side streams past the first-level cache (T1).
      Value at = e.add(e.add(left, step), e.index(i * steps));
      tiles.loadStreaming(
          kLeft + i,
          e.pointer(operands.scratch, e.mul(at, e.index(kTileBytes))),
          e.i64(kTileStep));
      at = e.add(e.mul(step, e.index(2)), e.index(i));
      tiles.load(kRight + i, e.pointer(buffer, e.mul(at, e.index(kTileBytes))),
                 e.i64(kTileStep));
    }
    for (int64_t tile = 0; tile < 4; ++tile)
      tiles.multiplyAdd(kSums + tile, kLeft + tile / 2, kRight + tile % 2);
    beside(step);
  });
}

/// Fills the buffer for one step of a split.
void TileMatmul::unpack(Value split, Value step, Value column) {
  right.unpack(column, e.add(getFirstStep(split), step), buffer,
               e.mul(step, e.index(2 * kTileBytes)));
}

/// Fills the buffer for the first steps of a split.
void TileMatmul::unpackAhead(Value split, Value count, Value column) {
  e.forLoop(e.index(0), e.min(count, e.index(kStepsAhead)), 1,
            [&](Value step) { unpack(split, step, column); });
}

/// Fills the buffer for the step that comes kStepsAhead after `step`.
void TileMatmul::unpackAfter(Value split, Value step, Value count,
                             Value column) {
  Value ahead = e.add(step, e.index(kStepsAhead));
  Value isLeft = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ult,
                                       ahead, count);
  e.ifElse(isLeft, [&] { unpack(split, ahead, column); }, [] {});
}

/// The epilogue of the last block of rows.
void TileMatmul::storeBlock(Value first, Value blockRow, Value count,
                            Value column) {
  Value start = e.mul(blockRow, e.index(kBlock));
  Value rows = e.min(e.sub(count, start), e.index(kBlock));
  Value whole = e.mul(e.floorDiv(rows, kEpilogueRows), e.index(kEpilogueRows));
  Value row = e.add(first, start), slot = getSlot(blockRow);
  e.forLoop(e.index(0), whole, kEpilogueRows, [&](Value inBlock) {
    emitRows(e.add(row, inBlock), inBlock, kEpilogueRows, column, slot);
  });
  e.forLoop(whole, rows, 1, [&](Value inBlock) {
    emitRows(e.add(row, inBlock), inBlock, 1, column, slot);
  });
}

void TileMatmul::emitRows(Value row, Value inBlock, int64_t rows, Value column,
                          Value slot) {
  SmallVector<Value> result(2 * rows);
  for (int64_t tile = 0; tile < 2; ++tile) {
    Value lane = e.index(tile * kTileRows);
    SmallVector<Value> products;
    for (int64_t r = 0; r < rows; ++r)
      products.push_back(
          e.load(sums, {slot, e.add(inBlock, e.index(r)), lane}, kTileRows));
    SmallVector<Value> levels = addLevelTerms(
        e, operands, lhs.getLevels(), rhs.getLevels(), products,
        [&] { return right.loadSums(column, tile); },
        [&](int64_t r) -> Value {
          return memref::LoadOp::create(
              e.b, e.loc, operands.lhs,
              ValueRange{e.add(row, e.index(r)), lastWord});
        },
        rhs.getCentre());
    for (int64_t r = 0; r < rows; ++r)
      result[2 * r + tile] = levels[r];
  }
  storeTile(e, op, operands, block, result, rows, /*batch=*/{}, row, column);
}

void mlir::lowbit::emitTileMatmul(Emission &e, PackedMatmulOp op,
                                  const MatmulOperands &operands,
                                  const KernelRow &kernel) {
  TileMatmul(e, op, operands, kernel).emit();
}
