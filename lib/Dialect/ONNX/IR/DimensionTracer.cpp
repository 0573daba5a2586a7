//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tracing a dynamic dimension back to the value whose dimension it is. Every
// rule says that two dimensions are equal in each run that does not fail; where
// operands broadcast, that takes proof that none of them is 1.
//
//===----------------------------------------------------------------------===//

#include "DimensionTracer.h"
#include "Inference.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace mlir::onnx;

/// The first dynamic dimension among the function's arguments with the symbol
/// of this one.
static ShapeElement getRepresentative(BlockArgument argument, int64_t index) {
  auto self = ShapeElement::dimension(argument, index);
  auto function =
      dyn_cast<FunctionOpInterface>(argument.getOwner()->getParentOp());
  if (!function || !argument.getOwner()->isEntryBlock())
    return self;
  auto getSymbol = [&](BlockArgument value, int64_t dim) -> StringRef {
    auto dims = dyn_cast_or_null<ArrayAttr>(
        function.getArgAttr(value.getArgNumber(), "onnx.dims"));
    if (!dims || dim >= static_cast<int64_t>(dims.size()))
      return "";
    auto symbol = dyn_cast<StringAttr>(dims[dim]);
    return symbol ? symbol.getValue() : StringRef();
  };
  StringRef symbol = getSymbol(argument, index);
  if (symbol.empty())
    return self;
  for (BlockArgument other : argument.getOwner()->getArguments()) {
    auto type = dyn_cast<RankedTensorType>(other.getType());
    if (!type)
      continue;
    for (int64_t d = 0, e = type.getRank(); d < e; ++d)
      if (type.isDynamicDim(d) && getSymbol(other, d) == symbol)
        return ShapeElement::dimension(other, d);
  }
  return self;
}

ShapeElement DimensionTracer::getDimension(Value tensor, int64_t index) {
  auto type = dyn_cast<RankedTensorType>(tensor.getType());
  if (!type || index < 0 || index >= type.getRank())
    return ShapeElement::unknown();
  if (!type.isDynamicDim(index))
    return ShapeElement::constant(type.getDimSize(index));
  if (auto argument = dyn_cast<BlockArgument>(tensor))
    return getRepresentative(argument, index);
  auto known = dimensions.find({tensor, index});
  if (known != dimensions.end())
    return known->second;
  ShapeElement result = ShapeElement::unknown();
  if (enter()) {
    result = trace(cast<OpResult>(tensor), index);
    leave();
  }
  // A number would have to be in the type; until it is, the dimension is
  // itself.
  if (!result.isDimension())
    result = ShapeElement::dimension(tensor, index);
  dimensions[{tensor, index}] = result;
  return result;
}

bool DimensionTracer::isClamped(ShapeElement part, ShapeElement whole) {
  if (!part.isDimension() || !whole.isDimension())
    return false;
  auto slice = part.getTensor().getDefiningOp<SliceOp>();
  std::optional<ArrayRef<int64_t>> shape =
      slice ? getShapeOf(slice.getData()) : std::nullopt;
  if (!shape || ShapedType::isDynamic((*shape)[part.getIndex()]))
    return false;
  std::optional<SmallVector<ShapeElement>> starts =
                                               getElements(slice.getStarts()),
                                           ends = getElements(slice.getEnds()),
                                           axes, steps;
  if (slice.getAxes())
    axes = getElements(slice.getAxes());
  if (slice.getSteps())
    steps = getElements(slice.getSteps());
  if (!starts || !ends || ends->size() != starts->size() ||
      (slice.getAxes() && (!axes || axes->size() != starts->size())) ||
      (slice.getSteps() && (!steps || steps->size() != starts->size())))
    return false;
  int64_t rank = shape->size();
  for (size_t i = 0; i < starts->size(); ++i) {
    int64_t axis = i;
    if (axes) {
      if (!(*axes)[i].isConstant())
        return false;
      axis = (*axes)[i].getConstant();
    }
    if ((axis < 0 ? axis + rank : axis) == part.getIndex())
      return (*starts)[i].isConstant(0) && (*ends)[i] == whole &&
             (!steps || (*steps)[i].isConstant(1));
  }
  return false;
}

ShapeElement DimensionTracer::traceBroadcast(ValueRange operands, int64_t rank,
                                             int64_t index) {
  ShapeElement result = ShapeElement::unknown();
  for (Value operand : operands) {
    std::optional<ArrayRef<int64_t>> shape = getShapeOf(operand);
    if (!shape)
      return ShapeElement::unknown();
    int64_t at = index - (rank - static_cast<int64_t>(shape->size()));
    if (at < 0 || (*shape)[at] == 1)
      continue;
    ShapeElement extent = getDimension(operand, at);
    // Beside n, the extent min(N, n) is n, or 1 and gives way, or an error.
    if (isClamped(extent, result))
      continue;
    // Two different dynamic extents: either may be 1 and give way.
    if (!result.isUnknown() && result != extent && !isClamped(result, extent))
      return ShapeElement::unknown();
    result = extent;
  }
  return result;
}

