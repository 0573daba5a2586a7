//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How much work one iteration of a loop is, to decide how finely to share it
// among threads.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_CONVERSION_TOARTIFACT_WORKESTIMATE_H
#define LOWBIT_LIB_CONVERSION_TOARTIFACT_WORKESTIMATE_H

#include "mlir/IR/Builders.h"

namespace mlir::lowbit {

/// Work that is worth handing to another thread, in the unit of estimateWork: a
/// call through the pool costs as much as this takes when it vectorizes.
constexpr int64_t kGrainWork = 512 * 1024;

/// The operations executed by one run of `body`, as an index computed at the
/// builder's position from values defined outside of `scope` (a constant when
/// all trip counts are known). A loop whose bounds are defined inside counts as
/// sixteen iterations.
Value estimateWork(OpBuilder &builder, Location loc, Block *body,
                   Operation *scope);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_CONVERSION_TOARTIFACT_WORKESTIMATE_H
