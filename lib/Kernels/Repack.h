//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The emitters of `lowbit.repack`, by the order of the input.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_KERNELS_REPACK_H
#define LOWBIT_LIB_KERNELS_REPACK_H

#include "Emission.h"
#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"

namespace mlir::lowbit {

/// Emits the operation for rows of bytes.
LogicalResult emitRepackBytes(Emission &e, RepackOp op, const Target &target);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_KERNELS_REPACK_H
