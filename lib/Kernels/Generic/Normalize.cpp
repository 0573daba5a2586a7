//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Layer normalisation and softmax, a row at a time: see `lowbit.layer_norm` and
// `lowbit.softmax`. Sums are taken in vector lanes and joined at the end of a
// row, so a result does not depend on the number of threads.
//
//===----------------------------------------------------------------------===//

#include "../Division.h"
#include "../Epilogue.h"
#include "lowbit/Kernels/Emitters.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <limits>

using namespace mlir;
using namespace mlir::lowbit;

namespace {

/// Rows of an operand whose last dimension is normalised.
class RowEmission {
public:
  RowEmission(Emission &e, const Target &target, Value init)
      : e(e), init(init), lanes(getFloatLanes(target)),
        type(VectorType::get({lanes}, e.b.getF32Type())),
        rank(cast<MemRefType>(init.getType()).getRank()),
        size(e.dim(init, rank - 1)) {}

  using Row = SmallVector<Value>;

  /// Calls `body` with the positions of several rows at once, then of single
  /// ones: work on several hides what one waits for.
  void forRows(llvm::function_ref<void(ArrayRef<Row>)> body) {
    SmallVector<Value> extents;
    for (int64_t i = 0; i + 1 < rank; ++i)
      extents.push_back(e.dim(init, i));
    if (extents.empty())
      return body(Row());
    constexpr int64_t kGroup = 4;
    Value rows = extents.back();
    extents.back() = e.ceilDiv(rows, kGroup);
    e.parallel(extents, /*grain=*/2, [&](ValueRange ivs) {
      Row batch(ivs.drop_back());
      Value first = e.mul(ivs.back(), e.index(kGroup));
      auto at = [&](Value row) {
        Row position(batch);
        position.push_back(row);
        return position;
      };
      auto several = [&] {
        SmallVector<Row> group;
        for (int64_t i = 0; i < kGroup; ++i)
          group.push_back(at(e.add(first, e.index(i))));
        body(group);
      };
      std::optional<int64_t> known = getConstantIntValue(rows);
      if (known && *known % kGroup == 0)
        return several();
      Value end = e.add(first, e.index(kGroup));
      Value whole = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ule,
                                          end, rows);
      e.ifElse(whole, several, [&] {
        e.forLoop(first, rows, 1, [&](Value row) { body(at(row)); });
      });
    });
  }

  Value load(Value memref, ValueRange row, Value k, Value count,
             double fill = 0) {
    SmallVector<Value> indices(row);
    indices.push_back(k);
    return e.load(memref, indices, lanes, count, fill);
  }
  void store(Value vector, ValueRange row, Value k, Value count) {
    SmallVector<Value> indices(row);
    indices.push_back(k);
    e.store(vector, init, indices, count);
  }

  /// Emission::sumRows over the elements of a row.
  SmallVector<Value>
  sum(size_t rows,
      llvm::function_ref<Value(size_t row, Value k, Value count)> term) {
    return e.sumRows(rows, size, lanes, /*padded=*/false, term);
  }

  /// `vector` with 0 in the lanes from `count` on.
  Value keep(Value vector, Value count) {
    if (!count)
      return vector;
    Value mask = vector::CreateMaskOp::create(
        e.b, e.loc, VectorType::get({lanes}, e.b.getI1Type()), count);
    return arith::SelectOp::create(e.b, e.loc, mask, vector,
                                   e.constant(type, 0));
  }

  Emission &e;
  Value init;
  int64_t lanes;
  VectorType type;
  int64_t rank;
  Value size;
};

} // namespace

