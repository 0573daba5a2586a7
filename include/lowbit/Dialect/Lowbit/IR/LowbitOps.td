//===- LowbitOps.td - Operations of the lowbit dialect --------*- tablegen -*-===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two families: operations on tensors of levels (what a model means) and
// operations on packed words (what runs). Every one is in destination style, so
// that tiling, fusion and bufferization treat it like a linalg operation.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_DIALECT_LOWBIT_IR_LOWBITOPS
#define LOWBIT_DIALECT_LOWBIT_IR_LOWBITOPS

include "lowbit/Dialect/Lowbit/IR/LowbitDialect.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/TilingInterface.td"

//===----------------------------------------------------------------------===//
// Operand types
//===----------------------------------------------------------------------===//

def Lowbit_LevelsTensor : RankedTensorOf<[Lowbit_LevelsType]>;
def Lowbit_FloatShaped : Type<Or<[RankedTensorOf<[F32]>.predicate, MemRefOf<[F32]>.predicate]>,
    "tensor or memref of f32", "::mlir::ShapedType">;
def Lowbit_IntShaped : Type<Or<[RankedTensorOf<[I32]>.predicate, MemRefOf<[I32]>.predicate]>,
    "tensor or memref of i32", "::mlir::ShapedType">;
def Lowbit_IndexShaped : Type<Or<[RankedTensorOf<[I32, I64]>.predicate, MemRefOf<[I32, I64]>.predicate]>,
    "tensor or memref of i32 or i64", "::mlir::ShapedType">;
def Lowbit_WordsShaped : Type<Or<[RankedTensorOf<[I64, I32, I8]>.predicate, MemRefOf<[I64, I32, I8]>.predicate]>,
    "tensor or memref of packed words", "::mlir::ShapedType">;
def Lowbit_LhsShaped : Type<Or<[Lowbit_WordsShaped.predicate, Lowbit_FloatShaped.predicate]>,
    "tensor or memref of packed words or f32", "::mlir::ShapedType">;
def Lowbit_AnyShaped : Type<Or<[AnyRankedTensor.predicate, AnyMemRef.predicate]>,
    "ranked tensor or memref", "::mlir::ShapedType">;

class Lowbit_Op<string opMnemonic, list<Trait> traits = []>
    : Op<Lowbit_Dialect, opMnemonic, traits>;

/// An operation `ins(...) outs(init)` with one result when it works on tensors
/// and none when it works on buffers.
class Lowbit_DestinationOp<string opMnemonic, list<Trait> traits = []>
    : Lowbit_Op<opMnemonic, traits # [
        DestinationStyleOpInterface,
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
        DeclareOpInterfaceMethods<ConditionallySpeculatable, ["getSpeculatability"]>,
        DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let hasVerifier = 1;
  code destinationDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
  }];
  let extraClassDeclaration = destinationDeclaration;
  let extraClassDefinition = [{
    void $cppClass::getEffects(
        ::llvm::SmallVectorImpl<::mlir::MemoryEffects::EffectInstance> &effects) {
      ::mlir::lowbit::detail::getDestinationEffects(*this, effects);
    }
    ::mlir::LogicalResult $cppClass::reifyResultShapes(
        ::mlir::OpBuilder &builder, ::mlir::ReifiedRankedShapedTypeDims &shapes) {
      return ::mlir::lowbit::detail::reifyFromInit(*this, builder, shapes);
    }
    ::mlir::Speculation::Speculatability $cppClass::getSpeculatability() {
      return ::mlir::lowbit::detail::getDestinationSpeculatability(*this);
    }
  }];
}

/// The methods of `TilingInterface` that an operation implements whose loops are
/// the (parallel) dimensions of its result.
def Lowbit_Tiling : DeclareOpInterfaceMethods<TilingInterface, [
    "getLoopIteratorTypes", "getIterationDomain", "getTiledImplementation",
    "getResultTilePosition", "generateResultTileValue",
    "getIterationDomainTileFromResultTile"]>;

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

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

