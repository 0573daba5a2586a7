//===- LowbitPackedOps.td - Operations on packed words -----*- tablegen -*-===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operations on packed words: what kernels implement.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_DIALECT_LOWBIT_IR_LOWBITPACKEDOPS
#define LOWBIT_DIALECT_LOWBIT_IR_LOWBITPACKEDOPS

include "lowbit/Dialect/Lowbit/IR/LowbitOpBase.td"

def Lowbit_YieldOp : Lowbit_Op<"yield", [Pure, Terminator, ReturnLike,
    ParentOneOf<["PackedMatmulOp", "PackedAttentionOp", "LayerNormPackOp",
      "QuantizePackOp"]>]> {
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

    With `result_packing`, of the order `rows` or `bytes`, the results are levels
    that stay packed, and the destination is the packed `[..., M, N]`: the region
    yields one `i1` for each bit plane of the code, or the code as an `i32` for bytes.

    `kernel` names the row of the kernel table that lowers the operation. On buffers
    `scratch` holds the left side as bytes, for kernels that multiply in tiles.

    Constraints:
    * (C1) `size` is K and `columns` is N, or they are negative and operands give them;
    * (C2) `lhs` is packed in the order `rows` or `bytes`, or `f32` when it has no packing;
    * (C3) `rhs` is packed and has no batch or that of `lhs`; it has the order `quads` where
      `lhs` has `bytes`, and only there;
    * (C4) the result has shape `[..., M, N]`, or that shape packed as `result_packing`,
      whose order is `rows` or `bytes`; N is known then;
    * (C5) every epilogue operand broadcasts to the shape of the result;
    * (C6) the arguments of the region are the sum (`i32`, or `f32`) and the elements of
      the epilogue operands, its operations elementwise;
    * (C7) the region yields an element of the result, or an `i1` for each of its planes,
      or an `i32` for a result of bytes;
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
    broadcast to the result, and for each of `packings`, in order, it yields one `i1`
    for each bit plane, or the code as an `i32` for bytes. The other results are those
    codes, packed.

    Constraints:
    * (C1) there is a packing, and a destination for each after the first;
    * (C2) input and first result are of `f32` and have one shape, of rank 2 or more, and
      the operands and attributes of `lowbit.layer_norm` fit as there;
    * (C3) every packing has the order `rows` or `bytes`, and its result the packed shape;
    * (C4) operands broadcast to the first result; the region takes `f32` and an element
      of each, holds elementwise operations and yields an `i1` for each plane, or an
      `i32` for bytes.

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
        code    = round(p / scale) in levels  half to even, as `lowbit.quantize`
        context = code . v                    exact, i32 [..., S, E]
        result  = context region of context

    The arguments of a region are the sum and one element of each of its
    operands, which broadcast to the shape of the scores and of the context;
    `keys` is T, `size` is D and `columns` is E. The levels of the codes are 0
    and 1, or those of `code_packing`. Codes are those of the formulas for the
    exponentials and their sum as computed: a row of codes of one bit is compared
    with the least exponential whose code is 1.

    With `subtract_minimum` the least probability of the whole tensor is taken from
    each before it is divided,

        least   = min p                       f32, +inf where there is none
        code    = round((p - least) / scale) in levels

    and is the second argument of the context region, behind the sum.

    `kernel` is the row of the kernel table for both products, or for the scores
    alone where `context_kernel` names another for the context.

    With `transposed` (rank 4) the result is `[B, S, H, E]` in place of
    `[B, H, S, E]`. With `result_packing` (order `rows` or `bytes`, only with
    `transposed` and E a multiple of 8) it is packed `[B, S, H * E]` and the context
    region yields one `i1` for each plane, or the code as an `i32` for bytes.

    On buffers `scratch` holds, for the rows that are worked on at a time, scores
    and packed codes. With `subtract_minimum` it holds the exponentials of all rows,
    codes of some, the sum of each row, the minimum of each part of the work and the
    minimum of all.

    Constraints:
    * (C1) queries and codes have the order `rows` where keys and values, in turn,
      have the order `panels` or `dwords`, and `bytes` where they have `quads`; levels
      of codes are 0, 1, ... 256 at most;
    * (C2) the operands have packed shapes of one batch, size and number of keys; `size`
      and `columns` are not negative, the scale has shape `[]`;
    * (C3) the arguments of the regions are an `i32`, for the context of
      `subtract_minimum` an `f32`, and the elements of their operands, which broadcast;
      their operations are elementwise;
    * (C4) the score region yields `f32`, the context region an element of the result, or
      an `i1` for each of its planes, or an `i32` for a result of bytes;
    * (C5) the result has the shape that follows from the operands;
    * (C6) `scratch` is empty on tensors and has two buffers on buffers, five with
      `subtract_minimum`;
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
      OptionalAttr<Lowbit_PackingAttr>:$code_packing,
      OptionalAttr<Lowbit_PackingAttr>:$result_packing, UnitAttr:$transposed,
      UnitAttr:$subtract_minimum);
  let results = (outs Optional<AnyRankedTensor>:$result);
  let regions = (region SizedRegion<1>:$score_body, SizedRegion<1>:$context_body);
  let extraClassDeclaration = destinationDeclaration # [{
    /// The shape `[..., S, T]` of the scores or `[..., S, E]` of the context.
    ::llvm::SmallVector<int64_t> getScoresShape();
    ::llvm::SmallVector<int64_t> getContextShape();
    /// How the codes of the probabilities are packed.
    PackingAttr getCodes();
    /// Whether probabilities may have these levels: 0, 1, ... 256 at most.
    static bool takesProbabilities(LevelsType levels);
    /// How many scratch buffers it has on buffers.
    int64_t getNumScratchBuffers() { return getSubtractMinimum() ? 5 : 2; }
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
    `lowbit.lookup` on a table packed in the order `digits`.

    `zeros` tells elements whose level is 0 whatever the bytes say: pairs of a row
    and a column, ascending. A table of signs with few zeros has two levels so.

    Constraints:
    * (C1) the table has rank 2 and the order `digits`;
    * (C2) the scale has shape `[V]` or `[]`;
    * (C3) the result has the shape of the ids and one extent more, H;
    * (C4) the table has the packed shape and element type of `[V, H]`;
    * (C5) `zeros` has shape `[Z, 2]`.

    ```mlir
    %x = lowbit.packed_lookup ins(%t, %ids, %s : tensor<100x12xi8>, tensor<?xi64>, tensor<100xf32>)
           outs(%e : tensor<?x96xf32>) {packing = #lowbit.packing<<-1, 1>, digits>} -> tensor<?x96xf32>
    ```
  }];
  let arguments = (ins Lowbit_WordsShaped:$table, Lowbit_IndexShaped:$ids,
      Lowbit_FloatShaped:$scale, Optional<Lowbit_IndexShaped>:$zeros,
      Lowbit_FloatShaped:$init, Lowbit_PackingAttr:$packing);
  let results = (outs Optional<RankedTensorOf<[F32]>>:$result);
  let assemblyFormat = [{
    `ins` `(` $table `,` $ids `,` $scale `:` type($table) `,` type($ids) `,` type($scale) `)`
    (`zeros` `(` $zeros^ `:` type($zeros) `)`)?
    `outs` `(` $init `:` type($init) `)` attr-dict (`->` type($result)^)?
  }];
}

#endif // LOWBIT_DIALECT_LOWBIT_IR_LOWBITPACKEDOPS
