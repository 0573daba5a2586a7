//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Lookups of six weights of one bit at a time, with the byte permutation of
// AVX512-VBMI. See LookupMatmul.cpp for the idea.
//
// Six elements of the left side are a table of 64 bytes, which fills a
// register: entry w is the sum of the codes that the bits of w select. The
// permutation reads the low six bits of each byte of weights and ignores the
// others, so that three bytes of four sextets are indices as they lie in
// memory; the high bits of the three are put together to the fourth.
//
// Codes of more than four bits are two digits of base 16, each with tables and
// sums of its own, for the same indices.
//
// The tables of a tile of rows must stay in the first-level cache while the
// panels pass, so that a long contraction is cut into blocks; between blocks
// the 16-bit sums of the panels wait in a buffer.
//
//===----------------------------------------------------------------------===//

#include "LookupLanes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mlir::lowbit;

/// Elements of a group of four sextets, in three bytes.
static constexpr int64_t kGroupSize = 24, kGroupTables = 4, kGroupBytes = 3;
static constexpr int64_t kSextet = 6, kEntries = 1 << kSextet;
/// Whole groups in whole words of a plane.
static constexpr int64_t kPeriodGroups = 8;
/// Planes of a digit of a code, and how often its value fits a byte when six of
/// them are added.
static constexpr unsigned kDigitPlanes = 4;
/// Groups of a block; 32 KiB of tables for four rows.
static constexpr int64_t kBlockGroups = 32;
/// Panels that share the tables of a thread: all of most products where there
/// are tiles enough for all threads.
static constexpr int64_t kSharedPanels = 24, kSharedPanelsOfFewTiles = 6;
static constexpr int64_t kManyTiles = 8;

namespace {

class SextetTile {
public:
  SextetTile(Emission &e, PackedMatmulOp op, const MatmulOperands &operands,
             const KernelRow &kernel)
      : e(e), op(op), operands(operands), kernel(kernel),
        lhs(op.getLhsPacking()->getLevels()), bytes(kernel.vectorLanes * 8),
        planes(lhs.getPlanes()), digits(llvm::divideCeil(planes, kDigitPlanes)),
        groups(llvm::divideCeil(op.getSize(), kGroupSize)),
        blocks(llvm::divideCeil(groups, kBlockGroups)), wide(e, bytes) {
    // As many lookups as a byte holds, in one group or in two.
    int64_t greatest = std::min<int64_t>(lhs.getCount() - 1, 15);
    int64_t lookups = 255 / (greatest * kSextet);
    lookupsPerByte = std::min<int64_t>(llvm::bit_floor<uint64_t>(lookups), 8);
    groupsPerBlock =
        llvm::alignTo(llvm::divideCeil(groups, blocks), kPeriodGroups);
    blocks = llvm::divideCeil(groups, groupsPerBlock);
  }

  int64_t getDigits() { return digits; }

  /// Multiplies `rows` rows from `row` on by the panels [begin, end).
  void emit(ArrayRef<Value> batchIndices, Value firstRow, int64_t numRows,
            Value begin, Value end) {
    batch.assign(batchIndices.begin(), batchIndices.end());
    row = firstRow;
    rows = numRows;
    Type byte = e.b.getI8Type(), word = e.b.getI16Type();
    tables = allocate({groupsPerBlock * kGroupTables, rows * digits, kEntries},
                      byte);
    // A vector is read from the codes of each group.
    codes = allocate({digits, groupsPerBlock * kGroupSize + bytes}, byte);
    SmallVector<Value> zeros(rows * digits * LookupLanes::kWideVectors,
                             e.constant(wide.getWideType(), 0));
    int64_t last = blocks - 1;
    if (last > 0) {
      waiting = allocate(
          {kSharedPanels, static_cast<int64_t>(zeros.size()), bytes / 2}, word);
      e.forLoop(begin, end, 1,
                [&](Value panel) { storeSums(e.sub(panel, begin), zeros); });
      e.forLoop(e.index(0), e.index(last), 1, [&](Value block) {
        Value first = e.mul(block, e.index(groupsPerBlock));
        fillTables(first, groupsPerBlock);
        e.forLoop(begin, end, 1, [&](Value panel) {
          Value slot = e.sub(panel, begin);
          storeSums(slot, addBlock(panel, first, groupsPerBlock,
                                   loadSums(slot, zeros.size())));
        });
      });
    }
    Value first = e.index(last * groupsPerBlock);
    int64_t left = groups - last * groupsPerBlock;
    fillTables(first, left);
    e.forLoop(begin, end, 1, [&](Value panel) {
      SmallVector<Value> sums =
          last > 0 ? loadSums(e.sub(panel, begin), zeros.size()) : zeros;
      sums = addBlock(panel, first, left, sums);
      storeTile(e, op, operands, kernel, finish(sums, panel), rows, batch, row,
                panel);
    });
  }

private:
  Value allocate(ArrayRef<int64_t> shape, Type type) {
    return memref::AllocaOp::create(e.b, e.loc, MemRefType::get(shape, type),
                                    e.b.getI64IntegerAttr(64));
  }