namespace {

/// The numbers of a few normalised rows.
class NormRows {
public:
  /// Finds means and deviations. With a residual the sum is kept in the result,
  /// which is read back.
  template <typename NormOp>
  NormRows(RowEmission &rows, NormOp op, ArrayRef<RowEmission::Row> positions)
      : e(rows.e), rows(rows), positions(positions), source(op.getInput()),
        scale(op.getScale()), bias(op.getBias()) {
    Type f32 = e.b.getF32Type();
    Value residual = op.getResidual();
    Value count = arith::UIToFPOp::create(
        e.b, e.loc, f32,
        arith::IndexCastOp::create(e.b, e.loc, e.b.getI64Type(), rows.size));
    SmallVector<Value> totals =
        rows.sum(positions.size(), [&](size_t r, Value k, Value left) {
          Value x = rows.load(source, positions[r], k, left);
          if (residual) {
            x = arith::AddFOp::create(
                e.b, e.loc, x, rows.load(residual, positions[r], k, left));
            rows.store(x, positions[r], k, left);
          }
          return x;
        });
    if (residual)
      source = rows.init;
    for (Value total : totals)
      means.push_back(e.broadcast(
          arith::DivFOp::create(e.b, e.loc, total, count), rows.lanes));
    SmallVector<Value> squares =
        rows.sum(positions.size(), [&](size_t r, Value k, Value left) -> Value {
          Value d = rows.keep(centred(r, k, left), left);
          return arith::MulFOp::create(e.b, e.loc, d, d);
        });
    Value epsilon = e.constant(f32, op.getEpsilon().convertToDouble());
    for (Value square : squares) {
      Value variance = arith::DivFOp::create(e.b, e.loc, square, count);
      variance = arith::AddFOp::create(e.b, e.loc, variance, epsilon);
      Value root = math::SqrtOp::create(e.b, e.loc, variance);
      deviations.push_back(root);
      if (e.fma)
        inverses.push_back(
            arith::DivFOp::create(e.b, e.loc, e.constant(f32, 1), root));
    }
  }

  /// The normalised elements of a row from `k` on.
  Value element(size_t r, Value k, Value left) {
    Value y = divide(r, centred(r, k, left));
    y = arith::MulFOp::create(e.b, e.loc, y,
                              e.load(scale, k, rows.lanes, left));
    if (bias)
      y = arith::AddFOp::create(e.b, e.loc, y,
                                e.load(bias, k, rows.lanes, left));
    return y;
  }

private:
  Value centred(size_t r, Value k, Value left) {
    return arith::SubFOp::create(
        e.b, e.loc, rows.load(source, positions[r], k, left), means[r]);
  }

  /// d / deviation. Magnitudes stay far from overflow, since no element lies
  /// further from the mean than sqrt(K) deviations.
  Value divide(size_t r, Value d) {
    if (!e.fma)
      return arith::DivFOp::create(e.b, e.loc, d,
                                   e.broadcast(deviations[r], rows.lanes));
    return divideByReciprocal(e, d, deviations[r], inverses[r],
                              /*corrections=*/1);
  }

  Emission &e;
  RowEmission &rows;
  ArrayRef<RowEmission::Row> positions;
  Value source, scale, bias;
  SmallVector<Value> means, deviations, inverses;
};

/// The rows of the packed results of a `lowbit.layer_norm_pack`.
class PackedRows {
public:
  PackedRows(RowEmission &rows, LayerNormPackOp op)
      : e(rows.e), rows(rows), operands(op.getBodyOperands()),
        quantizers(e, op.getBody().front(), operands,
                   cast<MemRefType>(rows.init.getType()).getShape(),
                   rows.lanes),
        yields(op.getBody().front().getTerminator()->getNumOperands()) {
    for (auto [attr, memref] :
         llvm::zip_equal(op.getPackings(), op.getInits().drop_front())) {
      auto packing = cast<PackingAttr>(attr);
      results.push_back(
          {memref, packing.hasWholeCodes(), packing.getYieldedCount()});
    }
  }

