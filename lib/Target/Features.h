//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The x86 features that generated code may use, and which implies which. The
// names and the implications are those of LLVM's subtarget table; the choice of
// features is ours, because an artifact demands every one of them from the CPU
// that loads it: tuning flags and system instructions would only refuse CPUs.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_TARGET_FEATURES_H
#define LOWBIT_LIB_TARGET_FEATURES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <set>
#include <string>

namespace mlir::lowbit {

/// Features that every 64-bit x86 has.
llvm::ArrayRef<llvm::StringRef> getBaselineFeatures();
/// The features that one psABI level adds to the level below it (2, 3 or 4),
/// and those that a CPU with AMX has beyond level 4 (5).
llvm::ArrayRef<llvm::StringRef> getLevelFeatures(unsigned level);
/// Every feature that a target may name, sorted.
const std::set<std::string> &getKnownFeatures();

/// Adds `feature` and all that it implies.
void addFeature(std::set<std::string> &features, llvm::StringRef feature);
/// Removes `feature` and all that imply it.
void removeFeature(std::set<std::string> &features, llvm::StringRef feature);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_TARGET_FEATURES_H
