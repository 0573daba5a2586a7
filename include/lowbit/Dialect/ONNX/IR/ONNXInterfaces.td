//===- ONNXInterfaces.td - Interfaces of onnx operators -------*- tablegen -*-===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_DIALECT_ONNX_IR_ONNXINTERFACES
#define LOWBIT_DIALECT_ONNX_IR_ONNXINTERFACES

include "mlir/IR/OpBase.td"

def ONNX_ShapeInferenceOpInterface : OpInterface<"ShapeInferenceOpInterface"> {
  let cppNamespace = "::mlir::onnx";
  let description = [{
    Computes the result types of an operator from its operand types, its
    attributes and, when asked to look at producers, from constant operands and
    shape computations (the shape of a `Reshape`).
  }];
  let methods = [
    InterfaceMethod<[{Appends one type per result: ranked unless the rank cannot
      be known. The element type of `Cast` is that of its present result. Emits
      an error and returns failure when operands or attributes contradict each
      other. In scope `Local` only operand types and attributes are read.}],
      "::llvm::LogicalResult", "inferResultTypes",
      (ins "::mlir::onnx::InferenceScope":$scope,
           "::llvm::SmallVectorImpl<::mlir::TensorType> &":$types)>,
    InterfaceMethod<[{Refines the result types in place. Dimensions that are
      already more precise are kept; a contradiction is an error.}],
      "::llvm::LogicalResult", "inferShapes", (ins), [{}],
      [{ return ::mlir::onnx::refineResultTypes($_op); }]>
  ];
}

/// Checks operands and result types against the inferred ones.
def ONNX_InferredTypes : NativeOpTrait<"InferredTypes"> {
  let cppNamespace = "::mlir::onnx";
}

#endif // LOWBIT_DIALECT_ONNX_IR_ONNXINTERFACES
