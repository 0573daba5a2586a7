//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads LLVM's subtarget table for x86 once and answers from it. The psABI
// levels are spelled out: LLVM mixes tuning flags into its CPUs of those names.
//
//===----------------------------------------------------------------------===//

#include "Features.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Triple.h"
#include <memory>

using namespace mlir::lowbit;
using llvm::StringRef;

static constexpr StringRef kBaseline[] = {"cmov", "cx8", "fxsr",
                                          "mmx",  "sse", "sse2"};
static constexpr StringRef kLevel2[] = {"cx16",   "popcnt", "sahf", "sse3",
                                        "sse4.1", "sse4.2", "ssse3"};
static constexpr StringRef kLevel3[] = {"avx",  "avx2", "bmi",   "bmi2",
                                        "f16c", "fma",  "lzcnt", "movbe"};
static constexpr StringRef kLevel4[] = {"avx512bw", "avx512cd", "avx512dq",
                                        "avx512f", "avx512vl"};
static constexpr StringRef kExtra[] = {
    "amx-bf16",   "amx-fp16",     "amx-int8",    "amx-tile",
    "avx512bf16", "avx512bitalg", "avx512fp16",  "avx512ifma",
    "avx512vbmi", "avx512vbmi2",  "avx512vnni",  "avx512vpopcntdq",
    "avxifma",    "avxvnni",      "avxvnniint8", "avxvnniint16",
    "gfni"};

llvm::ArrayRef<StringRef> mlir::lowbit::getBaselineFeatures() {
  return kBaseline;
}

/// What kernels use of the CPUs that have AMX.
static constexpr StringRef kAMX[] = {
    "amx-int8",        "avx512bitalg", "avx512vbmi", "avx512vnni",
    "avx512vpopcntdq", "avxvnni",      "gfni"};

llvm::ArrayRef<StringRef> mlir::lowbit::getLevelFeatures(unsigned level) {
  switch (level) {
  case 2:
    return kLevel2;
  case 3:
    return kLevel3;
  case 4:
    return kLevel4;
  case 5:
    return kAMX;
  default:
    return {};
  }
}

namespace {
/// LLVM's feature names with the bits of each and of what it implies directly.
struct FeatureTable {
  struct Row {
    unsigned bit;
    llvm::FeatureBitset implies;
  };
  llvm::StringMap<Row> rows;

  FeatureTable() {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86TargetMC();
    const llvm::Triple triple("x86_64-unknown-linux-gnu");
    std::string error;
    const llvm::Target *target =
        llvm::TargetRegistry::lookupTarget(triple, error);
    if (!target)
      return;
    std::unique_ptr<llvm::MCSubtargetInfo> info(
        target->createMCSubtargetInfo(triple, "", ""));
    if (!info)
      return;
    for (const llvm::SubtargetFeatureKV &row : info->getAllProcessorFeatures())
      rows[row.Key] = Row{row.Value, row.Implies.getAsBitset()};
  }

  static const FeatureTable &get() {
    static const FeatureTable table;
    return table;
  }
};
} // namespace

const std::set<std::string> &mlir::lowbit::getKnownFeatures() {
  static const std::set<std::string> known = [] {
    std::set<std::string> names;
    for (llvm::ArrayRef<StringRef> list : {llvm::ArrayRef<StringRef>(kBaseline),
                                           llvm::ArrayRef<StringRef>(kLevel2),
                                           llvm::ArrayRef<StringRef>(kLevel3),
                                           llvm::ArrayRef<StringRef>(kLevel4),
                                           llvm::ArrayRef<StringRef>(kExtra)})
      for (StringRef name : list)
        if (FeatureTable::get().rows.contains(name))
          names.insert(name.str());
    return names;
  }();
  return known;
}

void mlir::lowbit::addFeature(std::set<std::string> &features,
                              StringRef feature) {
  const auto &rows = FeatureTable::get().rows;
  auto row = rows.find(feature);
  if (row == rows.end() || !features.insert(feature.str()).second)
    return;
  for (const auto &other : rows)
    if (row->second.implies.test(other.second.bit))
      addFeature(features, other.first());
}

void mlir::lowbit::removeFeature(std::set<std::string> &features,
                                 StringRef feature) {
  const auto &rows = FeatureTable::get().rows;
  auto row = rows.find(feature);
  if (row == rows.end())
    return;
  features.erase(feature.str());
  for (const auto &other : rows)
    if (other.second.implies.test(row->second.bit) &&
        features.count(other.first().str()))
      removeFeature(features, other.first());
}
