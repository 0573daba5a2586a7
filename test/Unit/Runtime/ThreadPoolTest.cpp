//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loops on worker threads: every index once, whatever the sizes.
//
//===----------------------------------------------------------------------===//

#include "ThreadPool.h"

#include "gtest/gtest.h"
#include <chrono>
#include <vector>

using lowbit::ThreadPool;

namespace {

/// Counts how often each index was visited, and bad parts.
struct Visits {
  explicit Visits(int64_t count, int64_t grain)
      : seen(static_cast<size_t>(count)), grain(grain) {}

  static void visit(void *context, int64_t begin, int64_t end) {
    auto *self = static_cast<Visits *>(context);
    const auto count = static_cast<int64_t>(self->seen.size());
    if (begin % self->grain || (end != count && end % self->grain))
      ++self->badParts;
    for (int64_t i = begin; i < end; ++i)
      ++self->seen[static_cast<size_t>(i)];
  }
  bool isComplete() const {
    for (int times : seen)
      if (times != 1)
        return false;
    return badParts == 0;
  }

  std::vector<int> seen;
  int64_t grain;
  std::atomic<int> badParts{0};
};

} // namespace

TEST(ThreadPoolTest, VisitsEveryIndexOnce) {
  for (int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    for (int64_t count : {0, 1, 2, 3, 17, 64, 1000})
      for (int64_t grain : {1, 2, 7, 64, 5000}) {
        Visits visits(count, grain);
        pool.parallelFor(Visits::visit, &visits, count, grain);
        ASSERT_TRUE(visits.isComplete())
            << threads << " threads, count " << count << ", grain " << grain;
      }
  }
}

TEST(ThreadPoolTest, TakesAnyGrain) {
  ThreadPool pool(2);
  for (int64_t grain : {INT64_MIN, INT64_C(0), INT64_MAX}) {
    Visits visits(10, 1);
    pool.parallelFor(Visits::visit, &visits, 10, grain);
    EXPECT_TRUE(visits.isComplete());
  }
}

TEST(ThreadPoolTest, WakesSleepers) {
  ThreadPool pool(3);
  for (int i = 0; i < 5; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    Visits visits(100, 1);
    pool.parallelFor(Visits::visit, &visits, 100, 1);
    ASSERT_TRUE(visits.isComplete());
  }
}

TEST(ThreadPoolTest, RunsManyShortLoops) {
  ThreadPool pool(3);
  int64_t total = 0;
  for (int i = 0; i < 5000; ++i) {
    Visits visits(8, 1);
    pool.parallelFor(Visits::visit, &visits, 8, 1);
    total += visits.isComplete();
  }
  EXPECT_EQ(total, 5000);
}

TEST(ThreadPoolTest, Nests) {
  static ThreadPool pool(2);
  static std::atomic<int> sum{0};
  pool.parallelFor(
      [](void *, int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i)
          pool.parallelFor(
              [](void *, int64_t innerBegin, int64_t innerEnd) {
                sum += static_cast<int>(innerEnd - innerBegin);
              },
              nullptr, 10, 1);
      },
      nullptr, 10, 1);
  EXPECT_EQ(sum, 100);
}