  /// Stores the numbers of a row and their codes.
  void emit(const RowEmission::Row &row,
            llvm::function_ref<Value(Value k, Value left)> element) {
    // Ones of planes, or sums of codes in lanes.
    SmallVector<Value> sums;
    auto ints = VectorType::get({rows.lanes}, e.b.getI32Type());
    for (const Result &result : results)
      sums.append(result.planes, result.bytes ? e.constant(ints, 0) : e.i64(0));
    sums = e.forVectors(
        rows.size, 64, sums, [&](Value begin, Value count, ValueRange carried) {
          SmallVector<SmallVector<Value>> parts =
              emitParts(row, begin, count, element);
          SmallVector<Value> next(carried);
          size_t yield = 0;
          for (const Result &result : results) {
            if (result.bytes)
              storeBytes(result, row, begin, count, parts[yield], next[yield]);
            else
              storeWords(result, row, begin,
                         ArrayRef(parts).slice(yield, result.planes),
                         MutableArrayRef(next).slice(yield, result.planes));
            yield += result.planes;
          }
          return next;
        });
    ArrayRef<Value> left(sums);
    for (const Result &result : results) {
      storeLast(result, row, left.take_front(result.planes));
      left = left.drop_front(result.planes);
    }
  }

private:
  struct Result {
    Value memref;
    bool bytes;
    int64_t planes; // 1 of bytes
  };

  SmallVector<Value> getIndices(const RowEmission::Row &row, Value position) {
    SmallVector<Value> indices(row);
    indices.push_back(position);
    return indices;
  }

  /// What the region yields for 64 elements, `count` of them when it is given:
  /// of each yielded value the vectors, 0 beyond the last element.
  SmallVector<SmallVector<Value>>
  emitParts(const RowEmission::Row &row, Value begin, Value count,
            llvm::function_ref<Value(Value k, Value left)> element) {
    SmallVector<SmallVector<Value>> parts(yields);
    for (int64_t first = 0; first < 64; first += rows.lanes) {
      Value k = e.add(begin, e.index(first)), left = e.remaining(count, first);
      Value y = element(k, left);
      rows.store(y, row, k, left);
      for (auto [part, yielded] : llvm::zip_equal(
               parts, quantizers.apply(y, getIndices(row, k), left))) {
        Value kept = yielded;
        if (left)
          kept = arith::SelectOp::create(
              e.b, e.loc,
              vector::CreateMaskOp::create(
                  e.b, e.loc, VectorType::get({rows.lanes}, e.b.getI1Type()),
                  left),
              yielded, e.constant(yielded.getType(), 0));
        part.push_back(kept);
      }
    }
    return parts;
  }

  void storeBytes(const Result &result, const RowEmission::Row &row,
                  Value begin, Value count, ArrayRef<Value> parts, Value &sum) {
    int64_t words = rows.lanes / 4;
    for (auto [i, code] : llvm::enumerate(parts)) {
      Value left = e.remaining(count, i * rows.lanes);
      e.store(e.joinBytes(code), result.memref,
              getIndices(row, e.add(e.floorDiv(begin, 4), e.index(i * words))),
              left ? e.ceilDiv(left, 4) : Value());
      sum = e.add(sum, code);
    }
  }

  void storeWords(const Result &result, const RowEmission::Row &row,
                  Value begin, ArrayRef<SmallVector<Value>> parts,
                  MutableArrayRef<Value> ones) {
    Value first = e.mul(e.floorDiv(begin, 64), e.index(result.planes));
    for (auto [plane, part] : llvm::enumerate(parts)) {
      Value word = e.joinBits(part);
      memref::StoreOp::create(e.b, e.loc, word, result.memref,
                              getIndices(row, e.add(first, e.index(plane))));
      ones[plane] = e.add(ones[plane], math::CtPopOp::create(e.b, e.loc, word));
    }
  }

  /// Stores the word behind the codes of a row.
  void storeLast(const Result &result, const RowEmission::Row &row,
                 ArrayRef<Value> sums) {
    Value last, sum = e.i64(0);
    if (result.bytes) {
      last = e.ceilDiv(rows.size, 4);
      sum = vector::ReductionOp::create(e.b, e.loc, vector::CombiningKind::ADD,
                                        sums.front());
    } else {
      last = e.mul(e.ceilDiv(rows.size, 64), e.index(result.planes));
      for (auto [plane, ones] : llvm::enumerate(sums))
        sum = e.addPlane(sum, ones, plane);
    }
    memref::StoreOp::create(e.b, e.loc, sum, result.memref,
                            getIndices(row, last));
  }

