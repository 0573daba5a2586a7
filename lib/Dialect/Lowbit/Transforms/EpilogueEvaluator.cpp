//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See EpilogueEvaluator.h.
//
//===----------------------------------------------------------------------===//

#include "EpilogueEvaluator.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/ADT/bit.h"
#include <cmath>

using namespace mlir;
using namespace mlir::lowbit;

/// What holds the elements of `value` in the same order: a row of constants is
/// expanded to the rank of the product that reads it.
static Value skipReshapes(Value value) {
  while (auto expand = value.getDefiningOp<tensor::ExpandShapeOp>())
    value = expand.getSrc();
  return value;
}

EpilogueEvaluator::EpilogueEvaluator(PackedMatmulOp original,
                                     const FrozenRewritePatternSet &functions)
    : op(original.clone()) {
  int64_t columns = op.getColumns();
  for (Value operand : op.getEpilogue()) {
    auto type = cast<ShapedType>(operand.getType());
    bool perColumn = type.hasStaticShape() && type.getRank() > 0 &&
                     type.getNumElements() == columns &&
                     type.getShape().back() == columns;
    std::optional<ConstantElements<float>> elements;
    if (perColumn || type.getRank() == 0)
      elements = getConstantElements<float>(skipReshapes(operand));
    if (!elements) {
      why = "it depends on more than the sum and constants of a column";
      return;
    }
    floatOperands.push_back(*elements);
  }
  if (failed(applyPatternsGreedily(op.getBody(), functions)))
    why = "its functions cannot be written out";
  for (Operation &inner : op.getBody().front().without_terminator())
    check(inner);
}

EpilogueEvaluator::~EpilogueEvaluator() { op->erase(); }

void EpilogueEvaluator::check(Operation &inner) {
  bool known =
      isa<arith::ConstantOp, arith::SIToFPOp, arith::FPToSIOp, arith::AddFOp,
          arith::SubFOp, arith::MulFOp, arith::DivFOp, arith::MaximumFOp,
          arith::MinimumFOp, arith::MaxNumFOp, arith::MinNumFOp, arith::NegFOp,
          math::RoundEvenOp, math::FmaOp, math::AbsFOp, math::CopySignOp,
          arith::BitcastOp, arith::ShLIOp, arith::ShRSIOp, arith::CmpFOp,
          arith::CmpIOp, arith::SelectOp, arith::AddIOp, arith::SubIOp,
          arith::MulIOp, arith::AndIOp, arith::OrIOp, arith::XOrIOp,
          arith::ShRUIOp, arith::TruncIOp>(inner);
  auto isNarrow = [](Type type) {
    return type.isF32() || type.isInteger(32) || type.isInteger(1);
  };
  known &= llvm::all_of(inner.getResultTypes(), isNarrow) &&
           llvm::all_of(inner.getOperandTypes(), isNarrow);
  if (!known && why.empty())
    why = "it holds " + inner.getName().getStringRef().str();
}

template <typename Function>
EpilogueEvaluator::Numbers EpilogueEvaluator::mapFloats(Value lhs, Value rhs,
                                                        Function function) {
  const std::vector<float> &a = at(lhs).floats, &b = at(rhs).floats;
  Numbers result;
  size_t count = std::max(a.size(), b.size());
  result.floats.resize(count);
  size_t stepA = a.size() > 1, stepB = b.size() > 1;
  for (size_t i = 0; i < count; ++i)
    result.floats[i] = function(a[i * stepA], b[i * stepB]);
  return result;
}

template <typename Function>
EpilogueEvaluator::Numbers EpilogueEvaluator::mapInts(Value lhs, Value rhs,
                                                      Function function) {
  const std::vector<int32_t> &a = at(lhs).ints, &b = at(rhs).ints;
  Numbers result;
  size_t count = std::max(a.size(), b.size());
  result.ints.resize(count);
  size_t stepA = a.size() > 1, stepB = b.size() > 1;
  for (size_t i = 0; i < count; ++i)
    result.ints[i] = function(a[i * stepA], b[i * stepB]);
  return result;
}

/// `arith.cmpf`, on numbers instead of APFloat: there are many.
static bool compareNumbers(arith::CmpFPredicate predicate, float a, float b) {
  using P = arith::CmpFPredicate;
  bool ordered = a == a && b == b;
  switch (predicate) {
  case P::AlwaysFalse:
    return false;
  case P::AlwaysTrue:
    return true;
  case P::OEQ:
    return a == b;
  case P::OGT:
    return a > b;
  case P::OGE:
    return a >= b;
  case P::OLT:
    return a < b;
  case P::OLE:
    return a <= b;
  case P::ONE:
    return ordered && a != b;
  case P::ORD:
    return ordered;
  case P::UEQ:
    return !ordered || a == b;
  case P::UGT:
    return !(a <= b);
  case P::UGE:
    return !(a < b);
  case P::ULT:
    return !(a >= b);
  case P::ULE:
    return !(a > b);
  case P::UNE:
    return a != b;
  case P::UNO:
    return !ordered;
  }
  return false;
}

