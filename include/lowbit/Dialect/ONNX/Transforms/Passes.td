//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Passes over the onnx dialect.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_DIALECT_ONNX_TRANSFORMS_PASSES
#define LOWBIT_DIALECT_ONNX_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

def InferShapes : Pass<"onnx-infer-shapes", "::mlir::func::FuncOp"> {
  let summary = "Refine the types of onnx operators and of the function's results";
  let description = [{
    Visits operators in order and refines their result types from operand types,
    attributes, constant operands and shape computations. Afterwards the rank of
    every tensor is known. It is an error, reported on the operator, when operands
    contradict each other or a rank depends on the run.
  }];
}

def FoldConstants : Pass<"onnx-fold-constants", "::mlir::func::FuncOp"> {
  let summary = "Evaluate small operators on constants";
  let description = [{
    Evaluates data movement, integer and bool arithmetic on constants, and float
    arithmetic on scalars and vectors. Matrices of floats are not computed with:
    the recognition of weight quantizers reads those computations. Results larger
    than `max-elements` are left to run time, so that a small file cannot ask for
    large memory.
  }];
  let options = [
    Option<"maxElements", "max-elements", "int64_t", "65536",
           "largest result that is evaluated">,
    Option<"budget", "budget", "int64_t", "16777216",
           "most elements that are evaluated in one function">
  ];
}

def SimplifyShapes : Pass<"onnx-simplify-shapes", "::mlir::func::FuncOp"> {
  let summary = "Give shape operands a normal form and drop what they make redundant";
  let description = [{
    Shape operands that are computed from dimensions and numbers (`Shape`,
    `Gather`, `Concat`, `Where`, ...) are replaced by a constant if possible, else
    by a `Concat` of numbers and of dimensions of the function's arguments. A
    `Reshape` that keeps a dynamic dimension in place copies it (0 in `shape`), so
    that most reshapes of transformers get a constant shape. An `Expand` whose
    growth the consumer's broadcasting repeats is dropped, and elementwise
    operators on expanded values alone are computed before the `Expand`.
  }];
}

def Decompose : Pass<"onnx-decompose", "::mlir::func::FuncOp"> {
  let summary = "Spell out Attention and Einsum";
  let description = [{
    `Einsum` becomes `MatMul` between `Transpose` and `Reshape`, so that what
    recognises products sees one form of them: labels of both operands and the
    result are batch dimensions, those of both operands alone are summed, the
    others are rows and columns. A constant operand goes to the right. Labels of
    one operand that the result does not have are summed first; without a summed
    label of both, the product is a `Mul`.

    `Attention` becomes `MatMul`, `Softmax` and what is between them, so that
    recognition and fusion see one form of attention. Rows whose keys are all
    masked out give zeros, as the standard says. Where the number of heads or the
    scale depends on the run, the operator stays.
  }];
}

#endif // LOWBIT_DIALECT_ONNX_TRANSFORMS_PASSES
