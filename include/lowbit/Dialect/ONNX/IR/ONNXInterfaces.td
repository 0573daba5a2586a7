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
    Refines the result types of an operator from its operand types (and from
    constant operands such as the shape of a `Reshape`). A result that is
    already more precise is kept; a contradiction is an error on the operator.
  }];
  let methods = [
    InterfaceMethod<[{Refines the result types in place. Emits an error on the
      operator and returns failure when operands or results contradict each other.}],
      "::llvm::LogicalResult", "inferShapes">
  ];
}

#endif // LOWBIT_DIALECT_ONNX_IR_ONNXINTERFACES