EpilogueEvaluator::Numbers EpilogueEvaluator::compareFloats(Operation &inner) {
  auto compare = cast<arith::CmpFOp>(inner);
  const std::vector<float> &a = at(compare.getLhs()).floats,
                           &b = at(compare.getRhs()).floats;
  Numbers result;
  size_t count = std::max(a.size(), b.size());
  size_t stepA = a.size() > 1, stepB = b.size() > 1;
  result.ints.resize(count);
  for (size_t i = 0; i < count; ++i)
    result.ints[i] =
        compareNumbers(compare.getPredicate(), a[i * stepA], b[i * stepB]);
  return result;
}

EpilogueEvaluator::Numbers EpilogueEvaluator::compareInts(Operation &inner) {
  auto compare = cast<arith::CmpIOp>(inner);
  unsigned width = compare.getLhs().getType().getIntOrFloatBitWidth();
  return mapInts(compare.getLhs(), compare.getRhs(),
                 [&](int32_t a, int32_t b) -> int32_t {
                   auto wide = [&](int32_t value) {
                     return APInt(width, static_cast<uint32_t>(value),
                                  /*isSigned=*/false, /*implicitTrunc=*/true);
                   };
                   return arith::applyCmpPredicate(compare.getPredicate(),
                                                   wide(a), wide(b));
                 });
}

EpilogueEvaluator::Numbers EpilogueEvaluator::select(Operation &inner) {
  auto choice = cast<arith::SelectOp>(inner);
  const std::vector<int32_t> &condition = at(choice.getCondition()).ints;
  const Numbers &a = at(choice.getTrueValue()), &b = at(choice.getFalseValue());
  auto pick = [&](const auto &x, const auto &y, auto &result) {
    size_t count = std::max({condition.size(), x.size(), y.size()});
    for (size_t i = 0; i < count; ++i)
      result.push_back(condition[condition.size() > 1 ? i : 0]
                           ? x[x.size() > 1 ? i : 0]
                           : y[y.size() > 1 ? i : 0]);
  };
  Numbers result;
  if (choice.getType().isF32())
    pick(a.floats, b.floats, result.floats);
  else
    pick(a.ints, b.ints, result.ints);
  return result;
}

EpilogueEvaluator::Numbers EpilogueEvaluator::multiplyAdd(Operation &inner) {
  const std::vector<float> *operands[3];
  size_t count = 1;
  for (auto [i, operand] : llvm::enumerate(inner.getOperands())) {
    operands[i] = &at(operand).floats;
    count = std::max(count, operands[i]->size());
  }
  Numbers result;
  result.floats.resize(count);
  auto get = [&](size_t operand, size_t i) {
    return (*operands[operand])[operands[operand]->size() > 1 ? i : 0];
  };
  for (size_t i = 0; i < count; ++i)
    result.floats[i] = std::fma(get(0, i), get(1, i), get(2, i));
  return result;
}

EpilogueEvaluator::Numbers EpilogueEvaluator::bitcast(Operation &inner) {
  const Numbers &from = at(inner.getOperand(0));
  Numbers result;
  if (inner.getResult(0).getType().isF32())
    for (int32_t value : from.ints)
      result.floats.push_back(llvm::bit_cast<float>(value));
  else
    for (float value : from.floats)
      result.ints.push_back(llvm::bit_cast<int32_t>(value));
  return result;
}

