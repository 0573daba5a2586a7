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
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using namespace mlir::lowbit;

/// Rows of a tile, and bytes of its rows: elements along K of a step.
static constexpr int64_t kTileRows = 16, kStep = kTileScratchStep;
static constexpr int64_t kTileBytes = kTileRows * kStep;
/// Rows and columns of a block of two by two tiles.
static constexpr int64_t kBlock = kTileColumns;
static_assert(kBlock == 2 * kTileRows);
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
      : e(e), op(op), operands(operands), kernel(kernel), block(kernel),
        lhs(*op.getLhsPacking()), rhs(op.getRhsPacking()),
        steps(llvm::divideCeil(op.getSize(), kStep)),
        splits(llvm::divideCeil(steps, kStepsInBuffer)),
        stepsPerSplit(llvm::divideCeil(steps, splits)),
        ints(VectorType::get({kTileRows}, e.b.getI32Type())),
        bytes(VectorType::get({kStep}, e.b.getI8Type())) {
    block.lanes = kBlock;
    lastVector = e.sub(e.dim(operands.rhs, 1), e.index(1));
    lastWord = e.sub(e.dim(operands.lhs, 1), e.index(1));
  }

  void emit();

private:
  // The left side.
  void expandRow(Value row, Value position);
  Value expandWord(Value row, Value word);

  // The right side.
  /// The codes of 4 by 16 elements, one vector for each of the 16 quads of a
  /// step, of the columns of one tile.
  SmallVector<Value> unpackPlanes(Value panel, Value lane, Value step);
  SmallVector<Value> unpackQuads(Value panel, Value lane, Value step);
  /// A word of each column, 0 where `position` is not below `end`.
  Value loadWords(Value panel, Value lane, Value position, Value end,
                  bool isInside);
  void unpackStep(Value split, Value stepInSplit, Value column);
  void prefetchStep(Value split, Value stepInSplit, Value column);
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
  /// Steps of a split; the last has the rest.
  Value getSteps(Value split) {
    Value before = e.mul(split, e.index(stepsPerSplit));
    return e.min(e.sub(e.index(steps), before), e.index(stepsPerSplit));
  }
  /// Where the sums of a block of rows are: all blocks wait for the next split,
  /// without splits one waits for its epilogue.
  Value getSlot(Value blockRow) {
    if (splits > 1)
      return blockRow;
    return arith::RemUIOp::create(e.b, e.loc, blockRow, e.index(2));
  }

  // Instructions.
  Value i8(int64_t value) {
    return LLVM::ConstantOp::create(e.b, e.loc, e.b.getI8Type(), value);
  }
  void call(StringRef name, ValueRange arguments) {
    LLVM::CallIntrinsicOp::create(e.b, e.loc, e.b.getStringAttr(name),
                                  arguments);
  }
  void loadTile(StringRef name, int64_t tile, Value address, int64_t stride) {
    call(name, {i8(tile), address, e.i64(stride)});
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
  const KernelRow &kernel;
  /// The row with the columns of a block in place of those of a panel.
  KernelRow block;
  PackingAttr lhs, rhs;
  int64_t steps, splits, stepsPerSplit;
  VectorType ints, bytes;
  Value lastVector, lastWord;
  /// Of one thread: bytes of the right side, sums of the blocks.
  Value buffer, sums;
};

} // namespace

/// The configuration of all tiles, a constant of the module.
static Value getConfiguration(Emission &e, Operation *op) {
  constexpr llvm::StringLiteral kName = "lowbit_tile_configuration";
  auto type = MemRefType::get({64}, e.b.getI8Type());
  auto module = op->getParentOfType<ModuleOp>();
  if (!module.lookupSymbol(kName)) {
    std::vector<int8_t> bytes(64, 0);
    bytes[0] = 1; // The palette.
    for (int64_t tile = 0; tile < 8; ++tile) {
      bytes[16 + 2 * tile] = kStep;
      bytes[48 + tile] = kTileRows;
    }
    OpBuilder atModule = OpBuilder::atBlockBegin(module.getBody());
    memref::GlobalOp::create(
        atModule, e.loc, kName, atModule.getStringAttr("private"), type,
        DenseElementsAttr::get(RankedTensorType::get({64}, e.b.getI8Type()),
                               ArrayRef<int8_t>(bytes)),
        /*constant=*/true, atModule.getI64IntegerAttr(64));
  }
  return memref::GetGlobalOp::create(e.b, e.loc, type, kName);
}