def Lowbit_PackOp : Lowbit_DestinationOp<"pack", []> {
  let summary = "levels to packed words";
  let description = [{
    Packs `[..., R, K]` (or `[..., K, R]` with `transpose`) along K as `packing`
    says; the levels of the packing are those of the input.

    Constraints:
    * (C1) the input has rank 2 or more and the levels of the packing;
    * (C2) the destination has the packed shape and element type.

    ```mlir
    %p = lowbit.pack ins(%q : tensor<4x96x!lowbit.levels<-1, 1>>) outs(%e : tensor<4x3xi64>)
           {packing = #lowbit.packing<<-1, 1>, rows>} -> tensor<4x3xi64>
    ```
  }];
  let arguments = (ins Lowbit_LevelsTensor:$input, Lowbit_WordsShaped:$init,
      Lowbit_PackingAttr:$packing, UnitAttr:$transpose);
  let results = (outs RankedTensorOf<[I64, I32, I8]>:$result);
  // On tensors, with an empty destination of the shape that follows from the operands.
  let builders = [OpBuilder<(ins "::mlir::Value":$input,
      "::mlir::lowbit::PackingAttr":$packing, CArg<"bool", "false">:$transpose)>];
  let assemblyFormat = [{
    `ins` `(` $input `:` type($input) `)` `outs` `(` $init `:` type($init) `)` attr-dict `->` type($result)
  }];
  let hasCanonicalizer = 1;
}

def Lowbit_UnpackOp : Lowbit_DestinationOp<"unpack", []> {
  let summary = "packed words (order rows) to levels";
  let description = [{
    The inverse of `lowbit.pack` for the order `rows`.

    Constraints:
    * (C1) the result has rank 2 or more and the levels of the packing, whose order is
      `rows`;
    * (C2) the input has the packed shape and element type.

    ```mlir
    %q = lowbit.unpack ins(%p : tensor<4x3xi64>) outs(%e : tensor<4x96x!lowbit.levels<-1, 1>>)
           {packing = #lowbit.packing<<-1, 1>, rows>} -> tensor<4x96x!lowbit.levels<-1, 1>>
    ```
  }];
  let arguments = (ins Lowbit_WordsShaped:$input, Lowbit_LevelsTensor:$init, Lowbit_PackingAttr:$packing);
  let results = (outs Lowbit_LevelsTensor:$result);
  // On tensors; `size` is K, which the packed shape does not tell.
  let builders = [OpBuilder<(ins "::mlir::Value":$input,
      "::mlir::lowbit::PackingAttr":$packing, "::mlir::OpFoldResult":$size)>];
  let assemblyFormat = [{
    `ins` `(` $input `:` type($input) `)` `outs` `(` $init `:` type($init) `)` attr-dict `->` type($result)
  }];
  let hasCanonicalizer = 1;
}

//===----------------------------------------------------------------------===//
// Packed operations: what kernels implement
//===----------------------------------------------------------------------===//

def Lowbit_QuantizePackOp : Lowbit_DestinationOp<"quantize_pack", [AttrSizedOperandSegments]> {
  let summary = "quantize and pack in one sweep";
  let description = [{
    `pack(quantize(input))`; operands as in `lowbit.quantize`, the levels in
    `packing`. With `permutation` the logical operand `[..., R, K]` is the input
    with its dimensions permuted: dimension `i` of the logical operand is
    dimension `permutation[i]` of the input. A shift belongs to the last
    dimension of the input.

    Constraints:
    * (C1) the destination has the packed shape and element type;
    * (C2) to (C6) as for `lowbit.quantize`;
    * (C7) `permutation` is a permutation of the dimensions of the input.

    ```mlir
    %p = lowbit.quantize_pack ins(%x, scale %s : tensor<4x96xf32>, tensor<f32>) outs(%e : tensor<4x3xi64>)
           {packing = #lowbit.packing<<0, 1>, rows>, rounding = #lowbit.rounding<half_even>} -> tensor<4x3xi64>
    ```
  }];
  let arguments = (ins Lowbit_FloatShaped:$input, Optional<Lowbit_FloatShaped>:$scale,
      Optional<Lowbit_FloatShaped>:$shift, Optional<Lowbit_FloatShaped>:$offset,
      Lowbit_WordsShaped:$init, Lowbit_PackingAttr:$packing,
      Lowbit_RoundingAttr:$rounding, OptionalAttr<DenseI64ArrayAttr>:$permutation,
      DefaultValuedAttr<Lowbit_GranularityAttr, "::mlir::lowbit::Granularity::tensor">:$granularity);
  let results = (outs Optional<RankedTensorOf<[I64, I32, I8]>>:$result);
  // On tensors, with an empty destination of the shape that follows from the operands.
  let builders = [OpBuilder<(ins "::mlir::Value":$input, "::mlir::Value":$scale,
      "::mlir::Value":$shift, "::mlir::Value":$offset, "::mlir::lowbit::PackingAttr":$packing,
      "::mlir::lowbit::Rounding":$rounding,
      CArg<"::llvm::ArrayRef<int64_t>", "{}">:$permutation,
      CArg<"::mlir::lowbit::Granularity", "::mlir::lowbit::Granularity::tensor">:$granularity)>];
  let assemblyFormat = [{
    `ins` `(` custom<QuantizerInputs>($input, $scale, $shift, $offset,
      type($input), type($scale), type($shift), type($offset)) `)`
    `outs` `(` $init `:` type($init) `)` attr-dict (`->` type($result)^)?
  }];
}

