//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The recognisers of convert-onnx-to-lowbit, in the order in which they run.
// Each looks at the operations of one kind, in program order, and rewrites
// those that it knows; a near miss is a remark on the operation.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_ONNXTOLOWBIT_RECOGNISERS_H
#define LIB_CONVERSION_ONNXTOLOWBIT_RECOGNISERS_H

#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

namespace mlir::lowbit {

class WeightQuantizers;

/// `scale * clip(round((x - min) / scale)) + min` with `min` a scalar that may
/// be computed at run time.
void recogniseDynamicRangeQuantizers(FunctionOpInterface function,
                                     RewriterBase &rewriter);
/// `scale * clip(round(x / scale))`.
void recogniseElasticQuantizers(FunctionOpInterface function,
                                RewriterBase &rewriter);
/// `scale * sign(x)`.
void recogniseSignQuantizers(FunctionOpInterface function,
                             RewriterBase &rewriter);
/// `x >= 0 ? scale : -scale`.
void recogniseStepQuantizers(FunctionOpInterface function,
                             RewriterBase &rewriter);
/// BMT's `(floor(clip(x / bound)) + 0.5) * bound`, one bound a tensor or token.
void recogniseBoundQuantizers(FunctionOpInterface function,
                              RewriterBase &rewriter);
/// Eight bits scaled by the largest magnitude, or by minimum and maximum, of
/// the whole tensor.
void recogniseAbsMaxQuantizers(FunctionOpInterface function,
                               RewriterBase &rewriter);
void recogniseMinMaxQuantizers(FunctionOpInterface function,
                               RewriterBase &rewriter);

/// `(q - x) + x` of quantized q, which frameworks export as it stands, is q:
/// what it adds is float rounding only (Q16).
void removeStraightThroughResidues(FunctionOpInterface function,
                                   RewriterBase &rewriter);
/// Replaces `op`, a product of a quantized value by a constant number, by that
/// value with another scale, if only products read it.
void multiplyScale(Operation *op, RewriterBase &rewriter);
/// Moves Transpose and Reshape from numbers to levels, and constant factors
/// into the scale.
void moveDataMovementToLevels(FunctionOpInterface function,
                              RewriterBase &rewriter);

/// Rows of a quantized table.
void recogniseEmbeddingLookups(FunctionOpInterface function,
                               RewriterBase &rewriter,
                               WeightQuantizers &weights);
/// MatMul and Gemm with levels on both sides, or float by binary weights.
void recogniseMatmuls(FunctionOpInterface function, RewriterBase &rewriter,
                      WeightQuantizers &weights);

void recogniseLayerNorms(FunctionOpInterface function, RewriterBase &rewriter);
void recogniseSoftmaxes(FunctionOpInterface function, RewriterBase &rewriter);
void recogniseGelus(FunctionOpInterface function, RewriterBase &rewriter);

/// The operations of type OpTy in program order, collected before a rewrite.
template <typename OpTy>
SmallVector<OpTy> collect(FunctionOpInterface function) {
  SmallVector<OpTy> ops;
  function->walk([&](OpTy op) { ops.push_back(op); });
  return ops;
}

} // namespace mlir::lowbit

#endif // LIB_CONVERSION_ONNXTOLOWBIT_RECOGNISERS_H
