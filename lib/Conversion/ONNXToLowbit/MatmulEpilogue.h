//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// From exact sums of levels to the numbers of the model, (Q18) to (Q20). With
//
//   lhs = sa * qa + oa,   rhs = sw * qw + ow   (one offset at most)
//
// an element of the product is, every step in float32 and in this order,
//
//   y = float(sum qa qw) * c  [+ oa * t]  [+ ow * u]
//   c = sa * sw,  t = sw * sum over k of qw,  u = sa * sum over k of qa
//
// Products of constants are taken in float64 and rounded once. With a float
// left side, `y = (sum a qw) * sw`.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_ONNXTOLOWBIT_MATMULEPILOGUE_H
#define LIB_CONVERSION_ONNXTOLOWBIT_MATMULEPILOGUE_H

#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "mlir/IR/Builders.h"

namespace mlir::lowbit {

/// One side of a product: numbers `scale * levels + offset`.
struct MatmulSide {
  /// The levels, or the f32 tensor itself.
  Value value;
  /// Null when the side is float.
  LevelsType levels;
  /// Constant scales: one, or one for each output channel of the right side.
  SmallVector<double> scales;
  /// A scale that is computed at run time, else null; shape [] or [..., M].
  Value scale;
  /// Shape [], or null.
  Value offset;
  /// Constant right sides: the sums of the levels of each channel.
  ArrayRef<int32_t> sums;
  /// Right sides: whether `value` is [..., N, K].
  bool transposed = false;
};

/// The product from its `sums`, which `lowbit.matmul` has computed from the
/// levels of the sides; `factor` multiplies the whole and is 1 when there is an
/// offset.
Value createMatmulEpilogue(OpBuilder &builder, Location loc, Value sums,
                           const MatmulSide &left, const MatmulSide &right,
                           double factor);

} // namespace mlir::lowbit

#endif // LIB_CONVERSION_ONNXTOLOWBIT_MATMULEPILOGUE_H
