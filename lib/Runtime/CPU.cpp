//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Feature bits are read from CPUID; register state that the operating system
// does not save (XGETBV) makes a feature absent, whatever CPUID says.
//
//===----------------------------------------------------------------------===//

#include "CPU.h"

#include <cstdint>

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

using namespace lowbit;

namespace {

/// Registers that the operating system must save for a feature: bits of XCR0.
constexpr uint64_t kNone = 0;
constexpr uint64_t kYMM = 0x6;
constexpr uint64_t kZMM = 0xE6;
constexpr uint64_t kTile = 0x60000;

enum Register { EAX, EBX, ECX, EDX };

struct FeatureBit {
  const char *name;
  uint32_t leaf, subleaf;
  Register reg;
  unsigned bit;
  uint64_t state;
};

constexpr FeatureBit kFeatureBits[] = {
    {"x87", 1, 0, EDX, 0, kNone},
    {"cx8", 1, 0, EDX, 8, kNone},
    {"cmov", 1, 0, EDX, 15, kNone},
    {"mmx", 1, 0, EDX, 23, kNone},
    {"fxsr", 1, 0, EDX, 24, kNone},
    {"sse", 1, 0, EDX, 25, kNone},
    {"sse2", 1, 0, EDX, 26, kNone},
    {"sse3", 1, 0, ECX, 0, kNone},
    {"pclmul", 1, 0, ECX, 1, kNone},
    {"ssse3", 1, 0, ECX, 9, kNone},
    {"fma", 1, 0, ECX, 12, kYMM},
    {"cx16", 1, 0, ECX, 13, kNone},
    {"sse4.1", 1, 0, ECX, 19, kNone},
    {"sse4.2", 1, 0, ECX, 20, kNone},
    {"crc32", 1, 0, ECX, 20, kNone},
    {"movbe", 1, 0, ECX, 22, kNone},
    {"popcnt", 1, 0, ECX, 23, kNone},
    {"aes", 1, 0, ECX, 25, kNone},
    {"xsave", 1, 0, ECX, 26, kNone},
    {"avx", 1, 0, ECX, 28, kYMM},
    {"f16c", 1, 0, ECX, 29, kYMM},
    {"rdrnd", 1, 0, ECX, 30, kNone},
    {"fsgsbase", 7, 0, EBX, 0, kNone},
    {"bmi", 7, 0, EBX, 3, kNone},
    {"avx2", 7, 0, EBX, 5, kYMM},
    {"bmi2", 7, 0, EBX, 8, kNone},
    {"avx512f", 7, 0, EBX, 16, kZMM},
    {"avx512dq", 7, 0, EBX, 17, kZMM},
    {"rdseed", 7, 0, EBX, 18, kNone},
    {"adx", 7, 0, EBX, 19, kNone},
    {"avx512ifma", 7, 0, EBX, 21, kZMM},
    {"clflushopt", 7, 0, EBX, 23, kNone},
    {"clwb", 7, 0, EBX, 24, kNone},
    {"avx512cd", 7, 0, EBX, 28, kZMM},
    {"sha", 7, 0, EBX, 29, kNone},
    {"avx512bw", 7, 0, EBX, 30, kZMM},
    {"avx512vl", 7, 0, EBX, 31, kZMM},
    {"avx512vbmi", 7, 0, ECX, 1, kZMM},
    {"avx512vbmi2", 7, 0, ECX, 6, kZMM},
    {"gfni", 7, 0, ECX, 8, kNone},
    {"vaes", 7, 0, ECX, 9, kYMM},
    {"vpclmulqdq", 7, 0, ECX, 10, kYMM},
    {"avx512vnni", 7, 0, ECX, 11, kZMM},
    {"avx512bitalg", 7, 0, ECX, 12, kZMM},
    {"avx512vpopcntdq", 7, 0, ECX, 14, kZMM},
    {"avx512vp2intersect", 7, 0, EDX, 8, kZMM},
    {"amx-bf16", 7, 0, EDX, 22, kTile},
    {"avx512fp16", 7, 0, EDX, 23, kZMM},
    {"amx-tile", 7, 0, EDX, 24, kTile},
    {"amx-int8", 7, 0, EDX, 25, kTile},
    {"avxvnni", 7, 1, EAX, 4, kYMM},
    {"avx512bf16", 7, 1, EAX, 5, kZMM},
    {"amx-fp16", 7, 1, EAX, 21, kTile},
    {"avxifma", 7, 1, EAX, 23, kYMM},
    {"avxvnniint8", 7, 1, EDX, 4, kYMM},
    {"avxneconvert", 7, 1, EDX, 5, kYMM},
    {"avxvnniint16", 7, 1, EDX, 10, kYMM},
    {"sahf", 0x80000001, 0, ECX, 0, kNone},
    {"lzcnt", 0x80000001, 0, ECX, 5, kNone},
    {"prfchw", 0x80000001, 0, ECX, 8, kNone},
    {"64bit", 0x80000001, 0, EDX, 29, kNone},
};

#if defined(__x86_64__)
uint64_t readXCR0() {
  uint32_t regs[4] = {};
  if (!__get_cpuid(1, &regs[EAX], &regs[EBX], &regs[ECX], &regs[EDX]) ||
      !(regs[ECX] & (1u << 27))) // OSXSAVE: XGETBV exists
    return 0;
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t(high) << 32) | low;
}
#endif

