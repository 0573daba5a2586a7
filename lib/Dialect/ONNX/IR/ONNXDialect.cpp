//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Registration of the onnx dialect and its constants.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Dialect/ONNX/IR/ONNX.h"

using namespace mlir;
using namespace mlir::onnx;

#include "lowbit/Dialect/ONNX/IR/ONNXDialect.cpp.inc"
#include "lowbit/Dialect/ONNX/IR/ONNXInterfaces.cpp.inc"

void ONNXDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "lowbit/Dialect/ONNX/IR/ONNXOps.cpp.inc"
      >();
}

Operation *ONNXDialect::materializeConstant(OpBuilder &builder, Attribute value,
                                            Type type, Location loc) {
  auto elements = dyn_cast<ElementsAttr>(value);
  auto tensor = dyn_cast<TensorType>(type);
  if (!elements || !tensor)
    return nullptr;
  return ConstantOp::create(builder, loc, tensor, elements);
}
