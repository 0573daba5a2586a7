//===- LowbitPackingOps.td - Packing and unpacking ---------*- tablegen -*-===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// From levels or numbers to packed words, and from one layout to another.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_DIALECT_LOWBIT_IR_LOWBITPACKINGOPS
#define LOWBIT_DIALECT_LOWBIT_IR_LOWBITPACKINGOPS

include "lowbit/Dialect/Lowbit/IR/LowbitOpBase.td"

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

def Lowbit_QuantizePackOp : Lowbit_DestinationOp<"quantize_pack", [
    AttrSizedOperandSegments, IsolatedFromAbove]> {
  let summary = "quantize and pack in one sweep";
  let description = [{
    `pack(quantize(input))`; operands as in `lowbit.quantize`, the levels in
    `packing`. With `permutation` the logical operand `[..., R, K]` is the input
    with its dimensions permuted: dimension `i` of the logical operand is
    dimension `permutation[i]` of the input. A shift belongs to the last
    dimension of the input.

    With a region `input`, what is quantized is what the region yields for each
    element: its arguments are the element and the numbers `operands`. No scale
    then means a scale of 1.

    Constraints:
    * (C1) the destination has the packed shape and element type;
    * (C2) to (C6) as for `lowbit.quantize`;
    * (C7) `permutation` is a permutation of the dimensions of the input;
    * (C8) the region, where there is one, takes an `f32` and an element of each of the
      `operands`, which have rank 0, yields an `f32`, and holds elementwise operations;
      there are no operands without it.

    ```mlir
    %p = lowbit.quantize_pack ins(%x, scale %s : tensor<4x96xf32>, tensor<f32>) outs(%e : tensor<4x3xi64>)
           {packing = #lowbit.packing<<0, 1>, rows>, rounding = #lowbit.rounding<half_even>} -> tensor<4x3xi64>
    ```
  }];
  let arguments = (ins Lowbit_FloatShaped:$input, Optional<Lowbit_FloatShaped>:$scale,
      Optional<Lowbit_FloatShaped>:$shift, Optional<Lowbit_FloatShaped>:$offset,
      Variadic<Lowbit_FloatShaped>:$input_operands,
      Lowbit_WordsShaped:$init, Lowbit_PackingAttr:$packing,
      Lowbit_RoundingAttr:$rounding, OptionalAttr<DenseI64ArrayAttr>:$permutation,
      DefaultValuedAttr<Lowbit_GranularityAttr, "::mlir::lowbit::Granularity::tensor">:$granularity);
  let results = (outs Optional<RankedTensorOf<[I64, I32, I8]>>:$result);
  let regions = (region AnyRegion:$input_body);
  // On tensors, with an empty destination of the shape that follows from the operands.
  let builders = [OpBuilder<(ins "::mlir::Value":$input, "::mlir::Value":$scale,
      "::mlir::Value":$shift, "::mlir::Value":$offset, "::mlir::lowbit::PackingAttr":$packing,
      "::mlir::lowbit::Rounding":$rounding,
      CArg<"::llvm::ArrayRef<int64_t>", "{}">:$permutation,
      CArg<"::mlir::lowbit::Granularity", "::mlir::lowbit::Granularity::tensor">:$granularity)>];
  let extraClassDeclaration = destinationDeclaration # [{
    /// Whether something is done to every element before it is quantized.
    bool hasInputBody() { return !getInputBody().empty(); }
  }];
  let assemblyFormat = [{
    `ins` `(` custom<QuantizerInputs>($input, $scale, $shift, $offset,
      type($input), type($scale), type($shift), type($offset)) `)`
    (`operands` `(` $input_operands^ `:` type($input_operands) `)`)?
    `outs` `(` $init `:` type($init) `)` attr-dict (`input` $input_body^)?
    (`->` type($result)^)?
  }];
}

def Lowbit_RepackOp : Lowbit_DestinationOp<"repack", []> {
  let summary = "packed rows in another shape, order of dimensions and layout";
  let description = [{
    `pack(transpose(expand(unpack(input))))`: the last dimension K of the logical
    input `[..., K]`, packed as `source`, is split into the extents `split` (heads
    and their size, or K alone), the dimensions are permuted (dimension `i` of the
    result is dimension `permutation[i]` of the split input), and the result is
    packed along its last dimension as `packing`. Only bits move.

    Constraints:
    * (C1) `source` has the order `rows` or `bytes` and the levels of `packing`;
    * (C2) `split` holds one extent or two, of 1 to 2^31 - 1;
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

#endif // LOWBIT_DIALECT_LOWBIT_IR_LOWBITPACKINGOPS
