//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See the header. A result's shape is the static type of the value, which shape
// inference has computed; operators without one are not evaluated.
//
//===----------------------------------------------------------------------===//

#include "ConstantEvaluator.h"

#include "lowbit/Constants/Constants.h"
#include "lowbit/Dialect/ONNX/IR/ONNX.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::lowbit;

namespace {

/// A quantizer is a dozen operators deep; deeper graphs are not weights.
constexpr int kMaxDepth = 48;
/// Half a gigabyte of floats: more than any weight matrix or embedding table.
constexpr int64_t kMaxElements = int64_t(1) << 27;

/// The static shape of a tensor of floats or truth values within the limit.
std::optional<SmallVector<int64_t>> getShapeOf(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !type.hasStaticShape() ||
      !(type.getElementType().isF32() || type.getElementType().isInteger(1)))
    return std::nullopt;
  int64_t count = 1;
  for (int64_t extent : type.getShape())
    if (llvm::MulOverflow(count, extent, count) || count > kMaxElements)
      return std::nullopt;
  return SmallVector<int64_t>(type.getShape());
}

template <typename Fn>
std::optional<ConstantTensor> mapUnary(const ConstantTensor &input, Fn fn) {
  std::vector<float> result(input.size());
  llvm::transform(input.getValues(), result.begin(), fn);
  return ConstantTensor(SmallVector<int64_t>(input.getShape()),
                        std::move(result));
}

template <typename Fn>
std::optional<ConstantTensor> mapBinary(const ConstantTensor &a,
                                        const ConstantTensor &b,
                                        ArrayRef<int64_t> shape, Fn fn) {
  auto aStrides = getBroadcastStrides(a.getShape(), shape);
  auto bStrides = getBroadcastStrides(b.getShape(), shape);
  if (!aStrides || !bStrides)
    return std::nullopt;
  std::vector<float> result(llvm::product_of(shape));
  const float *aData = a.getValues().data(), *bData = b.getValues().data();
  forEachElement<2>(shape, {*aStrides, *bStrides},
                    [&](int64_t i, const std::array<int64_t, 2> &at) {
                      result[i] = fn(aData[at[0]], bData[at[1]]);
                    });
  return ConstantTensor(SmallVector<int64_t>(shape), std::move(result));
}

/// Reduces over the axes that an ONNX reduction names; `fold` accumulates in
/// float64 and `finish(total, number of elements)` makes the element.
template <typename Op, typename Fold, typename Finish>
std::optional<ConstantTensor> reduce(Op op, const ConstantTensor &input,
                                     ArrayRef<int64_t> shape, double initial,
                                     Fold fold, Finish finish) {
  int64_t rank = input.getRank();
  std::optional<ArrayRef<int64_t>> axes = op.getAxes();
  bool allAxes = !axes || axes->empty();
  if (allAxes && op.getNoopWithEmptyAxes())
    return input.reshaped(shape);
  SmallVector<bool> reduced(rank, allAxes);
  if (!allAxes)
    for (int64_t axis : *axes) {
      axis = axis < 0 ? axis + rank : axis;
      if (axis < 0 || axis >= rank)
        return std::nullopt;
      reduced[axis] = true;
    }

  SmallVector<int64_t> strides(rank, 0);
  int64_t count = 1, folded = 1;
  for (int64_t dim = rank - 1; dim >= 0; --dim) {
    int64_t extent = input.getShape()[dim];
    if (reduced[dim]) {
      folded *= extent;
    } else {
      strides[dim] = count;
      count *= extent;
    }
  }
  if (count != llvm::product_of(shape) || folded == 0)
    return std::nullopt;
  std::vector<double> totals(count, initial);
  ArrayRef<float> data = input.getValues();
  forEachElement<1>(input.getShape(), {strides},
                    [&](int64_t i, const std::array<int64_t, 1> &at) {
                      totals[at[0]] = fold(totals[at[0]], double(data[i]));
                    });
  std::vector<float> result(count);
  for (int64_t i = 0; i < count; ++i)
    result[i] = static_cast<float>(finish(totals[i], double(folded)));
  return ConstantTensor(SmallVector<int64_t>(shape), std::move(result));
}