void TileMatmul::emit() {
  Value rows = e.dim(operands.init, 0);
  Value columns = e.ceilDiv(operands.columns, kBlock);
  Value configuration = getConfiguration(e, op);
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
      call("llvm.x86.ldtilecfg", e.pointer(configuration, e.index(0)));
      emitColumns(first, count, ivs[0]);
      call("llvm.x86.tilerelease", {});
    });
  });
}

Value TileMatmul::expandWord(Value row, Value word) {
  auto bits = VectorType::get({kStep}, e.b.getI1Type());
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
                      e.mul(inTile, e.index(kStep)));
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

Value TileMatmul::loadWords(Value panel, Value lane, Value position, Value end,
                            bool isInside) {
  if (!isInside)
    position = e.min(position, lastVector);
  Value words = e.load(operands.rhs, {panel, position, lane}, kTileRows);
  if (isInside)
    return words;
  Value inside = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ult,
                                       position, end);
  return arith::SelectOp::create(e.b, e.loc, inside, words,
                                 e.constant(ints, 0));
}

SmallVector<Value> TileMatmul::unpackPlanes(Value panel, Value lane,
                                            Value step) {
  int64_t planes = rhs.getPlanes();
  bool isInside = llvm::divideCeil(op.getSize(), 32) % 2 == 0;
  SmallVector<Value> quads;
  for (int64_t half = 0; half < 2; ++half) {
    SmallVector<Value> words;
    for (int64_t plane = 0; plane < planes; ++plane) {
      Value at = e.add(e.mul(step, e.index(2 * planes)),
                       e.index(half * planes + plane));
      words.push_back(vector::BitCastOp::create(
          e.b, e.loc, bytes,
          loadWords(panel, lane, at, lastVector, isInside || half == 0)));
    }
    for (int64_t quad = 0; quad < 8; ++quad) {
      Value codes;
      for (int64_t plane = 0; plane < planes; ++plane) {
        // Byte i of a lane takes eight bits of the two lanes around it, from
        // which bit `plane` is that of element i of the quad.
        SmallVector<int8_t> control;
        for (int64_t i = 0; i < kStep; ++i)
          control.push_back((32 * (i / 4 % 2) + 4 * quad + i % 4 - plane) & 63);
        Value shifts = arith::ConstantOp::create(
            e.b, e.loc,
            DenseElementsAttr::get(bytes, ArrayRef<int8_t>(control)));
        Value bits =
            LLVM::CallIntrinsicOp::create(
                e.b, e.loc, bytes,
                e.b.getStringAttr("llvm.x86.avx512.pmultishift.qb.512"),
                ValueRange{shifts, words[plane]})
                .getResult(0);
        bits = arith::AndIOp::create(e.b, e.loc, bits,
                                     e.constant(bytes, 1 << plane));
        codes = codes ? arith::OrIOp::create(e.b, e.loc, codes, bits) : bits;
      }
      quads.push_back(codes);
    }
  }
  return quads;
}

SmallVector<Value> TileMatmul::unpackQuads(Value panel, Value lane,
                                           Value step) {
  int64_t bits = 32 / rhs.getElementsPerWord(), perWord = 8 / bits;
  int64_t words = kTileRows / perWord;
  bool isInside =
      llvm::divideCeil(op.getSize(), rhs.getElementsPerWord()) % words == 0;
  SmallVector<Value> quads;
  for (int64_t word = 0; word < words; ++word) {
    Value at = e.add(e.mul(step, e.index(words)), e.index(word));
    Value packed =
        loadWords(panel, lane, at, lastVector, isInside || word == 0);
    for (int64_t quad = 0; quad < perWord; ++quad)
      quads.push_back(vector::BitCastOp::create(
          e.b, e.loc, bytes, unpackQuad(e, packed, bits, quad)));
  }
  return quads;
}

