//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which outputs of an artifact's entries feed which inputs of the next run: the
// slots of LowbitArtifact.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_CONVERSION_TOARTIFACT_STATESLOTS_H
#define LOWBIT_LIB_CONVERSION_TOARTIFACT_STATESLOTS_H

#include "Signature.h"

namespace mlir::lowbit {

/// Slots by index, and the slot of every input and output of every entry.
struct SlotPlan {
  SmallVector<std::string> names;
  SmallVector<SmallVector<int32_t>> inputs, outputs;
};

/// Pairs outputs with inputs by name and by the pairs that the user declared
/// (docs/Generation.md has the rule). A diagnostic names two that belong
/// together and do not fit.
FailureOr<SlotPlan> planSlots(ModuleOp module, ArrayRef<EntryPoint> entries);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_CONVERSION_TOARTIFACT_STATESLOTS_H