/// Operators that the evaluator knows; keep in step with compute().
bool isKnownOperator(Operation *op) {
  return isa<onnx::ConstantOp, onnx::IdentityOp, onnx::AbsOp, onnx::NegOp,
             onnx::SignOp, onnx::RoundOp, onnx::FloorOp, onnx::CeilOp,
             onnx::SqrtOp, onnx::ReciprocalOp, onnx::CastOp, onnx::NotOp,
             onnx::AddOp, onnx::SubOp, onnx::MulOp, onnx::DivOp, onnx::MinOp,
             onnx::MaxOp, onnx::EqualOp, onnx::GreaterOp,
             onnx::GreaterOrEqualOp, onnx::LessOp, onnx::LessOrEqualOp,
             onnx::WhereOp, onnx::ClipOp, onnx::ExpandOp, onnx::ReshapeOp,
             onnx::SqueezeOp, onnx::UnsqueezeOp, onnx::FlattenOp,
             onnx::TransposeOp, onnx::ReduceL1Op, onnx::ReduceMeanOp,
             onnx::ReduceSumOp, onnx::ReduceMaxOp, onnx::ReduceMinOp>(op);
}

/// The operands that carry elements (shapes come from the result's type).
OperandRange getElementOperands(Operation *op) {
  if (isa<onnx::ExpandOp, onnx::ReshapeOp>(op))
    return op->getOperands().take_front(1);
  return op->getOperands();
}

bool isConstantExpression(Value value, int depth,
                          SmallPtrSetImpl<Operation *> &seen) {
  Operation *op = value.getDefiningOp();
  if (!op || depth > kMaxDepth || !isKnownOperator(op))
    return false;
  if (!getShapeOf(value))
    return false;
  if (!seen.insert(op).second)
    return true;
  return llvm::all_of(getElementOperands(op), [&](Value operand) {
    return isConstantExpression(operand, depth + 1, seen);
  });
}

} // namespace

bool lowbit::isConstantExpression(Value value) {
  SmallPtrSet<Operation *, 16> seen;
  return ::isConstantExpression(value, 0, seen);
}

std::optional<float> lowbit::getConstantScalar(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !type.getElementType().isF32() || !type.hasStaticShape() ||
      type.getNumElements() != 1)
    return std::nullopt;
  // Also constants of other dialects.
  if (auto elements = getConstantElements<float>(value))
    return (*elements)[0];
  if (!isConstantExpression(value))
    return std::nullopt;
  auto tensor = ConstantEvaluator().evaluate(value);
  if (!tensor || tensor->size() != 1)
    return std::nullopt;
  return tensor->getValues()[0];
}

std::optional<ConstantTensor> ConstantEvaluator::evaluate(Value value) {
  auto it = known.find(value);
  if (it != known.end())
    return it->second;
  if (!isConstantExpression(value))
    return std::nullopt;
  std::optional<ConstantTensor> result = compute(value);
  if (result)
    known[value] = *result;
  return result;
}

