//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A quantizer as scalar arithmetic, for the regions of packed operations.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_DIALECT_LOWBIT_TRANSFORMS_QUANTIZERPLANES_H
#define LOWBIT_LIB_DIALECT_LOWBIT_TRANSFORMS_QUANTIZERPLANES_H

#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "mlir/IR/Builders.h"

namespace mlir::lowbit {

/// Appends to the region `body` what `quantize` does with one element: adds an
/// argument for its scale, shift and offset, those of them that are there and
/// in this order, and returns the planes of the code of `x`, or the code as an
/// i32 where it is packed as a byte.
SmallVector<Value> appendQuantizer(OpBuilder &builder, Block *body,
                                   QuantizePackOp quantize, Value x);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_DIALECT_LOWBIT_TRANSFORMS_QUANTIZERPLANES_H
