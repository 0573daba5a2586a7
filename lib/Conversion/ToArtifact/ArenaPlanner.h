//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Assigns buffers to slots of one workspace: two buffers share a slot when
// their live ranges in the function's only block do not meet.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_CONVERSION_TOARTIFACT_ARENAPLANNER_H
#define LOWBIT_LIB_CONVERSION_TOARTIFACT_ARENAPLANNER_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace mlir::lowbit {

/// Alignment of every slot, in bytes: a cache line and the widest vector.
constexpr int64_t kArenaAlignment = 64;

/// One buffer that wants memory.
struct ArenaBuffer {
  memref::AllocOp alloc;
  /// Positions of the first and the last operation that touches it.
  unsigned first = 0, last = 0;
  /// Its size is `staticBytes` times the extents `dynamic` (sorted by number).
  int64_t staticBytes = 0;
  SmallVector<Value> dynamic;
  /// The size when every symbolic dimension is `kNominalExtent`.
  int64_t nominalBytes = 0;
};

/// Buffers that take turns in the same memory.
struct ArenaSlot {
  SmallVector<unsigned> buffers;
};

struct ArenaPlan {
  SmallVector<ArenaBuffer> buffers;
  SmallVector<ArenaSlot> slots;
};

/// Plans the given allocations in the body of `function`.
ArenaPlan planArena(func::FuncOp function, ArrayRef<memref::AllocOp> allocs);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_CONVERSION_TOARTIFACT_ARENAPLANNER_H
