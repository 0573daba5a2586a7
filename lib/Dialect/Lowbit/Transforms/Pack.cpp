//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Chooses a kernel for every matmul of levels and packs its operands.
//
// Constants are packed here and now. An activation is packed where it is
// quantized: transposes and reshapes between the quantizer and the matmul are
// applied to the quantizer's float input (a view) or absorbed into the order in
// which it is read, so that no level is ever stored unpacked. Levels that come
// from anything else are turned into floats and packed from those.
//
//===----------------------------------------------------------------------===//

#include "PackTable.h"
#include "PackedSums.h"
#include "lowbit/Constants/Constants.h"
#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h"
#include "lowbit/Kernels/Kernels.h"
#include "lowbit/Kernels/Packing.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::lowbit {
#define GEN_PASS_DEF_LOWBITPACK
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

static LevelsType levelsOf(Value value) {
  return dyn_cast<LevelsType>(typeOf(value).getElementType());
}

static Value transpose(OpBuilder &b, Location loc, Value input,
                       ArrayRef<int64_t> order) {
  SmallVector<OpFoldResult> sizes;
  for (int64_t dim : order)
    sizes.push_back(tensor::getMixedSize(b, loc, input, dim));
  Value empty =
      tensor::EmptyOp::create(b, loc, sizes, typeOf(input).getElementType());
  return linalg::TransposeOp::create(b, loc, input, empty, order)->getResult(0);
}

/// Whether a quantizer works element by element whatever the shape.
static bool isShapeless(QuantizeOp quantize) {
  return !quantize.getShift() &&
         quantize.getGranularity() == Granularity::tensor;
}

/// collapse(unpack(x)) -> unpack(collapse(x)), where rows stay rows.
static bool hoistCollapse(tensor::CollapseShapeOp collapse,
                          IRRewriter &rewriter) {
  auto unpack = collapse.getSrc().getDefiningOp<UnpackOp>();
  SmallVector<ReassociationIndices> groups = collapse.getReassociationIndices();
  if (!unpack || groups.size() < 2 || groups.back().size() != 1)
    return false;
  rewriter.setInsertionPoint(collapse);
  Value words = tensor::CollapseShapeOp::create(rewriter, collapse.getLoc(),
                                                unpack.getInput(), groups);
  OpFoldResult size =
      tensor::getMixedSizes(rewriter, collapse.getLoc(), collapse.getSrc())
          .back();
  rewriter.replaceOp(collapse,
                     UnpackOp::create(rewriter, unpack.getLoc(), words,
                                      unpack.getPacking(), size));
  return true;
}

/// move(quantize(x)) -> quantize(move(x)), for every kind of reshape and for
/// transposes.
static void hoistMovement(Operation *root, IRRewriter &rewriter) {
  SmallVector<Operation *> movement;
  root->walk([&](Operation *op) {
    if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::ReshapeOp,
            tensor::CastOp, linalg::TransposeOp>(op) &&
        op->getNumResults() == 1 &&
        isa<RankedTensorType>(op->getResult(0).getType()) &&
        levelsOf(op->getResult(0)))
      movement.push_back(op);
  });
  // Producers come first, so that chains move as a whole.
  for (Operation *op : movement) {
    if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op);
        collapse && hoistCollapse(collapse, rewriter))
      continue;
    auto quantize = op->getOperand(0).getDefiningOp<QuantizeOp>();
    if (!quantize || !isShapeless(quantize))
      continue;
    rewriter.setInsertionPoint(op);
    Value moved;
    if (auto transposed = dyn_cast<linalg::TransposeOp>(op)) {
      moved = transpose(rewriter, op->getLoc(), quantize.getInput(),
                        transposed.getPermutation());
    } else {
      Operation *clone = rewriter.clone(*op);
      clone->setOperand(0, quantize.getInput());
      moved = clone->getResult(0);
      moved.setType(typeOf(moved).clone(rewriter.getF32Type()));
    }
    Value result = QuantizeOp::create(
        rewriter, quantize.getLoc(), moved, quantize.getScale(), Value(),
        quantize.getOffset(), levelsOf(op->getResult(0)),
        quantize.getRounding(), Granularity::tensor);
    rewriter.replaceOp(op, result);
  }
}

namespace {

/// Packs operands of matmuls.
class Packer {
public:
  Packer(IRRewriter &rewriter, Location loc) : b(rewriter), loc(loc) {}

