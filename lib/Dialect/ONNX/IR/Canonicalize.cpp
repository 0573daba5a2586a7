//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Folds and canonicalizations: operators that return an operand unchanged, and
// movements that compose. All are exact, also for NaN, infinities and signed
// zeros. Constants are evaluated by the pass onnx-fold-constants instead, which
// has a budget.
//
//===----------------------------------------------------------------------===//

#include "Inference.h"
#include "lowbit/Constants/Constants.h"
#include "mlir/IR/PatternMatch.h"
#include <cmath>

using namespace mlir;
using namespace mlir::onnx;

/// `value` in place of the result of `op`, if it has the same type.
static OpFoldResult forward(Operation *op, Value value) {
  return value.getType() == op->getResult(0).getType() ? OpFoldResult(value)
                                                       : OpFoldResult();
}

/// Whether every element of the constant `value` is the number `expected`, with
/// the same sign.
static bool isUniform(Value value, int64_t expected) {
  if (std::optional<int64_t> number = lowbit::getConstantScalarInt(value))
    return *number == expected;
  std::optional<double> number = lowbit::getConstantScalarFloat(value);
  return number && *number == static_cast<double>(expected) &&
         !std::signbit(*number);
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

OpFoldResult IdentityOp::fold(FoldAdaptor) { return forward(*this, getX()); }

OpFoldResult CastOp::fold(FoldAdaptor) { return forward(*this, getInput()); }

OpFoldResult NotOp::fold(FoldAdaptor) {
  auto inner = getX().getDefiningOp<NotOp>();
  return inner ? forward(*this, inner.getX()) : OpFoldResult();
}

OpFoldResult MulOp::fold(FoldAdaptor) {
  if (isUniform(getB(), 1))
    return forward(*this, getA());
  return isUniform(getA(), 1) ? forward(*this, getB()) : OpFoldResult();
}

OpFoldResult DivOp::fold(FoldAdaptor) {
  return isUniform(getB(), 1) ? forward(*this, getA()) : OpFoldResult();
}

OpFoldResult SubOp::fold(FoldAdaptor) {
  return isUniform(getB(), 0) ? forward(*this, getA()) : OpFoldResult();
}

OpFoldResult AndOp::fold(FoldAdaptor) {
  if (isUniform(getB(), 1))
    return forward(*this, getA());
  return isUniform(getA(), 1) ? forward(*this, getB()) : OpFoldResult();
}

OpFoldResult OrOp::fold(FoldAdaptor) {
  if (isUniform(getB(), 0))
    return forward(*this, getA());
  return isUniform(getA(), 0) ? forward(*this, getB()) : OpFoldResult();
}

OpFoldResult WhereOp::fold(FoldAdaptor) {
  std::optional<int64_t> condition =
      lowbit::getConstantScalarInt(getCondition());
  return condition ? forward(*this, *condition ? getX() : getY())
                   : OpFoldResult();
}

//===----------------------------------------------------------------------===//
// Movement
//===----------------------------------------------------------------------===//

OpFoldResult ConcatOp::fold(FoldAdaptor) {
  return getInputs().size() == 1 ? forward(*this, getInputs().front())
                                 : OpFoldResult();
}

OpFoldResult ExpandOp::fold(FoldAdaptor) {
  auto type = dyn_cast<RankedTensorType>(getOutput().getType());
  return type && type.hasStaticShape() ? forward(*this, getInput())
                                       : OpFoldResult();
}

OpFoldResult PadOp::fold(FoldAdaptor) {
  return isUniform(getPads(), 0) ? forward(*this, getData()) : OpFoldResult();
}

OpFoldResult SliceOp::fold(FoldAdaptor) {
  auto type = dyn_cast<RankedTensorType>(getOutput().getType());
  if (!type || (getSteps() && !isUniform(getSteps(), 1)))
    return {};
  // Equal static extents leave no room for another start.
  bool whole = type.hasStaticShape() ||
               (isUniform(getStarts(), 0) &&
                isUniform(getEnds(), std::numeric_limits<int64_t>::max()));
  return whole ? forward(*this, getData()) : OpFoldResult();
}

/// Axes in [0, rank), sorted.
static SmallVector<int64_t> normalize(ArrayRef<int64_t> axes, int64_t rank) {
  SmallVector<int64_t> result;
  for (int64_t axis : axes)
    result.push_back(axis < 0 ? axis + rank : axis);
  llvm::sort(result);
  return result;
}

OpFoldResult SqueezeOp::fold(FoldAdaptor) {
  auto inner = getData().getDefiningOp<UnsqueezeOp>();
  auto type = dyn_cast<RankedTensorType>(getData().getType());
  if (!inner || !type || !getAxes() ||
      normalize(*getAxes(), type.getRank()) !=
          normalize(inner.getAxes(), type.getRank()))
    return {};
  return forward(*this, inner.getData());
}

OpFoldResult UnsqueezeOp::fold(FoldAdaptor) {
  auto inner = getData().getDefiningOp<SqueezeOp>();
  auto type = dyn_cast<RankedTensorType>(getExpanded().getType());
  if (!inner || !type || !inner.getAxes() ||
      normalize(getAxes(), type.getRank()) !=
          normalize(*inner.getAxes(), type.getRank()))
    return {};
  return forward(*this, inner.getData());
}

OpFoldResult TransposeOp::fold(FoldAdaptor) {
  auto type = dyn_cast<RankedTensorType>(getData().getType());
  if (!type || (!getPerm() && type.getRank() > 1))
    return {};
  if (getPerm())
    for (auto [d, axis] : llvm::enumerate(*getPerm()))
      if (axis != static_cast<int64_t>(d))
        return {};
  return forward(*this, getData());
}

namespace {

/// Transpose(Transpose(x, p), q) = Transpose(x, p[q]).
struct ComposeTransposes : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TransposeOp op,
                                PatternRewriter &rewriter) const override {
    auto inner = op.getData().getDefiningOp<TransposeOp>();
    if (!inner || !inner.getPerm() || !op.getPerm())
      return rewriter.notifyMatchFailure(op, "no permutations to compose");
    ArrayRef<int64_t> outerPerm = *op.getPerm(), innerPerm = *inner.getPerm();
    SmallVector<int64_t> perm;
    for (int64_t axis : outerPerm)
      perm.push_back(innerPerm[axis]);
    rewriter.replaceOpWithNewOp<TransposeOp>(
        op, op.getTransposed().getType(), inner.getData(),
        rewriter.getDenseI64ArrayAttr(perm));
    return success();
  }
};

