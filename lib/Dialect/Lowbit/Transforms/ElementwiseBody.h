//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bodies of linalg.generic that can move into a region of a packed operation.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_DIALECT_LOWBIT_TRANSFORMS_ELEMENTWISEBODY_H
#define LOWBIT_LIB_DIALECT_LOWBIT_TRANSFORMS_ELEMENTWISEBODY_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/IRMapping.h"

namespace mlir::lowbit {

/// Whether the body of `op` is arithmetic that also works on vectors.
bool hasElementwiseBody(linalg::GenericOp op);

/// Whether values from outside that the body uses are scalar constants, which
/// can be cloned.
bool capturesOnlyConstants(linalg::GenericOp op);

/// Clones such a body, whose arguments `map` has, with the constants that it
/// uses; returns what it yields.
Value cloneBody(OpBuilder &builder, Block *body, IRMapping &map);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_DIALECT_LOWBIT_TRANSFORMS_ELEMENTWISEBODY_H
