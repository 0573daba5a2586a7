//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Movement of constant elements. An operator becomes a strided view of its
// operand, which is then copied; Gather, Concat and Trilu have loops of their
// own.
//
//===----------------------------------------------------------------------===//

#include "Evaluate.h"
#include "lowbit/Constants/Constants.h"
#include "lowbit/Dialect/ONNX/IR/ONNX.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::lowbit;

namespace {

/// Element `(i, j, ...)` is at `offset + i * strides[0] + j * strides[1] +
/// ...`.
struct View {
  int64_t offset = 0;
  SmallVector<int64_t> strides;
};

} // namespace

static SmallVector<int64_t> getStrides(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (int64_t d = static_cast<int64_t>(shape.size()) - 2; d >= 0; --d)
    strides[d] = strides[d + 1] * shape[d + 1];
  return strides;
}

/// Calls `visit` with the position in the view of every element of `shape`, in
/// row-major order.
static void forEachElement(ArrayRef<int64_t> shape, const View &view,
                           function_ref<void(int64_t)> visit) {
  if (llvm::is_contained(shape, 0))
    return;
  SmallVector<int64_t> index(shape.size(), 0);
  int64_t position = view.offset;
  while (true) {
    visit(position);
    int64_t d = static_cast<int64_t>(shape.size()) - 1;
    for (; d >= 0; --d) {
      position += view.strides[d];
      if (++index[d] < shape[d])
        break;
      position -= view.strides[d] * shape[d];
      index[d] = 0;
    }
    if (d < 0)
      return;
  }
}

/// Calls `use` with the elements of `attr` in their storage type.
template <typename UseT>
static ElementsAttr dispatch(ElementsAttr attr, UseT use) {
  if (auto elements = getConstantElements<float>(attr))
    return use(*elements);
  if (auto elements = getConstantElements<int64_t>(attr))
    return use(*elements);
  if (auto elements = getConstantElements<int32_t>(attr))
    return use(*elements);
  if (auto elements = getConstantElements<double>(attr))
    return use(*elements);
  if (auto elements = getConstantElements<int8_t>(attr))
    return use(*elements);
  if (auto elements = getConstantElements<uint8_t>(attr))
    return use(*elements);
  if (auto elements = getConstantElements<bool>(attr))
    return use(*elements);
  return nullptr;
}

/// Bools are kept as bytes while a result is built.
template <typename T>
using StoredAs = std::conditional_t<std::is_same_v<T, bool>, uint8_t, T>;

static ElementsAttr copyView(ElementsAttr attr, RankedTensorType type,
                             const View &view) {
  return dispatch(attr, [&](const auto &elements) {
    using T = typename std::decay_t<decltype(elements)>::value_type;
    std::vector<StoredAs<T>> values;
    values.reserve(type.getNumElements());
    forEachElement(type.getShape(), view, [&](int64_t position) {
      values.push_back(elements[position]);
    });
    return makeConstant(type, std::move(values));
  });
}

static ElementsAttr evaluateGather(onnx::GatherOp op, RankedTensorType type,
                                   ArrayRef<ElementsAttr> operands) {
  std::optional<std::vector<int64_t>> indices = getConstantInts(operands[1]);
  ShapedType dataType = operands[0].getShapedType();
  ArrayRef<int64_t> shape = dataType.getShape();
  int64_t rank = shape.size();
  int64_t axis = op.getAxis() < 0 ? op.getAxis() + rank : op.getAxis();
  if (!indices || axis < 0 || axis >= rank)
    return nullptr;
  for (int64_t &index : *indices) {
    index = index < 0 ? index + shape[axis] : index;
    // An index out of range is a failure of the run, not of compilation.
    if (index < 0 || index >= shape[axis])
      return nullptr;
  }
  int64_t outer = ShapedType::getNumElements(shape.take_front(axis));
  int64_t inner = ShapedType::getNumElements(shape.drop_front(axis + 1));
  return dispatch(operands[0], [&](const auto &elements) {
    using T = typename std::decay_t<decltype(elements)>::value_type;
    std::vector<StoredAs<T>> values;
    values.reserve(type.getNumElements());
    for (int64_t o = 0; o < outer; ++o)
      for (int64_t index : *indices)
        for (int64_t i = 0; i < inner; ++i)
          values.push_back(elements[(o * shape[axis] + index) * inner + i]);
    return makeConstant(type, std::move(values));
  });
}

static ElementsAttr evaluateConcat(onnx::ConcatOp op, RankedTensorType type,
                                   ArrayRef<ElementsAttr> operands) {
  int64_t rank = type.getRank();
  int64_t axis = op.getAxis() < 0 ? op.getAxis() + rank : op.getAxis();
  if (axis < 0 || axis >= rank)
    return nullptr;
  ArrayRef<int64_t> shape = type.getShape();
  int64_t inner = ShapedType::getNumElements(shape.drop_front(axis + 1));
  int64_t row = shape[axis] * inner;
  int64_t outer = ShapedType::getNumElements(shape.take_front(axis));
  return dispatch(operands[0], [&](const auto &first) -> ElementsAttr {
    using T = typename std::decay_t<decltype(first)>::value_type;
    std::vector<StoredAs<T>> values(type.getNumElements());
    int64_t column = 0;
    for (ElementsAttr operand : operands) {
      auto elements = getConstantElements<T>(operand);
      if (!elements)
        return nullptr;
      int64_t part = operand.getShapedType().getDimSize(axis) * inner;
      for (int64_t o = 0; o < outer; ++o)
        for (int64_t i = 0; i < part; ++i)
          values[o * row + column + i] = (*elements)[o * part + i];
      column += part;
    }
    return makeConstant(type, std::move(values));
  });
}

