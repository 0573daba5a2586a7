//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Products of packed levels by table lookup, for CPUs whose byte shuffle is
// faster than their popcount.
//
// Four elements of the left side are a table of 16 bytes: entry w is the sum of
// the codes u_k that the bits of w select. A byte shuffle looks up 32 nibbles
// of weights at once. The tables of a tile of rows are built once and used for
// all panels; codes of several bits cost no more than single bits, only their
// bytes fill up sooner.
//
//===----------------------------------------------------------------------===//

#include "LookupLanes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mlir::lowbit;

namespace {

class LookupTile {
public:
  LookupTile(Emission &e, const MatmulOperands &operands,
             const KernelRow &kernel, LevelsType lhs, LevelsType rhs,
             Value counts)
      : e(e), operands(operands), lhs(lhs), rhs(rhs), counts(counts),
        bytes(kernel.vectorLanes * 8), planes(lhs.getPlanes()), wide(e, bytes) {
    auto lhsType = cast<MemRefType>(operands.lhs.getType());
    lastWord = e.sub(e.dim(operands.lhs, lhsType.getRank() - 1), e.index(1));
    words = e.floorDiv(lastWord, planes);
    steps = e.sub(e.dim(operands.rhs, 1), e.index(4));
  }

  /// Builds the tables of `rows` rows from `row` on in `tables`.
  void fillTables(Value tables, ArrayRef<Value> batch, Value row,
                  int64_t rows) {
    e.forLoop(e.index(0), words, 1, [&](Value word) {
      for (int64_t r = 0; r < rows; ++r) {
        SmallVector<Value> bits;
        for (unsigned plane = 0; plane < planes; ++plane)
          bits.push_back(
              lhsWord(batch, row, r,
                      e.add(e.mul(word, e.index(planes)), e.index(plane))));
        for (int64_t nibble = 0; nibble < 16; ++nibble) {
          Value table;
          for (unsigned plane = planes; plane-- > 0;) {
            Value at = arith::AndIOp::create(
                e.b, e.loc,
                arith::ShRUIOp::create(e.b, e.loc, bits[plane],
                                       e.i64(4 * nibble)),
                e.i64(15));
            at = arith::IndexCastOp::create(e.b, e.loc, e.b.getIndexType(), at);
            Value ones = e.load(counts, {at, e.index(0)}, 16);
            table = table ? e.add(e.add(table, table), ones) : ones;
          }
          Value position = e.add(e.mul(word, e.index(16)), e.index(nibble));
          vector::StoreOp::create(e.b, e.loc, table, tables,
                                  ValueRange{position, e.index(r), e.index(0)});
        }
      }
    });
  }

  /// The sums of the rows of a tile, in parts of i32 lanes.
  SmallVector<Value> emit(Value tables, ArrayRef<Value> batch, Value row,
                          int64_t rows, Value panel) {
    SmallVector<Value> sums(rows * LookupLanes::kWideVectors,
                            e.constant(wide.getWideType(), 0));
    // Bytes gain at most 8 codes a step.
    int64_t chunk = 255 / (8 * (lhs.getCount() - 1));
    std::optional<int64_t> known = getConstantIntValue(steps);
    if (known && *known <= chunk)
      sums = wide.widen(addBytes(tables, rows, panel, e.index(0), steps), sums);
    else
      sums = e.forLoop(
          e.index(0), steps, chunk, sums, [&](Value begin, ValueRange carried) {
            Value end = e.min(e.add(begin, e.index(chunk)), steps);
            return wide.widen(addBytes(tables, rows, panel, begin, end),
                              carried);
          });
    return finish(sums, batch, row, rows, panel);
  }

private:
  Value lhsWord(ArrayRef<Value> batch, Value row, int64_t offset,
                Value position) {
    SmallVector<Value> indices(batch);
    indices.append({e.add(row, e.index(offset)), position});
    return memref::LoadOp::create(e.b, e.loc, operands.lhs, indices);
  }
  Value weights(Value panel, Value step, int64_t vector) {
    return e.load(operands.rhs, {panel, step, e.index(vector * bytes)}, bytes);
  }

  /// The table of one nibble of one row, once in every 16 bytes.
  Value table(Value tables, Value step, int64_t half, int64_t row) {
    Value position = e.add(e.mul(step, e.index(2)), e.index(half));
    Value entry = e.load(tables, {position, e.index(row), e.index(0)}, 16);
    SmallVector<int64_t> repeat;
    for (int64_t i = 0; i < bytes; ++i)
      repeat.push_back(i % 16);
    return vector::ShuffleOp::create(e.b, e.loc, entry, entry, repeat);
  }

  Value shuffle(Value table, Value nibbles) {
    StringRef name = bytes == 64   ? "llvm.x86.avx512.pshuf.b.512"
                     : bytes == 32 ? "llvm.x86.avx2.pshuf.b"
                                   : "llvm.x86.ssse3.pshuf.b.128";
    return LLVM::CallIntrinsicOp::create(e.b, e.loc, wide.getByteType(),
                                         e.b.getStringAttr(name),
                                         ValueRange{table, nibbles})
        .getResult(0);
  }

