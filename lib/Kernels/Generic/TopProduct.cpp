//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The k largest products of a row with a table: `lowbit.top_product`.
//
// With h = s*q + e for a row of the input (codes q of 16 bits) and w = t*c + f
// for one of the table (codes c of 8 bits)
//
//   |h.w - s*t*(q.c)| <= |s*q| |f| + |e| |w|,
//
// and the product of floats, summed in order, is as near to h.w as
// gamma_K |h| |w|. So three steps give the exact result: the codes of rows; the
// products of codes with a bound from either side for each logit; and the
// products of floats for what can be among the k largest, which are few. What
// the bounds do not cover (NaN, infinities, numbers so large or so small that
// arithmetic leaves the normal range) makes a bound that is not finite, and
// with it a candidate.
//
//===----------------------------------------------------------------------===//

#include "TopProduct.h"
#include "lowbit/Kernels/Emitters.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::lowbit;

/// Panels of a block: half a megabyte for rows of a thousand elements.
static constexpr int64_t kBlockPanels = 8;
/// Lanes of the codes of a row; LLVM splits them for narrower machines.
static constexpr int64_t kLanes = 16;
/// The largest code of a row: its high byte is at most 127.
static constexpr int64_t kMaxRowCode = 127 * 256;
/// Magnitudes and norms between which no step leaves the normal range.
static constexpr double kLeastMagnitude = 0x1p-40, kMaxNorm = 1e18;

static int64_t getPanels(TopProductOp op) {
  return llvm::divideCeil(op.getTableRows(), TopProductOp::kPanelRows);
}

/// Groups of which one has a row of the table, for each lane and block.
static int64_t countGroups(TopProductOp op, int64_t block) {
  return llvm::divideCeil(getPanels(op), block) * TopProductOp::kPanelRows;
}

int64_t mlir::lowbit::getTopProductBlock(TopProductOp op) {
  // The k-th largest lower bound is found among one from each group. It is a
  // good one where groups are many; a block of one panel has groups of one.
  return op.getCount() * 8 <= countGroups(op, kBlockPanels) ? kBlockPanels : 1;
}

SmallVector<MemRefType> mlir::lowbit::getTopProductScratch(TopProductOp op) {
  Builder builder(op.getContext());
  Type f32 = builder.getF32Type(), i32 = builder.getI32Type();
  constexpr int64_t rows = ShapedType::kDynamic;
  int64_t quads = llvm::divideCeil(op.getSize(), TopProductOp::kQuad);
  int64_t lanes = getPanels(op) * TopProductOp::kPanelRows;
  return {MemRefType::get({rows, 2, quads + 1}, i32),
          MemRefType::get({rows, kRowTerms}, f32),
          MemRefType::get({rows, lanes}, f32),
          MemRefType::get({rows, countGroups(op, getTopProductBlock(op))}, f32),
          MemRefType::get({rows, op.getTableRows()}, i32)};
}

void mlir::lowbit::forTopProductRows(
    Emission &e, TopProductOp op,
    llvm::function_ref<void(const TopProductRow &)> body) {
  SmallVector<Value> extents;
  int64_t rank = cast<MemRefType>(op.getInput().getType()).getRank();
  for (int64_t i = 0; i + 1 < rank; ++i)
    extents.push_back(e.dim(op.getInput(), i));
  e.parallel(extents, /*grain=*/1, [&](ValueRange ivs) {
    TopProductRow row{SmallVector<Value>(ivs), e.index(0)};
    for (auto [extent, iv] : llvm::zip_equal(extents, ivs))
      row.index = e.add(e.mul(row.index, extent), iv);
    body(row);
  });
}

namespace {

/// The codes of one row.
class RowCodes {
public:
  RowCodes(Emission &e, TopProductOp op, const TopProductRow &row)
      : e(e), op(op), row(row), size(e.index(op.getSize())),
        f32(e.b.getF32Type()) {}

  void emit() {
    Value largest = emitLargest();
    Value scale = arith::MulFOp::create(e.b, e.loc, largest,
                                        e.constant(f32, 1.0 / kMaxRowCode));
    emitBounds(largest, scale);
    emitCodes(arith::DivFOp::create(e.b, e.loc, e.constant(f32, kMaxRowCode),
                                    largest));
  }

private:
  Value load(Value k, Value count) {
    SmallVector<Value> indices(row.position);
    indices.push_back(k);
    return e.load(op.getInput(), indices, kLanes, count);
  }

  /// The largest magnitude.
  Value emitLargest() {
    auto type = VectorType::get({kLanes}, f32);
    Value lanes = e.forVectors(
        size, kLanes, e.constant(type, 0),
        [&](Value k, Value count, ValueRange carried) -> SmallVector<Value> {
          Value x = math::AbsFOp::create(e.b, e.loc, load(k, count));
          return {e.greater(x, carried[0])};
        })[0];
    return e.reduce(lanes, [&](Value a, Value b) { return e.greater(a, b); });
  }

