//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Integer codes of a float expression: `clip(round(t), first, last)`, in either
// order, which is the same for whole bounds.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_ONNXTOLOWBIT_CODES_H
#define LIB_CONVERSION_ONNXTOLOWBIT_CODES_H

#include "mlir/IR/Value.h"
#include <cstdint>
#include <optional>
#include <string>

namespace mlir::lowbit {

/// What is rounded, and the range of the codes.
struct Codes {
  Value input;
  int64_t first = 0;
  int64_t last = 0;
};

/// Reads codes behind `value`. When there is a Round and a Clip that do not
/// make codes of a level type, `reason` says why.
std::optional<Codes> matchCodes(Value value, std::string &reason);

/// A product `codes * scale` of codes of a quotient `numerator / scale`.
struct ScaledCodes {
  Codes codes;
  Value numerator;
  float scale = 0;
};

/// Reads it behind `value`; `reason` as above, also when the scales differ.
std::optional<ScaledCodes> matchScaledCodes(Value value, std::string &reason);

} // namespace mlir::lowbit

#endif // LIB_CONVERSION_ONNXTOLOWBIT_CODES_H
