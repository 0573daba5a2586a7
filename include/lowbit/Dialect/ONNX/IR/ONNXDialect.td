//===- ONNXDialect.td - The onnx dialect ----------------------*- tablegen -*-===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The ONNX operators that lowbit accepts, each at one version. Older opsets are
// upgraded by the importer, so passes see a single spelling of every operator.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_DIALECT_ONNX_IR_ONNXDIALECT
#define LOWBIT_DIALECT_ONNX_IR_ONNXDIALECT

include "mlir/IR/OpBase.td"

def ONNX_Dialect : Dialect {
  let name = "onnx";
  let cppNamespace = "::mlir::onnx";
  let summary = "the ONNX operators of exported transformers, at one opset";
  let description = [{
    Operators keep their ONNX names (`onnx.MatMul`), operand order and attribute
    names. The meaning is that of opset 23 of the standard, with one difference:
    operands that select *axes* (of `ReduceMean`, `Squeeze`, `Unsqueeze`, ...)
    are attributes here, because every exporter writes them as constants and a
    pattern can then read them without looking through a constant.

    Booleans are `i1`, signed integers are signless (`i64`), unsigned integers
    are `ui8`. Optional operands that a model leaves out are absent.
  }];
  let hasConstantMaterializer = 1;
}

#endif // LOWBIT_DIALECT_ONNX_IR_ONNXDIALECT