def Lowbit_RepackOp : Lowbit_DestinationOp<"repack", []> {
  let summary = "packed rows in another shape, order of dimensions and layout";
  let description = [{
    `pack(transpose(expand(unpack(input))))`: the last dimension K of the logical
    input `[..., K]`, packed as `source`, is split into the two extents `split`
    (heads and their size), the dimensions are permuted (dimension `i` of the
    result is dimension `permutation[i]` of the split input), and the result is
    packed along its last dimension as `packing`. Only bits move.

    Constraints:
    * (C1) `source` has the order `rows` and the levels of `packing`;
    * (C2) `split` holds two extents, of 1 to 2^31 - 1;
    * (C3) the input has the packed shape and element type of `[..., K]`, where K is the
      product of `split`;
    * (C4) `permutation` is a permutation of the dimensions of the split input;
    * (C5) the destination has the packed shape and element type.

    ```mlir
    %h = lowbit.repack ins(%p : tensor<?x3xi64>) outs(%e : tensor<2x?x2xi64>)
           {source = #lowbit.packing<<-1, 1>, rows>, packing = #lowbit.packing<<-1, 1>, rows>,
            split = array<i64: 2, 64>, permutation = array<i64: 1, 0, 2>} -> tensor<2x?x2xi64>
    ```
  }];
  let arguments = (ins Lowbit_WordsShaped:$input, Lowbit_WordsShaped:$init,
      Lowbit_PackingAttr:$source, Lowbit_PackingAttr:$packing,
      DenseI64ArrayAttr:$split, DenseI64ArrayAttr:$permutation);
  let results = (outs Optional<RankedTensorOf<[I64, I32, I8]>>:$result);
  // On tensors, with an empty destination of the shape that follows from the operands.
  let builders = [OpBuilder<(ins "::mlir::Value":$input, "::mlir::lowbit::PackingAttr":$source,
      "::mlir::lowbit::PackingAttr":$packing, "::llvm::ArrayRef<int64_t>":$split,
      "::llvm::ArrayRef<int64_t>":$permutation)>];
  let assemblyFormat = [{
    `ins` `(` $input `:` type($input) `)` `outs` `(` $init `:` type($init) `)` attr-dict (`->` type($result)^)?
  }];
}

def Lowbit_YieldOp : Lowbit_Op<"yield", [Pure, Terminator, ReturnLike, 
    ParentOneOf<["PackedMatmulOp", "PackedAttentionOp", "LayerNormPackOp"]>]> {
  let summary = "what an epilogue stores";
  let description = [{
    Ends a region of a packed operation: one element, or one `i1` for each bit
    plane of a packed result.

    ```mlir
    lowbit.yield %r : f32
    lowbit.yield %isZero, %isPositive : i1, i1
    ```
  }];
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "$values attr-dict `:` type($values)";
}

