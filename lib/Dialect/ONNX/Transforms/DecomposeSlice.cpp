//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A Slice that starts where an input says, as a step of a decoder reads its row
// of a table: `x[s : s + c]`. By its own rules its extent depends on s, because
// the end of the tensor cuts it off. As `Gather(x, s + [0, ..., c - 1])` it has
// c elements always, and a start that leaves too few stops the run.
//
//===----------------------------------------------------------------------===//

#include "Decompose.h"
#include "OperatorBuilder.h"
#include "lowbit/Constants/Constants.h"
#include "lowbit/Dialect/ONNX/IR/ShapeElements.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

using namespace mlir;
using namespace mlir::lowbit;
using onnx::ShapeElement;

namespace {

/// More elements are not gathered.
constexpr int64_t kMaxLength = 65536;
/// Longer computations of a position are not followed.
constexpr unsigned kMaxOperators = 64;

int64_t getNumElements(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.hasStaticShape() ? type.getNumElements()
                                       : ShapedType::kDynamic;
}

/// An element of an integer tensor as an element of `base` plus a number.
class Position {
public:
  Position(Value vector, int64_t index) : base(vector), index(index) {
    for (unsigned i = 0; i < kMaxOperators && step(); ++i)
      ;
  }

  Value getBase() const { return base; }
  /// `end - this`, when both have one base.
  std::optional<int64_t> getLengthTo(const Position &end) const {
    int64_t length = 0;
    if (base != end.base || index != end.index ||
        llvm::SubOverflow(end.offset, offset, length))
      return std::nullopt;
    return length;
  }

private:
  /// Goes on to an operand of what makes the base; false at the end.
  bool step();
  bool stepConcat(onnx::ConcatOp op);
  bool stepSum(Value a, Value b, int64_t sign);
  bool moveTo(Value value, int64_t at) {
    base = value;
    index = at;
    return true;
  }

  Value base;
  int64_t index;
  int64_t offset = 0;
};

bool Position::stepConcat(onnx::ConcatOp op) {
  int64_t at = index;
  for (Value part : op.getInputs()) {
    auto type = dyn_cast<RankedTensorType>(part.getType());
    if (!type || !type.hasStaticShape() || type.getRank() != 1)
      return false;
    if (at < type.getNumElements())
      return moveTo(part, at);
    at -= type.getNumElements();
  }
  return false;
}

bool Position::stepSum(Value a, Value b, int64_t sign) {
  ElementsAttr attr = getConstantAttr(b);
  std::optional<std::vector<int64_t>> numbers =
      attr ? getConstantInts(attr, kMaxOperators) : std::nullopt;
  int64_t count = getNumElements(base);
  if (!numbers || numbers->empty() || getNumElements(a) != count ||
      (numbers->size() != 1 && static_cast<int64_t>(numbers->size()) != count))
    return false;
  int64_t number = numbers->size() == 1 ? numbers->front() : (*numbers)[index];
  int64_t sum = 0;
  if (sign > 0 ? llvm::AddOverflow(offset, number, sum)
               : llvm::SubOverflow(offset, number, sum))
    return false;
  offset = sum;
  return moveTo(a, index);
}

bool Position::step() {
  Operation *op = base.getDefiningOp();
  if (!op)
    return false;
  if (auto concat = dyn_cast<onnx::ConcatOp>(op))
    return stepConcat(concat);
  if (auto add = dyn_cast<onnx::AddOp>(op))
    return stepSum(add.getA(), add.getB(), 1) ||
           stepSum(add.getB(), add.getA(), 1);
  if (auto sub = dyn_cast<onnx::SubOp>(op))
    return stepSum(sub.getA(), sub.getB(), -1);
  if (auto cast = dyn_cast<onnx::CastOp>(op)) {
    auto from = dyn_cast<IntegerType>(getElementTypeOrSelf(cast.getInput()));
    auto to = dyn_cast<IntegerType>(getElementTypeOrSelf(cast.getOutput()));
    bool widens =
        from && to && from.getWidth() <= to.getWidth() && from.getWidth() > 1;
    return widens && moveTo(cast.getInput(), index);
  }
  if (auto slice = dyn_cast<onnx::SliceOp>(op)) {
    std::optional<int64_t> start = getConstantScalarInt(slice.getStarts());
    int64_t count = getNumElements(slice.getData());
    auto type = dyn_cast<RankedTensorType>(slice.getData().getType());
    bool isPlain =
        type && type.getRank() == 1 && start && *start >= 0 &&
        (!slice.getSteps() || getConstantScalarInt(slice.getSteps()) == 1);
    return isPlain && *start + index < count &&
           moveTo(slice.getData(), *start + index);
  }
  // One element, however it is arranged.
  return isa<onnx::ReshapeOp, onnx::SqueezeOp, onnx::UnsqueezeOp,
             onnx::ExpandOp, onnx::IdentityOp>(op) &&
         getNumElements(op->getOperand(0)) == 1 && moveTo(op->getOperand(0), 0);
}

/// Whether `value` depends on elements of the model's inputs, not on their
/// shapes alone.
bool dependsOnElements(Value value) {
  llvm::SmallSetVector<Operation *, 16> seen;
  SmallVector<Value> rest{value};
  while (!rest.empty()) {
    Value next = rest.pop_back_val();
    Operation *op = next.getDefiningOp();
    if (!op)
      return true;
    if (isa<onnx::ShapeOp, onnx::SizeOp>(op) || !seen.insert(op))
      continue;
    if (seen.size() > kMaxOperators)
      return false;
    llvm::append_range(rest, op->getOperands());
  }
  return false;
}

class SliceBuilder : public OperatorBuilder {
public:
  SliceBuilder(onnx::SliceOp op)
      : OperatorBuilder(
            op, cast<TensorType>(op.getData().getType()).getElementType()),
        op(op) {}

