//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The onnx dialect: the supported ONNX operators at one opset.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_DIALECT_ONNX_IR_ONNX_H
#define LOWBIT_DIALECT_ONNX_IR_ONNX_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "lowbit/Dialect/ONNX/IR/EinsumEquation.h"
#include "lowbit/Dialect/ONNX/IR/TypeInference.h"

#include "lowbit/Dialect/ONNX/IR/ONNXDialect.h.inc"
#include "lowbit/Dialect/ONNX/IR/ONNXInterfaces.h.inc"

#define GET_OP_CLASSES
#include "lowbit/Dialect/ONNX/IR/ONNXOps.h.inc"

#endif // LOWBIT_DIALECT_ONNX_IR_ONNX_H