  /// The logical operand `[..., R, K]` of `value` packed along K, its last
  /// dimension, or its last but one when `sizeIsLast` is false.
  Value pack(Value value, bool sizeIsLast, PackingAttr packing) {
    if (auto constant = value.getDefiningOp<ConstantOp>())
      if (Value packed = packConstant(constant, sizeIsLast, packing))
        return packed;
    int64_t rank = typeOf(value).getRank();
    auto order = llvm::to_vector(llvm::seq<int64_t>(rank));
    if (!sizeIsLast)
      std::swap(order[rank - 1], order[rank - 2]);
    value = skipTransposes(value, order);
    if (auto quantize = value.getDefiningOp<QuantizeOp>())
      return packQuantized(quantize, order, packing);
    if (auto unpack = value.getDefiningOp<UnpackOp>())
      if (Value packed = repack(unpack, order, packing))
        return packed;
    return packLevelsOf(value, order, packing);
  }

private:
  Value packConstant(ConstantOp constant, bool sizeIsLast,
                     PackingAttr packing) {
    auto levels = getConstantElements<int8_t>(constant.getValue());
    if (!levels)
      return Value();
    auto shape = typeOf(constant.getResult()).getShape();
    ArrayRef<int64_t> batch = shape.drop_back(2);
    int64_t rows = shape[shape.size() - 2], size = shape.back();
    if (!sizeIsLast)
      std::swap(rows, size);
    std::vector<int8_t> scratch;
    std::vector<char> bytes = lowbit::packLevels(
        levels->toArray(scratch).data(), ShapedType::getNumElements(batch),
        rows, size, !sizeIsLast, packing);
    auto type = RankedTensorType::get(packing.getPackedShape(batch, rows, size),
                                      packing.getElementType());
    auto owner = std::make_shared<const std::vector<char>>(std::move(bytes));
    return arith::ConstantOp::create(
        b, constant.getLoc(),
        makeResource(type, ArrayRef<char>(owner->data(), owner->size()),
                     owner));
  }

  /// Walks up through transposes; `order[i]` stays the dimension of the value
  /// that is dimension i of the logical operand.
  static Value skipTransposes(Value value, SmallVector<int64_t> &order) {
    while (auto transpose = value.getDefiningOp<linalg::TransposeOp>()) {
      for (int64_t &dim : order)
        dim = transpose.getPermutation()[dim];
      value = transpose.getInput();
    }
    return value;
  }

  /// Whether what lies together in the input of such an order is what vectors
  /// are loaded of: elements along the size, or rows that share a panel.
  static bool isReadable(ArrayRef<int64_t> order, PackingAttr packing) {
    int64_t last = order.size() - 1;
    return order[last] == last ||
           (packing.hasPanels() && order[last - 1] == last);
  }

  Value packQuantized(QuantizeOp quantize, SmallVector<int64_t> order,
                      PackingAttr packing) {
    Value input = quantize.getInput();
    if (isShapeless(quantize))
      input = skipTransposes(input, order);
    bool identity = llvm::equal(order, llvm::seq<int64_t>(order.size()));
    bool wholeTensor = quantize.getGranularity() == Granularity::tensor;
    if (!isReadable(order, packing) || (!identity && !wholeTensor)) {
      if (!isShapeless(quantize))
        return packLevelsOf(quantize->getResult(0), order, packing);
      input = transpose(b, loc, input, order);
      identity = true;
    }
    return QuantizePackOp::create(
               b, quantize.getLoc(), input, quantize.getScale(),
               quantize.getShift(), quantize.getOffset(), packing,
               quantize.getRounding(),
               identity ? ArrayRef<int64_t>() : ArrayRef<int64_t>(order),
               quantize.getGranularity())
        ->getResult(0);
  }

  /// Packed words in another layout; null for one that needs the levels.
  Value repack(UnpackOp unpack, ArrayRef<int64_t> permutation,
               PackingAttr packing) {
    int64_t size = typeOf(unpack->getResult(0)).getShape().back();
    Order order = packing.getOrder();
    bool isWritten = order == Order::rows || order == Order::panels ||
                     order == Order::dwords || order == Order::quads;
    if (!isReadable(permutation, packing) || !isWritten ||
        ShapedType::isDynamic(size))
      return Value();
    return RepackOp::create(b, loc, unpack.getInput(), unpack.getPacking(),
                            packing, size, permutation)
        ->getResult(0);
  }

  /// Packs levels of any origin: as floats they quantize to themselves.
  Value packLevelsOf(Value value, ArrayRef<int64_t> order,
                     PackingAttr packing) {
    Value one = arith::ConstantOp::create(
        b, loc,
        DenseElementsAttr::get(RankedTensorType::get({}, b.getF32Type()),
                               1.0f));
    Value floats =
        DequantizeOp::create(b, loc, value, one, Value(), Granularity::tensor)
            ->getResult(0);
    if (!llvm::equal(order, llvm::seq<int64_t>(order.size())))
      floats = transpose(b, loc, floats, order);
    LevelsType levels = packing.getLevels();
    bool twoSigns = levels.getLevels() == ArrayRef<int64_t>({-1, 1});
    Rounding rounding = twoSigns ? Rounding::step : Rounding::half_even;
    return QuantizePackOp::create(b, loc, floats, twoSigns ? Value() : one,
                                  Value(), Value(), packing, rounding)
        ->getResult(0);
  }

  IRRewriter &b;
  Location loc;
};

struct Pack : lowbit::impl::LowbitPackBase<Pack> {
  using LowbitPackBase::LowbitPackBase;