ShapeElement DimensionTracer::traceReshape(Operation *op, int64_t index) {
  auto reshape = cast<ReshapeOp>(op);
  std::optional<SmallVector<ShapeElement>> target =
      getElements(reshape.getShape());
  std::optional<ArrayRef<int64_t>> input = getShapeOf(reshape.getData());
  if (!target || !input || index >= static_cast<int64_t>(target->size()))
    return ShapeElement::unknown();
  bool copies = !reshape.getAllowzero();
  ShapeElement requested = (*target)[index];
  if (requested.isConstant(0) && copies)
    return getDimension(reshape.getData(), index);
  if (!requested.isConstant(-1))
    return requested;
  // The rest of the input without what the other requests take.
  SmallVector<ShapeElement> rest;
  for (int64_t d = 0, e = input->size(); d < e; ++d)
    rest.push_back(getDimension(reshape.getData(), d));
  int64_t available = 1, taken = 1;
  for (auto [d, element] : llvm::enumerate(*target)) {
    if (static_cast<int64_t>(d) == index)
      continue;
    ShapeElement extent = element.isConstant(0) && copies
                              ? getDimension(reshape.getData(), d)
                              : element;
    auto *match = llvm::find(rest, extent);
    if (match != rest.end())
      rest.erase(match);
    else if (!extent.isConstant() ||
             llvm::MulOverflow(taken, extent.getConstant(), taken))
      return ShapeElement::unknown();
  }
  ShapeElement result = ShapeElement::unknown();
  for (const ShapeElement &extent : rest) {
    if (extent.isConstant()) {
      if (llvm::MulOverflow(available, extent.getConstant(), available))
        return ShapeElement::unknown();
    } else if (!result.isUnknown()) {
      return ShapeElement::unknown();
    } else {
      result = extent;
    }
  }
  return available == taken && available != 0 ? result
                                              : ShapeElement::unknown();
}

/// Operators whose result has the shape of operand 0.
static bool keepsShape(Operation *op) {
  return isa<AbsOp, CeilOp, CosOp, ErfOp, ExpOp, FloorOp, GeluOp, IdentityOp,
             LogOp, NegOp, NotOp, ReciprocalOp, ReluOp, RoundOp, SigmoidOp,
             SignOp, SinOp, SqrtOp, TanhOp, CastOp, ClipOp, CumSumOp, SoftmaxOp,
             LayerNormalizationOp, RMSNormalizationOp, TriluOp,
             ScatterElementsOp, ScatterNDOp>(op);
}

/// Operators whose result has the broadcast shape of all operands.
static bool broadcasts(Operation *op) {
  return isa<AddOp, AndOp, DivOp, EqualOp, GreaterOp, GreaterOrEqualOp, LessOp,
             LessOrEqualOp, MaxOp, MinOp, MulOp, OrOp, PowOp, SubOp, XorOp,
             WhereOp>(op);
}

static bool reduces(Operation *op) {
  return isa<ReduceL1Op, ReduceL2Op, ReduceMaxOp, ReduceMeanOp, ReduceMinOp,
             ReduceProdOp, ReduceSumOp>(op);
}

