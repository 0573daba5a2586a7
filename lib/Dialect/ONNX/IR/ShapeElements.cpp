//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The analysis of shape computations; see ShapeElements.h. Results are kept for
// the length of one query, and a query visits a bounded number of values, so
// that graphs with exponentially many paths cost no more than others.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Dialect/ONNX/IR/ShapeElements.h"
#include "DimensionTracer.h"
#include "Inference.h"
#include "lowbit/Constants/Constants.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::onnx;

/// Longest vector that is read.
static constexpr int64_t kMaxElements = 64;
/// Most values that one query visits, and the deepest chain that it follows.
static constexpr unsigned kMaxVisits = 1024;
static constexpr unsigned kMaxDepth = 128;

using Elements = SmallVector<ShapeElement>;

//===----------------------------------------------------------------------===//
// Arithmetic on elements
//===----------------------------------------------------------------------===//

/// `a op b` for two numbers that are known.
static ShapeElement computeConstants(Operation *op, int64_t a, int64_t b) {
  int64_t result = 0;
  bool valid =
      llvm::TypeSwitch<Operation *, bool>(op)
          .Case<AddOp>([&](auto) { return !llvm::AddOverflow(a, b, result); })
          .Case<SubOp>([&](auto) { return !llvm::SubOverflow(a, b, result); })
          .Case<MulOp>([&](auto) { return !llvm::MulOverflow(a, b, result); })
          .Case<DivOp>([&](auto) {
            if (b == 0 || (b == -1 && a == std::numeric_limits<int64_t>::min()))
              return false;
            result = a / b;
            return true;
          })
          .Case<MaxOp>([&](auto) { return result = std::max(a, b), true; })
          .Case<MinOp>([&](auto) { return result = std::min(a, b), true; })
          .Case<EqualOp>([&](auto) { return result = a == b, true; })
          .Case<GreaterOp>([&](auto) { return result = a > b, true; })
          .Case<GreaterOrEqualOp>([&](auto) { return result = a >= b, true; })
          .Case<LessOp>([&](auto) { return result = a < b, true; })
          .Case<LessOrEqualOp>([&](auto) { return result = a <= b, true; })
          .Case<AndOp>([&](auto) { return result = a && b, true; })
          .Case<OrOp>([&](auto) { return result = a || b, true; })
          .Case<XorOp>([&](auto) { return result = a != b, true; })
          .Default([](Operation *) { return false; });
  // A narrow type could have wrapped.
  if (valid && getElement(op->getResult(0)).isInteger(32) &&
      !llvm::isInt<32>(result))
    valid = false;
  return valid ? ShapeElement::constant(result) : ShapeElement::unknown();
}

/// `a op b` for a dimension beside anything: neutral operands, and that a
/// dimension is never negative.
static ShapeElement computeMixed(Operation *op, ShapeElement a,
                                 ShapeElement b) {
  if (isa<AddOp>(op) && a.isConstant(0))
    return b;
  if (isa<AddOp, SubOp>(op) && b.isConstant(0))
    return a;
  if (isa<MulOp>(op) && a.isConstant(1))
    return b;
  if (isa<MulOp, DivOp>(op) && b.isConstant(1))
    return a;
  if (isa<MulOp>(op) && (a.isConstant(0) || b.isConstant(0)))
    return ShapeElement::constant(0);
  if (isa<MaxOp, MinOp>(op) && a == b)
    return a;
  if (isa<EqualOp>(op) && a == b)
    return ShapeElement::constant(1);
  auto isNegative = [](ShapeElement element) {
    return element.isConstant() && element.getConstant() < 0;
  };
  bool below = isNegative(a) && b.isDimension();
  bool above = a.isDimension() && isNegative(b);
  if (!below && !above)
    return ShapeElement::unknown();
  if (isa<EqualOp>(op))
    return ShapeElement::constant(0);
  if (isa<GreaterOp, GreaterOrEqualOp>(op))
    return ShapeElement::constant(above);
  if (isa<LessOp, LessOrEqualOp>(op))
    return ShapeElement::constant(below);
  if (isa<MaxOp>(op))
    return above ? a : b;
  return ShapeElement::unknown();
}