  void storeSums(Value slot, ArrayRef<Value> sums) {
    for (auto [i, sum] : llvm::enumerate(sums))
      e.store(sum, waiting, {slot, e.index(i), e.index(0)});
  }
  SmallVector<Value> loadSums(Value slot, size_t count) {
    SmallVector<Value> sums;
    for (size_t i = 0; i < count; ++i)
      sums.push_back(
          e.load(waiting, {slot, e.index(i), e.index(0)}, bytes / 2));
    return sums;
  }

  Value lhsWord(Value offset, Value position) {
    SmallVector<Value> indices(batch);
    indices.append({e.add(row, offset), position});
    return memref::LoadOp::create(e.b, e.loc, operands.lhs, indices);
  }

  /// The tables of `count` groups of a block from `first` on, which begins a
  /// word.
  void fillTables(Value first, int64_t count) {
    Value firstWord = e.floorDiv(e.mul(first, e.index(kGroupSize)), 64);
    e.forLoop(e.index(0), e.index(rows), 1, [&](Value r) {
      storeCodes(r, firstWord, llvm::divideCeil(count * kGroupSize, 64));
      e.forLoop(e.index(0), e.index(count), 1, [&](Value group) {
        for (int64_t digit = 0; digit < digits; ++digit)
          storeTables(group, r, digit);
      });
    });
  }

  /// Writes the digits of the codes of a row as bytes.
  void storeCodes(Value r, Value firstWord, int64_t count) {
    VectorType type = wide.getByteType();
    auto bits = VectorType::get({64}, e.b.getI1Type());
    auto single = VectorType::get({1}, e.b.getI64Type());
    // Beyond the last word the weights have no bits.
    Value lastWord = e.index(llvm::divideCeil(op.getSize(), 64) - 1);
    e.forLoop(e.index(0), e.index(count), 1, [&](Value word) {
      Value from =
          e.mul(e.min(e.add(firstWord, word), lastWord), e.index(planes));
      Value digit;
      for (unsigned plane = 0; plane < planes; ++plane) {
        unsigned inDigit = plane % kDigitPlanes;
        Value mask = vector::BitCastOp::create(
            e.b, e.loc, bits,
            vector::BroadcastOp::create(
                e.b, e.loc, single, lhsWord(r, e.add(from, e.index(plane)))));
        Value ones = arith::SelectOp::create(e.b, e.loc, mask,
                                             e.constant(type, 1 << inDigit),
                                             e.constant(type, 0));
        digit = inDigit ? e.add(digit, ones) : ones;
        if (inDigit + 1 == kDigitPlanes || plane + 1 == planes)
          e.store(digit, codes,
                  {e.index(plane / kDigitPlanes), e.mul(word, e.index(64))});
      }
    });
  }