ShapeElement DimensionTracer::trace(OpResult value, int64_t index) {
  Operation *op = value.getOwner();
  int64_t rank = cast<RankedTensorType>(value.getType()).getRank();
  if (op->getNumOperands() == 0)
    return ShapeElement::unknown();
  Value data = op->getOperand(0);
  std::optional<ArrayRef<int64_t>> shape = getShapeOf(data);
  if (!shape)
    return ShapeElement::unknown();
  int64_t dataRank = shape->size();
  auto isAxis = [&](int64_t axis, int64_t ofRank, int64_t dim) {
    return (axis < 0 ? axis + ofRank : axis) == dim;
  };
  auto contains = [&](ArrayRef<int64_t> axes, int64_t ofRank, int64_t dim) {
    return llvm::any_of(
        axes, [&](int64_t axis) { return isAxis(axis, ofRank, dim); });
  };

  if (keepsShape(op))
    return getDimension(data, index);
  if (broadcasts(op))
    return traceBroadcast(op->getOperands(), rank, index);
  if (reduces(op)) {
    if (rank == dataRank)
      return getDimension(data, index);
    auto axes = op->getAttrOfType<DenseI64ArrayAttr>("axes");
    if (!axes)
      return ShapeElement::unknown();
    for (int64_t d = 0, kept = 0; d < dataRank; ++d)
      if (!contains(axes.asArrayRef(), dataRank, d) && kept++ == index)
        return getDimension(data, d);
    return ShapeElement::unknown();
  }
  if (auto transpose = dyn_cast<TransposeOp>(op)) {
    std::optional<ArrayRef<int64_t>> perm = transpose.getPerm();
    return getDimension(data, perm ? (*perm)[index] : rank - 1 - index);
  }
  if (auto unsqueeze = dyn_cast<UnsqueezeOp>(op)) {
    int64_t from = 0;
    for (int64_t d = 0; d < index; ++d)
      from += !contains(unsqueeze.getAxes(), rank, d);
    return getDimension(data, from);
  }
  if (auto squeeze = dyn_cast<SqueezeOp>(op)) {
    if (!squeeze.getAxes())
      return ShapeElement::unknown();
    for (int64_t d = 0, kept = 0; d < dataRank; ++d)
      if (!contains(*squeeze.getAxes(), dataRank, d) && kept++ == index)
        return getDimension(data, d);
    return ShapeElement::unknown();
  }
  if (auto concat = dyn_cast<ConcatOp>(op))
    return isAxis(concat.getAxis(), rank, index) ? ShapeElement::unknown()
                                                 : getDimension(data, index);
  if (auto split = dyn_cast<SplitOp>(op))
    return isAxis(split.getAxis(), rank, index) ? ShapeElement::unknown()
                                                : getDimension(data, index);
  if (auto gather = dyn_cast<GatherOp>(op)) {
    std::optional<ArrayRef<int64_t>> indices = getShapeOf(gather.getIndices());
    if (!indices)
      return ShapeElement::unknown();
    int64_t count = indices->size();
    int64_t axis =
        gather.getAxis() < 0 ? gather.getAxis() + dataRank : gather.getAxis();
    if (index < axis)
      return getDimension(data, index);
    return index < axis + count
               ? getDimension(gather.getIndices(), index - axis)
               : getDimension(data, index - count + 1);
  }
  if (auto gather = dyn_cast<GatherNDOp>(op)) {
    std::optional<ArrayRef<int64_t>> indices = getShapeOf(gather.getIndices());
    if (indices && index + 1 < static_cast<int64_t>(indices->size()))
      return getDimension(gather.getIndices(), index);
    return ShapeElement::unknown();
  }
  if (isa<MatMulOp>(op)) {
    std::optional<ArrayRef<int64_t>> b = getShapeOf(op->getOperand(1));
    if (!b)
      return ShapeElement::unknown();
    bool hasColumn = b->size() > 1, hasRow = dataRank > 1;
    if (hasColumn && index == rank - 1)
      return getDimension(op->getOperand(1), b->size() - 1);
    if (hasRow && index == rank - 1 - hasColumn)
      return getDimension(data, dataRank - 2);
    // Batch dimensions, where both operands have matrices.
    if (hasRow && hasColumn)
      return traceBroadcast(op->getOperands().take_front(2), rank, index);
    return hasRow ? getDimension(data, index)
                  : getDimension(op->getOperand(1), index);
  }
  if (auto gemm = dyn_cast<GemmOp>(op))
    return index == 0 ? getDimension(gemm.getA(), gemm.getTransA() ? 1 : 0)
                      : getDimension(gemm.getB(), gemm.getTransB() ? 0 : 1);
  if (isa<AttentionOp>(op))
    return index + 1 < rank ? getDimension(data, index)
                            : ShapeElement::unknown();
  if (auto slice = dyn_cast<SliceOp>(op)) {
    std::optional<SmallVector<ShapeElement>> axes =
        slice.getAxes() ? getElements(slice.getAxes())
                        : getElements(slice.getStarts());
    if (!axes)
      return ShapeElement::unknown();
    for (auto [i, axis] : llvm::enumerate(*axes)) {
      if (slice.getAxes() && !axis.isConstant())
        return ShapeElement::unknown();
      if (isAxis(slice.getAxes() ? axis.getConstant() : i, rank, index))
        return ShapeElement::unknown();
    }
    return getDimension(data, index);
  }
  if (isa<ReshapeOp>(op))
    return traceReshape(op, index);
  if (auto expand = dyn_cast<ExpandOp>(op)) {
    std::optional<SmallVector<ShapeElement>> target =
        getElements(expand.getShape());
    if (!target)
      return ShapeElement::unknown();
    int64_t inputAt = index - (rank - dataRank);
    int64_t shapeAt = index - (rank - static_cast<int64_t>(target->size()));
    ShapeElement requested =
        shapeAt < 0 ? ShapeElement::constant(1) : (*target)[shapeAt];
    if (inputAt < 0 || (*shape)[inputAt] == 1)
      return requested;
    ShapeElement input = getDimension(data, inputAt);
    return requested.isConstant(1) || requested == input
               ? input
               : ShapeElement::unknown();
  }
  if (isa<ConstantOfShapeOp>(op)) {
    std::optional<SmallVector<ShapeElement>> target = getElements(data);
    return target && index < static_cast<int64_t>(target->size())
               ? (*target)[index]
               : ShapeElement::unknown();
  }
  if (auto range = dyn_cast<RangeOp>(op)) {
    std::optional<SmallVector<ShapeElement>> start = getElements(data),
                                             delta =
                                                 getElements(range.getDelta()),
                                             limit =
                                                 getElements(range.getLimit());
    if (start && delta && limit && start->size() == 1 && delta->size() == 1 &&
        limit->size() == 1 && start->front().isConstant(0) &&
        delta->front().isConstant(1))
      return limit->front();
  }
  return ShapeElement::unknown();
}
