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

def ConvertONNXToLowbit : Pass<"convert-onnx-to-lowbit", "::mlir::ModuleOp"> {
  let summary = "Recognise quantizers, quantized matmuls and normalisations";
  let description = [{
    Replaces what exporters make of a quantized model by lowbit operations that
    compute the same numbers:

    * activation quantizers (sign, step, rounding to levels with a constant scale,
      with a minimum, with a learned shift) by `lowbit.quantize` and
      `lowbit.dequantize`;
    * `MatMul` and `Gemm` of levels by `lowbit.matmul` and one elementwise
      operation with the product of the scales; weights are recognised by the value
      of the constant expression that computes them;
    * `Gather` from a quantized table by a check of the ids and `lowbit.lookup`;
    * `LayerNormalization`, its decomposed forms, and `Softmax`.

    An operation that looks like one of these but is not gets a remark with the
    reason. A matmul that stays float has it as attribute `lowbit.float_reason`.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::lowbit::LowbitDialect",
    "::mlir::onnx::ONNXDialect", "::mlir::tensor::TensorDialect"];
}

//===----------------------------------------------------------------------===//
// Selected outputs
//===----------------------------------------------------------------------===//

def LowbitSelectOutputs : Pass<"lowbit-select-outputs", "::mlir::ModuleOp"> {
  let summary = "Give outputs for their largest elements only";
  let description = [{
    For every `NAME:COUNT` of `top` and every function with a result called NAME
    (`onnx.name`), a product of float rows with a constant table, perhaps with a
    constant added to each column: two results, `NAME_values` and `NAME_indices`,
    of a `lowbit.top_product` take its place. It is an error when the result is
    something else. The product stays where something else reads it.

    Runs behind `convert-onnx-to-lowbit`, so that products of levels have their
    kernels, and before `convert-onnx-to-linalg`.
  }];
  let options = [ListOption<"top", "top", "std::string",
                            "outputs and how many elements of a row, NAME:COUNT">];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect",
    "::mlir::lowbit::LowbitDialect", "::mlir::tensor::TensorDialect"];
}

//===----------------------------------------------------------------------===//
// ONNXToLinalg
//===----------------------------------------------------------------------===//

def ConvertONNXToLinalg : Pass<"convert-onnx-to-linalg", "ModuleOp"> {
  let summary = "Lower onnx operators to linalg, tensor, arith, math and scf";
  let description = [{
    Lowers every operator that no recogniser has taken. The shapes of all values
    have known ranks; dimensions may be dynamic.

    * Arithmetic on shapes (vectors of at most 16 integers) becomes scalar
      arithmetic on the dimensions of the function's inputs. Dimensions with one
      name in `onnx.dims` are the same value: the entry checks that they agree.
    * Broadcasting of dimensions that are known to agree is an indexing map.
      Where only the run can tell, `cf.assert` checks the dimensions and the
      operand is copied with index 0 for a dimension of 1.
    * Reshapes are views; products of matrices run over batch, m, k, n and carry
      `lowbit.float_matmul` (and `lowbit.float_reason` of the operator).
    * Signed and unsigned integers become signless; arguments and results of the
      function that were unsigned get the attribute `onnx.unsigned`.
    * Every check is a `cf.assert` at the top level of the function whose message
      starts with the name of the node.
  }];
  let dependentDialects = ["arith::ArithDialect", "cf::ControlFlowDialect",
    "linalg::LinalgDialect", "math::MathDialect", "scf::SCFDialect",
    "tensor::TensorDialect"];
}

//===----------------------------------------------------------------------===//
// LowbitToLinalg
//===----------------------------------------------------------------------===//

def ConvertLowbitToLinalg : Pass<"convert-lowbit-to-linalg"> {
  let summary = "Lower lowbit operations on tensors by their definitions";
  let description = [{
    Replaces the operations by `linalg.generic`, `tensor.generate`, `arith` and
    `math` on levels in `i8`: what the dialect's documentation says, written as
    loops. Always applies to operations on tensors; kernels are faster spellings
    that are tested against it. Functions and operations that only move levels
    (`linalg.transpose`, `tensor.expand_shape`, ...) are converted to `i8` too.
  }];
  let options = [Option<"keepKernels", "keep-kernels", "bool", /*default=*/"false",
      "leave quantize_pack, packed_matmul, packed_lookup, layer_norm and softmax "
      "to convert-lowbit-to-vector">];
  let dependentDialects = ["arith::ArithDialect", "linalg::LinalgDialect",
    "math::MathDialect", "scf::SCFDialect", "tensor::TensorDialect"];
}

//===----------------------------------------------------------------------===//
// LowbitToVector
//===----------------------------------------------------------------------===//