  /// The four tables of a group: those of three elements, eight of them in a
  /// vector, are added in pairs.
  void storeTables(Value group, Value r, int64_t digit) {
    VectorType type = wide.getByteType();
    Value code = e.load(
        codes, {e.index(digit), e.mul(group, e.index(kGroupSize))}, bytes);
    Value zero = e.constant(type, 0), threes;
    for (int64_t element = 0; element < 3; ++element) {
      // Entry w of a table has the elements whose bits w has.
      SmallVector<int64_t> from;
      for (int64_t i = 0; i < bytes; ++i)
        from.push_back(i >> element & 1 ? i / 8 * 3 + element : bytes);
      Value chosen = vector::ShuffleOp::create(e.b, e.loc, code, zero, from);
      threes = element ? e.add(threes, chosen) : chosen;
    }
    for (int64_t sextet = 0; sextet < kGroupTables; ++sextet) {
      SmallVector<int64_t> low, high;
      for (int64_t i = 0; i < kEntries; ++i) {
        low.push_back(16 * sextet + i % 8);
        high.push_back(16 * sextet + 8 + i / 8);
      }
      Value table =
          e.add(vector::ShuffleOp::create(e.b, e.loc, threes, threes, low),
                vector::ShuffleOp::create(e.b, e.loc, threes, threes, high));
      Value position =
          e.add(e.mul(group, e.index(kGroupTables)), e.index(sextet));
      e.store(table, tables,
              {position, e.add(e.mul(r, e.index(digits)), e.index(digit)),
               e.index(0)});
    }
  }

  Value weights(Value panel, Value group, int64_t byte, int64_t vector) {
    Value step = e.add(e.mul(group, e.index(kGroupBytes)), e.index(byte));
    return e.load(operands.rhs, {panel, step, e.index(vector * bytes)}, bytes);
  }

  /// The indices of the last sextet, from the high bits of the bytes of the
  /// others.
  Value joinHighBits(ArrayRef<Value> words) {
    auto pairs = VectorType::get({bytes / 2}, e.b.getI16Type());
    VectorType type = wide.getByteType();
    Value joined;
    for (int64_t i = 0; i < kGroupBytes; ++i) {
      Value shifted = vector::BitCastOp::create(e.b, e.loc, pairs, words[i]);
      shifted = arith::ShRUIOp::create(e.b, e.loc, shifted,
                                       e.constant(pairs, 6 - 2 * i));
      shifted = vector::BitCastOp::create(e.b, e.loc, type, shifted);
      shifted = arith::AndIOp::create(e.b, e.loc, shifted,
                                      e.constant(type, 3 << (2 * i)));
      joined =
          joined ? arith::OrIOp::create(e.b, e.loc, joined, shifted) : shifted;
    }
    return joined;
  }

  /// Adds `count` groups of a block, whose first is `first`, to 16-bit sums.
  SmallVector<Value> addBlock(Value panel, Value first, int64_t count,
                              ArrayRef<Value> init) {
    int64_t together = std::max<int64_t>(lookupsPerByte / kGroupTables, 1);
    int64_t whole = count / together * together;
    SmallVector<Value> sums =
        e.forLoop(e.index(0), e.index(whole), together, init,
                  [&](Value group, ValueRange carried) {
                    return addGroups(panel, first, group, together, carried);
                  });
    if (whole < count)
      sums = addGroups(panel, first, e.index(whole), count - whole, sums);
    return sums;
  }

  SmallVector<Value> addGroups(Value panel, Value first, Value group,
                               int64_t count, ValueRange carried) {
    SmallVector<Value> sums(carried), added;
    int64_t looked = 0;
    for (int64_t i = 0; i < count; ++i) {
      Value inBlock = e.add(group, e.index(i));
      Value at = e.add(first, inBlock);
      // Indices by vector and sextet.
      SmallVector<Value> indices[2];
      for (int64_t v = 0; v < 2; ++v) {
        for (int64_t byte = 0; byte < kGroupBytes; ++byte)
          indices[v].push_back(weights(panel, at, byte, v));
        indices[v].push_back(joinHighBits(indices[v]));
      }
      for (int64_t sextet = 0; sextet < kGroupTables; ++sextet) {
        Value position =
            e.add(e.mul(inBlock, e.index(kGroupTables)), e.index(sextet));
        SmallVector<Value> found =
            lookUp(position, indices[0][sextet], indices[1][sextet]);
        if (added.empty())
          added = found;
        else
          for (auto [sum, value] : llvm::zip_equal(added, found))
            sum = e.add(sum, value);
        if (++looked % lookupsPerByte == 0) {
          sums = wide.widen(added, sums);
          added.clear();
        }
      }
    }
    return added.empty() ? sums : wide.widen(added, sums);
  }

