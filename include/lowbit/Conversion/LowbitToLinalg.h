//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The definition of every lowbit operation on tensors by linalg, tensor, arith
// and math, and the conversion of tensors of levels to tensors of i8 that
// carries it.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_CONVERSION_LOWBITTOLINALG_H
#define LOWBIT_CONVERSION_LOWBITTOLINALG_H

#include "mlir/Transforms/DialectConversion.h"

namespace mlir::lowbit {

/// Levels become i8, in tensors and alone (as arguments of a region); a level
/// above 127 is stored unsigned (`LevelsType::isStoredUnsigned`).
class LevelsTypeConverter : public TypeConverter {
public:
  LevelsTypeConverter();

  /// Whether no operand, result or region argument holds levels.
  bool isFreeOfLevels(Operation *op) const;
};

/// Converts the types of functions and of any operation that moves levels
/// without looking at them: `linalg.transpose`, `tensor.expand_shape`,
/// `tensor.cast`, ...
void populateLevelMovementPatterns(const LevelsTypeConverter &converter,
                                   RewritePatternSet &patterns);

/// Lowers the operations that hold levels: constant, quantize, dequantize,
/// threshold, matmul, level_sum, lookup, pack, unpack.
void populateLevelsToLinalgPatterns(const LevelsTypeConverter &converter,
                                    RewritePatternSet &patterns);

/// Lowers what has kernels: quantize_pack, packed_matmul, packed_lookup,
/// layer_norm, softmax.
void populateKernelsToLinalgPatterns(const LevelsTypeConverter &converter,
                                     RewritePatternSet &patterns);

} // namespace mlir::lowbit

#endif // LOWBIT_CONVERSION_LOWBITTOLINALG_H