std::optional<ConstantTensor>
ConstantEvaluator::computeElementwise(Operation *op) {
  SmallVector<int64_t> shape = *getShapeOf(op->getResult(0));
  SmallVector<ConstantTensor> in;
  for (Value operand : op->getOperands()) {
    // A binary operator broadcasts by itself: do not write out an Expand.
    if (auto expand = operand.getDefiningOp<onnx::ExpandOp>();
        expand && op->getNumOperands() == 2 &&
        op->getOperand(0).getType() == op->getOperand(1).getType())
      operand = expand.getInput();
    std::optional<ConstantTensor> tensor = evaluate(operand);
    if (!tensor)
      return std::nullopt;
    in.push_back(*tensor);
  }
  using Result = std::optional<ConstantTensor>;
  auto unary = [&](auto fn) -> Result { return mapUnary(in[0], fn); };
  auto binary = [&](auto fn) -> Result {
    return mapBinary(in[0], in[1], shape, fn);
  };
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case<onnx::AbsOp>(
          [&](auto) { return unary([](float x) { return std::fabs(x); }); })
      .Case<onnx::NegOp>(
          [&](auto) { return unary([](float x) { return -x; }); })
      .Case<onnx::SignOp>([&](auto) {
        return unary([](float x) {
          return x > 0 ? 1.0f : x < 0 ? -1.0f : 0.0f;
        });
      })
      .Case<onnx::RoundOp>([&](auto) {
        return unary([](float x) { return std::nearbyint(x); });
      })
      .Case<onnx::FloorOp>(
          [&](auto) { return unary([](float x) { return std::floor(x); }); })
      .Case<onnx::CeilOp>(
          [&](auto) { return unary([](float x) { return std::ceil(x); }); })
      .Case<onnx::SqrtOp>(
          [&](auto) { return unary([](float x) { return std::sqrt(x); }); })
      .Case<onnx::ReciprocalOp>(
          [&](auto) { return unary([](float x) { return 1.0f / x; }); })
      .Case<onnx::NotOp>([&](auto) {
        return unary([](float x) { return x == 0 ? 1.0f : 0.0f; });
      })
      .Case<onnx::CastOp>([&](auto) {
        bool toBool =
            op->getResult(0).getType() != op->getOperand(0).getType() &&
            cast<ShapedType>(op->getResult(0).getType())
                .getElementType()
                .isInteger(1);
        return unary(
            [=](float x) { return toBool ? (x != 0 ? 1.0f : 0.0f) : x; });
      })
      .Case<onnx::AddOp>(
          [&](auto) { return binary([](float a, float b) { return a + b; }); })
      .Case<onnx::SubOp>(
          [&](auto) { return binary([](float a, float b) { return a - b; }); })
      .Case<onnx::MulOp>(
          [&](auto) { return binary([](float a, float b) { return a * b; }); })
      .Case<onnx::DivOp>(
          [&](auto) { return binary([](float a, float b) { return a / b; }); })
      .Case<onnx::MinOp>([&](auto) {
        return binary(
            [](float a, float b) { return a < b || std::isnan(a) ? a : b; });
      })
      .Case<onnx::MaxOp>([&](auto) {
        return binary(
            [](float a, float b) { return a > b || std::isnan(a) ? a : b; });
      })
      .Case<onnx::EqualOp>([&](auto) {
        return binary([](float a, float b) { return a == b ? 1.0f : 0.0f; });
      })
      .Case<onnx::GreaterOp>([&](auto) {
        return binary([](float a, float b) { return a > b ? 1.0f : 0.0f; });
      })
      .Case<onnx::GreaterOrEqualOp>([&](auto) {
        return binary([](float a, float b) { return a >= b ? 1.0f : 0.0f; });
      })
      .Case<onnx::LessOp>([&](auto) {
        return binary([](float a, float b) { return a < b ? 1.0f : 0.0f; });
      })
      .Case<onnx::LessOrEqualOp>([&](auto) {
        return binary([](float a, float b) { return a <= b ? 1.0f : 0.0f; });
      })
      .Case<onnx::WhereOp>([&](auto) -> Result {
        auto condition = getBroadcastStrides(in[0].getShape(), shape);
        auto yes = getBroadcastStrides(in[1].getShape(), shape);
        auto no = getBroadcastStrides(in[2].getShape(), shape);
        if (!condition || !yes || !no)
          return std::nullopt;
        std::vector<float> result(llvm::product_of(shape));
        forEachElement<3>(shape, {*condition, *yes, *no},
                          [&](int64_t i, const std::array<int64_t, 3> &at) {
                            result[i] = in[0].getValues()[at[0]] != 0
                                            ? in[1].getValues()[at[1]]
                                            : in[2].getValues()[at[2]];
                          });
        return ConstantTensor(shape, std::move(result));
      })
      .Case<onnx::ClipOp>([&](onnx::ClipOp clip) -> Result {
        float low = -std::numeric_limits<float>::infinity(), high = -low;
        size_t next = 1;
        for (auto [bound, operand] :
             {std::pair(&low, clip.getMin()), std::pair(&high, clip.getMax())})
          if (operand) {
            if (in[next].size() != 1)
              return std::nullopt;
            *bound = in[next++].getValues()[0];
          }
        return unary([=](float x) {
          return std::isnan(x) ? x : std::min(std::max(x, low), high);
        });
      })
      .Default([](Operation *) { return std::nullopt; });
}

