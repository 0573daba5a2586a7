//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Passes over the lowbit dialect. Conversions live in Conversion/Passes.td.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_DIALECT_LOWBIT_TRANSFORMS_PASSES
#define LOWBIT_DIALECT_LOWBIT_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

// --- normal forms ---

def LowbitSinkCollapses : Pass<"lowbit-sink-collapses"> {
  let summary = "Move merges of batch and heads behind attention";
  let description = [{
    Moves a `tensor.collapse_shape` of the first dimensions, such as that from
    `[B, H, S, D]` to `[B * H, S, D]`, behind quantizers, elementwise operations,
    softmax and products of two such operands, until it meets the
    `tensor.expand_shape` that undoes it. Attention over merged heads and over
    four dimensions look the same afterwards.

    A product stays where its batches are not made of the same known parts, all
    but one of them.
  }];
  let dependentDialects = ["linalg::LinalgDialect", "tensor::TensorDialect",
    "LowbitDialect"];
}

// --- packing and kernel choice ---

def LowbitPack : Pass<"lowbit-pack"> {
  let summary = "Choose a kernel for every matmul of levels and pack its operands";
  let description = [{
    Replaces `lowbit.matmul` by `lowbit.packed_matmul` with the cheapest row of
    the kernel table that the module's `lowbit.target` allows, `lowbit.quantize`
    in front of it by `lowbit.quantize_pack`, constants by packed constants, and
    `lowbit.lookup` on a constant table by `lowbit.packed_lookup`. Transposes and
    reshapes between a quantizer and a matmul are absorbed. Of a table of signs,
    zeros are listed where they are few.

    A matmul that no row takes (a float left side with a right side that is not
    constant) stays; `convert-lowbit-to-linalg` lowers it.

    Where the row called `kernel` does not apply, a remark says why and the
    cheapest takes its place; a warning, when it applies nowhere. A row that does
    not exist is an error.
  }];
  let options = [Option<"kernel", "kernel", "std::string", /*default=*/"\"\"",
      "the row of the kernel table to use where it applies">];
  let dependentDialects = ["arith::ArithDialect", "linalg::LinalgDialect",
    "tensor::TensorDialect", "LowbitDialect"];
}

def LowbitScreenProducts : Pass<"lowbit-screen-products"> {
  let summary = "Give top products an 8-bit copy of their table";
  let description = [{
    A `lowbit.top_product` with a constant table gets its screen: codes of eight
    bits, and for each row of the table a scale and what bounds the error that
    codes make. Without one, `convert-lowbit-to-linalg` lowers it. Rows so long
    that sums of products of codes could leave 32 bits get none.
  }];
  let dependentDialects = ["arith::ArithDialect", "LowbitDialect"];
}

def LowbitProtectInputs : Pass<"lowbit-protect-inputs", "func::FuncOp"> {
  let summary = "Mark the inputs of public functions read-only";
  let description = [{
    Sets `bufferization.writable = false` on the tensor arguments of public
    functions: a run must not change the memory that the caller passed in.
  }];
  let dependentDialects = ["bufferization::BufferizationDialect"];
}

def LowbitOutlineKernels : Pass<"lowbit-outline-kernels", "ModuleOp"> {
  let summary = "Move packed operations on buffers into shared functions";
  let description = [{
    Every packed operation on buffers becomes a call of a private function that
    holds it; equal operations call the same function, so that the layers of a
    model share their machine code. For that, learned float constants of an
    epilogue become operands of rank 0.
  }];
  let dependentDialects = ["func::FuncDialect", "memref::MemRefDialect"];
}

// --- fusion ---

def LowbitFuseEpilogue : Pass<"lowbit-fuse-epilogue"> {
  let summary = "Move elementwise consumers of a packed matmul into its epilogue";
  let description = [{
    An elementwise `linalg.generic` that is the only user of a
    `lowbit.packed_matmul` and reads it in order moves into the region of the
    matmul; its other inputs become epilogue operands. Chains of elementwise
    operations whose intermediate results have one user are merged first.
  }];
  let dependentDialects = ["arith::ArithDialect", "linalg::LinalgDialect",
    "tensor::TensorDialect", "LowbitDialect"];
}

def LowbitFuseNorm : Pass<"lowbit-fuse-norm"> {
  let summary = "Fuse the quantizers that read a layer normalisation into it";
  let description = [{
    A `lowbit.layer_norm` with the `lowbit.quantize_pack` operations that read it
    (rows in order, scales known before) becomes a `lowbit.layer_norm_pack`: one
    sweep over a row writes the numbers and every packed operand that is made of
    them.
  }];
  let dependentDialects = ["arith::ArithDialect", "math::MathDialect",
    "tensor::TensorDialect", "LowbitDialect"];
}

