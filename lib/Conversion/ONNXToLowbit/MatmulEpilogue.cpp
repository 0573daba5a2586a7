//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See the header: one linalg.generic, whose operands are the sums and whatever
// is not the same for all elements or known only at run time.
//
//===----------------------------------------------------------------------===//

#include "MatmulEpilogue.h"

#include "Match.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::lowbit;

namespace {

/// A number of the formula: an operand of the generic operation, or a constant.
struct Term {
  int input = -1;
  std::optional<float> constant;
};

class Epilogue {
public:
  Epilogue(OpBuilder &builder, Location loc, Value sums)
      : rank(cast<RankedTensorType>(sums.getType()).getRank()),
        builder(builder), loc(loc) {
    inputs.push_back(sums);
    maps.push_back(builder.getMultiDimIdentityMap(rank));
  }

  /// A tensor whose dimensions are these dimensions of the result.
  Term addInput(Value value, ArrayRef<int64_t> dims) {
    SmallVector<AffineExpr> exprs;
    for (int64_t dim : dims)
      exprs.push_back(builder.getAffineDimExpr(dim));
    inputs.push_back(value);
    maps.push_back(AffineMap::get(rank, 0, exprs, builder.getContext()));
    return {static_cast<int>(inputs.size()) - 1, std::nullopt};
  }

  /// Constants, one for all or one for each channel; rounded here.
  Term addConstants(ArrayRef<double> values) {
    if (values.size() == 1)
      return {-1, static_cast<float>(values.front())};
    return addInput(
        createVector(builder, loc,
                     std::vector<float>(values.begin(), values.end())),
        {rank - 1});
  }

  /// A scale of shape [] or [..., M].
  Term addScale(Value scale) {
    if (!scale)
      return {};
    bool isScalar = cast<RankedTensorType>(scale.getType()).getRank() == 0;
    return addInput(scale, isScalar ? SmallVector<int64_t>() : getRowDims());
  }

  SmallVector<int64_t> getRowDims() const {
    return llvm::to_vector(llvm::seq<int64_t>(0, rank - 1));
  }

  /// The operation; `body(builder, location, read, sum)` computes an element,
  /// `read` giving the value of a term (null for none and for 1).
  template <typename Body> Value create(Body body) {
    Value init = tensor::EmptyOp::create(
        builder, loc, tensor::getMixedSizes(builder, loc, inputs.front()),
        builder.getF32Type());
    maps.push_back(builder.getMultiDimIdentityMap(rank));
    auto generic = linalg::GenericOp::create(
        builder, loc, init.getType(), inputs, init, maps,
        SmallVector<utils::IteratorType>(rank, utils::IteratorType::parallel),
        [&](OpBuilder &b, Location loc, ValueRange args) {
          auto read = [&](const Term &term) -> Value {
            if (term.input >= 0)
              return args[term.input];
            if (!term.constant || *term.constant == 1.0f)
              return {};
            return arith::ConstantOp::create(b, loc,
                                             b.getF32FloatAttr(*term.constant));
          };
          linalg::YieldOp::create(b, loc, body(b, loc, read, args[0]));
        });
    return generic.getResult(0);
  }

  const int64_t rank;

private:
  OpBuilder &builder;
  Location loc;
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
};

/// The product of two values, of which either may be absent (1).
Value multiply(OpBuilder &b, Location loc, Value x, Value y) {
  if (!x || !y)
    return x ? x : y;
  return arith::MulFOp::create(b, loc, x, y);
}

Value toFloat(OpBuilder &b, Location loc, Value sum) {
  if (isa<FloatType>(sum.getType()))
    return sum;
  return arith::SIToFPOp::create(b, loc, b.getF32Type(), sum);
}

} // namespace

Value lowbit::createMatmulEpilogue(OpBuilder &builder, Location loc, Value sums,
                                   const MatmulSide &left,
                                   const MatmulSide &right, double factor) {
  Epilogue epilogue(builder, loc, sums);
  SmallVector<double> product = {factor};
  if (!left.scales.empty())
    product.front() *= left.scales.front();
  if (!right.scales.empty()) {
    double common = product.front();
    product.assign(right.scales);
    for (double &scale : product)
      scale *= common;
  }
  Term scale = epilogue.addConstants(product);
  Term leftScale = epilogue.addScale(left.scale);
  Term rightScale = epilogue.addScale(right.scale);

  // The offset of one side meets the level sums of the other.
  Value offsetValue = left.offset ? left.offset : right.offset;
  const MatmulSide &other = left.offset ? right : left;
  Term offset, levelSum, otherScale;
  if (offsetValue) {
    offset = epilogue.addInput(offsetValue, {});
    if (!other.sums.empty()) {
      SmallVector<double> scaled;
      for (auto [channel, sum] : llvm::enumerate(other.sums))
        scaled.push_back(sum *
                         other.scales[other.scales.size() == 1 ? 0 : channel]);
      levelSum = epilogue.addConstants(scaled);
    } else {
      int64_t rank = cast<RankedTensorType>(other.value.getType()).getRank();
      bool summedLast = left.offset ? right.transposed : true;
      Value sumsOfLevels = LevelSumOp::create(builder, loc, other.value,
                                              summedLast ? rank - 1 : rank - 2)
                               .getResult();
      SmallVector<int64_t> dims = epilogue.getRowDims();
      if (left.offset) {
        dims.truncate(rank - 2);
        dims.push_back(epilogue.rank - 1);
      }
      levelSum = epilogue.addInput(sumsOfLevels, dims);
      otherScale = left.offset ? rightScale : leftScale;
      if (!other.scales.empty())
        otherScale = epilogue.addConstants(other.scales);
    }
  }

  return epilogue.create(
      [&](OpBuilder &b, Location loc, auto read, Value sum) -> Value {
        Value c = multiply(b, loc, read(leftScale), read(rightScale));
        c = multiply(b, loc, c, read(scale));
        Value y = multiply(b, loc, toFloat(b, loc, sum), c);
        if (!offsetValue)
          return y;
        Value t = read(levelSum);
        // A single channel's sum is a constant; a constant 1 reads as absent.
        if (t)
          t = multiply(b, loc, toFloat(b, loc, t), read(otherScale));
        Value correction = multiply(b, loc, read(offset), t);
        return arith::AddFOp::create(b, loc, y, correction);
      });
}