def ConvertLowbitToVector : Pass<"convert-lowbit-to-vector"> {
  let summary = "Lower packed operations on buffers to the loops of their kernels";
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

def LowbitSplitReductions : Pass<"lowbit-split-reductions", "func::FuncOp"> {
  let summary = "Split reductions over several dimensions into rows";
  let description = [{
    A `linalg.generic` on tensors that reduces several dimensions, the last of them
    contiguous, becomes a reduction of each row, parallel over all rows, and a
    reduction of their results. Applies to one result made by integer arithmetic or
    by floating-point minima, maxima (exact, NaN and zeros included) and sums. Fewer
    than 1024 elements, and predicates, stay as they are.
  }];
  let dependentDialects = ["arith::ArithDialect", "linalg::LinalgDialect",
    "tensor::TensorDialect"];
}

def LowbitPackTables : Pass<"lowbit-pack-tables", "func::FuncOp"> {
  let summary = "Store the constant right sides of float products in panels";
  let description = [{
    A constant `[K, N]` of f32 that is read by float products only, and only as their
    right side, becomes `[panels, K, 32]`: 32 columns a panel, with zeros behind the
    last one. Products read it at `[n floordiv 32, k, n mod 32]`, which
    `lowbit-linalg-to-loops` knows. Fewer than 16 columns stay as they are.

    With `type=bf16` the numbers are rounded to bf16, which is half as much to store
    and to read: each changes by at most 2^-9 of itself. With `type=int8` a column
    has 255 levels around 0, which its product is multiplied by the distance of: a
    number changes by at most 1/254 of the largest magnitude of its column. A remark
    tells the size and the greatest change of each table.
  }];
  let options = [Option<"type", "type", "std::string", /*default=*/"\"f32\"",
                        "how numbers are stored: f32, bf16 or int8">];
  let dependentDialects = ["arith::ArithDialect", "linalg::LinalgDialect",
                           "tensor::TensorDialect"];
}

def LowbitLinalgToLoops : Pass<"lowbit-linalg-to-loops", "func::FuncOp"> {
  let summary = "Lower linalg operations on buffers to loops that vectorize";
  let description = [{
    Every `linalg` operation with buffer semantics, and every `memref.copy` that is
    no block copy, becomes a loop nest. The innermost loop is the dimension along
    which most operands are contiguous; the other parallel dimensions form one
    `scf.parallel`. A reduction that ends up innermost is carried in registers: in
    several vectors of the target's width where its order is free and its body can
    be widened, with what is left of a row under a mask; else scalar, and its sum may
    be reassociated so that it vectorizes.
  }];
  let dependentDialects = [
    "affine::AffineDialect", "arith::ArithDialect", "linalg::LinalgDialect",
    "memref::MemRefDialect", "scf::SCFDialect", "vector::VectorDialect"];
}

def LowbitPackStates : Pass<"lowbit-pack-states", "ModuleOp"> {
  let summary = "Keep codes in place of numbers in the states of a session";
  let description = [{
    A state (docs/Generation.md) of f32 that nothing reads but one quantizer which
    works element by element, with a constant scale and at most two bits, is kept
    as the packed words of its codes: `#lowbit.packing<levels, rows, sums = false>`
    along the last dimension. Its inputs and outputs become `i64`. What a step adds
    to it is quantized then and never again, which gives the same codes: the
    quantizer of a concatenation is the concatenation of quantized parts. The
    module is a model with its `@main`, or holds the modules of a program, all of
    which must agree. Remarks tell which states are packed and why others are not.
  }];
  let dependentDialects = ["arith::ArithDialect", "lowbit::LowbitDialect",
                           "tensor::TensorDialect"];
}

def LowbitAppendState : Pass<"lowbit-append-state", "func::FuncOp"> {
  let summary = "Write the new rows of a cache behind the old ones";
  let description = [{
    A result that is the concatenation of an input, not used otherwise, and rows
    behind it along an axis other than the first becomes an insertion of the rows
    into storage that begins with the rows of the input and has room for more:
    `builtin.unrealized_conversion_cast` of the number of rows, marked
    `lowbit.append = array<i64: input, output, axis>`. `convert-to-lowbit-entry` makes
    it a call of the host's `append`, which copies nothing when a session has the
    room.
  }];
  let dependentDialects = ["arith::ArithDialect",
                           "bufferization::BufferizationDialect",
                           "tensor::TensorDialect"];
}

def LowbitPlanArena : Pass<"lowbit-plan-arena", "ModuleOp"> {
  let summary = "Give the buffers of @main places in one workspace";
  let description = [{
    Computes where each buffer of `@main` is live and lets buffers that are never
    live together share memory. Sizes may depend on the dimensions of the inputs;
    what computes them moves to the start of the function, together with the
    assertions about shapes. Afterwards `@main` holds at most one allocation marked
    `lowbit.workspace`, with a `memref.view` for every buffer, and one allocation
    marked `lowbit.output = i` per result: results are computed in place where they
    are whole buffers, otherwise copied at the end. Canonicalization may drop the
    marks: `convert-to-lowbit-entry` comes right behind.

    The module attribute `lowbit.workspace` tells the number of buffers and slots
    and, when no dimension is symbolic, the bytes.
  }];
  let dependentDialects = ["arith::ArithDialect", "memref::MemRefDialect"];
}

def ConvertToLowbitEntry : Pass<"convert-to-lowbit-entry", "ModuleOp"> {
  let summary = "Turn @main into an entry of an artifact";
  let description = [{
    Replaces `@main` by a `LowbitEntryFunction` (include/lowbit-c/Artifact.h): inputs
    become memrefs over the caller's memory, the allocations that
    `lowbit-plan-arena` left become calls of the host's `workspace` and `output`,
    and a failing `cf.assert` calls `fail` and returns. The function carries its
    name and signature as attributes for `lowbit-emit-artifact-table`; the name is
    that of the module where it has one.
  }];
  let options = [
    Option<"name", "name", "std::string", "\"main\"",
           "name of the entry when the module has none">
  ];
  let dependentDialects = ["LLVM::LLVMDialect", "arith::ArithDialect",
                           "cf::ControlFlowDialect"];
}

def LowbitOutlineParallel : Pass<"lowbit-outline-parallel", "ModuleOp"> {
  let summary = "Run parallel loops of the entry on the host's threads";
  let description = [{
    The outermost `scf.parallel` loops of the entry become functions over a range of
    iterations that the host's `parallel_for` calls; all dimensions are fused into
    one range, except the innermost of a nest whose body is cheap. Buffers that
    cannot overlap are passed as `noalias`. A chunk has at least `lowbit.grain`
    iterations; without that attribute the grain follows from an estimate of the
    work. Loops with too little work to share are called directly, loops inside
    parallel loops run in order.
  }];
  let dependentDialects = ["LLVM::LLVMDialect", "arith::ArithDialect",
                           "memref::MemRefDialect", "scf::SCFDialect"];
}

def LowbitExpandMath : Pass<"lowbit-expand-math"> {
  let summary = "Expand math functions into arithmetic that vectorizes";
  let description = [{
    float32 `exp`, `erf`, `tanh`, `log` and relatives become polynomials with an
    error of about one unit in the last place, on scalars and vectors alike;
    rounding operations become arithmetic where the target has no instruction for
    them, and fused multiply-add is used where it has one. Minima and maxima become
    comparisons that hand NaN on and tell -0.0 from 0.0. Functions that stay
    behind are left to the C library.
  }];
  let dependentDialects = ["arith::ArithDialect", "math::MathDialect",
                           "vector::VectorDialect"];
}

def LowbitPackGlobals : Pass<"lowbit-pack-globals", "ModuleOp"> {
  let summary = "Store large constants as plain bytes";
  let description = [{
    `llvm.mlir.global` operations over a resource become arrays of bytes over the
    same resource, aligned to a cache line: translation and object emission then
    copy them as a block instead of element by element.
  }];
  let dependentDialects = ["LLVM::LLVMDialect"];
}

def LowbitLinkEntries : Pass<"lowbit-link-entries", "ModuleOp"> {
  let summary = "Move the models of a program into one module";
  let description = [{
    A program is a module of named modules, one for each model, which are by now in
    the LLVM dialect. Their contents move into the outer module; symbols that occur
    twice are renamed, declarations of the C library's functions are kept once. The
    report becomes a list of the reports, `entries`, and their sums. A module
    without modules inside is left alone.
  }];
  let dependentDialects = ["LLVM::LLVMDialect"];
}

def LowbitWidenTruths : Pass<"lowbit-widen-truths", "ModuleOp"> {
  let summary = "Load and store truth values as bytes";
  let description = [{
    A truth value is 0 or 1 in a byte of memory. Loads and stores of `i1` become
    those of `i8`, a comparison and an extension, which LLVM's loop vectoriser
    turns into vectors.
  }];
  let dependentDialects = ["LLVM::LLVMDialect"];
}

def LowbitMergeGlobals : Pass<"lowbit-merge-globals", "ModuleOp"> {
  let summary = "Store equal constants once";
  let description = [{
    Constants of one type with equal bytes become one, with the larger alignment.
    Names do not matter: models that were exported apart share their tables again.
  }];
  let statistics = [Statistic<"mergedBytes", "merged-bytes",
                              "Bytes of constants that were stored before">];
  let dependentDialects = ["LLVM::LLVMDialect"];
}

def LowbitEmitArtifactTable : Pass<"lowbit-emit-artifact-table", "ModuleOp"> {
  let summary = "Add the table of contents of the artifact";
  let description = [{
    Adds the `LowbitArtifact` (include/lowbit-c/Artifact.h) of the module's entries
    as constants, with what the code needs of the CPU (`lowbit.target`) and the
    report (`lowbit.report`). Outputs are paired with the inputs that they feed in
    a later run by name, `present_x` with `past_x`, and by the module attribute
    `lowbit.states`, a list of `["input", "output"]`.
  }];
  let options = [
    Option<"symbol", "symbol", "std::string", "\"lowbit_artifact\"",
           "symbol of the table">
  ];
  let dependentDialects = ["LLVM::LLVMDialect"];
}

#endif // LOWBIT_CONVERSION_PASSES
