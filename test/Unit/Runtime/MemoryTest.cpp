//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sizes that cannot overflow, and the reuse of scratch memory.
//
//===----------------------------------------------------------------------===//

#include "Memory.h"

#include "gtest/gtest.h"

using namespace lowbit;

TEST(MemoryTest, ComputesBytes) {
  auto bytes = [](std::vector<int64_t> dims, size_t elementSize) {
    return computeBytes(dims.data(), static_cast<int32_t>(dims.size()),
                        elementSize);
  };
  EXPECT_EQ(bytes({}, 8), 8u);
  EXPECT_EQ(bytes({2, 3}, 4), 24u);
  EXPECT_EQ(bytes({2, 0, 3}, 4), 0u);
  EXPECT_EQ(bytes({2, -1}, 4), std::nullopt);
  EXPECT_EQ(bytes({INT64_MAX}, 1), std::nullopt);
  EXPECT_EQ(bytes({INT64_C(1) << 32, INT64_C(1) << 32}, 1), std::nullopt);
  EXPECT_EQ(bytes({0, INT64_MAX, INT64_MAX}, 4), std::nullopt);
}

TEST(MemoryTest, AllocatesAligned) {
  for (size_t size : {0, 1, 64, 1000}) {
    Buffer buffer = allocate(size);
    ASSERT_TRUE(buffer);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.get()) % 64, 0u);
  }
  EXPECT_FALSE(allocate(SIZE_MAX));
}

TEST(MemoryTest, ReusesScratch) {
  WorkspaceCache cache;
  WorkspaceCache::Block block = cache.take(1000);
  void *data = block.data.get();
  cache.giveBack(std::move(block));
  block = cache.take(500);
  EXPECT_EQ(block.data.get(), data);
  EXPECT_EQ(block.size, 1000u);
  WorkspaceCache::Block other = cache.take(500);
  EXPECT_NE(other.data.get(), data);
  EXPECT_FALSE(cache.take(SIZE_MAX).data);
}