  /// Finds what is gathered; false when that is nothing.
  bool match();
  /// The result, null after a diagnostic.
  Value build();

private:
  /// The elements of `vector` at `indices`.
  Value pick(Value vector, ArrayRef<int64_t> indices) {
    return makeTyped<onnx::GatherOp>(getElementTypeOrSelf(vector), vector,
                                     makeInts(indices),
                                     builder.getI64IntegerAttr(0));
  }
  /// `start + [0, ..., length - 1]`.
  Value makeIndices(int64_t entry, int64_t length);

  onnx::SliceOp op;
  std::vector<int64_t> axes;
  /// Entries of `axes` to gather along, with how many elements; the others.
  SmallVector<std::pair<int64_t, int64_t>> gathered;
  SmallVector<int64_t> sliced;
};

} // namespace

bool SliceBuilder::match() {
  auto type = dyn_cast<RankedTensorType>(op.getData().getType());
  std::optional<SmallVector<ShapeElement>> starts =
      onnx::getShapeElements(op.getStarts());
  std::optional<SmallVector<ShapeElement>> ends =
      onnx::getShapeElements(op.getEnds());
  if (!type || !starts || !ends || starts->size() != ends->size())
    return false;
  axes.resize(starts->size());
  std::iota(axes.begin(), axes.end(), 0);
  std::vector<int64_t> steps(starts->size(), 1);
  for (auto [operand, values] :
       {std::pair(op.getAxes(), &axes), std::pair(op.getSteps(), &steps)}) {
    if (!operand)
      continue;
    ElementsAttr attr = getConstantAttr(operand);
    auto numbers = attr ? getConstantInts(attr, kMaxOperators) : std::nullopt;
    if (!numbers || numbers->size() != starts->size())
      return false;
    *values = std::move(*numbers);
  }
  for (auto [entry, start, end] : llvm::enumerate(*starts, *ends)) {
    auto at = static_cast<int64_t>(entry);
    std::optional<int64_t> length;
    if (start.isUnknown() && end.isUnknown() && steps[entry] == 1) {
      Position from(op.getStarts(), at);
      if (dependsOnElements(from.getBase()))
        length = from.getLengthTo(Position(op.getEnds(), at));
    }
    if (length && *length > 0 && *length <= kMaxLength)
      gathered.emplace_back(at, *length);
    else
      sliced.push_back(at);
  }
  return !gathered.empty();
}

Value SliceBuilder::makeIndices(int64_t entry, int64_t length) {
  Value start = pick(op.getStarts(), {entry});
  if (length == 1)
    return start;
  Type i64 = builder.getI64Type();
  if (getElementTypeOrSelf(start) != i64)
    start = makeTyped<onnx::CastOp>(i64, start);
  SmallVector<int64_t> steps(length);
  std::iota(steps.begin(), steps.end(), 0);
  return makeTyped<onnx::AddOp>(i64, start, makeInts(steps));
}

Value SliceBuilder::build() {
  Value result = op.getData();
  if (!sliced.empty()) {
    SmallVector<int64_t> slicedAxes;
    for (int64_t entry : sliced)
      slicedAxes.push_back(axes[entry]);
    Value starts = pick(op.getStarts(), sliced),
          ends = pick(op.getEnds(), sliced);
    Value steps = op.getSteps() ? pick(op.getSteps(), sliced) : Value();
    result =
        make<onnx::SliceOp>(result, starts, ends, makeInts(slicedAxes), steps);
  }
  for (auto [entry, length] : gathered)
    result = make<onnx::GatherOp>(result, makeIndices(entry, length),
                                  builder.getI64IntegerAttr(axes[entry]));
  return isValid() ? result : Value();
}

LogicalResult lowbit::decomposeSlice(onnx::SliceOp op) {
  SliceBuilder slice(op);
  if (!slice.match())
    return success();
  Value result = slice.build();
  if (!result)
    return failure();
  op.getOutput().replaceAllUsesWith(result);
  op.erase();
  return success();
}
