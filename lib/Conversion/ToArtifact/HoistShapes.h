//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Brings the computation of shapes to where memory is planned.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_CONVERSION_TOARTIFACT_HOISTSHAPES_H
#define LOWBIT_LIB_CONVERSION_TOARTIFACT_HOISTSHAPES_H

#include "mlir/IR/Block.h"

namespace mlir::lowbit {

/// Moves everything that follows from the dimensions of the inputs, assertions
/// included, to the start of the block and returns the operation after it. The
/// order is kept, so that an assertion still guards what comes behind it.
Operation *hoistShapes(Block &block);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_CONVERSION_TOARTIFACT_HOISTSHAPES_H
