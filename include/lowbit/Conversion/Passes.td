//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Conversions from dialect to dialect.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_CONVERSION_PASSES
#define LOWBIT_CONVERSION_PASSES

include "mlir/Pass/PassBase.td"

//===----------------------------------------------------------------------===//
// ONNXToLowbit
//===----------------------------------------------------------------------===//

//===----------------------------------------------------------------------===//
// ONNXToLinalg
//===----------------------------------------------------------------------===//

//===----------------------------------------------------------------------===//
// LowbitToLinalg
//===----------------------------------------------------------------------===//

//===----------------------------------------------------------------------===//
// LowbitToVector
//===----------------------------------------------------------------------===//

def ConvertLowbitToVector : Pass<"convert-lowbit-to-vector"> {
  let summary = "packed operations on buffers to the loops of their kernels";
  let description = [{
    Replaces `lowbit.packed_matmul`, `quantize_pack`, `packed_lookup`,
    `layer_norm` and `softmax` on buffers by `scf.parallel` loops over vectors.
    A matmul is lowered by the row of the kernel table that its attribute
    `kernel` names; vector widths follow the module's `lowbit.target`.
  }];
  let dependentDialects = ["arith::ArithDialect", "LLVM::LLVMDialect",
    "math::MathDialect", "memref::MemRefDialect", "scf::SCFDialect",
    "vector::VectorDialect"];
}

//===----------------------------------------------------------------------===//
// To the artifact: memory, entry, threads, LLVM
//===----------------------------------------------------------------------===//

#endif // LOWBIT_CONVERSION_PASSES
