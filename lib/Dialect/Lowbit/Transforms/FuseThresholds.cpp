//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Integer thresholds in place of float epilogues. The sums of a packed matmul
// are integers of a known range, so the float expression between the sum and
// the code is evaluated here, exactly, for all of them: where the codes ascend
// with the sum, `sum >= threshold` tells every bit of the code.
//
//===----------------------------------------------------------------------===//

#include "EpilogueEvaluator.h"
#include "lowbit/Constants/Constants.h"
#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "lowbit/Dialect/Lowbit/IR/ReportMarks.h"
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h"
#include "lowbit/Kernels/Kernels.h"
#include "lowbit/Math/Expansion.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/TypeUtilities.h"
#include <limits>

namespace mlir::lowbit {
#define GEN_PASS_DEF_LOWBITFUSETHRESHOLDS
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

/// Comparing with more thresholds takes longer than the float expression.
static constexpr int64_t kMaxLevels = 4;

/// Longer ranges of sums would take too long to evaluate.
static constexpr int64_t kMaxSums = 1 << 16;

//===----------------------------------------------------------------------===//
// Signs that are never zero
//===----------------------------------------------------------------------===//

static PackingAttr withoutZero(PackingAttr packing) {
  MLIRContext *context = packing.getContext();
  return PackingAttr::get(context, LevelsType::get(context, {-1, 1}),
                          packing.getOrder(), packing.getLanes());
}

/// Whether all that reads a packed value can take it without a plane of zeros.
static bool canDropZero(Value packed) {
  return llvm::all_of(packed.getUses(), [](OpOperand &use) {
    if (auto repack = dyn_cast<RepackOp>(use.getOwner()))
      return canDropZero(repack->getResult(0));
    if (auto matmul = dyn_cast<PackedMatmulOp>(use.getOwner())) {
      PackingAttr rhs = matmul.getRhsPacking();
      if (use.get() == matmul.getRhs())
        return true;
      // Weights without sums of codes were packed for these levels.
      return use.get() == matmul.getLhs() &&
             (rhs.getSums() ||
              !needsRhsSums(*findKernel(matmul.getKernel()),
                            withoutZero(*matmul.getLhsPacking()).getLevels(),
                            rhs.getLevels()));
    }
    if (auto attention = dyn_cast<PackedAttentionOp>(use.getOwner()))
      return use.getOperandNumber() < 3;
    return false;
  });
}

/// Hands a packed value without a plane of zeros to all that read `old`.
static void dropZero(Value old, Value narrow, IRRewriter &rewriter) {
  for (OpOperand &use : llvm::make_early_inc_range(old.getUses())) {
    Operation *user = use.getOwner();
    if (auto repack = dyn_cast<RepackOp>(user)) {
      rewriter.setInsertionPoint(repack);
      Value again = RepackOp::create(rewriter, repack.getLoc(), narrow,
                                     withoutZero(repack.getSource()),
                                     withoutZero(repack.getPacking()),
                                     repack.getSplit(), repack.getPermutation())
                        ->getResult(0);
      dropZero(repack->getResult(0), again, rewriter);
      rewriter.eraseOp(repack);
      continue;
    }
    rewriter.modifyOpInPlace(user, [&] {
      unsigned operand = use.getOperandNumber();
      use.set(narrow);
      if (auto matmul = dyn_cast<PackedMatmulOp>(user)) {
        if (operand == 0)
          matmul.setLhsPackingAttr(withoutZero(*matmul.getLhsPacking()));
        else
          matmul.setRhsPackingAttr(withoutZero(matmul.getRhsPacking()));
      } else if (auto attention = dyn_cast<PackedAttentionOp>(user)) {
        if (operand == 0)
          attention.setQPackingAttr(withoutZero(attention.getQPacking()));
        else if (operand == 1)
          attention.setKPackingAttr(withoutZero(attention.getKPacking()));
        else
          attention.setVPackingAttr(withoutZero(attention.getVPacking()));
      }
    });
  }
}

namespace {

/// `thresholds[j - 1][n]`: the least sum of column n whose code is at least j.
using Thresholds = std::vector<std::vector<int32_t>>;

struct FuseThresholds : lowbit::impl::LowbitFuseThresholdsBase<FuseThresholds> {
  void runOnOperation() override {
    SmallVector<PackedMatmulOp> matmuls;
    getOperation()->walk([&](PackedMatmulOp op) {
      if (op.getResultPacking() && !op.getResultPacking()->hasWholeCodes() &&
          op.getLhsPacking() && isa<RankedTensorType>(op.getInit().getType()))
        matmuls.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    RewritePatternSet patterns(&getContext());
    populateMathExpansionPatterns(patterns, Target::get(getOperation()));
    FrozenRewritePatternSet functions(std::move(patterns));
    for (PackedMatmulOp op : matmuls) {
      std::string reason;
      std::optional<Thresholds> thresholds = find(op, functions, reason);
      if (thresholds) {
        replace(op, std::move(*thresholds), rewriter);
      } else {
        op->emitRemark("keeps its float epilogue: ") << reason;
        op->setAttr(kFloatEpilogue, rewriter.getStringAttr(reason));
      }
    }
  }

  /// The least and the greatest sum of a product of known length.
  static std::pair<int64_t, int64_t> getSums(PackedMatmulOp op) {
    LevelsType lhs = op.getLhsPacking()->getLevels();
    LevelsType rhs = op.getRhsPacking().getLevels();
    int64_t products[] = {
        lhs.getFirst() * rhs.getFirst(), lhs.getFirst() * rhs.getLast(),
        lhs.getLast() * rhs.getFirst(), lhs.getLast() * rhs.getLast()};
    int64_t size = op.getSize();
    return {size * *llvm::min_element(products),
            size * *llvm::max_element(products)};
  }

  static std::optional<Thresholds>
  find(PackedMatmulOp op, const FrozenRewritePatternSet &functions,
       std::string &reason) {
    int64_t count = op.getResultPacking()->getLevels().getCount();
    if (count > kMaxLevels) {
      reason = std::to_string(count) + " levels";
      return std::nullopt;
    }
    if (op.getDynamicSize()) {
      reason = "the length of the product is not known";
      return std::nullopt;
    }
    auto [first, last] = getSums(op);
    if (last - first >= kMaxSums) {
      reason = "the sums have too wide a range";
      return std::nullopt;
    }
    EpilogueEvaluator evaluator(op, functions);
    if (!evaluator.reason().empty()) {
      reason = evaluator.reason();
      return std::nullopt;
    }
    int64_t columns = op.getColumns();
    Thresholds result(count - 1, std::vector<int32_t>(columns));
    for (int64_t column = 0; column < columns; ++column) {
      std::vector<int32_t> codes = evaluator.getCodes(column, first, last);
      if (!llvm::is_sorted(codes)) {
        reason = "the codes of column " + std::to_string(column) +
                 " do not ascend with the sum";
        return std::nullopt;
      }
      for (int64_t code = 1; code < count; ++code) {
        int64_t position = llvm::lower_bound(codes, code) - codes.begin();
        result[code - 1][column] =
            position == static_cast<int64_t>(codes.size())
                ? std::numeric_limits<int32_t>::max()
                : static_cast<int32_t>(first + position);
      }
    }
    return result;
  }

  /// A constant of the thresholds of one code, of 16 bits where these hold all
  /// sums and one that is never reached.
  static Value createThresholds(std::vector<int32_t> values, PackedMatmulOp op,
                                IRRewriter &rewriter) {
    constexpr int16_t kNever = std::numeric_limits<int16_t>::max();
    auto [first, last] = getSums(op);
    auto create = [&](Type element, auto values) -> Value {
      auto type =
          RankedTensorType::get(static_cast<int64_t>(op.getColumns()), element);
      return arith::ConstantOp::create(rewriter, op.getLoc(),
                                       makeConstant(type, std::move(values)));
    };
    if (first < std::numeric_limits<int16_t>::min() || last >= kNever)
      return create(rewriter.getI32Type(), std::move(values));
    std::vector<int16_t> narrow;
    for (int32_t value : values)
      narrow.push_back(std::min<int32_t>(value, kNever));
    return create(rewriter.getI16Type(), std::move(narrow));
  }

  static void replace(PackedMatmulOp op, Thresholds thresholds,
                      IRRewriter &rewriter) {
    Location loc = op.getLoc();
    rewriter.setInsertionPoint(op);
    PackingAttr packing = *op.getResultPacking();
    LevelsType levels = packing.getLevels();
    // A sign that no sum makes zero has two levels.
    bool isSign = levels.getFirst() == -1 && levels.getLast() == 1;
    bool neverZero = isSign && thresholds.size() == 2 &&
                     thresholds[0] == thresholds[1] &&
                     canDropZero(op->getResult(0));
    Value init = op.getInit();
    if (neverZero) {
      thresholds.pop_back();
      packing = withoutZero(packing);
      SmallVector<OpFoldResult> sizes =
          tensor::getMixedSizes(rewriter, loc, init);
      sizes.back() = rewriter.getIndexAttr(
          packing.getPackedShape({}, 1, op.getColumns()).back());
      init = tensor::EmptyOp::create(rewriter, loc, sizes,
                                     packing.getElementType());
    }
    SmallVector<Value> operands;
    for (std::vector<int32_t> &values : thresholds)
      operands.push_back(createThresholds(std::move(values), op, rewriter));
    auto compared = PackedMatmulOp::create(
        rewriter, loc, init.getType(), op.getLhs(), op.getRhs(), operands, init,
        op.getDynamicSize(), op.getDynamicColumns(), /*scratch=*/Value(),
        op.getKernelAttr(), op.getSizeAttr(), op.getColumnsAttr(),
        op.getLhsPackingAttr(), op.getRhsPackingAttr(), packing);
    compared->setDiscardableAttrs(op->getDiscardableAttrDictionary());

    // The comparisons stand for all nodes of the float epilogue.
    SmallVector<Location> parts = {loc};
    for (Operation &inner : op.getBody().front())
      parts.push_back(inner.getLoc());
    loc = rewriter.getFusedLoc(parts);
    Block *body = rewriter.createBlock(&compared.getBody());
    Value sum = body->addArgument(rewriter.getI32Type(), loc);
    SmallVector<Value> reached;
    for (Value operand : operands) {
      Value least =
          body->addArgument(getElementTypeOrSelf(operand.getType()), loc);
      if (least.getType() != sum.getType())
        least = arith::ExtSIOp::create(rewriter, loc, sum.getType(), least);
      reached.push_back(arith::CmpIOp::create(
          rewriter, loc, arith::CmpIPredicate::sge, sum, least));
    }
    // A bit of the code changes at every multiple of its weight.
    SmallVector<Value> planes;
    for (unsigned plane = 0; plane < packing.getPlanes(); ++plane) {
      size_t weight = size_t(1) << plane;
      Value bit = reached[weight - 1];
      for (size_t code = 2 * weight; code <= reached.size(); code += weight)
        bit = arith::XOrIOp::create(rewriter, loc, bit, reached[code - 1]);
      planes.push_back(bit);
    }
    YieldOp::create(rewriter, loc, planes);
    if (neverZero) {
      dropZero(op->getResult(0), compared->getResult(0), rewriter);
      rewriter.eraseOp(op);
    } else {
      rewriter.replaceOp(op, compared);
    }
  }
};

} // namespace