/// Fills the buffer for one step of a split.
void TileMatmul::unpackStep(Value split, Value stepInSplit, Value column) {
  Value step = e.add(e.mul(split, e.index(stepsPerSplit)), stepInSplit);
  int64_t perPanel = kernel.lanes / kBlock;
  Value panel = e.floorDiv(column, perPanel);
  Value start =
      e.mul(e.sub(column, e.mul(panel, e.index(perPanel))), e.index(kBlock));
  for (int64_t tile = 0; tile < 2; ++tile) {
    Value lane = e.add(start, e.index(tile * kTileRows));
    SmallVector<Value> quads = rhs.hasWholeCodes()
                                   ? unpackQuads(panel, lane, step)
                                   : unpackPlanes(panel, lane, step);
    Value at = e.add(e.mul(stepInSplit, e.index(2 * kTileBytes)),
                     e.index(tile * kTileBytes));
    for (auto [quad, codes] : llvm::enumerate(quads))
      e.store(codes, buffer, e.add(at, e.index(quad * kStep)));
  }
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
              call("llvm.x86.tilezero", i8(kSums + tile));
          },
          [&] {
            forSums(slot, [&](int64_t tile, Value at) {
              loadTile("llvm.x86.tileloadd64", tile, at, kBlock * 4);
            });
          });
      Value steps = getSteps(split);
      e.ifElse(
          isEqual(blockRow, 0),
          [&] {
            unpackAhead(split, steps, column);
            multiply(blockRow, split, [&](Value step) {
              unpackAfter(split, step, steps, column);
              prefetchStep(split, step, e.add(column, e.index(1)));
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
        loadTile("llvm.x86.tilestored64", tile, at, kBlock * 4);
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
      loadTile("llvm.x86.tileloaddt164", kLeft + i,
               e.pointer(operands.scratch, e.mul(at, e.index(kTileBytes))),
               kStep);
      at = e.add(e.mul(step, e.index(2)), e.index(i));
      loadTile("llvm.x86.tileloadd64", kRight + i,
               e.pointer(buffer, e.mul(at, e.index(kTileBytes))), kStep);
    }
    for (int64_t tile = 0; tile < 4; ++tile)
      call("llvm.x86.tdpbusd",
           {i8(kSums + tile), i8(kLeft + tile / 2), i8(kRight + tile % 2)});
    beside(step);
  });
}

/// Asks for the words that the next columns will need. The part of a panel that
/// has the columns of a block is no stream that the hardware would see.
void TileMatmul::prefetchStep(Value split, Value stepInSplit, Value column) {
  int64_t perPanel = kernel.lanes / kBlock;
  Value panel = e.floorDiv(column, perPanel);
  Value lane =
      e.mul(e.sub(column, e.mul(panel, e.index(perPanel))), e.index(kBlock));
  Value step = e.add(e.mul(split, e.index(stepsPerSplit)), stepInSplit);
  int64_t words = rhs.hasWholeCodes() ? kStep / rhs.getElementsPerWord()
                                      : 2 * rhs.getPlanes();
  for (int64_t word = 0; word < words; ++word)
    for (int64_t tile = 0; tile < 2; ++tile)
      memref::PrefetchOp::create(
          e.b, e.loc, operands.rhs,
          ValueRange{panel, e.add(e.mul(step, e.index(words)), e.index(word)),
                     e.add(lane, e.index(tile * kTileRows))},
          /*isWrite=*/false, /*localityHint=*/2, /*isDataCache=*/true);
}

/// Fills the buffer for the first steps of a split.
void TileMatmul::unpackAhead(Value split, Value count, Value column) {
  e.forLoop(e.index(0), e.min(count, e.index(kStepsAhead)), 1,
            [&](Value step) { unpackStep(split, step, column); });
}

/// Fills the buffer for the step that comes kStepsAhead after `step`.
void TileMatmul::unpackAfter(Value split, Value step, Value count,
                             Value column) {
  Value ahead = e.add(step, e.index(kStepsAhead));
  Value isLeft = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ult,
                                       ahead, count);
  e.ifElse(isLeft, [&] { unpackStep(split, ahead, column); }, [] {});
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
  int64_t perPanel = kernel.lanes / kBlock;
  Value panel = e.floorDiv(column, perPanel);
  Value start =
      e.mul(e.sub(column, e.mul(panel, e.index(perPanel))), e.index(kBlock));
  SmallVector<Value> result(2 * rows);
  for (int64_t tile = 0; tile < 2; ++tile) {
    Value lane = e.index(tile * kTileRows);
    SmallVector<Value> products;
    for (int64_t r = 0; r < rows; ++r)
      products.push_back(
          e.load(sums, {slot, e.add(inBlock, e.index(r)), lane}, kTileRows));
    SmallVector<Value> levels = addLevelTerms(
        e, operands, lhs.getLevels(), rhs.getLevels(), products,
        [&] {
          return e.load(operands.rhs, {panel, lastVector, e.add(start, lane)},
                        kTileRows);
        },
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
