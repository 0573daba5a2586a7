//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Finds binary and ternary weights by their values: every row of a matrix holds
// only -s, s and perhaps 0.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_ONNXTOLOWBIT_FOLDEDWEIGHTS_H
#define LIB_CONVERSION_ONNXTOLOWBIT_FOLDEDWEIGHTS_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/ArrayRef.h"
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mlir::lowbit {

/// A matrix `[rows, columns]` as levels times scales.
struct WeightLevels {
  /// -1, 0 and 1, row by row.
  std::vector<int8_t> levels;
  /// One scale, or one for each row.
  std::vector<float> scales;
  /// Whether 0 occurs.
  bool hasZero = false;
};

/// Why a matrix is not on levels.
struct OffLevels {
  std::string reason;
  /// Whether more than chance put the first elements on levels.
  bool nearMiss = false;
};

/// The levels of `matrix`, if there are any: one scale when every row has
/// exactly the same, else one for each row. The elements of a row may differ
/// from the scale by float rounding (8 ulp: what `(q - w) + w` leaves), not
/// more.
std::optional<WeightLevels> findWeightLevels(llvm::ArrayRef<float> matrix,
                                             int64_t rows, int64_t columns,
                                             OffLevels &why);

} // namespace mlir::lowbit

#endif // LIB_CONVERSION_ONNXTOLOWBIT_FOLDEDWEIGHTS_H
