//===- LowbitOutputOps.td - What becomes of logits ------------*- tablegen -*-===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operations of output layers: what a caller wants of a product with a float
// table.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_DIALECT_LOWBIT_IR_LOWBITOUTPUTOPS
#define LOWBIT_DIALECT_LOWBIT_IR_LOWBITOUTPUTOPS

include "lowbit/Dialect/Lowbit/IR/LowbitOpBase.td"

def Lowbit_TopProductOp : Lowbit_DestinationOp<"top_product", [AttrSizedOperandSegments]> {
  let summary = "the k largest products of a row with the rows of a table";
  let description = [{
    With `logits[..., n] = sum over k of input[..., k] * table[n, k]`, summed in the
    order of k, `+ bias[n]` where there is a bias, the first result holds the k
    largest logits of each row of the input, greatest first, and the second their
    positions n. Of equal ones the first comes first; NaN counts as greater than
    every number.

    `screen` holds what finds them without reading the whole table:

    * codes, `i8 [P, Q, 256]`: 64 rows of the table make a panel, and four columns a
      quad. Byte `4 * r + c` of quad q of panel p is `round(table[64 * p + r,
      4 * q + c] / scale) + 128`, and 128 beyond the table;
    * bounds, `f32 [4, 64 * P]`: of each row of the table that scale, a bound of the
      Euclidean norm of the errors of its codes, one of its own norm, and its bias
      (0 without one, -inf beyond the table).

    docs/Kernels.md says how they are used. `scratch` are the buffers of the
    kernel, present on buffers only.

    Constraints:
    * (C1) the input has rank 2 or more, and the table the shape `[N, K]`, both known;
    * (C2) a bias has shape `[N]`;
    * (C3) there are two destinations, of `f32` and of `i64`, with the shape of the input
      but for the last extent, which is from 1 to N;
    * (C4) `screen` is empty or holds codes and bounds of these shapes;
    * (C5) `scratch` is empty on tensors.

    ```mlir
    %v, %i = lowbit.top_product ins(%x, %t : tensor<?x96xf32>, tensor<1000x96xf32>)
             outs(%e, %f : tensor<?x5xf32>, tensor<?x5xi64>) -> tensor<?x5xf32>, tensor<?x5xi64>
    ```
  }];
  let arguments = (ins Lowbit_FloatShaped:$input, Lowbit_FloatShaped:$table,
      Optional<Lowbit_FloatShaped>:$bias, Variadic<Lowbit_AnyShaped>:$screen,
      Variadic<AnyMemRef>:$scratch, Variadic<Lowbit_AnyShaped>:$inits);
  let results = (outs Variadic<AnyRankedTensor>:$outputs);
  let extraClassDeclaration = [{
    /// Rows of the table in a panel of the screen, and columns in a quad.
    static constexpr int64_t kPanelRows = 64, kQuad = 4;
    /// What a code is stored with, so that it is not negative.
    static constexpr int64_t kCodeOffset = 128;
    /// The rows of the bounds.
    enum Bound : int64_t { kScale, kError, kNorm, kBias, kBounds };

    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitsMutable(); }
    /// N and K.
    int64_t getTableRows();
    int64_t getSize();
    /// How many products are wanted.
    int64_t getCount();
  }];
  let assemblyFormat = [{
    `ins` `(` $input `,` $table `:` type($input) `,` type($table) `)`
    (`bias` `(` $bias^ `:` type($bias) `)`)? (`screen` `(` $screen^ `:` type($screen) `)`)?
    (`scratch` `(` $scratch^ `:` type($scratch) `)`)?
    `outs` `(` $inits `:` type($inits) `)` attr-dict (`->` type($outputs)^)?
  }];
}

#endif // LOWBIT_DIALECT_LOWBIT_IR_LOWBITOUTPUTOPS