def Lowbit_PackedMatmulOp : Lowbit_DestinationOp<"packed_matmul", [
    AttrSizedOperandSegments, SingleBlock, IsolatedFromAbove]> {
  let summary = "matrix product of packed operands with an epilogue";
  let description = [{
    The product of `lowbit.matmul` with `transpose_rhs` on operands packed as
    `lhs_packing` (absent: the left side is `f32 [..., M, K]`) and `rhs_packing`;
    `size` is K and `columns` is N, which the packed shapes do not tell.

    The region is applied to every sum before it is stored: its arguments are the
    sum (`i32`, or `f32` for a float left side), one element of each `epilogue`
    operand, and it yields the element of the result. It may hold elementwise
    `arith` and `math` operations. An epilogue operand has the shape of the
    result, or shape `[N]` (per channel), or `[]`, or `[..., M, 1]` (per token),
    or `[..., 1, N]`, or its batch dimensions are 1.

    With `result_packing`, of the order `rows`, the results are levels that stay
    packed: the region yields one `i1` for each bit plane of the code, and the
    destination is the packed `[..., M, N]`.

    `kernel` names the row of the kernel table that lowers the operation. On buffers
    `scratch` holds the left side as bytes, for kernels that multiply in tiles.

    Constraints:
    * (C1) `size` is K and `columns` is N, or they are negative and operands give them;
    * (C2) `lhs` is packed in the order `rows` or `bytes`, or `f32` when it has no packing;
    * (C3) `rhs` is packed and has no batch or that of `lhs`; it has the order `quads` where
      `lhs` has `bytes`, and only there;
    * (C4) the result has shape `[..., M, N]`, or that shape packed as `result_packing`,
      whose order is `rows`; N is known then;
    * (C5) every epilogue operand broadcasts to the shape of the result;
    * (C6) the arguments of the region are the sum (`i32`, or `f32`) and the elements of
      the epilogue operands, its operations elementwise;
    * (C7) the region yields an element of the result, or an `i1` for each of its planes;
    * (C8) the sums fit `i32`;
    * (C9) `scratch` has rank 1 and bytes, and is absent on tensors.

    ```mlir
    %y = lowbit.packed_matmul ins(%a, %w : tensor<4x3xi64>, tensor<4x3x8xi64>)
           epilogue(%bias : tensor<32xf32>) outs(%e : tensor<4x32xf32>)
           attributes {kernel = "x86-avx2-popcount", size = 96 : i64, columns = 32 : i64,
             lhs_packing = #lowbit.packing<<-1, 0, 1>, rows>, rhs_packing = #lowbit.packing<<-1, 1>, panels, lanes = 8>} {
      ^bb0(%acc: i32, %b: f32):
        %f = arith.sitofp %acc : i32 to f32
        %r = arith.addf %f, %b : f32
        lowbit.yield %r : f32
    } -> tensor<4x32xf32>
    ```
  }];
  let arguments = (ins Lowbit_LhsShaped:$lhs, Lowbit_WordsShaped:$rhs,
      Variadic<Lowbit_AnyShaped>:$epilogue, Lowbit_AnyShaped:$init,
      Optional<Index>:$dynamic_size, Optional<Index>:$dynamic_columns,
      Optional<MemRefRankOf<[I8], [1]>>:$scratch,
      StrAttr:$kernel, I64Attr:$size, I64Attr:$columns,
      OptionalAttr<Lowbit_PackingAttr>:$lhs_packing, Lowbit_PackingAttr:$rhs_packing,
      OptionalAttr<Lowbit_PackingAttr>:$result_packing);
  let results = (outs Optional<AnyRankedTensor>:$result);
  let extraClassDeclaration = destinationDeclaration # [{
    /// The shape `[..., M, N]` of the product; unknown extents are dynamic.
    ::llvm::SmallVector<int64_t> getProductShape();
  }];
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `ins` `(` $lhs `,` $rhs `:` type($lhs) `,` type($rhs) `)`
    (`epilogue` `(` $epilogue^ `:` type($epilogue) `)`)?
    (`size` $dynamic_size^)? (`columns` $dynamic_columns^)?
    (`scratch` `(` $scratch^ `:` type($scratch) `)`)?
    `outs` `(` $init `:` type($init) `)` attr-dict-with-keyword $body (`->` type($result)^)?
  }];
}

