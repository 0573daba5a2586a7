//===- ONNXOps.td - The ONNX operators that lowbit accepts ----*- tablegen -*-===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_DIALECT_ONNX_IR_ONNXOPS
#define LOWBIT_DIALECT_ONNX_IR_ONNXOPS

include "lowbit/Dialect/ONNX/IR/ONNXDialect.td"
include "lowbit/Dialect/ONNX/IR/ONNXInterfaces.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def ONNX_Tensor : Type<AnyTensor.predicate, "tensor", "::mlir::TensorType">;

class ONNX_Op<string mnemonic, list<Trait> traits = []>
    : Op<ONNX_Dialect, mnemonic,
         traits # [Pure, DeclareOpInterfaceMethods<ONNX_ShapeInferenceOpInterface>,
                   ONNX_InferredTypes]>;

/// One input, one output of the same shape.
class ONNX_UnaryOp<string mnemonic, string what, string formula> : ONNX_Op<mnemonic> {
  let summary = what;
  let description = "`Y = " # formula # "`, element by element.";
  let arguments = (ins ONNX_Tensor:$X);
  let results = (outs ONNX_Tensor:$Y);
  let assemblyFormat = "$X attr-dict `:` functional-type($X, $Y)";
}

/// Two inputs, broadcast against each other as numpy does.
class ONNX_BinaryOp<string mnemonic, string what, string formula> : ONNX_Op<mnemonic> {
  let summary = what;
  let description = "`C = " # formula # "`, element by element after broadcasting.";
  let arguments = (ins ONNX_Tensor:$A, ONNX_Tensor:$B);
  let results = (outs ONNX_Tensor:$C);
  let assemblyFormat = "$A `,` $B attr-dict `:` functional-type(operands, $C)";
}

