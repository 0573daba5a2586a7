//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The minimum of a whole result before the result: see the pass's description.
//
// Behind a ReLU no number of column c is less than the shift of c. The least
// shift is therefore the minimum as soon as one number of its column is zero
// before the shift, which one panel of the product tells. NaN, which would be
// the minimum instead, cannot come of finite constants.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Constants/Constants.h"
#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "lowbit/Dialect/Lowbit/IR/ReportMarks.h"
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/RegionUtils.h"
#include <cmath>

namespace mlir::lowbit {
#define GEN_PASS_DEF_LOWBITPROBEMINIMUM
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

/// Rows that are looked at first.
static constexpr int64_t kFirstRows = 32;
/// Codes of more bits are packed faster from numbers than in an epilogue.
static constexpr unsigned kMostPlanes = 4;

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

static bool isZero(Value value) {
  auto constant = value.getDefiningOp<arith::ConstantOp>();
  auto attr = constant ? dyn_cast<FloatAttr>(constant.getValue()) : FloatAttr();
  return attr && attr.getValue().isZero();
}

namespace {

/// Bounds of the absolute values in an epilogue of sums, products and
/// constants.
class Magnitudes {
public:
  /// Whether the value that `body` yields is finite for all sums of 32 bits.
  /// `operands` are the constants behind the arguments but the first.
  static bool areFinite(Block &body, OperandRange operands, Value result) {
    Magnitudes bounds;
    bounds.of[body.getArgument(0)] = 0x1p31;
    for (auto [argument, operand] :
         llvm::zip_equal(body.getArguments().drop_front(), operands)) {
      std::optional<ConstantElements<float>> values =
          getConstantElements<float>(operand);
      if (!values)
        return false;
      double bound = 0;
      for (int64_t i = 0; i < values->size(); ++i) {
        if (!std::isfinite((*values)[i]))
          return false;
        bound = std::max<double>(bound, std::fabs((*values)[i]));
      }
      bounds.of[argument] = bound;
    }
    std::optional<double> bound = bounds.get(result);
    return bound && *bound < 0x1p120;
  }

private:
  std::optional<double> get(Value value) {
    if (auto known = of.find(value); known != of.end())
      return known->second;
    Operation *op = value.getDefiningOp();
    FloatAttr constant;
    if (matchPattern(value, m_Constant(&constant))) {
      double magnitude = std::fabs(constant.getValueAsDouble());
      return std::isfinite(magnitude) ? std::optional(magnitude) : std::nullopt;
    }
    if (!op || !isa<arith::SIToFPOp, arith::AddFOp, arith::SubFOp,
                    arith::MulFOp, arith::MaximumFOp>(op))
      return std::nullopt;
    double sum = 0, product = 1;
    for (Value operand : op->getOperands()) {
      std::optional<double> bound = get(operand);
      if (!bound)
        return std::nullopt;
      sum += *bound;
      product *= *bound;
    }
    double bound = isa<arith::MulFOp>(op) ? product : sum;
    // Every number on the way must be finite.
    return bound < 0x1p120 ? std::optional(bound) : std::nullopt;
  }