def LowbitFuseAttention : Pass<"lowbit-fuse-attention"> {
  let summary = "Fuse the steps of attention into one operation";
  let description = [{
    A packed product of queries and keys, its softmax, a quantizer of the
    probabilities to 0, 1, ... 256 at most with a fixed scale, perhaps of what
    they are above the least of them all, and the packed product with the
    values, each read by the next alone, become a `lowbit.packed_attention`,
    with the transpose of heads behind it when there is one. A quantizer of the
    joined heads moves into its context region.
  }];
  let dependentDialects = ["arith::ArithDialect", "math::MathDialect",
    "tensor::TensorDialect", "LowbitDialect"];
}

def LowbitFuseQuantizers : Pass<"lowbit-fuse-quantizers"> {
  let summary = "Move the quantizer behind a packed matmul into its epilogue";
  let description = [{
    A `lowbit.quantize_pack` that is the only reader of a packed matmul, with a
    scale that is known before the matmul, moves into its region: the matmul
    stores packed codes instead of numbers: bit planes, or bytes where the
    quantizer's reader multiplies bytes. When the quantizer reads the result
    split into heads, or wants it permuted or in panels, a `lowbit.repack`
    follows.
  }];
  let dependentDialects = ["arith::ArithDialect", "math::MathDialect",
    "tensor::TensorDialect", "LowbitDialect"];
}

def LowbitProbeMinimum : Pass<"lowbit-probe-minimum"> {
  let summary = "Find the minimum behind a ReLU without the whole result";
  let description = [{
    A quantizer whose offset is the minimum of all that it reads cannot move into
    the product that it reads from. Where the product ends with a ReLU and the
    quantizer adds a constant shift to each column, the minimum is the least
    shift if any number of that column is zero: the panel with that column is
    computed alone, of 32 rows and, if there is no zero among them, of all. Only
    if there is none at all the whole result is computed for its minimum. Either
    way the quantizer becomes the only reader of the product. Exact, for constant
    weights and finite constants.
  }];
  let dependentDialects = ["arith::ArithDialect", "linalg::LinalgDialect",
    "scf::SCFDialect", "tensor::TensorDialect", "LowbitDialect"];
}

def LowbitFuseThresholds : Pass<"lowbit-fuse-thresholds"> {
  let summary = "Replace float epilogues of packed results by integer thresholds";
  let description = [{
    Evaluates the region of a packed matmul with a packed result for every sum
    that can occur, in the float arithmetic of the emitted code, and replaces it
    by comparisons of the sum with one threshold for each step of the code and
    each column. The result is the same bit for bit. A region stays when the
    codes do not ascend with the sum, when they depend on more than the sum and
    the column, or when there are more than 4 levels; a remark says why, as does
    the attribute `lowbit.float_epilogue`, for the report. A sign that no sum makes
    zero loses its plane of zeros, with all that reads it.
  }];
  let dependentDialects = ["arith::ArithDialect", "tensor::TensorDialect",
    "LowbitDialect"];
}

def LowbitFuseInputs : Pass<"lowbit-fuse-inputs"> {
  let summary = "Quantize what elementwise operations make as they make it";
  let description = [{
    An elementwise operation on one tensor and on numbers, read by a
    `lowbit.quantize_pack`, becomes the region of the quantizer. One that others
    read too is computed once more if that is quick: a quantizer of eight bits
    whose scale is that of the largest element clips the tensor, and the extreme
    and the codes are then taken of what is not clipped yet. An extreme of all
    elements takes in what it reads likewise, and both read transposed tensors as
    they were before.
  }];
  let dependentDialects = ["arith::ArithDialect", "linalg::LinalgDialect",
    "LowbitDialect"];
}

// --- report ---

def LowbitReport : Pass<"lowbit-report", "::mlir::ModuleOp"> {
  let summary = "List what became of every matmul, normalisation and quantizer";
  let description = [{
    Sets the module's attribute `lowbit.report` to a JSON text, whose keys
    docs/Report.md describes: for every product its nodes, size, levels, kernel
    and epilogue, how its result is stored and why so; what each row of the
    kernel table would cost for it, or why it does not apply; fused attentions and
    normalisations; quantizers that are operations of their own; and a summary.

    Runs on tensors. The pipeline runs it at the end of the stage `lowbit`, where
    kernels are null, and in the stage `loops` between the last fusion and
    bufferization, where the operations are those that become code.
  }];
}

#endif // LOWBIT_DIALECT_LOWBIT_TRANSFORMS_PASSES
