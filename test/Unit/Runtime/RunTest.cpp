//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs: input checks, outputs, failures, concurrency.
//
//===----------------------------------------------------------------------===//

#include "Support.h"

#include "gtest/gtest.h"
#include <cfenv>
#include <thread>

TEST(RunTest, Adds) {
  ModelPtr model = loadStatic();
  for (int64_t batch : {0, 1, 2, 7, 1000}) {
    Inputs inputs(batch);
    ASSERT_EQ(inputs.run(model), "");
    ASSERT_EQ(lowbitResultGetNumOutputs(inputs.result.get()), 2);
    EXPECT_TRUE(inputs.isSum());
    const LowbitTensor *rows = lowbitResultGetOutput(inputs.result.get(), 1);
    EXPECT_STREQ(rows->name, "rows");
    EXPECT_EQ(rows->rank, 0);
    EXPECT_EQ(*static_cast<const int64_t *>(rows->data), batch);
  }
}

TEST(RunTest, TakesInputsByPosition) {
  ModelPtr model = loadStatic();
  Inputs inputs(4);
  for (LowbitTensor &tensor : inputs.tensors)
    tensor.name = nullptr;
  EXPECT_EQ(inputs.run(model), "");
  EXPECT_TRUE(inputs.isSum());
}

TEST(RunTest, RefusesInputs) {
  ModelPtr model = loadStatic();
  auto message = [&](auto change) {
    Inputs inputs(24);
    change(inputs);
    return inputs.run(model);
  };
  EXPECT_EQ(message([](Inputs &in) { in.tensors[1].name = "z"; }),
            "unknown input 'z', expected 'mode', 'x', 'y'");
  EXPECT_EQ(message([](Inputs &in) { in.tensors[1].name = "y"; }),
            "input 'y' is given twice");
  EXPECT_EQ(message([](Inputs &in) { in.tensors.pop_back(); }),
            "missing input 'y'");
  EXPECT_EQ(message([](Inputs &in) { in.tensors.clear(); }),
            "missing input 'mode', 'x', 'y'");
  EXPECT_EQ(message([](Inputs &in) {
              in.tensors.push_back(in.tensors[0]);
              in.tensors[3].name = nullptr;
            }),
            "got 4 inputs, expected 3");
  EXPECT_EQ(
      message([](Inputs &in) { in.tensors[1].dtype = LOWBIT_DTYPE_FLOAT64; }),
      "input 'x' is float64, expected float32");
  EXPECT_EQ(message([](Inputs &in) { in.tensors[1].rank = 1; }),
            "input 'x' has rank 1, expected 2");
  const int64_t wide[] = {24, 4};
  EXPECT_EQ(message([&](Inputs &in) { in.tensors[1].dims = wide; }),
            "input 'x' dimension 1 is 4, expected 3");
  const int64_t tall[] = {31, 3};
  EXPECT_EQ(message([&](Inputs &in) { in.tensors[2].dims = tall; }),
            "input 'y' dimension 0 is 31, but 'batch' is 24 in 'x'");
  const int64_t negative[] = {-1, 3};
  EXPECT_EQ(message([&](Inputs &in) { in.tensors[1].dims = negative; }),
            "input 'x' dimension 0 is -1");
  const int64_t huge[] = {INT64_MAX, 3};
  EXPECT_EQ(message([&](Inputs &in) { in.tensors[1].dims = huge; }),
            "input 'x' is larger than memory");
  EXPECT_EQ(message([](Inputs &in) { in.tensors[1].dims = nullptr; }),
            "input 'x' has no dimensions");
  EXPECT_EQ(message([](Inputs &in) { in.tensors[1].data = nullptr; }),
            "input 'x' has no data");
  EXPECT_EQ(message([](Inputs &in) {
              in.tensors[1].data = reinterpret_cast<char *>(in.x.data()) + 1;
            }),
            "input 'x' is not aligned to its 4-byte elements");
}

TEST(RunTest, ReportsFailures) {
  ModelPtr model = loadStatic();
  auto message = [&](Mode mode) { return Inputs(2, 0, mode).run(model); };
  EXPECT_EQ(message(kFail), "node 'add': the first reason");
  EXPECT_EQ(message(kFailSilently), "the model failed with status 7");
  EXPECT_EQ(message(kNoOutput), "the artifact did not make output 'sum'");
  EXPECT_EQ(message(kOutputTwice), "the artifact made output 'rows' twice");
  EXPECT_EQ(message(kUndeclaredOutput),
            "the artifact made an undeclared output");
  EXPECT_EQ(message(kOverflowingOutput), "output 'sum' is larger than memory");
  EXPECT_EQ(message(kNegativeWorkspace),
            "the scratch memory of these input shapes is larger than memory");
  EXPECT_EQ(message(kTooLargeWorkspace),
            "out of memory: no 9223372036854775807 bytes of scratch memory");
  EXPECT_EQ(message(kAdd), "");
}