  /// Entries of the tables of all rows, two vectors for each.
  SmallVector<Value> lookUp(Value position, Value low, Value high) {
    SmallVector<Value> found;
    for (int64_t r = 0; r < rows * digits; ++r) {
      Value table =
          e.load(tables, {position, e.index(r), e.index(0)}, kEntries);
      for (Value indices : {low, high})
        found.push_back(LLVM::CallIntrinsicOp::create(
                            e.b, e.loc, wide.getByteType(),
                            e.b.getStringAttr("llvm.x86.avx512.permvar.qi.512"),
                            ValueRange{table, indices})
                            .getResult(0));
    }
    return found;
  }

  /// The sums of the rows of a tile, in parts of i32 lanes.
  SmallVector<Value> finish(ArrayRef<Value> sums, Value panel) {
    SmallVector<Value> products;
    for (int64_t r = 0; r < rows; ++r) {
      Value product;
      for (int64_t digit = digits; digit-- > 0;) {
        Value sum = wide.finish(
            sums.slice((r * digits + digit) * LookupLanes::kWideVectors,
                       LookupLanes::kWideVectors));
        product = product ? e.add(e.mul(product, e.constant(product.getType(),
                                                            1 << kDigitPlanes)),
                                  sum)
                          : sum;
      }
      products.push_back(product);
    }
    auto lhsType = cast<MemRefType>(operands.lhs.getType());
    Value lastWord =
        e.sub(e.dim(operands.lhs, lhsType.getRank() - 1), e.index(1));
    return wide.split(addLevelTerms(
        e, operands, lhs, op.getRhsPacking().getLevels(), products,
        [&] {
          return wide.columnSums(operands.rhs, panel,
                                 e.index(groups * kGroupBytes));
        },
        [&](int64_t r) { return lhsWord(e.index(r), lastWord); }));
  }

  Emission &e;
  PackedMatmulOp op;
  const MatmulOperands &operands;
  const KernelRow &kernel;
  LevelsType lhs;
  int64_t bytes;
  unsigned planes;
  int64_t digits, groups, blocks, groupsPerBlock, lookupsPerByte;
  LookupLanes wide;
  /// The tile that is emitted: where it is and its buffers.
  SmallVector<Value> batch;
  Value row, tables, waiting, codes;
  int64_t rows = 0;
};

} // namespace

LogicalResult mlir::lowbit::emitSextetMatmul(Emission &e, PackedMatmulOp op,
                                             const MatmulOperands &operands,
                                             const KernelRow &kernel) {
  if (op.getDynamicSize())
    return op.emitOpError("needs a contraction of known length for kernel '")
           << kernel.name << "'";
  int64_t rank = cast<MemRefType>(operands.init.getType()).getRank();
  SextetTile tile(e, op, operands, kernel);
  Value panels = e.dim(operands.rhs, 0);
  Value rows = e.dim(operands.init, rank - 2);
  // A thread takes a tile of rows and panels enough to be worth the tables.
  auto getShared = [&](Value numTiles) -> Value {
    Value many = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::uge,
                                       numTiles, e.index(kManyTiles));
    return arith::SelectOp::create(e.b, e.loc, many, e.index(kSharedPanels),
                                   e.index(kSharedPanelsOfFewTiles));
  };
  auto emitTiles = [&](Value firstRow, Value numTiles, int64_t tileRows) {
    SmallVector<Value> extents;
    for (int64_t i = 0; i < rank - 2; ++i)
      extents.push_back(e.dim(operands.init, i));
    Value shared = getShared(numTiles);
    extents.append(
        {numTiles, arith::CeilDivUIOp::create(e.b, e.loc, panels, shared)});
    e.parallel(extents, /*grain=*/1, [&](ValueRange ivs) {
      SmallVector<Value> batch(ivs.drop_back(2));
      Value row = e.add(firstRow, e.mul(ivs[rank - 2], e.index(tileRows)));
      Value begin = e.mul(ivs[rank - 1], shared);
      Value end = e.min(e.add(begin, shared), panels);
      tile.emit(batch, row, tileRows, begin, end);
    });
  };
  int64_t tileRows = kernel.rowsPerTile / tile.getDigits();
  std::optional<int64_t> known = getConstantIntValue(rows);
  Value tiles = e.floorDiv(rows, tileRows);
  Value whole = e.mul(tiles, e.index(tileRows));
  if (!known || *known >= tileRows)
    emitTiles(e.index(0), tiles, tileRows);
  if (!known || *known % tileRows != 0)
    emitTiles(whole, e.sub(rows, whole), 1);
  return success();
}
