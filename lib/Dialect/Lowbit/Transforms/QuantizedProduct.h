//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Finds the packed matmul whose region a quantizer can become part of, and says
// why there is none: for lowbit-fuse-quantizers, and for the report on what it
// left.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_DIALECT_LOWBIT_TRANSFORMS_QUANTIZEDPRODUCT_H
#define LOWBIT_LIB_DIALECT_LOWBIT_TRANSFORMS_QUANTIZEDPRODUCT_H

#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <optional>
#include <string>

namespace mlir::lowbit {

struct QuantizedProduct {
  PackedMatmulOp matmul;
  /// Splits the columns into heads in front of the quantizer; null: nothing
  /// does.
  tensor::ExpandShapeOp split;
};

/// The product in front of a quantizer on tensors, else `reason` why the
/// quantizer stays an operation of its own.
std::optional<QuantizedProduct> findQuantizedProduct(QuantizePackOp op,
                                                     std::string &reason);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_DIALECT_LOWBIT_TRANSFORMS_QUANTIZEDPRODUCT_H
