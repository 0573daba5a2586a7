//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The emitters: each replaces one operation on buffers by loops over vectors.
// They fail with a diagnostic at the operation when it is not on buffers or its
// layout is not the expected one.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_KERNELS_EMITTERS_H
#define LOWBIT_KERNELS_EMITTERS_H

#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "lowbit/Target/Target.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::lowbit {

LogicalResult emitPackedMatmul(RewriterBase &rewriter, PackedMatmulOp op,
                               const Target &target);
LogicalResult emitPackedAttention(RewriterBase &rewriter, PackedAttentionOp op,
                                  const Target &target);
LogicalResult emitQuantizePack(RewriterBase &rewriter, QuantizePackOp op,
                               const Target &target);
LogicalResult emitRepack(RewriterBase &rewriter, RepackOp op,
                         const Target &target);
LogicalResult emitPackedLookup(RewriterBase &rewriter, PackedLookupOp op,
                               const Target &target);
LogicalResult emitLayerNorm(RewriterBase &rewriter, LayerNormOp op,
                            const Target &target);
LogicalResult emitLayerNormPack(RewriterBase &rewriter, LayerNormPackOp op,
                                const Target &target);
LogicalResult emitSoftmax(RewriterBase &rewriter, SoftmaxOp op,
                          const Target &target);
LogicalResult emitTopProduct(RewriterBase &rewriter, TopProductOp op,
                             const Target &target);

} // namespace mlir::lowbit

#endif // LOWBIT_KERNELS_EMITTERS_H
