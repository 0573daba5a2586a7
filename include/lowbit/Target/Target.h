//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a CPU can do, told by feature bits and never by its name.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_TARGET_TARGET_H
#define LOWBIT_TARGET_TARGET_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <set>
#include <string>
#include <vector>

namespace mlir::lowbit {

/// A set of CPU features of one architecture.
class Target {
public:
  /// The attribute of a module that names its target.
  static constexpr llvm::StringLiteral kAttrName = "lowbit.target";

  /// The targets of a list joined by commas; features, which start with '+' or
  /// '-', belong to the target in front of them.
  static std::vector<std::string> split(llvm::StringRef specs);

  /// Parses `native`, `x86-64`, `x86-64-v2`, `x86-64-v3`, `x86-64-v4` and `amx`
  /// (the last with what else CPUs with AMX have), each optionally followed by
  /// `,+feature` and `,-feature`; the error lists what is known. `native` reads
  /// CPUID.
  static llvm::Expected<Target> parse(llvm::StringRef spec);
  /// The target of the module around `op`: its `lowbit.target` attribute, or
  /// `x86-64` (no feature that a 64-bit x86 may lack) when there is none.
  static Target get(Operation *op);

  /// Whether the feature (LLVM spelling, "avx512vpopcntdq") is present.
  bool has(llvm::StringRef feature) const {
    return features.count(feature.str()) != 0;
  }
  /// Bits of the widest vector worth using: 512, 256 or 128.
  unsigned getVectorBits() const;
  /// LLVM's triple, CPU name ("x86-64") and feature string ("+avx2,+popcnt").
  std::string getTriple() const;
  std::string getCPU() const { return "x86-64"; }
  std::string getFeatureString() const;
  /// Every feature, sorted: what an artifact demands of the CPU that loads it.
  std::vector<std::string> getFeatures() const;
  /// The text that parse() was given.
  llvm::StringRef getSpec() const { return spec; }

private:
  std::string spec;
  std::set<std::string> features;
};

} // namespace mlir::lowbit

#endif // LOWBIT_TARGET_TARGET_H
