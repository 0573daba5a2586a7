//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Scalar arithmetic of shapes: hash-consing, polynomials, exact division.
//
//===----------------------------------------------------------------------===//

#include "ScalarMath.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>

using namespace mlir;
using namespace mlir::lowbit;

unsigned EquivalentOperation::getHashValue(const Operation *op) {
  return OperationEquivalence::computeHash(
      const_cast<Operation *>(op), OperationEquivalence::directHashValue,
      OperationEquivalence::ignoreHashValue,
      OperationEquivalence::IgnoreLocations);
}

bool EquivalentOperation::isEqual(const Operation *lhs, const Operation *rhs) {
  if (lhs == rhs)
    return true;
  if (lhs == getTombstoneKey() || lhs == getEmptyKey() ||
      rhs == getTombstoneKey() || rhs == getEmptyKey())
    return false;
  return OperationEquivalence::isEquivalentTo(
      const_cast<Operation *>(lhs), const_cast<Operation *>(rhs),
      OperationEquivalence::IgnoreLocations);
}

std::optional<int64_t> mlir::lowbit::getConstantSize(OpFoldResult size) {
  return getConstantIntValue(size);
}

Value ScalarMath::build(function_ref<Value(OpBuilder &, Location)> fn) {
  Block *block = builder.getInsertionBlock();
  Block::iterator end = builder.getInsertionPoint();
  Operation *before = end == block->begin() ? nullptr : &*std::prev(end);
  Value result = fn(builder, loc);

  auto replace = [&](Operation *op, Operation *by) {
    for (auto [from, to] : llvm::zip(op->getResults(), by->getResults())) {
      from.replaceAllUsesWith(to);
      if (result == from)
        result = to;
    }
    op->erase();
  };
  Block::iterator it =
      before ? std::next(before->getIterator()) : block->begin();
  while (it != end) {
    Operation *op = &*it++;
    if (op->getNumRegions() != 0 || !isMemoryEffectFree(op))
      continue;
    if (std::optional<bool> decided = decide(op)) {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPoint(op);
      Operation *constant = arith::ConstantOp::create(
          builder, loc, builder.getBoolAttr(*decided));
      replace(op, constant);
      op = constant;
    }
    auto [existing, inserted] = known.insert(op);
    if (!inserted && *existing != op)
      replace(op, *existing);
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Polynomials
//===----------------------------------------------------------------------===//

ScalarMath::Polynomial ScalarMath::combine(const Polynomial &a,
                                           const Polynomial &b, int64_t sign) {
  Polynomial result = a;
  for (const auto &[atoms, coefficient] : b) {
    int64_t &entry = result[atoms];
    entry += sign * coefficient;
    if (entry == 0)
      result.erase(atoms);
  }
  return result;
}

ScalarMath::Polynomial ScalarMath::getPolynomial(OpFoldResult size) {
  if (std::optional<int64_t> constant = getConstantIntValue(size))
    return *constant == 0 ? Polynomial() : Polynomial{{{}, *constant}};
  return getPolynomial(cast<Value>(size));
}

const ScalarMath::Polynomial &ScalarMath::getPolynomial(Value value) {
  auto it = polynomials.find(value);
  if (it != polynomials.end())
    return it->second;
  Polynomial polynomial = computePolynomial(value);
  return polynomials[value] = std::move(polynomial);
}

ScalarMath::Polynomial ScalarMath::computePolynomial(Value value) {
  Polynomial atom{{{value.getAsOpaquePointer()}, 1}};
  auto it = assumed.find(value);
  if (it != assumed.end())
    return getPolynomial(it->second);
  if (auto cast = value.getDefiningOp<arith::IndexCastOp>())
    return getPolynomial(cast.getIn());
  if (auto add = value.getDefiningOp<arith::AddIOp>())
    return combine(getPolynomial(OpFoldResult(add.getLhs())),
                   getPolynomial(OpFoldResult(add.getRhs())), 1);
  if (auto sub = value.getDefiningOp<arith::SubIOp>())
    return combine(getPolynomial(OpFoldResult(sub.getLhs())),
                   getPolynomial(OpFoldResult(sub.getRhs())), -1);
  auto mul = value.getDefiningOp<arith::MulIOp>();
  if (!mul)
    return atom;

  Polynomial lhs = getPolynomial(OpFoldResult(mul.getLhs()));
  Polynomial rhs = getPolynomial(OpFoldResult(mul.getRhs()));
  constexpr size_t limit = 16; // of terms; a longer product stays an atom
  if (lhs.size() * rhs.size() > limit)
    return atom;
  Polynomial result;
  for (const auto &[leftAtoms, left] : lhs) {
    for (const auto &[rightAtoms, right] : rhs) {
      std::vector<const void *> atoms = leftAtoms;
      atoms.insert(atoms.end(), rightAtoms.begin(), rightAtoms.end());
      llvm::sort(atoms);
      int64_t coefficient;
      if (llvm::MulOverflow(left, right, coefficient))
        return atom;
      result = combine(result, Polynomial{{atoms, coefficient}}, 1);
    }
  }
  return result;
}

bool ScalarMath::isNonNegativeAtom(Value value) {
  Operation *op = value.getDefiningOp();
  // What is assumed equal may make a value an operand of itself.
  if (!op || !visiting.insert(op).second)
    return false;
  auto leave = llvm::scope_exit([&] { visiting.erase(op); });
  auto operand = [&](unsigned i) {
    return isNonNegative(OpFoldResult(op->getOperand(i)));
  };
  if (isa<tensor::DimOp, arith::ExtUIOp>(op))
    return true;
  if (isa<arith::MaxSIOp>(op))
    return operand(0) || operand(1);
  if (isa<arith::MinSIOp, arith::DivSIOp>(op))
    return operand(0) && operand(1);
  if (isa<arith::SelectOp>(op))
    return operand(1) && operand(2);
  return false;
}

bool ScalarMath::isNonNegative(const Polynomial &polynomial) {
  return llvm::all_of(polynomial, [&](const auto &term) {
    return term.second >= 0 && llvm::all_of(term.first, [&](const void *atom) {
             return isNonNegativeAtom(Value::getFromOpaquePointer(atom));
           });
  });
}

std::optional<OpFoldResult> ScalarMath::asSize(const Polynomial &polynomial) {
  if (polynomial.empty())
    return index(0);
  if (polynomial.size() != 1)
    return std::nullopt;
  const auto &[atoms, coefficient] = *polynomial.begin();
  if (atoms.empty())
    return index(coefficient);
  if (atoms.size() != 1 || coefficient != 1)
    return std::nullopt;
  Value value = Value::getFromOpaquePointer(atoms.front());
  if (!value.getType().isIndex())
    return std::nullopt;
  return OpFoldResult(value);
}

bool ScalarMath::equal(OpFoldResult a, OpFoldResult b) {
  return a == b || getPolynomial(a) == getPolynomial(b);
}

bool ScalarMath::atLeast(OpFoldResult a, OpFoldResult b) {
  return isNonNegative(combine(getPolynomial(a), getPolynomial(b), -1));
}

/// Whether `value` is computed from `on`, or assumed equal to what is.
static bool dependsOn(const DenseMap<Value, OpFoldResult> &assumed, Value value,
                      Value on) {
  SmallVector<Value> worklist{value};
  llvm::DenseSet<Value> seen;
  while (!worklist.empty()) {
    Value next = worklist.pop_back_val();
    if (next == on)
      return true;
    if (!next.getType().isIntOrIndex() || !seen.insert(next).second)
      continue;
    auto it = assumed.find(next);
    if (it != assumed.end())
      if (auto other = dyn_cast<Value>(it->second))
        worklist.push_back(other);
    if (Operation *op = next.getDefiningOp())
      llvm::append_range(worklist, op->getOperands());
  }
  return false;
}

void ScalarMath::assumeEqual(OpFoldResult a, OpFoldResult b) {
  for (auto [from, to] : {std::pair(a, b), std::pair(b, a)}) {
    Polynomial atom = getPolynomial(from);
    if (atom.size() != 1 || atom.begin()->second != 1 ||
        atom.begin()->first.size() != 1)
      continue;
    // min(s, 512) may stand for s, but s not for min(s, 512).
    Value value = Value::getFromOpaquePointer(atom.begin()->first.front());
    auto target = dyn_cast<Value>(to);
    if (target && dependsOn(assumed, target, value))
      continue;
    assumed[value] = to;
    polynomials.clear();
    return;
  }
}

std::optional<bool> ScalarMath::decide(Operation *op) {
  auto compare = dyn_cast<arith::CmpIOp>(op);
  if (!compare || !isa<IndexType, IntegerType>(compare.getLhs().getType()))
    return std::nullopt;
  OpFoldResult lhs = compare.getLhs(), rhs = compare.getRhs();
  bool ge = atLeast(lhs, rhs), le = atLeast(rhs, lhs);
  auto above = [&](OpFoldResult a, OpFoldResult b) {
    Polynomial difference = combine(getPolynomial(a), getPolynomial(b), -1);
    return isNonNegative(combine(difference, Polynomial{{{}, 1}}, -1));
  };
  bool gt = above(lhs, rhs), lt = above(rhs, lhs);
  switch (compare.getPredicate()) {
  case arith::CmpIPredicate::eq:
    return ge && le ? std::optional(true)
                    : (gt || lt ? std::optional(false) : std::nullopt);
  case arith::CmpIPredicate::ne:
    return ge && le ? std::optional(false)
                    : (gt || lt ? std::optional(true) : std::nullopt);
  case arith::CmpIPredicate::slt:
    return lt ? std::optional(true)
              : (ge ? std::optional(false) : std::nullopt);
  case arith::CmpIPredicate::sle:
    return le ? std::optional(true)
              : (gt ? std::optional(false) : std::nullopt);
  case arith::CmpIPredicate::sgt:
    return gt ? std::optional(true)
              : (le ? std::optional(false) : std::nullopt);
  case arith::CmpIPredicate::sge:
    return ge ? std::optional(true)
              : (lt ? std::optional(false) : std::nullopt);
  default:
    return std::nullopt;
  }
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

Value ScalarMath::constant(TypedAttr value) {
  return build([&](OpBuilder &b, Location loc) -> Value {
    return arith::ConstantOp::create(b, loc, value);
  });
}

Value ScalarMath::toValue(OpFoldResult size) {
  if (auto value = dyn_cast<Value>(size))
    return value;
  return constant(cast<TypedAttr>(cast<Attribute>(size)));
}

Value ScalarMath::toInteger(OpFoldResult size, Type type) {
  if (std::optional<int64_t> value = getConstantIntValue(size))
    return constant(builder.getIntegerAttr(type, *value));
  return build([&](OpBuilder &b, Location loc) {
    return b.createOrFold<arith::IndexCastOp>(loc, type, cast<Value>(size));
  });
}

OpFoldResult ScalarMath::toIndex(Value integer) {
  APInt constant;
  if (matchPattern(integer, m_ConstantInt(&constant)))
    return index(constant.getSExtValue());
  if (integer.getType().isIndex())
    return integer;
  if (std::optional<OpFoldResult> size = asSize(getPolynomial(integer)))
    return *size;
  if (Operation *op = integer.getDefiningOp()) {
    auto operand = [&](unsigned i) { return toIndex(op->getOperand(i)); };
    if (isa<arith::AddIOp>(op))
      return add(operand(0), operand(1));
    if (isa<arith::SubIOp>(op))
      return sub(operand(0), operand(1));
    if (isa<arith::MulIOp>(op))
      return mul(operand(0), operand(1));
    if (isa<arith::MaxSIOp>(op))
      return max(operand(0), operand(1));
    if (isa<arith::MinSIOp>(op))
      return min(operand(0), operand(1));
    if (isa<arith::SelectOp>(op)) {
      Value whenTrue = toValue(operand(1)), whenFalse = toValue(operand(2));
      return build([&](OpBuilder &b, Location loc) {
        return b.createOrFold<arith::SelectOp>(loc, op->getOperand(0), whenTrue,
                                               whenFalse);
      });
    }
  }
  Value cast = build([&](OpBuilder &b, Location loc) {
    return b.createOrFold<arith::IndexCastOp>(loc, b.getIndexType(), integer);
  });
  return getAsOpFoldResult(cast);
}

template <typename OpTy>
static OpFoldResult buildIndex(ScalarMath &math, OpFoldResult a,
                               OpFoldResult b) {
  Value lhs = math.toValue(a), rhs = math.toValue(b);
  Value result = math.build([&](OpBuilder &builder, Location loc) {
    return builder.createOrFold<OpTy>(loc, lhs, rhs);
  });
  return getAsOpFoldResult(result);
}

OpFoldResult ScalarMath::add(OpFoldResult a, OpFoldResult b) {
  if (auto size = asSize(combine(getPolynomial(a), getPolynomial(b), 1)))
    return *size;
  return buildIndex<arith::AddIOp>(*this, a, b);
}

OpFoldResult ScalarMath::sub(OpFoldResult a, OpFoldResult b) {
  if (auto size = asSize(combine(getPolynomial(a), getPolynomial(b), -1)))
    return *size;
  return buildIndex<arith::SubIOp>(*this, a, b);
}

OpFoldResult ScalarMath::mul(OpFoldResult a, OpFoldResult b) {
  return buildIndex<arith::MulIOp>(*this, a, b);
}

OpFoldResult ScalarMath::min(OpFoldResult a, OpFoldResult b) {
  if (atLeast(b, a))
    return a;
  return atLeast(a, b) ? b : buildIndex<arith::MinSIOp>(*this, a, b);
}

OpFoldResult ScalarMath::max(OpFoldResult a, OpFoldResult b) {
  if (atLeast(a, b))
    return a;
  return atLeast(b, a) ? b : buildIndex<arith::MaxSIOp>(*this, a, b);
}

OpFoldResult ScalarMath::div(OpFoldResult a, OpFoldResult b) {
  if (auto quotient = divideExactly(a, b))
    return *quotient;
  return buildIndex<arith::DivSIOp>(*this, a, b);
}

OpFoldResult ScalarMath::ceilDiv(OpFoldResult a, OpFoldResult b) {
  if (auto quotient = divideExactly(a, b))
    return *quotient;
  return div(add(a, sub(b, index(1))), b);
}

OpFoldResult ScalarMath::product(ArrayRef<OpFoldResult> sizes) {
  OpFoldResult result = index(1);
  for (OpFoldResult size : sizes)
    result = mul(result, size);
  return result;
}

Value ScalarMath::isEqual(OpFoldResult a, OpFoldResult b) {
  Value lhs = toValue(a), rhs = toValue(b);
  return build([&](OpBuilder &builder, Location loc) {
    return builder.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::eq,
                                               lhs, rhs);
  });
}

//===----------------------------------------------------------------------===//
// Factors
//===----------------------------------------------------------------------===//

ScalarMath::Factors ScalarMath::getFactors(OpFoldResult size) {
  Factors factors;
  SmallVector<OpFoldResult> worklist{size};
  while (!worklist.empty()) {
    OpFoldResult next = worklist.pop_back_val();
    if (std::optional<int64_t> constant = getConstantIntValue(next)) {
      factors.constant *= *constant;
      continue;
    }
    Value value = cast<Value>(next);
    std::optional<OpFoldResult> fixed = asSize(getPolynomial(next));
    if (fixed && getConstantIntValue(*fixed))
      worklist.push_back(*fixed);
    else if (auto mul = value.getDefiningOp<arith::MulIOp>())
      worklist.append({mul.getLhs(), mul.getRhs()});
    else
      factors.values.push_back(value);
  }
  if (factors.constant == 0)
    factors.values.clear();
  return factors;
}

bool ScalarMath::equal(const Factors &a, const Factors &b) {
  std::optional<Factors> quotient = divide(a, b);
  return quotient && quotient->constant == 1 && quotient->values.empty() &&
         (a.constant != 0 || b.constant == 0);
}

std::optional<ScalarMath::Factors> ScalarMath::divide(Factors a,
                                                      const Factors &b) {
  if (b.constant == 0)
    return a.constant == 0 ? std::optional(Factors()) : std::nullopt;
  if (a.constant % b.constant != 0)
    return std::nullopt;
  a.constant /= b.constant;
  if (a.constant == 0)
    return a;
  for (Value value : b.values) {
    auto *it = llvm::find_if(a.values, [&](Value other) {
      return equal(OpFoldResult(other), OpFoldResult(value));
    });
    if (it == a.values.end())
      return std::nullopt;
    a.values.erase(it);
  }
  return a;
}

std::optional<OpFoldResult> ScalarMath::divideExactly(OpFoldResult a,
                                                      OpFoldResult b) {
  Factors divisor = getFactors(b);
  if (divisor.constant == 0)
    return std::nullopt;
  std::optional<Factors> quotient = divide(getFactors(a), divisor);
  if (!quotient)
    return std::nullopt;
  OpFoldResult result = index(quotient->constant);
  for (Value value : quotient->values)
    result = mul(result, value);
  return result;
}
