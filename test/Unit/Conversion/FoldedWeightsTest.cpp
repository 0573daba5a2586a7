//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which matrices are binary or ternary, and with which scales: (Q16).
//
//===----------------------------------------------------------------------===//

#include "Conversion/ONNXToLowbit/FoldedWeights.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

using namespace mlir::lowbit;

static std::optional<WeightLevels> find(std::vector<float> matrix, int64_t rows,
                                        OffLevels *why = nullptr) {
  OffLevels ignored;
  return findWeightLevels(matrix, rows, matrix.size() / rows,
                          why ? *why : ignored);
}

TEST(FoldedWeights, OneScale) {
  auto found = find({0.5f, -0.5f, -0.5f, 0.5f}, 2);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->levels, (std::vector<int8_t>{1, -1, -1, 1}));
  EXPECT_EQ(found->scales, std::vector<float>{0.5f});
  EXPECT_FALSE(found->hasZero);
}

TEST(FoldedWeights, ScalePerRowAndZeros) {
  auto found = find({0.5f, -0.0f, 2.0f, -2.0f}, 2);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->levels, (std::vector<int8_t>{1, 0, 1, -1}));
  EXPECT_EQ(found->scales, (std::vector<float>{0.5f, 2.0f}));
  EXPECT_TRUE(found->hasZero);
}

// A row of zeros (a padding token) takes the common scale.
TEST(FoldedWeights, ZeroRow) {
  auto found = find({0, 0, 0, 3, -3, 3}, 2);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->scales, std::vector<float>{3.0f});
  EXPECT_FALSE(find({0, 0, 0, 0}, 2));
}

TEST(FoldedWeights, RoundingIsForgiven) {
  float up = std::nextafter(0.3f, 1.0f);
  auto found = find({up, 0.3f, -0.3f, 0.3f}, 1);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->scales, std::vector<float>{0.3f});
  for (int i = 0; i < 20; ++i)
    up = std::nextafter(up, 1.0f);
  EXPECT_FALSE(find({up, 0.3f, -0.3f, 0.3f}, 1));
}

TEST(FoldedWeights, SaysWhatIsOff) {
  OffLevels why;
  EXPECT_FALSE(find({1, -1, 1, 1, 2, -2, 2, 3}, 2, &why));
  EXPECT_EQ(why.reason, "weight[1, 3] = 3.000000e+00 is not on the levels of "
                        "its row, 0 and +-2.000000e+00");
  EXPECT_TRUE(why.nearMiss);

  OffLevels ordinary;
  EXPECT_FALSE(find({0, 0, 0.1f, 0.2f}, 2, &ordinary));
  EXPECT_FALSE(ordinary.nearMiss);

  EXPECT_FALSE(find({1, std::numeric_limits<float>::quiet_NaN()}, 1));
  EXPECT_FALSE(find({std::numeric_limits<float>::infinity(), 1}, 1));
}

// One element to a row is always on levels: that is no sign of a quantizer.
TEST(FoldedWeights, TooSmall) {
  EXPECT_FALSE(find({1, 2, 3}, 3));
  OffLevels why;
  EXPECT_FALSE(findWeightLevels({}, 0, 4, why));
  EXPECT_FALSE(findWeightLevels({}, 4, 0, why));
}