  void runOnOperation() override {
    if (!kernel.empty() && !findKernel(kernel)) {
      InFlightDiagnostic diagnostic =
          getOperation()->emitError("unknown kernel '") << kernel << "'";
      Diagnostic &note = diagnostic.attachNote() << "known kernels:";
      for (const KernelRow &row : getKernelTable())
        note << " " << row.name;
      return signalPassFailure();
    }
    IRRewriter rewriter(&getContext());
    hoistMovement(getOperation(), rewriter);
    Target target = Target::get(getOperation());
    SmallVector<MatmulOp> matmuls;
    SmallVector<LookupOp> lookups;
    getOperation()->walk([&](MatmulOp op) { matmuls.push_back(op); });
    getOperation()->walk([&](LookupOp op) { lookups.push_back(op); });
    bool isTaken = false;
    for (MatmulOp op : matmuls)
      isTaken |= packMatmul(op, target, rewriter);
    if (!kernel.empty() && !isTaken)
      emitWarning(getOperation()->getLoc())
          << "kernel '" << kernel
          << "' applies to no matmul; remarks say why, one by one";
    for (LookupOp op : lookups)
      packLookup(op, rewriter);
  }

  /// Whether the matmul takes the kernel that the option names.
  bool packMatmul(MatmulOp op, const Target &target, IRRewriter &rewriter) {
    rewriter.setInsertionPoint(op);
    Value lhs = op.getLhs(), rhs = op.getRhs();
    KernelQuery query{levelsOf(lhs), levelsOf(rhs),
                      rhs.getDefiningOp<ConstantOp>() != nullptr};
    bool sizeIsLast = op.getTransposeRhs();
    int64_t rank = typeOf(rhs).getRank();
    query.size = typeOf(rhs).getDimSize(sizeIsLast ? rank - 1 : rank - 2);
    query.columns = typeOf(rhs).getDimSize(sizeIsLast ? rank - 2 : rank - 1);
    query.constantRhs &= rank == 2;
    const KernelRow *row = selectKernel(target, query, kernel);
    bool isTaken = row && row->name == kernel;
    if (!kernel.empty() && !isTaken)
      emitRemark(op.getLoc())
          << "kernel '" << kernel << "' does not apply: "
          << whyNotApplicable(*findKernel(kernel), target, query)
          << (row ? "; '" + row->name.str() + "' takes its place"
                  : "; no kernel does");
    if (!row)
      return false;
    Location loc = op.getLoc();
    Packer packer(rewriter, loc);
    auto extent = [&](int64_t dim, Value &dynamic) -> IntegerAttr {
      int64_t known = typeOf(rhs).getDimSize(dim);
      if (ShapedType::isDynamic(known))
        dynamic = tensor::DimOp::create(rewriter, loc, rhs, dim);
      return rewriter.getI64IntegerAttr(known);
    };
    Value dynamicSize, dynamicColumns;
    IntegerAttr size = extent(sizeIsLast ? rank - 1 : rank - 2, dynamicSize);
    IntegerAttr columns =
        extent(sizeIsLast ? rank - 2 : rank - 1, dynamicColumns);
    bool sums = !query.constantRhs || needsRhsSums(*row, query.lhs, query.rhs);
    auto rhsPacking =
        PackingAttr::get(&getContext(), query.rhs, row->rhsOrder, row->lanes,
                         getRhsBits(*row, query), sums);
    PackingAttr lhsPacking;
    if (query.lhs) {
      lhsPacking =
          PackingAttr::get(&getContext(), query.lhs, row->getLhsOrder(), 1);
      lhs = packer.pack(lhs, /*sizeIsLast=*/true, lhsPacking);
    }
    Value packedRhs = packer.pack(rhs, sizeIsLast, rhsPacking);
    replaceLevelSums(rewriter, rhs, sizeIsLast ? rank - 1 : rank - 2, packedRhs,
                     rhsPacking);
    auto packed = PackedMatmulOp::create(
        rewriter, loc, op->getResult(0).getType(), lhs, packedRhs, ValueRange(),
        op.getInit(), dynamicSize, dynamicColumns,
        /*scratch=*/Value(), rewriter.getStringAttr(row->name), size, columns,
        lhsPacking, rhsPacking, /*result_packing=*/PackingAttr());
    packed->setDiscardableAttrs(op->getDiscardableAttrDictionary());
    OpBuilder::InsertionGuard guard(rewriter);
    Block *body = rewriter.createBlock(&packed.getBody());
    Value sum =
        body->addArgument(typeOf(op->getResult(0)).getElementType(), loc);
    YieldOp::create(rewriter, loc, sum);
    rewriter.replaceOp(op, packed);
    return isTaken;
  }

  void packLookup(LookupOp op, IRRewriter &rewriter) {
    std::optional<PackedTable> table = packTable(op);
    if (!table)
      return;
    rewriter.setInsertionPoint(op);
    Location loc = op.getTable().getLoc();
    Value bytes = arith::ConstantOp::create(rewriter, loc, table->bytes);
    Value zeros;
    if (table->zeros)
      zeros = arith::ConstantOp::create(rewriter, loc, table->zeros);
    rewriter.replaceOpWithNewOp<PackedLookupOp>(
        op, op->getResult(0).getType(), bytes, op.getIds(), op.getScale(),
        zeros, op.getInit(), table->packing);
  }
};

} // namespace