void EpilogueEvaluator::evaluate(Operation &inner) {
  auto floats = [&](auto function) {
    return mapFloats(inner.getOperand(0), inner.getOperands().back(), function);
  };
  auto ints = [&](auto function) {
    return mapInts(inner.getOperand(0), inner.getOperands().back(), function);
  };
  auto toFloat = [&](auto) {
    Numbers result;
    for (int32_t value : at(inner.getOperand(0)).ints)
      result.floats.push_back(static_cast<float>(value));
    return result;
  };
  auto toInt = [&](auto) {
    Numbers result;
    for (float value : at(inner.getOperand(0)).floats)
      result.ints.push_back(static_cast<int32_t>(value));
    return result;
  };
  auto constant = [&](arith::ConstantOp op) {
    Numbers result;
    if (auto value = dyn_cast<FloatAttr>(op.getValue()))
      result.floats = {value.getValue().convertToFloat()};
    else
      result.ints = {static_cast<int32_t>(
          cast<IntegerAttr>(op.getValue()).getValue().getZExtValue())};
    return result;
  };
  // maximumf and minimumf hand a NaN on, maxnumf and minnumf drop it.
  auto maximum = [](float a, float b) {
    return std::isnan(a) || std::isnan(b) ? NAN : std::fmax(a, b);
  };
  auto minimum = [](float a, float b) {
    return std::isnan(a) || std::isnan(b) ? NAN : std::fmin(a, b);
  };
  using U = uint32_t;
  Numbers result =
      llvm::TypeSwitch<Operation *, Numbers>(&inner)
          .Case<arith::ConstantOp>(constant)
          .Case<arith::SIToFPOp>(toFloat)
          .Case<arith::FPToSIOp>(toInt)
          .Case<arith::AddFOp>([&](auto) {
            return floats([](float a, float b) { return a + b; });
          })
          .Case<arith::SubFOp>([&](auto) {
            return floats([](float a, float b) { return a - b; });
          })
          .Case<arith::MulFOp>([&](auto) {
            return floats([](float a, float b) { return a * b; });
          })
          .Case<arith::DivFOp>([&](auto) {
            return floats([](float a, float b) { return a / b; });
          })
          .Case<arith::NegFOp>(
              [&](auto) { return floats([](float a, float) { return -a; }); })
          .Case<math::RoundEvenOp>([&](auto) {
            return floats([](float a, float) { return std::nearbyint(a); });
          })
          .Case<math::AbsFOp>([&](auto) {
            return floats([](float a, float) { return std::fabs(a); });
          })
          .Case<math::CopySignOp>([&](auto) {
            return floats([](float a, float b) { return std::copysign(a, b); });
          })
          .Case<math::FmaOp>([&](auto) { return multiplyAdd(inner); })
          .Case<arith::BitcastOp>([&](auto) { return bitcast(inner); })
          .Case<arith::MaximumFOp>([&](auto) { return floats(maximum); })
          .Case<arith::MinimumFOp>([&](auto) { return floats(minimum); })
          .Case<arith::MaxNumFOp>([&](auto) {
            return floats([](float a, float b) { return std::fmax(a, b); });
          })
          .Case<arith::MinNumFOp>([&](auto) {
            return floats([](float a, float b) { return std::fmin(a, b); });
          })
          .Case<arith::CmpFOp>([&](auto) { return compareFloats(inner); })
          .Case<arith::CmpIOp>([&](auto) { return compareInts(inner); })
          .Case<arith::SelectOp>([&](auto) { return select(inner); })
          .Case<arith::AddIOp>([&](auto) {
            return ints(
                [](int32_t a, int32_t b) { return int32_t(U(a) + U(b)); });
          })
          .Case<arith::SubIOp>([&](auto) {
            return ints(
                [](int32_t a, int32_t b) { return int32_t(U(a) - U(b)); });
          })
          .Case<arith::MulIOp>([&](auto) {
            return ints(
                [](int32_t a, int32_t b) { return int32_t(U(a) * U(b)); });
          })
          .Case<arith::AndIOp>([&](auto) {
            return ints([](int32_t a, int32_t b) { return a & b; });
          })
          .Case<arith::OrIOp>([&](auto) {
            return ints([](int32_t a, int32_t b) { return a | b; });
          })
          .Case<arith::XOrIOp>([&](auto) {
            return ints([](int32_t a, int32_t b) { return a ^ b; });
          })
          .Case<arith::ShLIOp>([&](auto) {
            return ints(
                [](int32_t a, int32_t b) { return int32_t(U(a) << (b & 31)); });
          })
          .Case<arith::ShRSIOp>([&](auto) {
            return ints([](int32_t a, int32_t b) { return a >> (b & 31); });
          })
          .Case<arith::ShRUIOp>([&](auto) {
            return ints(
                [](int32_t a, int32_t b) { return int32_t(U(a) >> (b & 31)); });
          })
          .Case<arith::TruncIOp>([&](auto) {
            return ints([](int32_t a, int32_t) { return a & 1; });
          })
          .Default([](Operation *) { return Numbers(); });
  values[inner.getResult(0)] = std::move(result);
}

std::vector<int32_t> EpilogueEvaluator::getCodes(int64_t column, int64_t first,
                                                 int64_t last) {
  Block &body = op.getBody().front();
  size_t count = last - first + 1;
  Numbers sums;
  for (int64_t sum = first; sum <= last; ++sum)
    sums.ints.push_back(static_cast<int32_t>(sum));
  values.clear();
  values[body.getArgument(0)] = std::move(sums);
  for (auto [argument, elements] :
       llvm::zip_equal(body.getArguments().drop_front(), floatOperands))
    values[argument].floats = {elements.size() == 1 ? elements[0]
                                                    : elements[column]};
  for (Operation &inner : body.without_terminator())
    evaluate(inner);
  std::vector<int32_t> codes(count, 0);
  for (auto [plane, value] :
       llvm::enumerate(body.getTerminator()->getOperands())) {
    const std::vector<int32_t> &bits = at(value).ints;
    for (size_t i = 0; i < count; ++i)
      codes[i] |= (bits[bits.size() > 1 ? i : 0] & 1) << plane;
  }
  return codes;
}
