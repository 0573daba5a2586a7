//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What onnx-decompose spells out, one operator a file.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_DIALECT_ONNX_TRANSFORMS_DECOMPOSE_H
#define LOWBIT_LIB_DIALECT_ONNX_TRANSFORMS_DECOMPOSE_H

#include "lowbit/Dialect/ONNX/IR/ONNX.h"

namespace mlir::lowbit {

/// Replaces an Attention whose ranks, head counts and scale are known; leaves
/// others as they are. Fails after a diagnostic.
LogicalResult decomposeAttention(onnx::AttentionOp op);

/// Replaces an Einsum of operands of known rank. Fails after a diagnostic.
LogicalResult decomposeEinsum(onnx::EinsumOp op);

/// Replaces a Slice of constant length whose start depends on the elements of
/// an input; leaves others as they are. Fails after a diagnostic.
LogicalResult decomposeSlice(onnx::SliceOp op);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_DIALECT_ONNX_TRANSFORMS_DECOMPOSE_H