static ElementsAttr evaluateTrilu(onnx::TriluOp op, RankedTensorType type,
                                  ArrayRef<ElementsAttr> operands) {
  std::optional<int64_t> diagonal = operands.size() > 1
                                        ? getConstantScalarInt(operands[1])
                                        : std::optional<int64_t>(0);
  if (!diagonal)
    return nullptr;
  int64_t columns = type.getShape().back();
  int64_t rows = type.getShape()[type.getRank() - 2];
  bool upper = op.getUpper() != 0;
  return dispatch(operands[0], [&](const auto &elements) {
    using T = typename std::decay_t<decltype(elements)>::value_type;
    std::vector<StoredAs<T>> values(type.getNumElements());
    for (int64_t i = 0, e = values.size(); i < e; ++i) {
      int64_t column = i % columns, row = i / columns % rows;
      bool keep = upper ? column - row >= *diagonal : column - row <= *diagonal;
      if (keep)
        values[i] = elements[i];
    }
    return makeConstant(type, std::move(values));
  });
}

/// The view that Slice takes of its operand.
static std::optional<View> getSliceView(onnx::SliceOp op, RankedTensorType type,
                                        ArrayRef<ElementsAttr> operands) {
  ShapedType dataType = operands[0].getShapedType();
  ArrayRef<int64_t> shape = dataType.getShape();
  View view{0, getStrides(shape)};
  int64_t rank = shape.size();
  unsigned next = 3;
  std::optional<std::vector<int64_t>> starts = getConstantInts(operands[1], 64);
  std::optional<std::vector<int64_t>> axes, steps;
  if (op.getAxes() && !(axes = getConstantInts(operands[next++], 64)))
    return std::nullopt;
  if (op.getSteps() && !(steps = getConstantInts(operands[next], 64)))
    return std::nullopt;
  if (!starts)
    return std::nullopt;
  for (auto [i, start] : llvm::enumerate(*starts)) {
    int64_t axis = axes ? (*axes)[i] : i;
    axis = axis < 0 ? axis + rank : axis;
    int64_t step = steps ? (*steps)[i] : 1;
    if (type.getDimSize(axis) == 0)
      continue;
    int64_t extent = shape[axis];
    int64_t first = start < 0 ? std::max<int64_t>(start, -extent) + extent
                              : std::min(start, extent - 1);
    view.offset += first * view.strides[axis];
    // A stride beyond the extent reaches one element only.
    view.strides[axis] =
        type.getDimSize(axis) == 1 ? 0 : view.strides[axis] * step;
  }
  return view;
}

ElementsAttr lowbit::evaluateMovement(Operation *op,
                                      ArrayRef<ElementsAttr> operands) {
  auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  if (!type || !type.hasStaticShape() || op->getNumResults() != 1)
    return nullptr;
  if (auto fill = dyn_cast<onnx::ConstantOfShapeOp>(op)) {
    if (!fill.getValue())
      return DenseElementsAttr::get(type, 0.0f);
    auto value = dyn_cast<DenseElementsAttr>(*fill.getValue());
    return value ? value.resizeSplat(type) : nullptr;
  }
  if (operands.empty())
    return nullptr;
  ShapedType dataType = operands[0].getShapedType();
  ArrayRef<int64_t> shape = dataType.getShape();
  return llvm::TypeSwitch<Operation *, ElementsAttr>(op)
      .Case<onnx::ReshapeOp, onnx::SqueezeOp, onnx::UnsqueezeOp,
            onnx::FlattenOp>(
          [&](auto) { return reshapeConstant(operands[0], type); })
      .Case([&](onnx::TransposeOp transpose) {
        SmallVector<int64_t> strides = getStrides(shape);
        View view{0, SmallVector<int64_t>(llvm::reverse(strides))};
        if (std::optional<ArrayRef<int64_t>> perm = transpose.getPerm())
          for (auto [d, axis] : llvm::enumerate(*perm))
            view.strides[d] = strides[axis];
        return copyView(operands[0], type, view);
      })
      .Case([&](onnx::ExpandOp) -> ElementsAttr {
        if (auto dense = dyn_cast<DenseElementsAttr>(operands[0]))
          if (dense.isSplat())
            return dense.resizeSplat(type);
        SmallVector<int64_t> strides = getStrides(shape);
        View view{0, SmallVector<int64_t>(type.getRank(), 0)};
        size_t offset = type.getRank() - shape.size();
        for (auto [d, extent] : llvm::enumerate(shape))
          if (extent != 1)
            view.strides[offset + d] = strides[d];
        return copyView(operands[0], type, view);
      })
      .Case([&](onnx::SliceOp slice) -> ElementsAttr {
        std::optional<View> view = getSliceView(slice, type, operands);
        return view ? copyView(operands[0], type, *view) : nullptr;
      })
      .Case([&](onnx::GatherOp gather) {
        return evaluateGather(gather, type, operands);
      })
      .Case([&](onnx::ConcatOp concat) {
        return evaluateConcat(concat, type, operands);
      })
      .Case([&](onnx::TriluOp trilu) {
        return evaluateTrilu(trilu, type, operands);
      })
      .Default([](Operation *) { return nullptr; });
}
