//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operators of the onnx dialect.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Dialect/ONNX/IR/ONNX.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::onnx;

#define GET_OP_CLASSES
#include "lowbit/Dialect/ONNX/IR/ONNXOps.cpp.inc"

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValueAttr(); }

LogicalResult AbsOp::inferShapes() { return success(); }
LogicalResult CeilOp::inferShapes() { return success(); }
LogicalResult CosOp::inferShapes() { return success(); }
LogicalResult ErfOp::inferShapes() { return success(); }
LogicalResult ExpOp::inferShapes() { return success(); }
LogicalResult FloorOp::inferShapes() { return success(); }
LogicalResult IdentityOp::inferShapes() { return success(); }
LogicalResult LogOp::inferShapes() { return success(); }
LogicalResult NegOp::inferShapes() { return success(); }
LogicalResult NotOp::inferShapes() { return success(); }
LogicalResult ReciprocalOp::inferShapes() { return success(); }
LogicalResult ReluOp::inferShapes() { return success(); }
LogicalResult RoundOp::inferShapes() { return success(); }
LogicalResult SigmoidOp::inferShapes() { return success(); }
LogicalResult SignOp::inferShapes() { return success(); }
LogicalResult SinOp::inferShapes() { return success(); }
LogicalResult SqrtOp::inferShapes() { return success(); }
LogicalResult TanhOp::inferShapes() { return success(); }
LogicalResult AddOp::inferShapes() { return success(); }
LogicalResult AndOp::inferShapes() { return success(); }
LogicalResult DivOp::inferShapes() { return success(); }
LogicalResult EqualOp::inferShapes() { return success(); }
LogicalResult GreaterOp::inferShapes() { return success(); }
LogicalResult GreaterOrEqualOp::inferShapes() { return success(); }
LogicalResult LessOp::inferShapes() { return success(); }
LogicalResult LessOrEqualOp::inferShapes() { return success(); }
LogicalResult MaxOp::inferShapes() { return success(); }
LogicalResult MinOp::inferShapes() { return success(); }
LogicalResult MulOp::inferShapes() { return success(); }
LogicalResult OrOp::inferShapes() { return success(); }
LogicalResult PowOp::inferShapes() { return success(); }
LogicalResult SubOp::inferShapes() { return success(); }
LogicalResult XorOp::inferShapes() { return success(); }
LogicalResult CastOp::inferShapes() { return success(); }
LogicalResult ClipOp::inferShapes() { return success(); }
LogicalResult GeluOp::inferShapes() { return success(); }
LogicalResult WhereOp::inferShapes() { return success(); }
LogicalResult ReduceL1Op::inferShapes() { return success(); }
LogicalResult ReduceL2Op::inferShapes() { return success(); }
LogicalResult ReduceMaxOp::inferShapes() { return success(); }
LogicalResult ReduceMeanOp::inferShapes() { return success(); }
LogicalResult ReduceMinOp::inferShapes() { return success(); }
LogicalResult ReduceProdOp::inferShapes() { return success(); }
LogicalResult ReduceSumOp::inferShapes() { return success(); }
LogicalResult CumSumOp::inferShapes() { return success(); }
LogicalResult SoftmaxOp::inferShapes() { return success(); }
LogicalResult LayerNormalizationOp::inferShapes() { return success(); }
LogicalResult RMSNormalizationOp::inferShapes() { return success(); }
LogicalResult MatMulOp::inferShapes() { return success(); }
LogicalResult GemmOp::inferShapes() { return success(); }
LogicalResult AttentionOp::inferShapes() { return success(); }
LogicalResult ConstantOp::inferShapes() { return success(); }
LogicalResult ConcatOp::inferShapes() { return success(); }
LogicalResult ConstantOfShapeOp::inferShapes() { return success(); }
LogicalResult ExpandOp::inferShapes() { return success(); }
LogicalResult FlattenOp::inferShapes() { return success(); }
LogicalResult GatherOp::inferShapes() { return success(); }
LogicalResult GatherNDOp::inferShapes() { return success(); }
LogicalResult PadOp::inferShapes() { return success(); }
LogicalResult RangeOp::inferShapes() { return success(); }
LogicalResult ReshapeOp::inferShapes() { return success(); }
LogicalResult ScatterNDOp::inferShapes() { return success(); }
LogicalResult ShapeOp::inferShapes() { return success(); }
LogicalResult SizeOp::inferShapes() { return success(); }
LogicalResult SliceOp::inferShapes() { return success(); }
LogicalResult SplitOp::inferShapes() { return success(); }
LogicalResult SqueezeOp::inferShapes() { return success(); }
LogicalResult TransposeOp::inferShapes() { return success(); }
LogicalResult TriluOp::inferShapes() { return success(); }
LogicalResult UnsqueezeOp::inferShapes() { return success(); }