def Lowbit_LayerNormPackOp : Lowbit_DestinationOp<"layer_norm_pack", [
    AttrSizedOperandSegments, SingleBlock, IsolatedFromAbove]> {
  let summary = "layer normalisation and the quantizers that read it, in one sweep";
  let description = [{
    The first result is that of `lowbit.layer_norm`. The region is applied to its
    elements: the arguments are the element and one of each of `operands`, which
    broadcast to the result, and it yields one `i1` for each bit plane of each of
    `packings`, in order. The other results are those codes, packed.

    Constraints:
    * (C1) there is a packing, and a destination for each after the first;
    * (C2) input and first result are of `f32` and have one shape, of rank 2 or more, and
      the operands and attributes of `lowbit.layer_norm` fit as there;
    * (C3) every packing has the order `rows`, and its result the packed shape;
    * (C4) operands broadcast to the first result; the region takes `f32` and an element
      of each, holds elementwise operations and yields an `i1` for each plane.

    ```mlir
    %y, %p = lowbit.layer_norm_pack ins(%x, %g, bias %b : tensor<4x96xf32>, tensor<96xf32>, tensor<96xf32>)
             outs(%e, %f : tensor<4x96xf32>, tensor<4x3xi64>)
             attributes {epsilon = 1.0e-12 : f32, packings = [#lowbit.packing<<-1, 1>, rows>]} {
      ^bb0(%n: f32):
        %zero = arith.constant 0.0 : f32
        %positive = arith.cmpf oge, %n, %zero : f32
        lowbit.yield %positive : i1
    } -> tensor<4x96xf32>, tensor<4x3xi64>
    ```
  }];
  let arguments = (ins Lowbit_FloatShaped:$input, Lowbit_FloatShaped:$scale,
      Optional<Lowbit_FloatShaped>:$bias, Optional<Lowbit_FloatShaped>:$residual,
      Variadic<Lowbit_AnyShaped>:$body_operands, Variadic<Lowbit_AnyShaped>:$inits,
      F32Attr:$epsilon, TypedArrayAttrBase<Lowbit_PackingAttr, "packings">:$packings);
  let results = (outs Variadic<AnyRankedTensor>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitsMutable(); }
  }];
  let assemblyFormat = [{
    `ins` `(` custom<LayerNormInputs>($input, $scale, $bias, $residual,
      type($input), type($scale), type($bias), type($residual)) `)`
    (`operands` `(` $body_operands^ `:` type($body_operands) `)`)?
    `outs` `(` $inits `:` type($inits) `)` attr-dict-with-keyword $body (`->` type($outputs)^)?
  }];
}