std::optional<ConstantTensor> ConstantEvaluator::compute(Value value) {
  Operation *op = value.getDefiningOp();
  std::optional<SmallVector<int64_t>> shape = getShapeOf(value);
  if (!op || !shape)
    return std::nullopt;
  using Result = std::optional<ConstantTensor>;
  auto sum = [](double total, double x) { return total + x; };
  auto total = [](double total, double) { return total; };
  constexpr double kInfinity = std::numeric_limits<double>::infinity();

  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case<onnx::ConstantOp>([&](onnx::ConstantOp constant) -> Result {
        if (auto truths = getConstantElements<bool>(constant.getValue())) {
          std::vector<float> values;
          for (int64_t i = 0; i < truths->size(); ++i)
            values.push_back((*truths)[i] ? 1.0f : 0.0f);
          return ConstantTensor(*shape, std::move(values));
        }
        auto elements = getConstantElements<float>(constant.getValue());
        if (!elements)
          return std::nullopt;
        if (elements->isSplat() || elements->empty())
          return ConstantTensor(*shape, elements->toVector());
        // Shares the storage, which the attribute keeps alive.
        auto owner = std::make_shared<ConstantElements<float>>(*elements);
        ArrayRef<float> view(&(*owner)[0], owner->size());
        return ConstantTensor(*shape, view, owner);
      })
      .Case<onnx::IdentityOp, onnx::ReshapeOp, onnx::SqueezeOp,
            onnx::UnsqueezeOp, onnx::FlattenOp>([&](Operation *op) -> Result {
        Result input = evaluate(op->getOperand(0));
        if (!input || input->size() != llvm::product_of(*shape))
          return std::nullopt;
        return input->reshaped(*shape);
      })
      .Case<onnx::ExpandOp>([&](onnx::ExpandOp expand) -> Result {
        Result input = evaluate(expand.getInput());
        auto strides = input ? getBroadcastStrides(input->getShape(), *shape)
                             : std::nullopt;
        if (!strides)
          return std::nullopt;
        std::vector<float> result(llvm::product_of(*shape));
        forEachElement<1>(*shape, {*strides},
                          [&](int64_t i, const std::array<int64_t, 1> &at) {
                            result[i] = input->getValues()[at[0]];
                          });
        return ConstantTensor(*shape, std::move(result));
      })
      .Case<onnx::TransposeOp>([&](onnx::TransposeOp transpose) -> Result {
        Result input = evaluate(transpose.getData());
        if (!input)
          return std::nullopt;
        SmallVector<int64_t> perm;
        if (transpose.getPerm())
          perm.assign(transpose.getPerm()->begin(), transpose.getPerm()->end());
        else
          for (int64_t dim = input->getRank() - 1; dim >= 0; --dim)
            perm.push_back(dim);
        if (static_cast<int64_t>(perm.size()) != input->getRank() ||
            llvm::any_of(perm, [&](int64_t dim) {
              return dim < 0 || dim >= input->getRank();
            }))
          return std::nullopt;
        return transposeConstant(*input, perm);
      })
      .Case<onnx::ReduceSumOp>([&](auto op) -> Result {
        Result input = evaluate(op.getData());
        return input ? reduce(op, *input, *shape, 0, sum, total) : std::nullopt;
      })
      .Case<onnx::ReduceMeanOp>([&](auto op) -> Result {
        Result input = evaluate(op.getData());
        auto mean = [](double total, double count) { return total / count; };
        return input ? reduce(op, *input, *shape, 0, sum, mean) : std::nullopt;
      })
      .Case<onnx::ReduceL1Op>([&](auto op) -> Result {
        Result input = evaluate(op.getData());
        auto fold = [](double total, double x) { return total + std::fabs(x); };
        return input ? reduce(op, *input, *shape, 0, fold, total)
                     : std::nullopt;
      })
      .Case<onnx::ReduceMaxOp>([&](auto op) -> Result {
        Result input = evaluate(op.getData());
        auto fold = [](double m, double x) {
          return x > m || std::isnan(x) ? x : m;
        };
        return input ? reduce(op, *input, *shape, -kInfinity, fold, total)
                     : std::nullopt;
      })
      .Case<onnx::ReduceMinOp>([&](auto op) -> Result {
        Result input = evaluate(op.getData());
        auto fold = [](double m, double x) {
          return x < m || std::isnan(x) ? x : m;
        };
        return input ? reduce(op, *input, *shape, kInfinity, fold, total)
                     : std::nullopt;
      })
      .Default([&](Operation *op) { return computeElementwise(op); });
}
