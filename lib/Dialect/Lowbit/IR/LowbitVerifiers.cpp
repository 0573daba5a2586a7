//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What each operation demands of its operands.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"

using namespace mlir;
using namespace mlir::lowbit;

LogicalResult ConstantOp::verify() { return success(); }
LogicalResult QuantizeOp::verify() { return success(); }
LogicalResult DequantizeOp::verify() { return success(); }
LogicalResult ThresholdOp::verify() { return success(); }
LogicalResult MatmulOp::verify() { return success(); }
LogicalResult LevelSumOp::verify() { return success(); }
LogicalResult LookupOp::verify() { return success(); }
LogicalResult LayerNormOp::verify() { return success(); }
LogicalResult SoftmaxOp::verify() { return success(); }
LogicalResult PackOp::verify() { return success(); }
LogicalResult UnpackOp::verify() { return success(); }
LogicalResult QuantizePackOp::verify() { return success(); }
LogicalResult PackedMatmulOp::verify() { return success(); }
LogicalResult PackedLookupOp::verify() { return success(); }
void QuantizeOp::getCanonicalizationPatterns(RewritePatternSet &,
                                             MLIRContext *) {}
void LevelSumOp::getCanonicalizationPatterns(RewritePatternSet &,
                                             MLIRContext *) {}