/// A reduction over `axes` (all axes when absent, unless `noop_with_empty_axes`).
class ONNX_ReduceOp<string mnemonic, string what> : ONNX_Op<mnemonic> {
  let summary = what;
  let description = [{
    Reduces over `axes`, over all axes when the attribute is absent. With
    `keepdims = 1` the reduced axes stay as 1. `noop_with_empty_axes = 1` and no
    axes return the input.
  }];
  let arguments = (ins ONNX_Tensor:$data, OptionalAttr<DenseI64ArrayAttr>:$axes,
      DefaultValuedAttr<I64Attr, "1">:$keepdims,
      DefaultValuedAttr<I64Attr, "0">:$noop_with_empty_axes);
  let results = (outs ONNX_Tensor:$reduced);
  let assemblyFormat = "$data attr-dict `:` functional-type($data, $reduced)";
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

def ONNX_AbsOp : ONNX_UnaryOp<"Abs", "absolute value", "|X|">;

def ONNX_CeilOp : ONNX_UnaryOp<"Ceil", "round up", "ceil(X)">;

def ONNX_CosOp : ONNX_UnaryOp<"Cos", "cosine", "cos(X)">;

def ONNX_ErfOp : ONNX_UnaryOp<"Erf", "error function", "erf(X)">;

def ONNX_ExpOp : ONNX_UnaryOp<"Exp", "exponential", "exp(X)">;

def ONNX_FloorOp : ONNX_UnaryOp<"Floor", "round down", "floor(X)">;

def ONNX_IdentityOp : ONNX_UnaryOp<"Identity", "the input", "X"> {
  let hasFolder = 1;
}

def ONNX_LogOp : ONNX_UnaryOp<"Log", "natural logarithm", "log(X)">;

def ONNX_NegOp : ONNX_UnaryOp<"Neg", "negation", "-X">;

def ONNX_NotOp : ONNX_UnaryOp<"Not", "logical not", "!X"> {
  let hasFolder = 1;
}

def ONNX_ReciprocalOp : ONNX_UnaryOp<"Reciprocal", "reciprocal", "1 / X">;

def ONNX_ReluOp : ONNX_UnaryOp<"Relu", "rectifier", "max(X, 0)">;

def ONNX_RoundOp : ONNX_UnaryOp<"Round", "round half to even", "round_half_to_even(X)">;

def ONNX_SigmoidOp : ONNX_UnaryOp<"Sigmoid", "logistic function", "1 / (1 + exp(-X))">;

def ONNX_SignOp : ONNX_UnaryOp<"Sign", "sign, zero for zero", "sign(X)">;

def ONNX_SinOp : ONNX_UnaryOp<"Sin", "sine", "sin(X)">;

def ONNX_SqrtOp : ONNX_UnaryOp<"Sqrt", "square root", "sqrt(X)">;

def ONNX_TanhOp : ONNX_UnaryOp<"Tanh", "hyperbolic tangent", "tanh(X)">;

def ONNX_AddOp : ONNX_BinaryOp<"Add", "sum", "A + B">;

def ONNX_AndOp : ONNX_BinaryOp<"And", "logical and", "A && B"> {
  let hasFolder = 1;
}

def ONNX_DivOp : ONNX_BinaryOp<"Div", "quotient (integers truncate toward zero)", "A / B"> {
  let hasFolder = 1;
}

def ONNX_EqualOp : ONNX_BinaryOp<"Equal", "equality", "A == B">;

def ONNX_GreaterOp : ONNX_BinaryOp<"Greater", "comparison", "A > B">;

def ONNX_GreaterOrEqualOp : ONNX_BinaryOp<"GreaterOrEqual", "comparison", "A >= B">;

def ONNX_LessOp : ONNX_BinaryOp<"Less", "comparison", "A < B">;

def ONNX_LessOrEqualOp : ONNX_BinaryOp<"LessOrEqual", "comparison", "A <= B">;

def ONNX_MaxOp : ONNX_BinaryOp<"Max", "larger of two (NaN propagates)", "max(A, B)">;

def ONNX_MinOp : ONNX_BinaryOp<"Min", "smaller of two (NaN propagates)", "min(A, B)">;

def ONNX_MulOp : ONNX_BinaryOp<"Mul", "product", "A * B"> {
  let hasFolder = 1;
}

def ONNX_OrOp : ONNX_BinaryOp<"Or", "logical or", "A || B"> {
  let hasFolder = 1;
}

def ONNX_PowOp : ONNX_BinaryOp<"Pow", "power", "A ^ B">;

def ONNX_SubOp : ONNX_BinaryOp<"Sub", "difference", "A - B"> {
  let hasFolder = 1;
}

def ONNX_XorOp : ONNX_BinaryOp<"Xor", "logical exclusive or", "A != B">;

def ONNX_CastOp : ONNX_Op<"Cast"> {
  let hasFolder = 1;
  let summary = "conversion to the result's element type";
  let description = [{Float to integer truncates toward zero; anything to bool is `!= 0`.}];
  let arguments = (ins ONNX_Tensor:$input);
  let results = (outs ONNX_Tensor:$output);
  let assemblyFormat = "$input attr-dict `:` functional-type($input, $output)";
}

def ONNX_ClipOp : ONNX_Op<"Clip", [AttrSizedOperandSegments]> {
  let summary = "clamp between two scalars";
  let description = [{`output = min(max(input, min), max)`; an absent bound does not bound.}];
  let arguments = (ins ONNX_Tensor:$input, Optional<ONNX_Tensor>:$min, Optional<ONNX_Tensor>:$max);
  let results = (outs ONNX_Tensor:$output);
  let assemblyFormat = "$input (`min` $min^)? (`max` $max^)? attr-dict `:` functional-type(operands, $output)";
}

def ONNX_GeluOp : ONNX_Op<"Gelu"> {
  let summary = "Gaussian error linear unit";
  let description = [{
    `approximate = "none"`: `0.5 * X * (1 + erf(X / sqrt(2)))`;
    `"tanh"`: `0.5 * X * (1 + tanh(sqrt(2/pi) * (X + 0.044715 * X^3)))`.
  }];
  let arguments = (ins ONNX_Tensor:$X, DefaultValuedAttr<StrAttr, "\"none\"">:$approximate);
  let hasVerifier = 1;
  let results = (outs ONNX_Tensor:$Y);
  let assemblyFormat = "$X attr-dict `:` functional-type($X, $Y)";
}

def ONNX_WhereOp : ONNX_Op<"Where"> {
  let hasFolder = 1;
  let summary = "choose element by element, with broadcasting";
  let description = [{`output = condition ? X : Y`.}];
  let arguments = (ins ONNX_Tensor:$condition, ONNX_Tensor:$X, ONNX_Tensor:$Y);
  let results = (outs ONNX_Tensor:$output);
  let assemblyFormat = "$condition `,` $X `,` $Y attr-dict `:` functional-type(operands, $output)";
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

def ONNX_ReduceL1Op : ONNX_ReduceOp<"ReduceL1", "sum of absolute values over axes">;

def ONNX_ReduceL2Op : ONNX_ReduceOp<"ReduceL2", "square root of the sum of squares over axes">;

def ONNX_ReduceMaxOp : ONNX_ReduceOp<"ReduceMax", "maximum over axes">;

def ONNX_ReduceMeanOp : ONNX_ReduceOp<"ReduceMean", "mean over axes">;

def ONNX_ReduceMinOp : ONNX_ReduceOp<"ReduceMin", "minimum over axes">;

def ONNX_ReduceProdOp : ONNX_ReduceOp<"ReduceProd", "product over axes">;

def ONNX_ReduceSumOp : ONNX_ReduceOp<"ReduceSum", "sum over axes">;

def ONNX_CumSumOp : ONNX_Op<"CumSum"> {
  let summary = "running sum along an axis";
  let description = [{`exclusive = 1` leaves the element itself out, `reverse = 1` runs from the end.}];
  let arguments = (ins ONNX_Tensor:$x, I64Attr:$axis, DefaultValuedAttr<I64Attr, "0">:$exclusive, DefaultValuedAttr<I64Attr, "0">:$reverse);
  let results = (outs ONNX_Tensor:$y);
  let assemblyFormat = "$x attr-dict `:` functional-type($x, $y)";
}

def ONNX_SoftmaxOp : ONNX_Op<"Softmax"> {
  let summary = "normalised exponentials along an axis";
  let description = [{`output = exp(input - max) / sum(exp(input - max))` along `axis`.}];
  let arguments = (ins ONNX_Tensor:$input, DefaultValuedAttr<I64Attr, "-1">:$axis);
  let results = (outs ONNX_Tensor:$output);
  let assemblyFormat = "$input attr-dict `:` functional-type($input, $output)";
}

def ONNX_LayerNormalizationOp : ONNX_Op<"LayerNormalization"> {
  let summary = "normalisation over the axes from `axis` on";
  let description = [{`Y = (X - mean(X)) / sqrt(var(X) + epsilon) * Scale + B`, with the biased variance.}];
  let arguments = (ins ONNX_Tensor:$X, ONNX_Tensor:$Scale, Optional<ONNX_Tensor>:$B, DefaultValuedAttr<I64Attr, "-1">:$axis, DefaultValuedAttr<F32Attr, "1.0e-5f">:$epsilon);
  let results = (outs ONNX_Tensor:$Y);
  let assemblyFormat = "$X `,` $Scale (`,` $B^)? attr-dict `:` functional-type(operands, $Y)";
}

def ONNX_RMSNormalizationOp : ONNX_Op<"RMSNormalization"> {
  let summary = "root mean square normalisation over the axes from `axis` on";
  let description = [{`Y = X / sqrt(mean(X^2) + epsilon) * scale`.}];
  let arguments = (ins ONNX_Tensor:$X, ONNX_Tensor:$scale, DefaultValuedAttr<I64Attr, "-1">:$axis, DefaultValuedAttr<F32Attr, "1.0e-5f">:$epsilon);
  let results = (outs ONNX_Tensor:$Y);
  let assemblyFormat = "$X `,` $scale attr-dict `:` functional-type(operands, $Y)";
}

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

def ONNX_MatMulOp : ONNX_Op<"MatMul"> {
  let summary = "matrix product as numpy.matmul";
  let description = [{Batch dimensions broadcast; a vector operand is a row or a column.}];
  let arguments = (ins ONNX_Tensor:$A, ONNX_Tensor:$B);
  let results = (outs ONNX_Tensor:$Y);
  let assemblyFormat = "$A `,` $B attr-dict `:` functional-type(operands, $Y)";
}

def ONNX_GemmOp : ONNX_Op<"Gemm"> {
  let summary = "scaled matrix product with bias";
  let description = [{`Y = alpha * A' * B' + beta * C`, where a prime transposes if `transA`, `transB` say so and C broadcasts.}];
  let arguments = (ins ONNX_Tensor:$A, ONNX_Tensor:$B, Optional<ONNX_Tensor>:$C, DefaultValuedAttr<F32Attr, "1.0f">:$alpha, DefaultValuedAttr<F32Attr, "1.0f">:$beta, DefaultValuedAttr<I64Attr, "0">:$transA, DefaultValuedAttr<I64Attr, "0">:$transB);
  let results = (outs ONNX_Tensor:$Y);
  let assemblyFormat = "$A `,` $B (`,` $C^)? attr-dict `:` functional-type(operands, $Y)";
}

def ONNX_EinsumOp : ONNX_Op<"Einsum"> {
  let summary = "sum of products over labelled dimensions";
  let description = [{
    `equation` gives every dimension a label, `bqhd,bkhd->bhqk`; products are
    summed over labels that the result does not have. Without `->` the result has
    the labels that occur once, in alphabetical order. `...` stands for dimensions
    that broadcast. A label may not be repeated within a term.
  }];
  let arguments = (ins Variadic<ONNX_Tensor>:$inputs, StrAttr:$equation);
  let results = (outs ONNX_Tensor:$output);
  let assemblyFormat = "$equation `(` $inputs `)` attr-dict `:` functional-type($inputs, $output)";
  let extraClassDeclaration = [{
    /// The labels of all dimensions; operands must have known ranks. Fails after
    /// a diagnostic on the operation.
    ::mlir::FailureOr<::mlir::onnx::EinsumEquation> parseEquation();
  }];
}

def ONNX_AttentionOp : ONNX_Op<"Attention"> {
  let summary = "scaled dot-product attention";
  let description = [{Opset 23: `softmax(Q K^T * scale + attn_mask) V`; Q, K, V of rank 4 [batch, heads, sequence, head size], or of rank 3 with `q_num_heads` and `kv_num_heads`. `scale` defaults to `1 / sqrt(head size)`. A boolean mask keeps where true. Cache operands are not supported.}];
  let arguments = (ins ONNX_Tensor:$Q, ONNX_Tensor:$K, ONNX_Tensor:$V, Optional<ONNX_Tensor>:$attn_mask, DefaultValuedAttr<I64Attr, "0">:$is_causal, OptionalAttr<I64Attr>:$q_num_heads, OptionalAttr<I64Attr>:$kv_num_heads, OptionalAttr<F32Attr>:$scale, DefaultValuedAttr<F32Attr, "0.0f">:$softcap);
  let results = (outs ONNX_Tensor:$Y);
  let assemblyFormat = "$Q `,` $K `,` $V (`mask` $attn_mask^)? attr-dict `:` functional-type(operands, $Y)";
}

//===----------------------------------------------------------------------===//
// Constants, shapes and data movement
//===----------------------------------------------------------------------===//

def ONNX_ConstantOp : ONNX_Op<"Constant", [ConstantLike]> {
  let summary = "a constant tensor";
  let description = [{
    Large weights are `dense_resource` attributes over the mapped model file, so
    they are never copied into the context or hashed.
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs ONNX_Tensor:$output);
  let assemblyFormat = "$value attr-dict `:` type($output)";
  let hasFolder = 1;
}

def ONNX_ConcatOp : ONNX_Op<"Concat"> {
  let hasFolder = 1;
  let summary = "join along an axis";
  let description = [{All inputs agree in every other dimension.}];
  let arguments = (ins Variadic<ONNX_Tensor>:$inputs, I64Attr:$axis);
  let results = (outs ONNX_Tensor:$concat_result);
  let assemblyFormat = "$inputs attr-dict `:` functional-type($inputs, $concat_result)";
}

def ONNX_ConstantOfShapeOp : ONNX_Op<"ConstantOfShape"> {
  let summary = "a tensor filled with one value";
  let description = [{`value` is a one-element tensor (float 0 when absent); `input` lists the dimensions.}];
  let arguments = (ins ONNX_Tensor:$input, OptionalAttr<ElementsAttr>:$value);
  let results = (outs ONNX_Tensor:$output);
  let assemblyFormat = "$input attr-dict `:` functional-type($input, $output)";
}

def ONNX_ExpandOp : ONNX_Op<"Expand"> {
  let hasFolder = 1;
  let summary = "broadcast to a shape";
  let description = [{Two-way broadcasting: a 1 in `shape` keeps the input dimension.}];
  let arguments = (ins ONNX_Tensor:$input, ONNX_Tensor:$shape);
  let results = (outs ONNX_Tensor:$output);
  let assemblyFormat = "$input `,` $shape attr-dict `:` functional-type(operands, $output)";
}

def ONNX_FlattenOp : ONNX_Op<"Flatten"> {
  let summary = "flatten to a matrix";
  let description = [{Dimensions before `axis` become the rows.}];
  let arguments = (ins ONNX_Tensor:$input, DefaultValuedAttr<I64Attr, "1">:$axis);
  let results = (outs ONNX_Tensor:$output);
  let assemblyFormat = "$input attr-dict `:` functional-type($input, $output)";
}

def ONNX_GatherOp : ONNX_Op<"Gather"> {
  let summary = "pick slices along an axis";
  let description = [{`output[..., i..., ...] = data[..., indices[i...], ...]`; a negative index counts from the end.}];
  let arguments = (ins ONNX_Tensor:$data, ONNX_Tensor:$indices, DefaultValuedAttr<I64Attr, "0">:$axis);
  let results = (outs ONNX_Tensor:$output);
  let assemblyFormat = "$data `,` $indices attr-dict `:` functional-type(operands, $output)";
}

def ONNX_GatherNDOp : ONNX_Op<"GatherND"> {
  let summary = "pick slices by index tuples";
  let description = [{The last dimension of `indices` holds a tuple that indexes `data` after `batch_dims`.}];
  let arguments = (ins ONNX_Tensor:$data, ONNX_Tensor:$indices, DefaultValuedAttr<I64Attr, "0">:$batch_dims);
  let results = (outs ONNX_Tensor:$output);
  let assemblyFormat = "$data `,` $indices attr-dict `:` functional-type(operands, $output)";
}

def ONNX_PadOp : ONNX_Op<"Pad"> {
  let hasFolder = 1;
  let summary = "pad with a constant";
  let description = [{`pads` lists begin then end counts for all axes (negative counts cut); only `mode = "constant"`.}];
  let arguments = (ins ONNX_Tensor:$data, ONNX_Tensor:$pads, Optional<ONNX_Tensor>:$constant_value, DefaultValuedAttr<StrAttr, "\"constant\"">:$mode);
  let results = (outs ONNX_Tensor:$output);
  let assemblyFormat = "$data `,` $pads (`,` $constant_value^)? attr-dict `:` functional-type(operands, $output)";
}

def ONNX_RangeOp : ONNX_Op<"Range"> {
  let summary = "an arithmetic sequence";
  let description = [{`start, start + delta, ...` up to but without `limit`; three scalars.}];
  let arguments = (ins ONNX_Tensor:$start, ONNX_Tensor:$limit, ONNX_Tensor:$delta);
  let results = (outs ONNX_Tensor:$output);
  let assemblyFormat = "$start `,` $limit `,` $delta attr-dict `:` functional-type(operands, $output)";
}

def ONNX_ReshapeOp : ONNX_Op<"Reshape"> {
  let hasCanonicalizer = 1;
  let hasFolder = 1;
  let summary = "change the shape, keep the elements";
  let description = [{A 0 in `shape` copies the input dimension (unless `allowzero = 1`), one -1 is inferred.}];
  let arguments = (ins ONNX_Tensor:$data, ONNX_Tensor:$shape, DefaultValuedAttr<I64Attr, "0">:$allowzero);
  let results = (outs ONNX_Tensor:$reshaped);
  let assemblyFormat = "$data `,` $shape attr-dict `:` functional-type(operands, $reshaped)";
}

def ONNX_ScatterElementsOp : ONNX_Op<"ScatterElements"> {
  let summary = "replace elements at positions along an axis";
  let description = [{
    A copy of `data` in which each element of `updates` replaces the element at its own position, but with
    the number of `indices` along `axis`; `reduction = "none"` only.
  }];
  let arguments = (ins ONNX_Tensor:$data, ONNX_Tensor:$indices, ONNX_Tensor:$updates,
      DefaultValuedAttr<I64Attr, "0">:$axis);
  let results = (outs ONNX_Tensor:$output);
  let assemblyFormat = "$data `,` $indices `,` $updates attr-dict `:` functional-type(operands, $output)";
}

def ONNX_ScatterNDOp : ONNX_Op<"ScatterND"> {
  let summary = "replace slices by index tuples";
  let description = [{A copy of `data` in which `updates` replace the slices that `indices` name; `reduction = "none"` only.}];
  let arguments = (ins ONNX_Tensor:$data, ONNX_Tensor:$indices, ONNX_Tensor:$updates);
  let results = (outs ONNX_Tensor:$output);
  let assemblyFormat = "$data `,` $indices `,` $updates attr-dict `:` functional-type(operands, $output)";
}

def ONNX_ShapeOp : ONNX_Op<"Shape"> {
  let summary = "the dimensions as a vector";
  let description = [{Dimensions from `start` to `end` (all when absent) as i64.}];
  let arguments = (ins ONNX_Tensor:$data, DefaultValuedAttr<I64Attr, "0">:$start, OptionalAttr<I64Attr>:$end);
  let results = (outs ONNX_Tensor:$shape);
  let extraClassDeclaration = [{
    /// The range of dimensions of a tensor of the given rank.
    std::pair<int64_t, int64_t> getRange(int64_t rank);
  }];
  let assemblyFormat = "$data attr-dict `:` functional-type($data, $shape)";
}

def ONNX_SizeOp : ONNX_Op<"Size"> {
  let summary = "the number of elements";
  let description = [{An i64 scalar.}];
  let arguments = (ins ONNX_Tensor:$data);
  let results = (outs ONNX_Tensor:$size);
  let assemblyFormat = "$data attr-dict `:` functional-type($data, $size)";
}

def ONNX_SliceOp : ONNX_Op<"Slice", [AttrSizedOperandSegments]> {
  let hasFolder = 1;
  let summary = "a strided part";
  let description = [{As numpy slicing with `starts`, `ends`, `axes`, `steps`.}];
  let arguments = (ins ONNX_Tensor:$data, ONNX_Tensor:$starts, ONNX_Tensor:$ends, Optional<ONNX_Tensor>:$axes, Optional<ONNX_Tensor>:$steps);
  let results = (outs ONNX_Tensor:$output);
  let assemblyFormat = "$data `,` $starts `,` $ends (`axes` $axes^)? (`steps` $steps^)? attr-dict `:` functional-type(operands, $output)";
}

def ONNX_SplitOp : ONNX_Op<"Split"> {
  let summary = "cut along an axis";
  let description = [{`split` lists the lengths; when it is absent the parts are equal.}];
  let arguments = (ins ONNX_Tensor:$input, DefaultValuedAttr<I64Attr, "0">:$axis, OptionalAttr<DenseI64ArrayAttr>:$split);
  let results = (outs Variadic<ONNX_Tensor>:$outputs);
  let assemblyFormat = "$input attr-dict `:` functional-type($input, $outputs)";
}

def ONNX_SqueezeOp : ONNX_Op<"Squeeze"> {
  let hasFolder = 1;
  let summary = "drop dimensions of one";
  let description = [{Drops `axes`, every dimension of one when absent.}];
  let arguments = (ins ONNX_Tensor:$data, OptionalAttr<DenseI64ArrayAttr>:$axes);
  let results = (outs ONNX_Tensor:$squeezed);
  let assemblyFormat = "$data attr-dict `:` functional-type($data, $squeezed)";
}

def ONNX_TransposeOp : ONNX_Op<"Transpose"> {
  let hasCanonicalizer = 1;
  let hasFolder = 1;
  let summary = "permute the dimensions";
  let description = [{`perm` defaults to the reverse order. Also applies to tensors of level types.}];
  let arguments = (ins ONNX_Tensor:$data, OptionalAttr<DenseI64ArrayAttr>:$perm);
  let results = (outs ONNX_Tensor:$transposed);
  let assemblyFormat = "$data attr-dict `:` functional-type($data, $transposed)";
}

def ONNX_TriluOp : ONNX_Op<"Trilu"> {
  let summary = "the upper or lower triangle";
  let description = [{Keeps elements on and above (`upper = 1`) or on and below the k-th diagonal, zeros elsewhere.}];
  let arguments = (ins ONNX_Tensor:$input, Optional<ONNX_Tensor>:$k, DefaultValuedAttr<I64Attr, "1">:$upper);
  let results = (outs ONNX_Tensor:$output);
  let assemblyFormat = "$input (`,` $k^)? attr-dict `:` functional-type(operands, $output)";
}

def ONNX_UnsqueezeOp : ONNX_Op<"Unsqueeze"> {
  let hasFolder = 1;
  let summary = "insert dimensions of one";
  let description = [{`axes` count in the result.}];
  let arguments = (ins ONNX_Tensor:$data, DenseI64ArrayAttr:$axes);
  let results = (outs ONNX_Tensor:$expanded);
  let assemblyFormat = "$data attr-dict `:` functional-type($data, $expanded)";
}

#endif // LOWBIT_DIALECT_ONNX_IR_ONNXOPS