std::set<std::string> readHostFeatures() {
  std::set<std::string> present;
#if defined(__x86_64__)
  const uint64_t saved = readXCR0();
  for (const FeatureBit &feature : kFeatureBits) {
    uint32_t regs[4] = {};
    if (__get_cpuid_count(feature.leaf, feature.subleaf, &regs[EAX], &regs[EBX],
                          &regs[ECX], &regs[EDX]) &&
        (regs[feature.reg] >> feature.bit & 1) &&
        (saved & feature.state) == feature.state)
      present.insert(feature.name);
  }
#endif
  return present;
}

/// "a", "a and b", "a, b and c".
std::string joinNames(const std::vector<std::string> &names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i)
      text += i + 1 == names.size() ? " and " : ", ";
    text += names[i];
  }
  return text;
}

} // namespace

const CPU &CPU::host() {
  static const CPU cpu(readHostFeatures());
  return cpu;
}

bool CPU::knows(const std::string &name) {
  for (const FeatureBit &feature : kFeatureBits)
    if (name == feature.name)
      return true;
  return false;
}

std::string CPU::getLevel() const {
  // The x86-64 psABI's levels, each with what it adds to the one before.
  static const std::pair<const char *, std::vector<const char *>> levels[] = {
      {"x86-64-v2",
       {"cx16", "sahf", "popcnt", "sse3", "sse4.1", "sse4.2", "ssse3"}},
      {"x86-64-v3",
       {"avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe"}},
      {"x86-64-v4",
       {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}}};
  const char *best = "x86-64";
  for (const auto &[level, added] : levels) {
    for (const char *feature : added)
      if (!has(feature))
        return best;
    best = level;
  }
  return best;
}

std::string CPU::refuse(const std::vector<std::string> &needed) const {
  std::vector<std::string> unknown, missing;
  for (const std::string &feature : needed) {
    if (!knows(feature))
      unknown.push_back(feature);
    else if (!has(feature))
      missing.push_back(feature);
  }
  if (!missing.empty())
    return "artifact needs " + joinNames(missing) +
           ", which this CPU lacks; recompile with --target=" + getLevel();
  if (!unknown.empty())
    return "artifact needs " + joinNames(unknown) +
           ", which this runtime does not know; use a newer runtime, or "
           "recompile with --target=" +
           getLevel();
  return "";
}

bool lowbit::requestAMX() {
#if defined(__x86_64__) && defined(__linux__)
  constexpr long kRequestPermission = 0x1023; // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;              // XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}
