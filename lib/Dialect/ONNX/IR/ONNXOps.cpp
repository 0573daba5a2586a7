//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Definitions of the operators of the onnx dialect.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Dialect/ONNX/IR/ONNX.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::onnx;

#define GET_OP_CLASSES
#include "lowbit/Dialect/ONNX/IR/ONNXOps.cpp.inc"

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValueAttr(); }
