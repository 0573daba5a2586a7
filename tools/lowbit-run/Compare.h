//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An output compared with the array that was expected.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_TOOLS_LOWBIT_RUN_COMPARE_H
#define LOWBIT_TOOLS_LOWBIT_RUN_COMPARE_H

#include "Npy.h"

namespace lowbit {

struct Comparison {
  bool isEqual;
  std::string text; ///< "equal", "max difference 1.2e-06", or what differs
};

/// Compares element types, shapes and values. Floats may differ by
/// atol + rtol * |expected|; NaN equals NaN; other types must be equal.
Comparison compare(const LowbitTensor &got, const Array &expected, double atol,
                   double rtol);

} // namespace lowbit

#endif // LOWBIT_TOOLS_LOWBIT_RUN_COMPARE_H
