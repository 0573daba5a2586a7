//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the recognisers share: reading scalars and per-channel vectors out of a
// graph, and making lowbit operations with their destinations.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_ONNXTOLOWBIT_MATCH_H
#define LIB_CONVERSION_ONNXTOLOWBIT_MATCH_H

#include "ConstantEvaluator.h"
#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "lowbit/Dialect/ONNX/IR/ONNX.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include <optional>
#include <string>

namespace mlir::lowbit {

/// The type of `value` when it is a ranked tensor of f32, else null.
RankedTensorType getFloatTensor(Value value);

/// The name that the model gave the operation, else the operation's own.
std::string getNodeName(Operation *op);

/// For a commutative operation of type OpTy behind `value` one of whose
/// operands is a constant scalar: the other operand and the scalar.
template <typename OpTy>
std::optional<std::pair<Value, float>> matchScalarOperand(Value value) {
  auto op = value.getDefiningOp<OpTy>();
  if (!op)
    return std::nullopt;
  for (auto [other, scalar] :
       {std::pair(op.getA(), op.getB()), std::pair(op.getB(), op.getA())})
    if (other.getType() == value.getType())
      if (std::optional<float> constant = getConstantScalar(scalar))
        return std::pair(Value(other), *constant);
  return std::nullopt;
}

/// For a division behind `value` by a constant scalar: what is divided, of the
/// type of `value`, and the scalar.
std::optional<std::pair<Value, float>> matchScalarDivisor(Value value);

/// q of the straight-through estimator `(q - x) + x`, else `value`.
Value skipStraightThrough(Value value);

/// Whether a product reads `value`, moved or not.
bool feedsMatmul(Value value);

/// Whether `value` holds exactly one element whatever the sizes at run time.
bool isSingleElement(Value value);

/// The constant vector of length K that `value` repeats along the last
/// dimension of a tensor like `like` (whose last extent is K): a constant of
/// shape [K] or [1, ..., K], an Expand of one to the shape of `like`, or a
/// constant of the whole shape whose rows are all the same. Null otherwise.
ElementsAttr matchChannelVector(Value value, Value like);

/// Whether `scale` has the shape of `input` with a last dimension of one.
bool isTokenScale(Value scale, Value input);

/// If `axes` (null: all) name just the last dimension of a tensor of this rank.
bool isLastAxis(std::optional<ArrayRef<int64_t>> axes, int64_t rank);

/// A constant tensor of shape [] holding `value`.
Value createScalar(OpBuilder &builder, Location loc, float value);

/// A constant vector of f32.
Value createVector(OpBuilder &builder, Location loc, std::vector<float> values);

/// `value` as a tensor of another, compatible type.
Value castTo(OpBuilder &builder, Location loc, Value value, Type type);

/// A single-element tensor of any rank as a tensor of shape [].
Value createRankZero(OpBuilder &builder, Location loc, Value value);

/// A tensor `[..., 1]` without its last dimension.
Value createTokenVector(OpBuilder &builder, Location loc, Value value);

/// How a float tensor becomes levels and numbers again.
struct Quantizer {
  LevelsType levels;
  Rounding rounding = Rounding::half_even;
  Granularity granularity = Granularity::tensor;
  /// Of `quantize`; absent for the roundings that take no scale.
  Value scale;
  /// Of `dequantize`.
  Value dequantizeScale;
  /// Of both; may be absent.
  Value offset;
};

/// `dequantize(quantize(input))`, with a learned shift (`input` = x + vector)
/// taken into the quantizer.
Value createFakeQuantize(OpBuilder &builder, Location loc, Value input,
                         const Quantizer &quantizer);

} // namespace mlir::lowbit

#endif // LIB_CONVERSION_ONNXTOLOWBIT_MATCH_H
