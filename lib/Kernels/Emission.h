//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the emitters share: a builder with the arithmetic of index and vector
// code, and loops that remember which part of a row a vector covers.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_KERNELS_EMISSION_H
#define LOWBIT_LIB_KERNELS_EMISSION_H

#include "lowbit/Target/Target.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"
#include <optional>

namespace mlir::lowbit {

/// Builds scalar and vector arithmetic at one location.
class Emission {
public:
  Emission(OpBuilder &builder, Location loc, const Target &target)
      : b(builder), loc(loc), fma(target.has("fma")) {}

  OpBuilder &b;
  Location loc;
  /// Whether the target multiplies and adds in one instruction.
  bool fma;

  // Constants.
  Value index(int64_t value);
  Value i32(int64_t value);
  Value i64(int64_t value);
  /// A constant of an integer or float type, or of a vector of one (a splat).
  Value constant(Type type, double value);

  // Arithmetic on index and integers; folds what is constant.
  Value add(Value lhs, Value rhs);
  Value sub(Value lhs, Value rhs);
  Value mul(Value lhs, Value rhs);
  Value ceilDiv(Value lhs, int64_t rhs);
  Value floorDiv(Value lhs, int64_t rhs);
  Value min(Value lhs, Value rhs);

  /// Vectors of i1, together at most 64, as the bits of a word, lowest first.
  Value joinBits(ArrayRef<Value> parts);
  /// Adds plane `plane` with `ones` bits to a last word as `#lowbit.packing`
  /// describes it.
  Value addPlane(Value sumWord, Value ones, int64_t plane);
  /// Adds the four bytes of each word to vectors of sums of i32.
  Value addBytes(Value sums, Value words);
  /// The last words of rows in lanes, from the ones of each plane.
  Value sumVector(ValueRange ones);

  /// The extent of a dimension of a memref.
  Value dim(Value memref, int64_t index);

  // Vectors.
  Value broadcast(Value scalar, int64_t lanes);
  /// The first `lanes` elements from `indices` on; with `count` only `count` of
  /// them are read and the others are `fill`.
  Value load(Value memref, ValueRange indices, int64_t lanes, Value count = {},
             double fill = 0);
  /// Stores a vector, with `count` its first `count` elements.
  void store(Value vector, Value memref, ValueRange indices, Value count = {});
  /// Stores a vector of i1 as bits, the first one lowest, from byte `byte` of
  /// the word at `indices` on; the memref has the identity layout.
  void storeBits(Value bits, Value memref, ValueRange indices, Value byte);
  /// A pointer to the element at `indices` of a memref of the identity layout,
  /// or to byte `byte` from there on.
  Value pointer(Value memref, ValueRange indices);
  Value pointer(Value memref, ValueRange indices, Value byte);
  /// All lanes of a vector (a power of two of them) combined, halves first.
  Value reduce(Value vector, llvm::function_ref<Value(Value, Value)> combine);
  /// The greater of two, `second` where one is NaN: one instruction of x86.
  Value greater(Value first, Value second);
  Value less(Value first, Value second);
  /// Joins vectors of one type end to end.
  Value concat(ArrayRef<Value> vectors);

  /// The code of a quotient: the nearest of the levels from `first` to `last`,
  /// half to even, less the first, as i32. That of NaN is 0.
  Value roundToCode(Value quotient, int64_t first, int64_t last);
  /// The bits of plane `plane` of codes.
  Value planeOf(Value codes, int64_t plane);
  /// Codes below 256, a vector of i32, as words of four bytes.
  Value joinBytes(Value codes);
  /// Of `count` elements, or of all where it is null, how many (0 or more) are
  /// left from `first` on.
  Value remaining(Value count, int64_t first);

  // Loops.
  using Body = llvm::function_ref<void(Value iv)>;
  using CarryBody =
      llvm::function_ref<SmallVector<Value>(Value iv, ValueRange carried)>;
  void forLoop(Value begin, Value end, int64_t step, Body body);
  SmallVector<Value> forLoop(Value begin, Value end, int64_t step,
                             ValueRange init, CarryBody body);
  /// A parallel loop over [0, extents).
  void parallel(ValueRange extents, int64_t grain,
                llvm::function_ref<void(ValueRange ivs)> body);
  void ifElse(Value condition, llvm::function_ref<void()> then,
              llvm::function_ref<void()> otherwise);

  /// Calls `body(position, count)` for vectors of `lanes` elements that cover
  /// [0, size): whole vectors with a null count, then one with the rest.
  void forVectors(Value size, int64_t lanes,
                  llvm::function_ref<void(Value position, Value count)> body);
  /// The same with carried values.
  SmallVector<Value>
  forVectors(Value size, int64_t lanes, ValueRange init,
             llvm::function_ref<SmallVector<Value>(Value position, Value count,
                                                   ValueRange carried)>
                 body);

  /// The sums over `rows` rows of `size` elements of `term(row, k, count)`, a
  /// vector of f32 from `k` on that is 0 in lanes beyond the end. The count, as
  /// in forVectors, is always null for rows that are `padded` to whole vectors.
  /// The order of additions is the same for both: four partial sums of every
  /// fourth vector keep additions from waiting for each other.
  SmallVector<Value>
  sumRows(size_t rows, Value size, int64_t lanes, bool padded,
          llvm::function_ref<Value(size_t row, Value k, Value count)> term);
};

/// Lanes of f32 of the target's widest vector.
int64_t getFloatLanes(const Target &target);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_KERNELS_EMISSION_H
