//===- LowbitDialect.td - Dialect, types and attributes -------*- tablegen -*-===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_DIALECT_LOWBIT_IR_LOWBITDIALECT
#define LOWBIT_DIALECT_LOWBIT_IR_LOWBITDIALECT

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinTypeInterfaces.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def Lowbit_Dialect : Dialect {
  let name = "lowbit";
  let cppNamespace = "::mlir::lowbit";
  let summary = "binary, ternary and few-bit tensors: quantizers, matmuls, packing";
  let description = [{
    Values with few levels are tensors whose element type lists the levels, for
    example `tensor<128x768x!lowbit.levels<-1, 1>>`. The type says what a value
    means; how it lies in memory is said by a `#lowbit.packing` once a value has
    been packed into 64-bit words.
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
}

class Lowbit_Type<string name, string typeMnemonic, list<Trait> traits = []>
    : TypeDef<Lowbit_Dialect, name, traits> {
  let mnemonic = typeMnemonic;
}

class Lowbit_Attr<string name, string attrMnemonic>
    : AttrDef<Lowbit_Dialect, name> {
  let mnemonic = attrMnemonic;
}

//===----------------------------------------------------------------------===//
// Level types
//===----------------------------------------------------------------------===//

def Lowbit_LevelsType : Lowbit_Type<"Levels", "levels"> {
  let summary = "an element that takes one of a few integer levels";
  let description = [{
    The levels ascend with one common distance (the *step*), so that a level is
    `first + step * code` with codes `0 ... count - 1`. A code is stored in
    `ceil(log2(count))` bit planes, least significant first. Where levels are not
    packed, one takes eight bits: signed, or unsigned where levels exceed 127.

    | type | used for | planes |
    | --- | --- | --- |
    | `!lowbit.levels<-1, 1>` | binary weights, activations that are never zero | 1 |
    | `!lowbit.levels<-1, 0, 1>` | ternary; `sign` with `sign(0) = 0` | 2 |
    | `!lowbit.levels<0, 1>` | unsigned one-bit activations | 1 |
    | `!lowbit.levels<-2, -1, 0, 1>` | signed two-bit activations | 2 |
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$levels);
  let assemblyFormat = "`<` $levels `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The most levels a type can have (eight bits).
    static constexpr int64_t kMaxLevels = 256;

    int64_t getCount() const { return getLevels().size(); }
    int64_t getFirst() const { return getLevels().front(); }
    int64_t getLast() const { return getLevels().back(); }
    /// The distance between neighbouring levels; 1 for a single level.
    int64_t getStep() const;
    /// The number of bit planes that hold a code, at least 1.
    unsigned getPlanes() const;
    /// Whether the levels are -1 and 1, perhaps with 0 between.
    bool isSigns() const {
      return getFirst() == -1 && getLast() == 1 && getCount() >= 2;
    }
    /// The largest magnitude of a level.
    int64_t getMaxMagnitude() const;
    /// Whether `value` is one of the levels.
    bool contains(int64_t value) const;
    /// Whether the eight bits that hold an unpacked level are unsigned.
    bool isStoredUnsigned() const { return getLast() > 127; }
    /// The level that eight bits hold.
    int64_t decode(int8_t stored) const;
    /// The levels `first, first + 1, ..., last`.
    static LevelsType getRange(::mlir::MLIRContext *context, int64_t first,
                               int64_t last);
  }];
}

//===----------------------------------------------------------------------===//
// Enumerations
//===----------------------------------------------------------------------===//

def Lowbit_Rounding : I32EnumAttr<"Rounding", "how a quantizer turns a number into a level", [
    I32EnumAttrCase<"sign", 0>, I32EnumAttrCase<"step", 1>,
    I32EnumAttrCase<"half_even", 2>]> {
  let description = [{
    * `sign`: -1, 0 or 1; `sign(0) = 0` and `sign(NaN) = 0`.
    * `step`: 1 where `x >= 0`, else -1 (so zero, of either sign, gives 1).
    * `half_even`: round half to even, then clamp to the range of the levels.
  }];
  let cppNamespace = "::mlir::lowbit";
  let genSpecializedAttr = 0;
}
def Lowbit_RoundingAttr : EnumAttr<Lowbit_Dialect, Lowbit_Rounding, "rounding"> {
  let assemblyFormat = "`<` $value `>`";
}

def Lowbit_Granularity : I32EnumAttr<"Granularity", "what shares one scale", [
    I32EnumAttrCase<"tensor", 0>, I32EnumAttrCase<"row", 1>,
    I32EnumAttrCase<"token", 2>]> {
  let description = [{
    * `tensor`: one scale, shape `[]`.
    * `row`: one scale for each index of the last-but-one dimension (an output
      channel of a weight `[N, K]`, a token of an embedding table), shape `[N]`.
    * `token`: one scale for each vector along the last dimension, shape: that of
      the tensor without its last dimension.
  }];
  let cppNamespace = "::mlir::lowbit";
  let genSpecializedAttr = 0;
}
def Lowbit_GranularityAttr : EnumAttr<Lowbit_Dialect, Lowbit_Granularity, "granularity"> {
  let assemblyFormat = "`<` $value `>`";
}

def Lowbit_Order : I32EnumAttr<"Order", "how packed words lie in memory", [
    I32EnumAttrCase<"rows", 0>, I32EnumAttrCase<"panels", 1>,
    I32EnumAttrCase<"lanes", 2>,
    I32EnumAttrCase<"nibbles", 3>, I32EnumAttrCase<"dwords", 4>,
    I32EnumAttrCase<"bytes", 5>, I32EnumAttrCase<"quads", 6>,
    I32EnumAttrCase<"sextets", 7>, I32EnumAttrCase<"digits", 8>]> {
  let description = [{
    See `#lowbit.packing`.
  }];
  let cppNamespace = "::mlir::lowbit";
  let genSpecializedAttr = 0;
}

def Lowbit_PackingAttr : Lowbit_Attr<"Packing", "packing"> {
  let summary = "how the codes of a level type lie in 64-bit words";
  let description = [{
    The logical operand is a (batch of) matrix `[R, K]` of codes, packed along
    `K`; `P` is the number of planes, `W = ceil(K / 64)`, `L` the number of
    lanes. Bit `k mod 64` of word `k / 64` belongs to element `k`. Bits beyond
    `K` (and rows beyond `R`) are zero.

    * `rows`: `[R, W * P + 1]` words. Word `w * P + p` of a row holds plane `p`
      of the elements `64 w ... 64 w + 63`. The last word holds, in its low
      half, the sum of the row's codes (not levels) and, in its high half, a bit
      for each plane that is not empty. It is not there with `sums = false`, which
      rows have that are kept and not multiplied.
    * `panels`: `[ceil(R / L), W * P + 1, L]` words. The rows of a panel lie in
      the lanes of a vector; the last vector holds the last words of the rows.
    * `dwords`: as `panels`, in words of 32 bits (`i32`):
      `[ceil(R / L), ceil(K / 32) * P + 1, L]`. Bit `k mod 32` of word `k / 32`
      belongs to element `k`; the last vector holds the sums of the codes. It is
      not there with `sums = false`, which constants have whose readers need none.
    * `lanes` (kernels with a float left side): `[ceil(R / L), K * P, L / 8]`
      bytes (`i8`): bit `l` of the bytes at step `k * P + p` is plane `p` of
      element `k` of row `l` of the panel. No sums.
    * `nibbles` (lookup kernels, one plane, `L` a multiple of 32):
      `[ceil(R / L), ceil(K / 8) + 4, L]` bytes. Byte `b` of a panel holds the
      elements `8 b ... 8 b + 7` of its rows; the last four hold the sums of the
      codes as little-endian i32, rows in order. A panel is two vectors of
      `V = L / 2` bytes; row `r` of a vector lies in byte
      `4 (r mod V/4) + r / (V/4)`, which is where adding bytes to i32 leaves it
      in order.
    * `sextets` (lookup kernels with tables of 64 bytes, one plane, `L` a
      multiple of 32): `[ceil(R / L), 3 ceil(K / 24) + 4, L]` bytes. Of 24
      elements of a row each of three bytes holds six in its low bits, in order,
      and two of the last six in its high bits. Sums and the places of rows are
      those of `nibbles`.
    * `bytes` (left sides of byte products): `[R, ceil(K / 4) + 1]` words of 32
      bits (`i32`). Byte `k mod 4` of word `k / 4` is the code of element `k`;
      the last word holds the sum of the row's codes.
    * `quads` (right sides of byte products): with `b` bits for a code, `bits` or
      else the least power of two from `P` on, `[ceil(R / L), ceil(K b / 32) + 1, L]`
      words of 32 bits (`i32`). Byte `i` of word `w` holds, lowest first, the
      codes of the elements `32 w / b + i`, `32 w / b + i + 4`, ...; the last
      vector holds their sums. Codes of 8 bits are stored less half their
      number, so that they have a sign (`getCentre`).
    * `digits` (tables of `lowbit.packed_lookup`): codes are digits in base `B`,
      the number of levels. A byte holds `D` of them, as many as `B^D <= 256`
      allows (at most eight); a row is `[R, N]` bytes, `N = ceil(K / D)`. The
      codes of the elements `b`, `b + N`, `b + 2 N`, ... are the first digits of
      the fraction that byte `b` is of 256: with `v` the number that they make,
      first digit highest, the byte is `ceil(256 v / B^D)`. Times `B`, it gives
      the next digit in the bits from 8 on and what is left below. No sums.

    ```mlir
    #lowbit.packing<<-1, 1>, rows>
    #lowbit.packing<<-1, 1>, panels, lanes = 8>
    #lowbit.packing<<-2, -1, 0, 1>, quads, lanes = 32, bits = 8>
    #lowbit.packing<<-1, 0, 1>, digits>
    ```
  }];
  let parameters = (ins "::mlir::lowbit::LevelsType":$levels,
      EnumParameter<Lowbit_Order>:$order,
      DefaultValuedParameter<"int64_t", "1">:$lanes,
      DefaultValuedParameter<"int64_t", "0">:$bits,
      DefaultValuedParameter<"bool", "true">:$sums);
  let builders = [AttrBuilder<(ins "::mlir::lowbit::LevelsType":$levels,
      "::mlir::lowbit::Order":$order, "int64_t":$lanes), [{
    return $_get($_ctxt, levels, order, lanes, /*bits=*/0, /*sums=*/true);
  }]>];
  let assemblyFormat = [{
    `<` $levels `,` $order `` custom<PackingOptions>($lanes, $bits, $sums) `>`
  }];
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The number of bit planes of the levels.
    unsigned getPlanes() const { return getLevels().getPlanes(); }
    /// The packed shape of a logical `[..., rows, size]`; unknown extents stay
    /// `ShapedType::kDynamic`.
    ::llvm::SmallVector<int64_t> getPackedShape(
        ::llvm::ArrayRef<int64_t> batch, int64_t rows, int64_t size) const;
    /// Whether rows of the operand share panels, in the lanes of vectors; else a
    /// row is contiguous.
    bool hasPanels() const { return hasPanels(getOrder()); }
    static bool hasPanels(Order order) {
      return order != Order::rows && order != Order::bytes &&
             order != Order::digits;
    }
    /// Whether rows end with their sums, as left sides of products do.
    bool isSummedRows() const {
      return getOrder() == Order::bytes ||
             (getOrder() == Order::rows && getSums());
    }
    /// How many values a region yields for a packed element: one `i1` for each
    /// plane, or the code as an `i32` for bytes.
    int64_t getYieldedCount() const {
      return hasWholeCodes() ? 1 : getPlanes();
    }
    /// Whether a word is made of bytes that hold whole codes, not of planes.
    bool hasWholeCodes() const {
      return getOrder() == Order::bytes || getOrder() == Order::quads;
    }
    /// Whether tables are looked up with the words: see `nibbles`, `sextets`.
    bool isLookedUp() const { return isLookedUp(getOrder()); }
    static bool isLookedUp(Order order) {
      return order == Order::nibbles || order == Order::sextets;
    }
    /// How many elements along K share a word (`lanes`: a step; `sextets`: three
    /// words).
    int64_t getElementsPerWord() const;
    /// What stored codes are less than codes: see the order `quads`.
    int64_t getCentre() const;
    /// `B^D` of the order `digits`.
    int64_t getDigitRange() const;
    /// i64, i32 for `dwords`, `bytes` and `quads`, else i8.
    ::mlir::Type getElementType() const;
  }];
}

#endif // LOWBIT_DIALECT_LOWBIT_IR_LOWBITDIALECT