  llvm::DenseMap<Value, double> of;
};

/// The minimum of a product behind a ReLU, with a constant shift for each
/// column.
struct Probe {
  PackedMatmulOp product;
  linalg::GenericOp minimum;
  Value shift;
  /// The least shift, the first column that has it and its panel.
  float least;
  int64_t panel;
};

} // namespace

/// Whether the product ends with max(x, 0), finite.
static bool isRectified(PackedMatmulOp product) {
  Block &body = product.getBody().front();
  auto rectified =
      body.getTerminator()->getOperand(0).getDefiningOp<arith::MaximumFOp>();
  return rectified &&
         (isZero(rectified.getLhs()) || isZero(rectified.getRhs())) &&
         Magnitudes::areFinite(body, product.getEpilogue(),
                               rectified.getResult());
}

/// Whether `op` is the minimum of its first input plus its second, which
/// has one number for each column, over all dimensions.
static bool isMinimumOfShifted(linalg::GenericOp op) {
  int64_t rank = op.getNumLoops();
  if (op.getNumReductionLoops() != rank || op.getNumDpsInputs() != 2 ||
      op.getNumDpsInits() != 1 || typeOf(op.getDpsInits()[0]).getRank() != 0)
    return false;
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  if (!maps[0].isIdentity() || maps[1].getNumResults() != 1 ||
      maps[1].getResult(0) != getAffineDimExpr(rank - 1, op.getContext()))
    return false;
  Block *body = op.getBody();
  auto minimum =
      body->getTerminator()->getOperand(0).getDefiningOp<arith::MinimumFOp>();
  if (!minimum)
    return false;
  Value other = body->getArgument(2), added = minimum.getLhs();
  if (added == other)
    added = minimum.getRhs();
  else if (minimum.getRhs() != other)
    return false;
  auto shifted = added.getDefiningOp<arith::AddFOp>();
  Value x = body->getArgument(0), shift = body->getArgument(1);
  return shifted && ((shifted.getLhs() == x && shifted.getRhs() == shift) ||
                     (shifted.getLhs() == shift && shifted.getRhs() == x));
}

/// What `quantize` reads, where its offset can be probed.
static std::optional<Probe> findProbe(QuantizePackOp quantize) {
  if (!quantize.getOffset() || quantize.hasInputBody() ||
      quantize.getPermutation() ||
      quantize.getGranularity() != Granularity::tensor ||
      quantize.getPacking().getOrder() != Order::rows ||
      quantize.getPacking().getPlanes() > kMostPlanes)
    return std::nullopt;
  auto minimum = quantize.getOffset().getDefiningOp<linalg::GenericOp>();
  auto product = quantize.getInput().getDefiningOp<PackedMatmulOp>();
  if (!minimum || !product || product.getResultPacking() ||
      !isMinimumOfShifted(minimum) ||
      minimum.getDpsInputs()[0] != quantize.getInput() ||
      !llvm::hasNItems(quantize.getInput().getUses(), 2) ||
      product.getDynamicColumns() || product.getDynamicSize() ||
      !product.getLhsPacking() || typeOf(product.getRhs()).getRank() != 3)
    return std::nullopt;
  Value shift = minimum.getDpsInputs()[1];
  std::optional<ConstantElements<float>> shifts =
      getConstantElements<float>(shift);
  for (Value operand : product.getEpilogue())
    if (typeOf(operand).getRank() > 1)
      return std::nullopt;
  if (!shifts || shifts->empty() || !getConstantAttr(product.getRhs()) ||
      !isRectified(product))
    return std::nullopt;
  int64_t at = 0;
  for (int64_t i = 0; i < shifts->size(); ++i) {
    if (!std::isfinite((*shifts)[i]))
      return std::nullopt;
    if ((*shifts)[i] < (*shifts)[at])
      at = i;
  }
  return Probe{product, minimum, shift, (*shifts)[at],
               at / product.getRhsPacking().getLanes()};
}

template <typename T>
static ElementsAttr sliceOf(ElementsAttr attr, int64_t begin,
                            RankedTensorType type) {
  std::optional<ConstantElements<T>> values = getConstantElements<T>(attr);
  if (!values)
    return nullptr;
  std::vector<T> slice;
  for (int64_t i = 0; i < type.getNumElements(); ++i)
    slice.push_back((*values)[begin + i]);
  if (type.getNumElements() <= kMaxDenseElements)
    return DenseElementsAttr::get(type, ArrayRef<T>(slice));
  return makeResource(type, std::move(slice));
}

/// `extent` elements of the first dimension of a constant, from `first` on.
static Value sliceConstant(OpBuilder &b, Location loc, Value constant,
                           int64_t first, int64_t extent) {
  ElementsAttr attr = getConstantAttr(constant);
  RankedTensorType type = typeOf(constant);
  SmallVector<int64_t> shape(type.getShape());
  int64_t step = 1;
  for (int64_t i : llvm::drop_begin(shape))
    step *= i;
  shape[0] = extent;
  auto sliced = RankedTensorType::get(shape, type.getElementType());
  ElementsAttr slice;
  if (type.getElementType().isF32())
    slice = sliceOf<float>(attr, first * step, sliced);
  else if (type.getElementType().isInteger(8))
    slice = sliceOf<int8_t>(attr, first * step, sliced);
  else if (type.getElementType().isInteger(32))
    slice = sliceOf<int32_t>(attr, first * step, sliced);
  else if (type.getElementType().isInteger(64))
    slice = sliceOf<int64_t>(attr, first * step, sliced);
  return slice ? arith::ConstantOp::create(b, loc, cast<TypedAttr>(slice))
               : Value();
}

namespace {

struct ProbeQuantizer : OpRewritePattern<QuantizePackOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizePackOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<Probe> probe = findProbe(op);
    if (!probe)
      return rewriter.notifyMatchFailure(op, "no minimum behind a ReLU");
    Location loc = probe->minimum.getLoc();
    // The probes come before the product, and so must what they start from.
    if (failed(moveValueDefinitions(rewriter, probe->minimum.getDpsInits(),
                                    probe->product)))
      return rewriter.notifyMatchFailure(op, "the minimum starts from a value "
                                             "that needs the product");
    rewriter.setInsertionPoint(probe->product);
    // The one panel, its columns and what the epilogue and the minimum read.
    PackedMatmulOp product = probe->product;
    int64_t lanes = product.getRhsPacking().getLanes();
    int64_t first = probe->panel * lanes;
    int64_t columns = std::min<int64_t>(lanes, product.getColumns() - first);
    Value panel =
        sliceConstant(rewriter, loc, product.getRhs(), probe->panel, 1);
    Value shift = sliceConstant(rewriter, loc, probe->shift, first, columns);
    SmallVector<Value> epilogue;
    for (Value operand : product.getEpilogue())
      epilogue.push_back(
          typeOf(operand).getRank() == 0
              ? operand
              : sliceConstant(rewriter, loc, operand, first, columns));
    if (!panel || !shift || llvm::is_contained(epilogue, Value()))
      return rewriter.notifyMatchFailure(op, "no constants to slice");