static ShapeElement compute(Operation *op, ShapeElement a, ShapeElement b) {
  if (a.isConstant() && b.isConstant())
    return computeConstants(op, a.getConstant(), b.getConstant());
  return computeMixed(op, a, b);
}

//===----------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------===//

std::optional<Elements> DimensionTracer::getElements(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || type.getRank() > 1 || !type.hasStaticShape() ||
      type.getNumElements() > kMaxElements ||
      !isa<IntegerType>(type.getElementType()))
    return std::nullopt;
  auto known = elements.find(value);
  if (known != elements.end())
    return known->second;
  Elements result(type.getNumElements(), ShapeElement::unknown());
  if (value.getDefiningOp() && enter()) {
    Elements computed = compute(cast<OpResult>(value));
    leave();
    if (computed.size() == result.size())
      result = std::move(computed);
  }
  elements[value] = result;
  return result;
}

/// Elements `[start:end:step]` of the vector that a Slice cuts.
static Elements sliceElements(SliceOp slice, const Elements &data,
                              DimensionTracer &tracer) {
  auto readOne = [&](Value value, int64_t missing) -> std::optional<int64_t> {
    if (!value)
      return missing;
    std::optional<Elements> read = tracer.getElements(value);
    if (!read || read->size() != 1 || !read->front().isConstant())
      return std::nullopt;
    return read->front().getConstant();
  };
  std::optional<int64_t> start = readOne(slice.getStarts(), 0),
                         end = readOne(slice.getEnds(), 0),
                         step = readOne(slice.getSteps(), 1);
  if (!start || !end || !step || *step == 0)
    return {};
  int64_t extent = data.size();
  int64_t count = getSlicedExtent(
      extent, ShapeElement::constant(*start), ShapeElement::constant(*end),
      ShapeElement::constant(*step), ShapeElement::unknown());
  int64_t first = *start < 0 ? std::max<int64_t>(*start, -extent) + extent
                             : std::min(*start, extent);
  if (*step < 0)
    first = std::min(first, extent - 1);
  Elements result;
  for (int64_t i = 0; i < count; ++i)
    result.push_back(data[first + i * *step]);
  return result;
}