  Emission &e;
  RowEmission &rows;
  SmallVector<Value> operands;
  Epilogue quantizers;
  size_t yields;
  SmallVector<Result> results;
};

} // namespace

LogicalResult mlir::lowbit::emitLayerNorm(RewriterBase &rewriter,
                                          LayerNormOp op,
                                          const Target &target) {
  if (!isa<MemRefType>(op.getInit().getType()))
    return op.emitOpError("must be on buffers before code is emitted for it");
  Emission e(rewriter, op.getLoc(), target);
  RowEmission rows(e, target, op.getInit());
  rows.forRows([&](ArrayRef<RowEmission::Row> positions) {
    NormRows norm(rows, op, positions);
    for (auto [r, row] : llvm::enumerate(positions))
      e.forVectors(rows.size, rows.lanes,
                   [&, r = r, &row = row](Value k, Value left) {
                     rows.store(norm.element(r, k, left), row, k, left);
                   });
  });
  rewriter.eraseOp(op);
  return success();
}

LogicalResult mlir::lowbit::emitLayerNormPack(RewriterBase &rewriter,
                                              LayerNormPackOp op,
                                              const Target &target) {
  if (!isa<MemRefType>(op.getInput().getType()))
    return op.emitOpError("must be on buffers before code is emitted for it");
  Emission e(rewriter, op.getLoc(), target);
  RowEmission rows(e, target, op.getInits().front());
  PackedRows packed(rows, op);
  rows.forRows([&](ArrayRef<RowEmission::Row> positions) {
    NormRows norm(rows, op, positions);
    for (auto [r, row] : llvm::enumerate(positions))
      packed.emit(row, [&, r = r](Value k, Value left) {
        return norm.element(r, k, left);
      });
  });
  rewriter.eraseOp(op);
  return success();
}

LogicalResult mlir::lowbit::emitSoftmax(RewriterBase &rewriter, SoftmaxOp op,
                                        const Target &target) {
  if (!isa<MemRefType>(op.getInit().getType()))
    return op.emitOpError("must be on buffers before code is emitted for it");
  Emission e(rewriter, op.getLoc(), target);
  RowEmission rows(e, target, op.getInit());
  int64_t lanes = rows.lanes;
  double lowest = -std::numeric_limits<double>::infinity();
  auto emitRow = [&](const RowEmission::Row &row) {
    Value least = e.constant(rows.type, lowest);
    SmallVector<Value> maxima = e.forVectors(
        rows.size, lanes, least,
        [&](Value k, Value left, ValueRange carried) -> SmallVector<Value> {
          Value x = rows.load(op.getInput(), row, k, left, lowest);
          // A NaN may get lost here; the sum of exponentials keeps it.
          return {e.greater(carried[0], x)};
        });
    Value maximum = e.broadcast(
        e.reduce(maxima[0], [&](Value a, Value b) { return e.greater(a, b); }),
        lanes);
    Value total = rows.sum(1, [&](size_t, Value k, Value left) {
      Value x = rows.load(op.getInput(), row, k, left, lowest);
      x = arith::SubFOp::create(e.b, e.loc, x, maximum);
      Value y = rows.keep(math::ExpOp::create(e.b, e.loc, x), left);
      rows.store(y, row, k, left);
      return y;
    })[0];
    e.forVectors(rows.size, lanes, [&](Value k, Value left) {
      Value y = rows.load(rows.init, row, k, left);
      rows.store(divideExponentials(e, y, total), row, k, left);
    });
  };
  rows.forRows([&](ArrayRef<RowEmission::Row> positions) {
    for (const RowEmission::Row &row : positions)
      emitRow(row);
  });
  rewriter.eraseOp(op);
  return success();
}