    auto probeRows = [&](std::optional<int64_t> rows) {
      return emitProbe(rewriter, *probe, panel, shift, epilogue, columns, rows);
    };
    // Branches yield a number: buffers must not leave them.
    Type type = rewriter.getF32Type();
    auto otherwise = [&](Value found, function_ref<Value()> minimum) {
      auto branch = scf::IfOp::create(rewriter, loc, type, found,
                                      /*withElseRegion=*/true);
      OpBuilder::InsertionGuard guard(rewriter);
      rewriter.setInsertionPointToStart(branch.thenBlock());
      Value least = arith::ConstantOp::create(
          rewriter, loc, rewriter.getF32FloatAttr(probe->least));
      scf::YieldOp::create(rewriter, loc, least);
      rewriter.setInsertionPointToStart(branch.elseBlock());
      scf::YieldOp::create(rewriter, loc, minimum());
      return branch.getResult(0);
    };
    Value minimum = otherwise(probeRows(kFirstRows), [&] {
      return otherwise(probeRows(std::nullopt), [&] {
        IRMapping map;
        rewriter.clone(*product, map)->setAttr(kProbe, rewriter.getUnitAttr());
        Value whole = rewriter.clone(*probe->minimum, map)->getResult(0);
        return tensor::ExtractOp::create(rewriter, loc, whole, ValueRange())
            .getResult();
      });
    });
    rewriter.replaceOpWithNewOp<tensor::FromElementsOp>(
        probe->minimum, probe->minimum->getResult(0).getType(), minimum);
    return success();
  }

  /// Whether the minimum of the panel is the least shift, over all rows or over
  /// the first of each batch.
  static Value emitProbe(OpBuilder &b, Probe probe, Value panel, Value shift,
                         ValueRange epilogue, int64_t columns,
                         std::optional<int64_t> rows) {
    PackedMatmulOp product = probe.product;
    Location loc = probe.minimum.getLoc();
    Value lhs = product.getLhs();
    if (rows)
      lhs = takeRows(b, loc, lhs, *rows);
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, lhs);
    sizes.back() = b.getIndexAttr(columns);
    Value init = tensor::EmptyOp::create(b, loc, sizes, b.getF32Type());
    auto part = PackedMatmulOp::create(
        b, product.getLoc(), init.getType(), lhs, panel, epilogue, init,
        /*dynamic_size=*/Value(), /*dynamic_columns=*/Value(),
        /*scratch=*/Value(), product.getKernelAttr(), product.getSizeAttr(),
        b.getI64IntegerAttr(columns), product.getLhsPackingAttr(),
        product.getRhsPackingAttr(), /*result_packing=*/PackingAttr());
    part->setAttr(kProbe, b.getUnitAttr());
    IRMapping body;
    product.getBody().cloneInto(&part.getBody(), body);
    IRMapping map;
    map.map(probe.minimum.getDpsInputs()[0], part->getResult(0));
    map.map(probe.shift, shift);
    Value minimum = b.clone(*probe.minimum, map)->getResult(0);
    Value number = tensor::ExtractOp::create(b, loc, minimum, ValueRange());
    Value least =
        arith::ConstantOp::create(b, loc, b.getF32FloatAttr(probe.least));
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, number,
                                 least);
  }

  /// At most `count` of the rows `[..., rows, words]`.
  static Value takeRows(OpBuilder &b, Location loc, Value packed,
                        int64_t count) {
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, packed);
    OpFoldResult &rows = sizes[sizes.size() - 2];
    if (auto known = getConstantIntValue(rows))
      rows = b.getIndexAttr(std::min(*known, count));
    else
      rows =
          arith::MinSIOp::create(b, loc, cast<Value>(rows),
                                 arith::ConstantIndexOp::create(b, loc, count))
              .getResult();
    SmallVector<OpFoldResult> offsets(sizes.size(), b.getIndexAttr(0));
    SmallVector<OpFoldResult> strides(sizes.size(), b.getIndexAttr(1));
    return tensor::ExtractSliceOp::create(b, loc, packed, offsets, sizes,
                                          strides);
  }
};

struct ProbeMinimum : lowbit::impl::LowbitProbeMinimumBase<ProbeMinimum> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ProbeQuantizer>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