TEST(RunTest, PassesOutputsOn) {
  ModelPtr model = loadStatic();
  Inputs inputs(4);
  ASSERT_EQ(inputs.run(model), "");
  const LowbitTensor *sum = lowbitResultGetOutput(inputs.result.get(), 0);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(sum->data) % 64, 0u);
  void *data = lowbitResultTakeData(inputs.result.get(), 0);
  EXPECT_EQ(data, sum->data);
  EXPECT_EQ(lowbitResultTakeData(inputs.result.get(), 0), nullptr);
  EXPECT_EQ(lowbitResultTakeData(inputs.result.get(), 2), nullptr);
  inputs.result.reset();
  EXPECT_EQ(static_cast<float *>(data)[1], 1.5f);
  lowbitBufferRelease(data);
}

TEST(RunTest, WritesToTheCallersMemory) {
  ModelPtr model = loadStatic();
  struct Storage {
    alignas(64) float sum[12];
    alignas(64) int64_t rows;
  } storage;
  auto allocate = [](void *user, int32_t index, const LowbitTensor *tensor,
                     size_t bytes) -> void * {
    auto *storage = static_cast<Storage *>(user);
    EXPECT_EQ(bytes, index == 0 ? 48u : 8u);
    EXPECT_EQ(tensor->rank, index == 0 ? 2 : 0);
    return index == 0 ? static_cast<void *>(storage->sum) : &storage->rows;
  };
  Inputs inputs(4);
  ASSERT_EQ(inputs.run(model, allocate, &storage), "");
  EXPECT_TRUE(inputs.isSum());
  EXPECT_EQ(storage.rows, 4);
  EXPECT_EQ(lowbitResultTakeData(inputs.result.get(), 0), nullptr);

  auto refuse = [](void *, int32_t, const LowbitTensor *, size_t) -> void * {
    return nullptr;
  };
  EXPECT_EQ(inputs.run(model, refuse),
            "out of memory: no 48 bytes for output 'sum'");
}

TEST(RunTest, IgnoresTheCallersRounding) {
  ModelPtr model = loadStatic();
  Inputs inputs(1, 1e-8f);
  inputs.x = {1, 1, 1};
  inputs.tensors[1].data = inputs.x.data();
  std::fesetround(FE_UPWARD);
  const std::string message = inputs.run(model);
  const int rounding = std::fegetround();
  std::fesetround(FE_TONEAREST);
  EXPECT_EQ(message, "");
  EXPECT_EQ(rounding, FE_UPWARD) << "it is restored";
  EXPECT_EQ(static_cast<float *>(
                lowbitResultGetOutput(inputs.result.get(), 0)->data)[0],
            1.0f);
}

TEST(RunTest, RunsConcurrently) {
  for (int32_t threads : {1, 3}) {
    ModelPtr model = loadStatic(threads);
    std::vector<std::thread> callers;
    std::vector<int> good(4, 0);
    for (size_t caller = 0; caller < good.size(); ++caller)
      callers.emplace_back([&, caller] {
        for (int64_t i = 0; i < 50; ++i) {
          Inputs inputs(1 + 37 * i % 300, static_cast<float>(caller));
          good[caller] += inputs.run(model).empty() && inputs.isSum();
        }
      });
    for (std::thread &caller : callers)
      caller.join();
    for (int count : good)
      EXPECT_EQ(count, 50);
  }
}

TEST(RunTest, RunsInForkedChildren) {
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
  GTEST_SKIP() << "ThreadSanitizer allows no threads in a forked child";
#endif
#endif
  ModelPtr model = loadStatic(3);
  Inputs before(500);
  ASSERT_EQ(before.run(model), "");
  EXPECT_EXIT(
      {
        Inputs inputs(500);
        const bool good = inputs.run(model).empty() && inputs.isSum();
        model.reset();
        std::_Exit(good ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
  Inputs after(500);
  EXPECT_EQ(after.run(model), "");
}