  /// Sums as bytes over the steps [begin, end): two vectors for each row.
  SmallVector<Value> addBytes(Value tables, int64_t rows, Value panel,
                              Value begin, Value end) {
    SmallVector<Value> zeros(rows * 2, e.constant(wide.getByteType(), 0));
    return e.forLoop(begin, end, 1, zeros, [&](Value step, ValueRange sums) {
      auto half = VectorType::get({bytes / 2}, e.b.getI16Type());
      Value low = e.constant(wide.getByteType(), 15);
      Value nibbles[2][2];
      for (int64_t v = 0; v < 2; ++v) {
        Value both = weights(panel, step, v);
        nibbles[v][0] = arith::AndIOp::create(e.b, e.loc, both, low);
        Value shifted = vector::BitCastOp::create(e.b, e.loc, half, both);
        shifted =
            arith::ShRUIOp::create(e.b, e.loc, shifted, e.constant(half, 4));
        shifted =
            vector::BitCastOp::create(e.b, e.loc, wide.getByteType(), shifted);
        nibbles[v][1] = arith::AndIOp::create(e.b, e.loc, shifted, low);
      }
      SmallVector<Value> next(sums);
      for (int64_t row = 0; row < rows; ++row)
        for (int64_t part = 0; part < 2; ++part) {
          Value entry = table(tables, step, part, row);
          for (int64_t v = 0; v < 2; ++v)
            next[row * 2 + v] =
                e.add(next[row * 2 + v], shuffle(entry, nibbles[v][part]));
        }
      return next;
    });
  }

  SmallVector<Value> finish(ArrayRef<Value> sums, ArrayRef<Value> batch,
                            Value row, int64_t rows, Value panel) {
    SmallVector<Value> products;
    for (int64_t r = 0; r < rows; ++r)
      products.push_back(wide.finish(sums.slice(r * LookupLanes::kWideVectors,
                                                LookupLanes::kWideVectors)));
    return wide.split(addLevelTerms(
        e, operands, lhs, rhs, products,
        [&] { return wide.columnSums(operands.rhs, panel, steps); },
        [&](int64_t r) { return lhsWord(batch, row, r, lastWord); }));
  }

  Emission &e;
  const MatmulOperands &operands;
  LevelsType lhs, rhs;
  Value counts;
  int64_t bytes;
  unsigned planes;
  LookupLanes wide;
  Value lastWord, words, steps;
};

} // namespace

LogicalResult mlir::lowbit::emitLookupMatmul(Emission &e, PackedMatmulOp op,
                                             const MatmulOperands &operands,
                                             const KernelRow &kernel) {
  auto lhsType = cast<MemRefType>(operands.lhs.getType());
  int64_t depth = lhsType.getShape().back();
  if (ShapedType::isDynamic(depth))
    return op.emitOpError("needs a contraction of known length for kernel '")
           << kernel.name << "'";
  LevelsType lhs = op.getLhsPacking()->getLevels();
  LevelsType rhs = op.getRhsPacking().getLevels();
  int64_t words = (depth - 1) / lhs.getPlanes();
  int64_t rank = cast<MemRefType>(operands.init.getType()).getRank();
  Value counts = getSelectedCounts(e, op, /*bits=*/4);

  // A thread takes a tile of rows and a group of panels: enough panels to be
  // worth the tables.
  constexpr int64_t kPanelsPerGroup = 12;
  Value panels = e.dim(operands.rhs, 0);
  Value rows = e.dim(operands.init, rank - 2);
  auto emitTiles = [&](Value firstRow, Value numTiles, int64_t tileRows) {
    SmallVector<Value> extents;
    for (int64_t i = 0; i < rank - 2; ++i)
      extents.push_back(e.dim(operands.init, i));
    extents.append({numTiles, e.ceilDiv(panels, kPanelsPerGroup)});
    e.parallel(extents, /*grain=*/1, [&](ValueRange ivs) {
      SmallVector<Value> batch(ivs.drop_back(2));
      Value row = e.add(firstRow, e.mul(ivs[rank - 2], e.index(tileRows)));
      Value tables = memref::AllocaOp::create(
          e.b, e.loc,
          MemRefType::get({words * 16, tileRows, 16}, e.b.getI8Type()),
          e.b.getI64IntegerAttr(64));
      LookupTile tile(e, operands, kernel, lhs, rhs, counts);
      tile.fillTables(tables, batch, row, tileRows);
      Value begin = e.mul(ivs[rank - 1], e.index(kPanelsPerGroup));
      Value end = e.min(e.add(begin, e.index(kPanelsPerGroup)), panels);
      e.forLoop(begin, end, 1, [&](Value panel) {
        SmallVector<Value> sums =
            tile.emit(tables, batch, row, tileRows, panel);
        storeTile(e, op, operands, kernel, sums, tileRows, batch, row, panel);
      });
    });
  };
  std::optional<int64_t> known = getConstantIntValue(rows);
  Value tiles = e.floorDiv(rows, kernel.rowsPerTile);
  Value whole = e.mul(tiles, e.index(kernel.rowsPerTile));
  if (!known || *known >= kernel.rowsPerTile)
    emitTiles(e.index(0), tiles, kernel.rowsPerTile);
  if (!known || *known % kernel.rowsPerTile != 0)
    emitTiles(whole, e.sub(rows, whole), 1);
  return success();
}