  void emitBounds(Value largest, Value scale) {
    auto times = [&](Value x, double factor) -> Value {
      return arith::MulFOp::create(e.b, e.loc, x, e.constant(f32, factor));
    };
    auto plus = [&](Value x, Value y) -> Value {
      return arith::AddFOp::create(e.b, e.loc, x, y);
    };
    Value squares = e.sumRows(1, size, kLanes, /*padded=*/false,
                              [&](size_t, Value k, Value count) -> Value {
                                Value x = load(k, count);
                                return arith::MulFOp::create(e.b, e.loc, x, x);
                              })[0];
    Value norm = math::SqrtOp::create(e.b, e.loc, squares);
    // A code is off by half a step, and by the rounding of what it is made of:
    // less than 0.007 steps. Products of floats are off by gamma_K, those of
    // codes and their bounds by some more units in the last place. One percent
    // more covers the rounding of norms.
    auto length = static_cast<double>(op.getSize());
    Value error = times(scale, 0.51 * std::sqrt(length));
    Value bound = plus(times(norm, 1.005), error);
    Value both = plus(error, times(bound, 1.01 * (length + 64) * 0x1p-24));
    Value normal = arith::AndIOp::create(
        e.b, e.loc,
        arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::OGT, largest,
                              e.constant(f32, kLeastMagnitude)),
        arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::OLT, norm,
                              e.constant(f32, kMaxNorm)));
    Value infinity = e.constant(f32, std::numeric_limits<double>::infinity());
    auto store = [&](Value value, int64_t column) {
      memref::StoreOp::create(e.b, e.loc, value, op.getScratch()[kRowBounds],
                              ValueRange{row.index, e.index(column)});
    };
    auto orInfinity = [&](Value value) -> Value {
      return arith::SelectOp::create(e.b, e.loc, normal, value, infinity);
    };
    store(scale, kRowScale);
    store(orInfinity(bound), kRowNorm);
    store(orInfinity(both), kRowError);
  }

  void emitCodes(Value inverse) {
    auto ints = VectorType::get({kLanes}, e.b.getI32Type());
    auto floats = VectorType::get({kLanes}, f32);
    Value factor = e.broadcast(inverse, kLanes);
    Value zero = e.constant(ints, 0);
    SmallVector<Value> sums = e.forVectors(
        size, kLanes, {zero, zero},
        [&](Value k, Value count, ValueRange carried) -> SmallVector<Value> {
          Value x = arith::MulFOp::create(e.b, e.loc, load(k, count), factor);
          // NaN becomes a number: the bounds of the row tell.
          x = e.less(x, e.constant(floats, kMaxRowCode));
          x = e.greater(x, e.constant(floats, -kMaxRowCode));
          x = math::RoundEvenOp::create(e.b, e.loc, x);
          Value code = arith::FPToSIOp::create(e.b, e.loc, ints, x);
          Value eight = e.constant(ints, 8);
          Value high = arith::ShRSIOp::create(
              e.b, e.loc, e.add(code, e.constant(ints, 128)), eight);
          Value low =
              e.sub(code, arith::ShLIOp::create(e.b, e.loc, high, eight));
          store(high, 0, k, count);
          store(low, 1, k, count);
          return {e.add(carried[0], high), e.add(carried[1], low)};
        });
    int64_t last = llvm::divideCeil(op.getSize(), TopProductOp::kQuad);
    for (auto [part, lanes] : llvm::enumerate(sums)) {
      Value sum = e.reduce(
          lanes, [&](Value a, Value b) -> Value { return e.add(a, b); });
      memref::StoreOp::create(
          e.b, e.loc, e.mul(sum, e.i32(TopProductOp::kCodeOffset)),
          op.getScratch()[kRowCodes],
          ValueRange{row.index, e.index(part), e.index(last)});
    }
  }

  /// Stores the bytes of one part of the codes, four in a word.
  void store(Value bytes, int64_t part, Value k, Value count) {
    auto chars = VectorType::get({kLanes}, e.b.getI8Type());
    auto words = VectorType::get({kLanes / 4}, e.b.getI32Type());
    bytes = arith::TruncIOp::create(e.b, e.loc, chars, bytes);
    e.store(vector::BitCastOp::create(e.b, e.loc, words, bytes),
            op.getScratch()[kRowCodes],
            ValueRange{row.index, e.index(part), e.floorDiv(k, 4)},
            count ? e.ceilDiv(count, 4) : Value());
  }

  Emission &e;
  TopProductOp op;
  const TopProductRow &row;
  Value size;
  Type f32;
};

} // namespace

void mlir::lowbit::emitTopProductCodes(Emission &e, TopProductOp op,
                                       const TopProductRow &row) {
  RowCodes(e, op, row).emit();
}

/// Whether the last dimension of a memref is contiguous.
static bool hasContiguousRows(Value memref) {
  SmallVector<int64_t> strides;
  int64_t offset;
  return succeeded(cast<MemRefType>(memref.getType())
                       .getStridesAndOffset(strides, offset)) &&
         strides.back() == 1;
}

LogicalResult mlir::lowbit::emitTopProduct(RewriterBase &rewriter,
                                           TopProductOp op,
                                           const Target &target) {
  if (!isa<MemRefType>(op.getInput().getType()))
    return op.emitOpError("must be on buffers before code is emitted for it");
  if (op.getScreen().empty() ||
      !llvm::equal(op.getScratch().getTypes(), getTopProductScratch(op)))
    return op.emitOpError("expected a screen and scratch buffers for it");
  if (!hasContiguousRows(op.getInput()) || !hasContiguousRows(op.getTable()))
    return op.emitOpError("expected rows whose elements lie side by side");
  Emission e(rewriter, op.getLoc(), target);
  Value rows = e.index(1);
  int64_t rank = cast<MemRefType>(op.getInput().getType()).getRank();
  for (int64_t i = 0; i + 1 < rank; ++i)
    rows = e.mul(rows, e.dim(op.getInput(), i));
  forTopProductRows(e, op, [&](const TopProductRow &row) {
    emitTopProductCodes(e, op, row);
  });
  emitTopProductScreen(e, op, rows, target);
  forTopProductRows(e, op, [&](const TopProductRow &row) {
    emitTopProductSelection(e, op, row, target);
  });
  rewriter.eraseOp(op);
  return success();
}
