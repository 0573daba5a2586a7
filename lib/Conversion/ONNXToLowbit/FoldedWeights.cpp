//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See the header. A row's scale is its most frequent magnitude. One pass
// decides for ordinary float weights after two elements.
//
//===----------------------------------------------------------------------===//

#include "FoldedWeights.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace mlir;
using namespace mlir::lowbit;

namespace {

/// 8 ulp, relative.
constexpr float kTolerance = 8 * 1.1920929e-07f;

bool isNear(float magnitude, float scale) {
  return std::fabs(magnitude - scale) <= kTolerance * scale;
}

/// The scale of one row, or the index of the element that has none.
struct RowScale {
  float scale = 0;
  bool exact = true;
  int64_t offender = -1;
  /// Elements that agree with another one: none in a row of ordinary floats.
  int64_t agreeing = 0;
};

RowScale findRowScale(llvm::ArrayRef<float> row) {
  RowScale result;
  llvm::SmallVector<std::pair<float, int64_t>> counts;
  for (auto [i, value] : llvm::enumerate(row)) {
    float magnitude = std::fabs(value);
    if (magnitude == 0)
      continue;
    if (!std::isfinite(magnitude) ||
        (!counts.empty() && !isNear(magnitude, counts.front().first))) {
      result.offender = i;
      break;
    }
    auto *known = llvm::find_if(
        counts, [&](auto &entry) { return entry.first == magnitude; });
    result.agreeing += !counts.empty();
    if (known == counts.end())
      counts.emplace_back(magnitude, 1);
    else
      ++known->second;
  }
  if (counts.empty())
    return result;
  result.scale = llvm::max_element(counts, [](auto &a, auto &b) {
                   return a.second < b.second;
                 })->first;
  result.exact = counts.size() == 1;
  return result;
}

} // namespace

std::optional<WeightLevels>
lowbit::findWeightLevels(llvm::ArrayRef<float> matrix, int64_t rows,
                         int64_t columns, OffLevels &why) {
  if (rows < 1 || columns < 2) {
    why.reason = "the weight has no two elements that share a scale";
    return std::nullopt;
  }
  WeightLevels result;
  result.scales.reserve(rows);
  bool sameScale = true;
  float common = 0;
  int64_t agreeing = 0;
  for (int64_t row = 0; row < rows; ++row) {
    RowScale found = findRowScale(matrix.slice(row * columns, columns));
    agreeing += found.agreeing;
    if (found.offender >= 0) {
      llvm::raw_string_ostream(why.reason)
          << "weight[" << row << ", " << found.offender
          << "] = " << matrix[row * columns + found.offender]
          << " is not on the levels of its row, 0 and +-" << found.scale;
      why.nearMiss = agreeing > 0;
      return std::nullopt;
    }
    result.scales.push_back(found.scale);
    if (found.scale == 0)
      continue;
    if (common == 0)
      common = found.scale;
    sameScale &= found.exact && found.scale == common;
  }
  if (common == 0) {
    why.reason = "all weights are zero";
    return std::nullopt;
  }
  if (sameScale)
    result.scales.assign(1, common);
  result.levels.resize(rows * columns);
  for (auto [level, value] : llvm::zip(result.levels, matrix)) {
    level = value > 0 ? 1 : value < 0 ? -1 : 0;
    result.hasZero |= level == 0;
  }
  return result;
}
