//===- LowbitLevelOps.td - Operations on tensors of levels -*- tablegen -*-===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operations on tensors of levels: what a model means.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_DIALECT_LOWBIT_IR_LOWBITLEVELOPS
#define LOWBIT_DIALECT_LOWBIT_IR_LOWBITLEVELOPS

include "lowbit/Dialect/Lowbit/IR/LowbitOpBase.td"

//===----------------------------------------------------------------------===//
// Levels: constant, quantize, dequantize, threshold
//===----------------------------------------------------------------------===//

def Lowbit_ConstantOp : Lowbit_Op<"constant", [Pure]> {
  let summary = "a constant tensor of levels";
  let description = [{
    `value` holds the levels themselves (not codes) as `i8`; each must be a level
    of the result's element type. Not foldable to an attribute of the result
    type, because builtin attributes cannot have level elements.

    Constraints:
    * (C1) `value` is of `i8`;
    * (C2) it has the shape of the result;
    * (C3) each element of a `dense` value is a level of the result;
    * (C4) a `dense_resource` holds one byte for each element.

    ```mlir
    %w = lowbit.constant dense<[[-1, 1], [1, 1]]> : tensor<2x2xi8> -> tensor<2x2x!lowbit.levels<-1, 1>>
    ```
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs Lowbit_LevelsTensor:$result);
  let assemblyFormat = "$value attr-dict `->` type($result)";
  let hasVerifier = 1;
}

def Lowbit_QuantizeOp : Lowbit_DestinationOp<"quantize", [AttrSizedOperandSegments, Lowbit_Tiling]> {
  let summary = "numbers to levels: elastic scale, learned shift, running minimum";
  let description = [{
    With `x' = x + shift` (shift of shape `[K]`, along the last dimension, or no shift), all in float32 as
    written, division being IEEE division:

    * `sign`: `level = sign(x')`; the result's levels are -1, 0, 1, or -1, 1 when
      zero provably does not occur. No scale, no offset.
    * `step`: `level = x' >= 0 ? 1 : -1`.
    * `half_even`: `level = clamp(round((x' - offset) / scale), first, last)` with
      round half to even, `first` and `last` the outer levels of the result; the
      levels must be consecutive integers. `offset` (shape `[]`) defaults to 0.

    `granularity` says what shares a scale: `tensor` (shape `[]`) or `token`.

    Constraints:
    * (C1) input and result have one shape;
    * (C2) `half_even` has a scale and consecutive levels; `sign` and `step` have neither
      scale nor offset;
    * (C3) the levels of `sign` are -1, 1 or -1, 0, 1, those of `step` are -1, 1;
    * (C4) the granularity is `tensor` or `token`, the scale has the shape that it gives;
    * (C5) the shift has shape `[K]`;
    * (C6) the offset has shape `[]`.

    ```mlir
    %q = lowbit.quantize ins(%x, scale %s : tensor<4x96xf32>, tensor<f32>)
           outs(%e : tensor<4x96x!lowbit.levels<0, 1>>) {rounding = #lowbit.rounding<half_even>}
           -> tensor<4x96x!lowbit.levels<0, 1>>
    ```
  }];
  let arguments = (ins Lowbit_FloatShaped:$input, Optional<Lowbit_FloatShaped>:$scale,
      Optional<Lowbit_FloatShaped>:$shift, Optional<Lowbit_FloatShaped>:$offset,
      Lowbit_LevelsTensor:$init,
      Lowbit_RoundingAttr:$rounding,
      DefaultValuedAttr<Lowbit_GranularityAttr, "::mlir::lowbit::Granularity::tensor">:$granularity);
  let results = (outs Lowbit_LevelsTensor:$result);
  // On tensors, with an empty destination of the shape that follows from the operands.
  let builders = [OpBuilder<(ins "::mlir::Value":$input, "::mlir::Value":$scale,
      "::mlir::Value":$shift, "::mlir::Value":$offset, "::mlir::lowbit::LevelsType":$levels,
      "::mlir::lowbit::Rounding":$rounding,
      CArg<"::mlir::lowbit::Granularity", "::mlir::lowbit::Granularity::tensor">:$granularity)>];
  let assemblyFormat = [{
    `ins` `(` custom<QuantizerInputs>($input, $scale, $shift, $offset,
      type($input), type($scale), type($shift), type($offset)) `)`
    `outs` `(` $init `:` type($init) `)` attr-dict `->` type($result)
  }];
  let hasCanonicalizer = 1;
}

def Lowbit_DequantizeOp : Lowbit_DestinationOp<"dequantize", [Lowbit_Tiling]> {
  let summary = "levels to numbers";
  let description = [{
    `y = level * scale + offset` in float32, the product rounded before the sum;
    without offset there is no sum. `granularity` says what shares a scale
    (`tensor`, `row` or `token`); `offset` has shape `[]`.

    Constraints:
    * (C1) input and result have one shape;
    * (C2) the scale has the shape that the granularity gives;
    * (C3) the offset has shape `[]`.

    ```mlir
    %y = lowbit.dequantize ins(%q, scale %s : tensor<4x96x!lowbit.levels<-1, 1>>, tensor<4xf32>)
           outs(%e : tensor<4x96xf32>) {granularity = #lowbit.granularity<row>} -> tensor<4x96xf32>
    ```
  }];
  let arguments = (ins Lowbit_LevelsTensor:$input, Lowbit_FloatShaped:$scale,
      Optional<Lowbit_FloatShaped>:$offset, Lowbit_FloatShaped:$init,
      DefaultValuedAttr<Lowbit_GranularityAttr, "::mlir::lowbit::Granularity::tensor">:$granularity);
  let results = (outs RankedTensorOf<[F32]>:$result);
  // On tensors, with an empty destination of the shape that follows from the operands.
  let builders = [OpBuilder<(ins "::mlir::Value":$input, "::mlir::Value":$scale,
      "::mlir::Value":$offset,
      CArg<"::mlir::lowbit::Granularity", "::mlir::lowbit::Granularity::tensor">:$granularity)>];
  let assemblyFormat = [{
    `ins` `(` $input `,` `scale` $scale (`,` `offset` $offset^)? `:`
      type($input) `,` type($scale) (`,` type($offset)^)? `)`
    `outs` `(` $init `:` type($init) `)` attr-dict `->` type($result)
  }];
  let hasCanonicalizer = 1;
}

def Lowbit_ThresholdOp : Lowbit_DestinationOp<"threshold", [Lowbit_Tiling]> {
  let summary = "integer accumulators to levels by per-channel thresholds";
  let description = [{
    `level = first + step * (number of t with input >= thresholds[n, t])`, where
    `n` is the index of the last dimension and the thresholds of a channel
    ascend. The result's type has one level more than there are thresholds.

    Constraints:
    * (C1) input and result have one shape;
    * (C2) the thresholds have shape `[N, count - 1]`, where N is the last extent of the
      input and count the number of levels of the result.

    ```mlir
    %q = lowbit.threshold ins(%acc, %t : tensor<4x96xi32>, tensor<96x1xi32>)
           outs(%e : tensor<4x96x!lowbit.levels<-1, 1>>) -> tensor<4x96x!lowbit.levels<-1, 1>>
    ```
  }];
  let arguments = (ins Lowbit_IntShaped:$input, Lowbit_IntShaped:$thresholds, Lowbit_LevelsTensor:$init);
  let results = (outs Lowbit_LevelsTensor:$result);
  // On tensors, with an empty destination of the shape that follows from the operands.
  let builders = [OpBuilder<(ins "::mlir::Value":$input, "::mlir::Value":$thresholds,
      "::mlir::lowbit::LevelsType":$levels)>];
  let assemblyFormat = [{
    `ins` `(` $input `,` $thresholds `:` type($input) `,` type($thresholds) `)`
    `outs` `(` $init `:` type($init) `)` attr-dict `->` type($result)
  }];
}

//===----------------------------------------------------------------------===//
// Contractions of levels
//===----------------------------------------------------------------------===//

def Lowbit_MatmulOp : Lowbit_DestinationOp<"matmul", [Lowbit_Tiling]> {
  let summary = "(batched) matrix product of levels with exact integer sums";
  let description = [{
    `result[b, m, n] = sum over k of lhs[b, m, k] * rhs[b, k, n]`, or
    `rhs[b, n, k]` with `transpose_rhs`. The left side is a tensor of levels and
    the sums are exact `i32`, or it is `f32` and the sums are float32 in any
    order. `rhs` has the rank of `lhs`, or rank 2 (shared by the whole batch).
    The verifier refuses sums that could leave `i32`. The result is overwritten:
    `init` gives its shape only.

    Constraints:
    * (C1) `lhs` has rank 2 or more, `rhs` that rank or rank 2;
    * (C2) the extents of K, and of the batch where both have one, agree;
    * (C3) the result has shape `[..., M, N]`;
    * (C4) the sums are `i32` for levels, `f32` for `f32`;
    * (C5) K times the largest product of two levels fits `i32`.

    ```mlir
    %c = lowbit.matmul ins(%a, %w : tensor<4x96x!lowbit.levels<-1, 0, 1>>, tensor<32x96x!lowbit.levels<-1, 1>>)
           outs(%e : tensor<4x32xi32>) {transpose_rhs} -> tensor<4x32xi32>
    ```
  }];
  let arguments = (ins AnyTypeOf<[Lowbit_LevelsTensor, RankedTensorOf<[F32]>], "", "::mlir::TensorType">:$lhs,
      Lowbit_LevelsTensor:$rhs, RankedTensorOf<[I32, F32]>:$init, UnitAttr:$transpose_rhs);
  let results = (outs RankedTensorOf<[I32, F32]>:$result);
  // On tensors, with an empty destination of the shape that follows from the operands.
  let builders = [OpBuilder<(ins "::mlir::Value":$lhs, "::mlir::Value":$rhs,
      CArg<"bool", "false">:$transposeRhs)>];
  let assemblyFormat = [{
    `ins` `(` $lhs `,` $rhs `:` type($lhs) `,` type($rhs) `)`
    `outs` `(` $init `:` type($init) `)` attr-dict `->` type($result)
  }];
}

def Lowbit_LevelSumOp : Lowbit_DestinationOp<"level_sum", []> {
  let summary = "sums of levels along one dimension";
  let description = [{
    `result[...] = sum over the index of dimension axis of input[...]`, exact
    `i32`; the result lacks the dimension `axis`. Used for the correction term of
    an offset: `sum((s q + o) w) = s sum(q w) + o sum(w)`.

    Constraints:
    * (C1) `axis` is a dimension of the input;
    * (C2) the result has the shape of the input without it;
    * (C3) the sums fit `i32`.

    ```mlir
    %s = lowbit.level_sum ins(%w : tensor<32x96x!lowbit.levels<-1, 1>>)
           outs(%e : tensor<32xi32>) {axis = 1 : i64} -> tensor<32xi32>
    ```
  }];
  let arguments = (ins Lowbit_LevelsTensor:$input, Lowbit_IntShaped:$init, I64Attr:$axis);
  let results = (outs RankedTensorOf<[I32]>:$result);
  // On tensors, with an empty destination of the shape that follows from the operands.
  let builders = [OpBuilder<(ins "::mlir::Value":$input, "int64_t":$axis)>];
  let assemblyFormat = [{
    `ins` `(` $input `:` type($input) `)` `outs` `(` $init `:` type($init) `)` attr-dict `->` type($result)
  }];
  let hasCanonicalizer = 1;
}

def Lowbit_LookupOp : Lowbit_DestinationOp<"lookup", []> {
  let summary = "rows of a quantized embedding table as numbers";
  let description = [{
    `result[i..., h] = table[ids[i...], h] * scale[ids[i...]]`. The scale has
    shape `[V]` (one per row) or `[]`. An id outside `0 ... V - 1` is undefined
    behaviour here; the conversion that creates the operation checks ids first.

    Constraints:
    * (C1) the table has rank 2;
    * (C2) the scale has shape `[V]` or `[]`;
    * (C3) the result has the shape of the ids and the last extent of the table.

    ```mlir
    %x = lowbit.lookup ins(%t, %ids, %s : tensor<100x96x!lowbit.levels<-1, 1>>, tensor<?x?xi64>, tensor<100xf32>)
           outs(%e : tensor<?x?x96xf32>) -> tensor<?x?x96xf32>
    ```
  }];
  let arguments = (ins Lowbit_LevelsTensor:$table, Lowbit_IndexShaped:$ids,
      Lowbit_FloatShaped:$scale, Lowbit_FloatShaped:$init);
  let results = (outs RankedTensorOf<[F32]>:$result);
  // On tensors, with an empty destination of the shape that follows from the operands.
  let builders = [OpBuilder<(ins "::mlir::Value":$table, "::mlir::Value":$ids,
      "::mlir::Value":$scale)>];
  let assemblyFormat = [{
    `ins` `(` $table `,` $ids `,` $scale `:` type($table) `,` type($ids) `,` type($scale) `)`
    `outs` `(` $init `:` type($init) `)` attr-dict `->` type($result)
  }];
}

//===----------------------------------------------------------------------===//
// Normalisations
//===----------------------------------------------------------------------===//

def Lowbit_LayerNormOp : Lowbit_DestinationOp<"layer_norm", [AttrSizedOperandSegments, Lowbit_Tiling]> {
  let summary = "layer normalisation over the last dimension";
  let description = [{
    `y = (x - mean) / sqrt(var + epsilon) * scale + bias` with the biased
    variance `mean((x - mean)^2)` computed in two passes; `scale` and `bias` have
    shape `[K]`, bias may be absent. Sums may be taken in any order.

    With `residual` (shape of the input) the input is `x + residual`.

    Constraints:
    * (C1) input and result have one shape, of rank 1 or more;
    * (C2) scale and bias have shape `[K]`;
    * (C3) the residual has the shape of the input;
    * (C4) `epsilon` is not negative.

    ```mlir
    %y = lowbit.layer_norm ins(%x, %g, bias %b : tensor<4x96xf32>, tensor<96xf32>, tensor<96xf32>)
           outs(%e : tensor<4x96xf32>) {epsilon = 1.0e-12 : f32} -> tensor<4x96xf32>
    ```
  }];
  let arguments = (ins Lowbit_FloatShaped:$input, Lowbit_FloatShaped:$scale,
      Optional<Lowbit_FloatShaped>:$bias, Optional<Lowbit_FloatShaped>:$residual,
      Lowbit_FloatShaped:$init, F32Attr:$epsilon);
  let results = (outs Optional<RankedTensorOf<[F32]>>:$result);
  // On tensors, with an empty destination of the shape that follows from the operands.
  let builders = [OpBuilder<(ins "::mlir::Value":$input, "::mlir::Value":$scale,
      "::mlir::Value":$bias, "::mlir::Value":$residual, "const ::llvm::APFloat &":$epsilon)>];
  let assemblyFormat = [{
    `ins` `(` custom<LayerNormInputs>($input, $scale, $bias, $residual,
      type($input), type($scale), type($bias), type($residual)) `)`
    `outs` `(` $init `:` type($init) `)` attr-dict (`->` type($result)^)?
  }];
}

def Lowbit_SoftmaxOp : Lowbit_DestinationOp<"softmax", [Lowbit_Tiling]> {
  let summary = "softmax along the last dimension";
  let description = [{
    `y = exp(x - max) / sum(exp(x - max))`, the maximum and the sum over the last
    dimension; the sum may be taken in any order. A row that is all `-inf` is NaN.

    Constraints:
    * (C1) input and result have one shape, of rank 1 or more.

    ```mlir
    %y = lowbit.softmax ins(%x : tensor<4x96xf32>) outs(%e : tensor<4x96xf32>) -> tensor<4x96xf32>
    ```
  }];
  let arguments = (ins Lowbit_FloatShaped:$input, Lowbit_FloatShaped:$init);
  let results = (outs Optional<RankedTensorOf<[F32]>>:$result);
  // On tensors, with an empty destination of the shape that follows from the operands.
  let builders = [OpBuilder<(ins "::mlir::Value":$input)>];
  let assemblyFormat = [{
    `ins` `(` $input `:` type($input) `)` `outs` `(` $init `:` type($init) `)` attr-dict (`->` type($result)^)?
  }];
}

#endif // LOWBIT_DIALECT_LOWBIT_IR_LOWBITLEVELOPS
