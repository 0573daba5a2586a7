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

  void forRows(llvm::function_ref<void(ValueRange)> body) {
    SmallVector<Value> extents;
    for (int64_t i = 0; i + 1 < rank; ++i)
      extents.push_back(e.dim(init, i));
    if (extents.empty())
      body({});
    else
      e.parallel(extents, /*grain=*/8, body);
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

  /// The sum over a row of `term`, which is 0 in lanes beyond the end. Four
  /// partial sums of every fourth vector keep additions from waiting for each
  /// other.
  Value sum(llvm::function_ref<Value(Value k, Value count)> term) {
    constexpr int64_t kPartial = 4;
    auto add = [&](Value a, Value b) -> Value {
      return arith::AddFOp::create(e.b, e.loc, a, b);
    };
    Value step = e.index(kPartial * lanes);
    Value most = e.mul(e.floorDiv(size, kPartial * lanes), step);
    Value whole = e.mul(e.floorDiv(size, lanes), e.index(lanes));
    SmallVector<Value> sums(kPartial, e.constant(type, 0));
    sums = e.forLoop(e.index(0), most, kPartial * lanes, sums,
                     [&](Value k, ValueRange carried) {
                       SmallVector<Value> next;
                       for (int64_t i = 0; i < kPartial; ++i)
                         next.push_back(
                             add(carried[i],
                                 term(e.add(k, e.index(i * lanes)), Value())));
                       return next;
                     });
    Value rest = e.forLoop(most, whole, lanes, sums[0],
                           [&](Value k, ValueRange carried) -> SmallVector<Value> {
                             return {add(carried[0], term(k, Value()))};
                           })[0];
    // At most one step, none when the size is a multiple of the lanes.
    std::optional<int64_t> known = getConstantIntValue(size);
    if (!known || *known % lanes != 0)
      rest = e.forLoop(whole, size, lanes, rest,
                       [&](Value k, ValueRange carried) -> SmallVector<Value> {
                         return {add(carried[0], term(k, e.sub(size, k)))};
                       })[0];
    return e.reduce(add(add(rest, sums[1]), add(sums[2], sums[3])), add);
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

/// The numbers of one normalised row.
class NormRow {
public:
  NormRow(RowEmission &rows, Value input, Value scale, Value bias,
          Value residual, const APFloat &epsilon, bool fma)
      : e(rows.e), rows(rows), source(input), scale(scale), bias(bias),
        residual(residual), epsilon(epsilon.convertToDouble()), fma(fma) {
    count = arith::UIToFPOp::create(
        e.b, e.loc, e.b.getF32Type(),
        arith::IndexCastOp::create(e.b, e.loc, e.b.getI64Type(), rows.size));
  }

  /// Finds mean and deviation of a row. With a residual the sum is kept in the
  /// result, which is read back.
  void begin(ValueRange position) {
    row = position;
    Value total = rows.sum([&](Value k, Value left) {
      Value x = rows.load(source, row, k, left);
      if (residual) {
        x = arith::AddFOp::create(e.b, e.loc, x,
                                  rows.load(residual, row, k, left));
        rows.store(x, row, k, left);
      }
      return x;
    });
    if (residual)
      source = rows.init;
    mean = e.broadcast(arith::DivFOp::create(e.b, e.loc, total, count),
                       rows.lanes);
    Value squares = rows.sum([&](Value k, Value left) {
      Value d = rows.keep(centred(k, left), left);
      return arith::MulFOp::create(e.b, e.loc, d, d);
    });
    Value variance = arith::DivFOp::create(e.b, e.loc, squares, count);
    variance = arith::AddFOp::create(e.b, e.loc, variance,
                                     e.constant(e.b.getF32Type(), epsilon));
    Value root = math::SqrtOp::create(e.b, e.loc, variance);
    deviation = e.broadcast(root, rows.lanes);
    if (fma)
      inverse = e.broadcast(
          arith::DivFOp::create(e.b, e.loc, e.constant(e.b.getF32Type(), 1),
                                root),
          rows.lanes);
  }

  /// The normalised elements from `k` on.
  Value element(Value k, Value left) {
    Value y = divide(centred(k, left));
    y = arith::MulFOp::create(e.b, e.loc, y,
                              e.load(scale, k, rows.lanes, left));
    if (bias)
      y = arith::AddFOp::create(e.b, e.loc, y,
                                e.load(bias, k, rows.lanes, left));
    return y;
  }

private:
  Value centred(Value k, Value left) {
    return arith::SubFOp::create(e.b, e.loc, rows.load(source, row, k, left),
                                 mean);
  }

  /// d / deviation, correctly rounded. With fma in three fast steps instead of a
  /// division (P. Markstein, 1990): the product with the rounded inverse, its
  /// remainder, which is exact, and the correction. Magnitudes stay far from
  /// overflow, since no element lies further from the mean than sqrt(K)
  /// deviations.
  Value divide(Value d) {
    if (!fma)
      return arith::DivFOp::create(e.b, e.loc, d, deviation);
    Value quotient = arith::MulFOp::create(e.b, e.loc, d, inverse);
    Value negative = arith::NegFOp::create(e.b, e.loc, quotient);
    Value remainder =
        math::FmaOp::create(e.b, e.loc, negative, deviation, d);
    return math::FmaOp::create(e.b, e.loc, remainder, inverse, quotient);
  }

  Emission &e;
  RowEmission &rows;
  Value source, scale, bias, residual;
  double epsilon;
  bool fma;
  Value count, mean, deviation, inverse;
  SmallVector<Value> row;
};

} // namespace

LogicalResult mlir::lowbit::emitLayerNorm(RewriterBase &rewriter,
                                          LayerNormOp op,
                                          const Target &target) {
  if (!isa<MemRefType>(op.getInit().getType()))
    return op.emitOpError("must be on buffers before code is emitted for it");
  Emission e(rewriter, op.getLoc());
  RowEmission rows(e, target, op.getInit());
  rows.forRows([&](ValueRange row) {
    NormRow norm(rows, op.getInput(), op.getScale(), op.getBias(),
                 op.getResidual(), op.getEpsilon(), target.has("fma"));
    norm.begin(row);
    e.forVectors(rows.size, rows.lanes, [&](Value k, Value left) {
      rows.store(norm.element(k, left), row, k, left);
    });
  });
  rewriter.eraseOp(op);
  return success();
}

LogicalResult mlir::lowbit::emitLayerNormPack(RewriterBase &rewriter,
                                              LayerNormPackOp op,
                                              const Target &target) {
  Value init = op.getInits().front();
  auto type = dyn_cast<MemRefType>(init.getType());
  if (!type)
    return op.emitOpError("must be on buffers before code is emitted for it");
  Emission e(rewriter, op.getLoc());
  RowEmission rows(e, target, init);
  SmallVector<Value> operands(op.getBodyOperands());
  Epilogue quantizers(e, op.getBody().front(), operands, type.getShape(),
                      rows.lanes);
  SmallVector<std::pair<Value, int64_t>> packed; // with the number of planes
  for (auto [attr, value] :
       llvm::zip_equal(op.getPackings(), op.getInits().drop_front()))
    packed.push_back({value, cast<PackingAttr>(attr).getPlanes()});
  auto storeWord = [&](Value memref, ValueRange row, Value position,
                       Value word) {
    SmallVector<Value> indices(row);
    indices.push_back(position);
    memref::StoreOp::create(e.b, e.loc, word, memref, indices);
  };
  Value words = e.ceilDiv(rows.size, 64);
  size_t planes = op.getBody().front().getTerminator()->getNumOperands();
  rows.forRows([&](ValueRange row) {
    NormRow norm(rows, op.getInput(), op.getScale(), op.getBias(),
                 op.getResidual(), op.getEpsilon(), target.has("fma"));
    norm.begin(row);
    SmallVector<Value> ones(planes, e.i64(0));
    ones = e.forVectors(
        rows.size, 64, ones, [&](Value begin, Value count, ValueRange carried) {
          SmallVector<SmallVector<Value>> parts(planes);
          for (int64_t first = 0; first < 64; first += rows.lanes) {
            Value k = e.add(begin, e.index(first)), left;
            if (count)
              left = arith::MaxSIOp::create(
                  e.b, e.loc, e.sub(count, e.index(first)), e.index(0));
            Value y = norm.element(k, left);
            rows.store(y, row, k, left);
            SmallVector<Value> position(row);
            position.push_back(k);
            for (auto [part, bit] :
                 llvm::zip_equal(parts, quantizers.apply(y, position, left))) {
              Value kept = bit;
              if (left)
                kept = arith::AndIOp::create(
                    e.b, e.loc, bit,
                    vector::CreateMaskOp::create(e.b, e.loc, bit.getType(),
                                                 left));
              part.push_back(kept);
            }
          }
          SmallVector<Value> bits, next;
          for (ArrayRef<Value> part : parts)
            bits.push_back(e.joinBits(part));
          for (auto [word, count] : llvm::zip_equal(bits, carried))
            next.push_back(
                e.add(count, math::CtPopOp::create(e.b, e.loc, word)));
          Value word = e.floorDiv(begin, 64);
          size_t plane = 0;
          for (auto [memref, count] : packed)
            for (int64_t p = 0; p < count; ++p)
              storeWord(memref, row,
                        e.add(e.mul(word, e.index(count)), e.index(p)),
                        bits[plane++]);
          return next;
        });
    size_t plane = 0;
    for (auto [memref, count] : packed) {
      Value sum = e.i64(0);
      for (int64_t p = 0; p < count; ++p)
        sum = e.addPlane(sum, ones[plane++], p);
      storeWord(memref, row, e.mul(words, e.index(count)), sum);
    }
  });
  rewriter.eraseOp(op);
  return success();
}

LogicalResult mlir::lowbit::emitSoftmax(RewriterBase &rewriter, SoftmaxOp op,
                                        const Target &target) {
  if (!isa<MemRefType>(op.getInit().getType()))
    return op.emitOpError("must be on buffers before code is emitted for it");
  Emission e(rewriter, op.getLoc());
  RowEmission rows(e, target, op.getInit());
  int64_t lanes = rows.lanes;
  double lowest = -std::numeric_limits<double>::infinity();
  rows.forRows([&](ValueRange row) {
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
    Value total = rows.sum([&](Value k, Value left) {
      Value x = rows.load(op.getInput(), row, k, left, lowest);
      x = arith::SubFOp::create(e.b, e.loc, x, maximum);
      Value y = rows.keep(math::ExpOp::create(e.b, e.loc, x), left);
      rows.store(y, row, k, left);
      return y;
    });
    Value sum = e.broadcast(total, lanes);
    e.forVectors(rows.size, lanes, [&](Value k, Value left) {
      Value y = rows.load(rows.init, row, k, left);
      rows.store(arith::DivFOp::create(e.b, e.loc, y, sum), row, k, left);
    });
  });
  rewriter.eraseOp(op);
  return success();
}
