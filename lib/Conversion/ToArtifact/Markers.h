//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The names by which the passes of this folder hand work to each other.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_CONVERSION_TOARTIFACT_MARKERS_H
#define LOWBIT_LIB_CONVERSION_TOARTIFACT_MARKERS_H

#include "llvm/ADT/StringRef.h"

namespace mlir::lowbit {

/// On the allocation that becomes the workspace; on a module, its summary.
constexpr llvm::StringLiteral kWorkspaceMarker = "lowbit.workspace";
/// On the allocation that becomes output `i`.
constexpr llvm::StringLiteral kOutputMarker = "lowbit.output";
/// On a cast from a number of rows: the storage of an output that is an input
/// with these rows behind it, `array<i64: input, output, axis>`.
constexpr llvm::StringLiteral kAppendAttr = "lowbit.append";
/// On a parallel loop: the fewest iterations that one thread takes at a time.
constexpr llvm::StringLiteral kGrainAttr = "lowbit.grain";
/// On a module: the compile report as JSON.
constexpr llvm::StringLiteral kReportAttr = "lowbit.report";
/// On a module: pairs `["input", "output"]` of names that the user declared to
/// be one state.
constexpr llvm::StringLiteral kStatesAttr = "lowbit.states";
/// The entry function of a model, `LowbitEntryFunction`.
constexpr llvm::StringLiteral kEntryName = "lowbit_entry";
/// On an entry function: the name of the entry, and its signature.
constexpr llvm::StringLiteral kEntryAttr = "lowbit.entry";
constexpr llvm::StringLiteral kSignatureAttr = "lowbit.signature";

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_CONVERSION_TOARTIFACT_MARKERS_H