def Lowbit_PackedAttentionOp : Lowbit_DestinationOp<"packed_attention", [
    AttrSizedOperandSegments, IsolatedFromAbove]> {
  let summary = "attention on packed queries, keys and values, without a matrix of scores";
  let description = [{
    For queries packed along the size of a head, `[..., S, D]`, keys
    `[..., T, D]` packed likewise and values `[..., E, T]` packed along the
    sequence:

        acc     = q . k^T                     exact, i32 [..., S, T]
        scores  = score region of acc         f32
        p       = softmax(scores)             along T, as `lowbit.softmax`
        code    = round(p / scale) in {0, 1}  half to even, as `lowbit.quantize`
        context = code . v                    exact, i32 [..., S, E]
        result  = context region of context

    The arguments of a region are the sum and one element of each of its
    operands, which broadcast to the shape of the scores and of the context;
    `keys` is T, `size` is D and `columns` is E. Codes are those of the formulas
    for the exponentials and their sum as computed: a row is compared with the
    least exponential whose code is 1.

    `kernel` is the row of the kernel table for both products, or for the scores
    alone where `context_kernel` names another for the context.

    With `transposed` (rank 4) the result is `[B, S, H, E]` in place of
    `[B, H, S, E]`. With `result_packing` (order `rows`, only with `transposed`
    and E a multiple of 8) it is packed `[B, S, H * E]` and the context region
    yields one `i1` for each plane.

    On buffers `scratch` holds, for the rows that are worked on at a time, scores
    and packed codes.

    Constraints:
    * (C1) queries have the order `rows`, keys and values are packed in lanes;
    * (C2) the operands have packed shapes of one batch, size and number of keys; `size`
      and `columns` are not negative, the scale has shape `[]`;
    * (C3) the arguments of the regions are an `i32` and the elements of their operands,
      which broadcast, and their operations elementwise;
    * (C4) the score region yields `f32`, the context region an element of the result or
      an `i1` for each of its planes;
    * (C5) the result has the shape that follows from the operands;
    * (C6) `scratch` is empty on tensors and has two buffers on buffers;
    * (C7) the sums of the scores fit `i32`.

    ```mlir
    %c = lowbit.packed_attention ins(%q, %k, %v, %s : tensor<1x2x?x2xi64>, tensor<1x2x?x3x64xi32>, tensor<1x2x1x?x64xi32>, tensor<f32>)
           keys %t outs(%e : tensor<1x2x?x64xf32>)
           attributes {kernel = "x86-avx512-vpopcntd", size = 64 : i64, columns = 64 : i64,
             q_packing = #lowbit.packing<<-1, 1>, rows>,
             k_packing = #lowbit.packing<<-1, 1>, dwords, lanes = 64>,
             v_packing = #lowbit.packing<<-1, 1>, dwords, lanes = 64>}
           scores {
      ^bb0(%acc: i32):
        %f = arith.sitofp %acc : i32 to f32
        lowbit.yield %f : f32
    } context {
      ^bb0(%acc: i32):
        %f = arith.sitofp %acc : i32 to f32
        lowbit.yield %f : f32
    } -> tensor<1x2x?x64xf32>
    ```
  }];
  let arguments = (ins Lowbit_WordsShaped:$q, Lowbit_WordsShaped:$k, Lowbit_WordsShaped:$v,
      Lowbit_FloatShaped:$scale, Variadic<Lowbit_AnyShaped>:$score_operands,
      Variadic<Lowbit_AnyShaped>:$context_operands, Index:$keys,
      Variadic<AnyMemRef>:$scratch, Lowbit_AnyShaped:$init, StrAttr:$kernel,
      OptionalAttr<StrAttr>:$context_kernel, I64Attr:$size, I64Attr:$columns,
      Lowbit_PackingAttr:$q_packing,
      Lowbit_PackingAttr:$k_packing, Lowbit_PackingAttr:$v_packing,
      OptionalAttr<Lowbit_PackingAttr>:$result_packing, UnitAttr:$transposed);
  let results = (outs Optional<AnyRankedTensor>:$result);
  let regions = (region SizedRegion<1>:$score_body, SizedRegion<1>:$context_body);
  let extraClassDeclaration = destinationDeclaration # [{
    /// The shape `[..., S, T]` of the scores or `[..., S, E]` of the context.
    ::llvm::SmallVector<int64_t> getScoresShape();
    ::llvm::SmallVector<int64_t> getContextShape();
  }];
  let assemblyFormat = [{
    `ins` `(` $q `,` $k `,` $v `,` $scale `:` type($q) `,` type($k) `,` type($v) `,` type($scale) `)`
    (`score_operands` `(` $score_operands^ `:` type($score_operands) `)`)?
    (`context_operands` `(` $context_operands^ `:` type($context_operands) `)`)?
    `keys` $keys (`scratch` `(` $scratch^ `:` type($scratch) `)`)?
    `outs` `(` $init `:` type($init) `)` attr-dict-with-keyword
    `scores` $score_body `context` $context_body (`->` type($result)^)?
  }];
}

def Lowbit_PackedLookupOp : Lowbit_DestinationOp<"packed_lookup", []> {
  let summary = "rows of a packed embedding table as numbers";
  let description = [{
    `lowbit.lookup` on a table packed in the order `rows`.

    Constraints:
    * (C1) the table has rank 2 and the order `rows`;
    * (C2) the scale has shape `[V]` or `[]`;
    * (C3) the result has the shape of the ids and one extent more, H;
    * (C4) the table has the packed shape and element type of `[V, H]`.

    ```mlir
    %x = lowbit.packed_lookup ins(%t, %ids, %s : tensor<100x3xi64>, tensor<?xi64>, tensor<100xf32>)
           outs(%e : tensor<?x96xf32>) {packing = #lowbit.packing<<-1, 1>, rows>} -> tensor<?x96xf32>
    ```
  }];
  let arguments = (ins Lowbit_WordsShaped:$table, Lowbit_IndexShaped:$ids,
      Lowbit_FloatShaped:$scale, Lowbit_FloatShaped:$init, Lowbit_PackingAttr:$packing);
  let results = (outs Optional<RankedTensorOf<[F32]>>:$result);
  let assemblyFormat = [{
    `ins` `(` $table `,` $ids `,` $scale `:` type($table) `,` type($ids) `,` type($scale) `)`
    `outs` `(` $init `:` type($init) `)` attr-dict (`->` type($result)^)?
  }];
}

#endif // LOWBIT_DIALECT_LOWBIT_IR_LOWBITOPS
