//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a CPU offers and the words of a refusal.
//
//===----------------------------------------------------------------------===//

#include "CPU.h"

#include "lowbit-c/Runtime.h"
#include "gtest/gtest.h"

using lowbit::CPU;

static const std::set<std::string> kLevel3 = {
    "cx16", "sahf", "popcnt", "sse3", "sse4.1", "sse4.2", "ssse3", "avx",
    "avx2", "bmi",  "bmi2",   "f16c", "fma",    "lzcnt",  "movbe"};

TEST(CPUTest, Refuses) {
  const CPU cpu(kLevel3);
  EXPECT_EQ(cpu.refuse({}), "");
  EXPECT_EQ(cpu.refuse({"avx2", "popcnt"}), "");
  EXPECT_EQ(cpu.refuse({"avx2", "avx512vpopcntdq"}),
            "artifact needs avx512vpopcntdq, which this CPU lacks; recompile "
            "with --target=x86-64-v3");
  EXPECT_EQ(cpu.refuse({"avx512f", "avx512vl", "gfni"}),
            "artifact needs avx512f, avx512vl and gfni, which this CPU lacks; "
            "recompile with --target=x86-64-v3");
  EXPECT_EQ(cpu.refuse({"quantum"}),
            "artifact needs quantum, which this runtime does not know; use a "
            "newer runtime, or recompile with --target=x86-64-v3");
}

TEST(CPUTest, FindsTheLevel) {
  EXPECT_EQ(CPU({}).getLevel(), "x86-64");
  EXPECT_EQ(CPU(kLevel3).getLevel(), "x86-64-v3");
  std::set<std::string> features = kLevel3;
  features.erase("fma");
  EXPECT_EQ(CPU(features).getLevel(), "x86-64-v2");
  features.insert(
      {"fma", "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"});
  EXPECT_EQ(CPU(features).getLevel(), "x86-64-v4");
}

TEST(CPUTest, ReadsTheHost) {
#if defined(__x86_64__)
  EXPECT_EQ(lowbitMachineHasFeature("sse2"), 1);
  EXPECT_EQ(lowbitMachineHasFeature("avx2") == 1,
            __builtin_cpu_supports("avx2") != 0);
  EXPECT_EQ(lowbitMachineHasFeature("avx512vpopcntdq") == 1,
            __builtin_cpu_supports("avx512vpopcntdq") != 0);
#endif
  EXPECT_EQ(lowbitMachineHasFeature("quantum"), -1);
}
