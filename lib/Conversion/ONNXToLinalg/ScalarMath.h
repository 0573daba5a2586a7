//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Scalar arithmetic of shapes. Equal expressions become one SSA value and
// linear combinations are compared as polynomials, so that "the same dimension"
// can be recognised however a graph has computed it: a reshape then is a view
// and a broadcast a plain indexing map.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_CONVERSION_ONNXTOLINALG_SCALARMATH_H
#define LOWBIT_CONVERSION_ONNXTOLINALG_SCALARMATH_H

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OperationSupport.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SmallPtrSet.h"
#include <map>
#include <optional>
#include <vector>

namespace mlir::lowbit {

/// Hashes an operation by name, operands, attributes and result types.
struct EquivalentOperation : public llvm::DenseMapInfo<Operation *> {
  static unsigned getHashValue(const Operation *op);
  static bool isEqual(const Operation *lhs, const Operation *rhs);
};

/// Builds scalar operations at the insertion point of a builder that only moves
/// forward through one block. A size is an `OpFoldResult`: an index attribute
/// or a value of type index.
class ScalarMath {
public:
  explicit ScalarMath(OpBuilder &builder)
      : builder(builder), loc(builder.getUnknownLoc()) {}

  void setLoc(Location newLoc) { loc = newLoc; }

  /// Runs `fn`, which builds scalar operations, and replaces each that exists
  /// already by the existing one.
  Value build(function_ref<Value(OpBuilder &, Location)> fn);

  OpFoldResult index(int64_t value) { return builder.getIndexAttr(value); }
  OpFoldResult add(OpFoldResult a, OpFoldResult b);
  OpFoldResult sub(OpFoldResult a, OpFoldResult b);
  OpFoldResult mul(OpFoldResult a, OpFoldResult b);
  OpFoldResult min(OpFoldResult a, OpFoldResult b);
  OpFoldResult max(OpFoldResult a, OpFoldResult b);
  /// Quotients by a positive `b`; of a negative `a`, only the sign is meant
  /// (the result is at most zero).
  OpFoldResult div(OpFoldResult a, OpFoldResult b);
  OpFoldResult ceilDiv(OpFoldResult a, OpFoldResult b);
  OpFoldResult product(ArrayRef<OpFoldResult> sizes);
  /// `a / b` where every factor of `b` is a factor of `a`.
  std::optional<OpFoldResult> divideExactly(OpFoldResult a, OpFoldResult b);

  /// The size as a value of type index.
  Value toValue(OpFoldResult size);
  /// The size as an integer of another type.
  Value toInteger(OpFoldResult size, Type type);
  /// An integer scalar as a size.
  OpFoldResult toIndex(Value integer);
  Value constant(TypedAttr value);
  /// The comparison of two sizes as an i1.
  Value isEqual(OpFoldResult a, OpFoldResult b);

  /// Whether both always have the same value.
  bool equal(OpFoldResult a, OpFoldResult b);
  /// Whether `a >= b` always holds.
  bool atLeast(OpFoldResult a, OpFoldResult b);
  bool isNonNegative(OpFoldResult a) { return atLeast(a, index(0)); }

  /// From now on `a` and `b` count as equal: a run in which they differ has
  /// been stopped by an assertion.
  void assumeEqual(OpFoldResult a, OpFoldResult b);

  /// The constant factor and the other factors of a size.
  struct Factors {
    int64_t constant = 1;
    SmallVector<Value, 4> values;
  };
  Factors getFactors(OpFoldResult size);
  bool equal(const Factors &a, const Factors &b);
  /// The factors of `a / b`, or nothing when `b` does not divide `a` visibly.
  std::optional<Factors> divide(Factors a, const Factors &b);

private:
  /// Sum of coefficient times product of atoms, an atom being the opaque
  /// pointer of a value that is no sum, difference or product.
  using Polynomial = std::map<std::vector<const void *>, int64_t>;

  Polynomial getPolynomial(OpFoldResult size);
  const Polynomial &getPolynomial(Value value);
  Polynomial computePolynomial(Value value);
  static Polynomial combine(const Polynomial &a, const Polynomial &b,
                            int64_t sign);
  bool isNonNegative(const Polynomial &polynomial);
  bool isNonNegativeAtom(Value value);
  /// The size that a polynomial is, where that is a constant or one atom of
  /// type index.
  std::optional<OpFoldResult> asSize(const Polynomial &polynomial);
  std::optional<bool> decide(Operation *compare);

  OpBuilder &builder;
  Location loc;
  llvm::DenseSet<Operation *, EquivalentOperation> known;
  DenseMap<Value, Polynomial> polynomials;
  DenseMap<Value, OpFoldResult> assumed;
  /// Operations whose sign is being looked for.
  llvm::SmallPtrSet<Operation *, 8> visiting;
};

/// The constant that a size is, if it is one.
std::optional<int64_t> getConstantSize(OpFoldResult size);

} // namespace mlir::lowbit

#endif // LOWBIT_CONVERSION_ONNXTOLINALG_SCALARMATH_H
