//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Softmax on a value, for the operators that contain one.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_CONVERSION_ONNXTOLINALG_NORMALIZATION_H
#define LOWBIT_CONVERSION_ONNXTOLINALG_NORMALIZATION_H

#include "Lowering.h"

namespace mlir::lowbit {

/// `exp(x - max(x)) / sum(exp(x - max(x)))` along `axis`. A row of -inf only
/// gives NaN, or zeros if `zeroWithoutMaximum`.
FailureOr<Value> createSoftmax(Lowering &l, Value input, int64_t axis,
                               bool zeroWithoutMaximum = false);

} // namespace mlir::lowbit

#endif // LOWBIT_CONVERSION_ONNXTOLINALG_NORMALIZATION_H