/// Reshape(Reshape(x, s), t) = Reshape(x, t) where t copies only dimensions
/// that x has in the same place.
struct ComposeReshapes : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReshapeOp op,
                                PatternRewriter &rewriter) const override {
    auto inner = op.getData().getDefiningOp<ReshapeOp>();
    if (!inner)
      return rewriter.notifyMatchFailure(op, "operand is not a reshape");
    std::optional<SmallVector<ShapeElement>> target =
        getShapeElements(op.getShape());
    if (!target)
      return rewriter.notifyMatchFailure(op, "unknown number of dimensions");
    if (!op.getAllowzero())
      for (auto [d, element] : llvm::enumerate(*target))
        if (element.isUnknown() ||
            (element.isConstant(0) &&
             getDimension(inner.getData(), d) != getDimension(op.getData(), d)))
          return rewriter.notifyMatchFailure(op, "copies another dimension");
    rewriter.modifyOpInPlace(
        op, [&] { op.getDataMutable().assign(inner.getData()); });
    return success();
  }
};

} // namespace

void TransposeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *context) {
  patterns.add<ComposeTransposes>(context);
}

void ReshapeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                            MLIRContext *context) {
  patterns.add<ComposeReshapes>(context);
}

OpFoldResult ReshapeOp::fold(FoldAdaptor) {
  auto type = dyn_cast<RankedTensorType>(getReshaped().getType());
  if (!type || type != getData().getType())
    return {};
  if (type.hasStaticShape() || type.getRank() == 1)
    return getData();
  // When all extents but an inferred one are kept, that one is kept too, unless
  // a dimension may be 0 and leave it undetermined.
  std::optional<SmallVector<ShapeElement>> target =
      getShapeElements(getShape());
  if (!target || static_cast<int64_t>(target->size()) != type.getRank())
    return {};
  bool dynamicKept = false, inferred = false;
  for (auto [d, element] : llvm::enumerate(*target)) {
    bool copied = element.isConstant(0) && !getAllowzero();
    if (element.isConstant(-1))
      inferred = true;
    else if (!copied && element != getDimension(getData(), d))
      return {};
    else
      dynamicKept |= type.getDimSize(d) == 0 || type.isDynamicDim(d);
  }
  return inferred && dynamicKept ? OpFoldResult() : OpFoldResult(getData());
}