Elements DimensionTracer::compute(OpResult value) {
  Operation *op = value.getOwner();
  int64_t count = cast<RankedTensorType>(value.getType()).getNumElements();
  if (auto constant = dyn_cast<ConstantOp>(op)) {
    std::optional<std::vector<int64_t>> numbers =
        lowbit::getConstantInts(constant.getValue(), kMaxElements);
    return numbers ? llvm::map_to_vector(*numbers, ShapeElement::constant)
                   : Elements();
  }
  if (auto shape = dyn_cast<ShapeOp>(op)) {
    auto type = dyn_cast<RankedTensorType>(shape.getData().getType());
    if (!type)
      return {};
    auto [begin, end] = shape.getRange(type.getRank());
    return llvm::map_to_vector(llvm::seq(begin, end), [&](int64_t index) {
      return getDimension(shape.getData(), index);
    });
  }
  if (auto fill = dyn_cast<ConstantOfShapeOp>(op)) {
    std::optional<int64_t> number =
        fill.getValue() ? lowbit::getConstantScalarInt(*fill.getValue())
                        : std::nullopt;
    return number ? Elements(count, ShapeElement::constant(*number))
                  : Elements();
  }
  if (auto concat = dyn_cast<ConcatOp>(op)) {
    Elements result;
    for (Value input : concat.getInputs()) {
      std::optional<Elements> part = getElements(input);
      if (!part)
        return {};
      llvm::append_range(result, *part);
    }
    return result;
  }
  if (auto gather = dyn_cast<GatherOp>(op)) {
    std::optional<Elements> data = getElements(gather.getData()),
                            indices = getElements(gather.getIndices());
    if (!data || !indices || getShapeOf(gather.getData())->size() != 1)
      return {};
    int64_t size = data->size();
    return llvm::map_to_vector(*indices, [&](const ShapeElement &element) {
      if (!element.isConstant())
        return ShapeElement::unknown();
      int64_t index = element.getConstant();
      index = index < 0 ? index + size : index;
      return index >= 0 && index < size ? (*data)[index]
                                        : ShapeElement::unknown();
    });
  }
  if (op->getNumOperands() == 0)
    return {};

  // The rest computes element by element, or moves them without reordering.
  SmallVector<Elements> operands;
  unsigned used =
      isa<ReshapeOp, ExpandOp, SliceOp>(op) ? 1 : op->getNumOperands();
  for (Value operand : op->getOperands().take_front(used)) {
    std::optional<Elements> read = getElements(operand);
    if (!read || read->empty())
      return {};
    operands.push_back(*read);
  }
  if (isa<IdentityOp, UnsqueezeOp, SqueezeOp, ReshapeOp>(op))
    return operands[0];
  if (isa<ExpandOp>(op))
    return operands[0].size() == 1 ? Elements(count, operands[0][0])
                                   : operands[0];
  if (auto slice = dyn_cast<SliceOp>(op))
    return sliceElements(slice, operands[0], *this);
  if (auto split = dyn_cast<SplitOp>(op)) {
    int64_t first = 0;
    for (Value part : split.getResults().take_front(value.getResultNumber())) {
      auto type = dyn_cast<RankedTensorType>(part.getType());
      if (!type || !type.hasStaticShape())
        return {};
      first += type.getNumElements();
    }
    if (first + count > static_cast<int64_t>(operands[0].size()))
      return {};
    return Elements(ArrayRef(operands[0]).slice(first, count));
  }
  auto at = [&](unsigned operand, int64_t i) {
    const Elements &vector = operands[operand];
    if (vector.size() == 1)
      return vector[0];
    return i < static_cast<int64_t>(vector.size()) ? vector[i]
                                                   : ShapeElement::unknown();
  };
  auto forEach = [&](function_ref<ShapeElement(int64_t)> element) {
    return llvm::map_to_vector(llvm::seq<int64_t>(0, count), element);
  };
  if (isa<CastOp>(op)) {
    Type to = getElement(value);
    return forEach([&](int64_t i) {
      ShapeElement element = at(0, i);
      if (to.isSignlessInteger(64))
        return element;
      if (!element.isConstant())
        return ShapeElement::unknown();
      int64_t number = element.getConstant();
      if (to.isInteger(1))
        return ShapeElement::constant(number != 0);
      return to.isSignlessInteger(32) && llvm::isInt<32>(number)
                 ? element
                 : ShapeElement::unknown();
    });
  }
  if (isa<NotOp>(op))
    return forEach([&](int64_t i) {
      return at(0, i).isConstant()
                 ? ShapeElement::constant(at(0, i).isConstant(0))
                 : ShapeElement::unknown();
    });
  if (isa<WhereOp>(op))
    return forEach([&](int64_t i) {
      ShapeElement condition = at(0, i);
      if (condition.isConstant())
        return at(condition.isConstant(0) ? 2 : 1, i);
      return at(1, i) == at(2, i) ? at(1, i) : ShapeElement::unknown();
    });
  if (op->getNumOperands() == 2)
    return forEach(
        [&](int64_t i) { return ::compute(op, at(0, i), at(1, i)); });
  return {};
}

//===----------------------------------------------------------------------===//
// Interface
//===----------------------------------------------------------------------===//

bool DimensionTracer::enter() {
  if (visits >= kMaxVisits || depth >= kMaxDepth)
    return false;
  ++visits;
  ++depth;
  return true;
}

std::optional<SmallVector<ShapeElement>> onnx::getShapeElements(Value value) {
  return DimensionTracer().getElements(value);
}

ShapeElement onnx::getDimension(Value tensor, int64_t index) {
  return DimensionTracer().getDimension(tensor, index);
}
