//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Divisions of vectors by one number, without the division instruction.
//
// Quantizers divide all that they read by a scale. On x86 a division of 16
// floats takes as long as 32 multiplications; with the reciprocal of the scale,
// taken once, three or five of those give the very same numbers.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_KERNELS_DIVISION_H
#define LOWBIT_LIB_KERNELS_DIVISION_H

#include "Emission.h"

namespace mlir::lowbit {

/// The greatest code, or least with a minus, that `divideForCode` may be used
/// for.
inline constexpr int64_t kGreatestCode = 256;

/// A vector of f32 divided by a scalar, as a quantizer needs it: rounded to the
/// nearest integer and clamped to bounds within +-`kGreatestCode`, or compared
/// with 0.5, it gives what the IEEE quotient gives. NaN stays NaN.
Value divideForCode(Emission &e, Value x, Value divisor);

/// Whether the quotient is used as `divideForCode` wants it.
bool isDividedForCode(arith::DivFOp op);

/// Divisors of the functions below: all numbers on the way stay normal.
Value isUsualDivisor(Emission &e, Value divisor);

/// A vector of f32 from 0 to 1 divided by a scalar from 1 to 2^24, or numbers
/// of which one is NaN: the IEEE quotient.
Value divideExponentials(Emission &e, Value x, Value divisor);

/// The product with the rounded reciprocal of the divisor and one or two
/// corrections, where all numbers on the way are normal and finite. One gives
/// the IEEE quotient next to all borders of codes up to `kGreatestCode` and
/// hardly ever another one elsewhere, two give it everywhere. The target has
/// fused multiply-adds.
Value divideByReciprocal(Emission &e, Value x, Value divisor, Value reciprocal,
                         int64_t corrections);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_KERNELS_DIVISION_H
