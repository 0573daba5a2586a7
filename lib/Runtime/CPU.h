//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What this CPU and its operating system offer, and the refusal of an artifact
// that needs more.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_RUNTIME_CPU_H
#define LOWBIT_RUNTIME_CPU_H

#include <set>
#include <string>
#include <vector>

namespace lowbit {

/// The features of one CPU, in LLVM's spelling.
class CPU {
public:
  /// The CPU that runs this, read once from CPUID; a feature whose registers
  /// the operating system does not save counts as absent.
  static const CPU &host();
  /// A CPU with exactly these features.
  explicit CPU(std::set<std::string> features)
      : features(std::move(features)) {}

  bool has(const std::string &feature) const {
    return features.count(feature) != 0;
  }
  /// Whether this runtime can tell if a CPU has the feature.
  static bool knows(const std::string &feature);

  /// Why code that needs `needed` cannot run here, with a remedy; empty when it
  /// can.
  std::string refuse(const std::vector<std::string> &needed) const;

  /// The highest of x86-64, x86-64-v2, x86-64-v3 and x86-64-v4 that this CPU
  /// fulfils.
  std::string getLevel() const;

private:
  std::set<std::string> features;
};

/// Asks the operating system to let this process use the AMX tile registers.
/// Returns false when it refuses.
bool requestAMX();

} // namespace lowbit

#endif // LOWBIT_RUNTIME_CPU_H
