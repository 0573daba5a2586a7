//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// convert-onnx-to-linalg: lowers the operators of a function in order, each by
// the entry of the table that its theme's file has made. Operations of other
// dialects stay and get the lowered operands.
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"
#include "lowbit/Conversion/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

namespace mlir::lowbit {
#define GEN_PASS_DEF_CONVERTONNXTOLINALG
#include "lowbit/Conversion/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

static bool isOperator(Operation *op) {
  return isa_and_nonnull<onnx::ONNXDialect>(op->getDialect());
}

/// Lowers one operator, or says why it cannot.
static LogicalResult lowerOperator(Operation *op, Lowering &l,
                                   const LoweringTable &table) {
  auto isRanked = [](Type type) { return isa<RankedTensorType>(type); };
  if (!llvm::all_of(op->getOperandTypes(), isRanked) ||
      !llvm::all_of(op->getResultTypes(), isRanked))
    return l.fail("is unsupported on values of unknown rank");
  const LoweringTable::Function *lower =
      table.find(op->getName().getStringRef());
  if (!lower)
    return l.fail("is unsupported");
  return (*lower)(op, l);
}

/// Gives an operation of another dialect, and those inside it, the lowered
/// operands, and notes the sizes of its results.
static LogicalResult updateOther(Operation *op, Lowering &l) {
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    auto type = dyn_cast<RankedTensorType>(dim.getSource().getType());
    std::optional<int64_t> index = dim.getConstantIndex();
    if (type && index && *index >= 0 && *index < type.getRank()) {
      OpFoldResult size = l.getSizes(l.operand(dim.getSource()))[*index];
      dim.replaceAllUsesWith(l.getMath().toValue(size));
      dim.erase();
      return success();
    }
  }
  WalkResult walked = op->walk([&](Operation *nested) {
    if (isOperator(nested)) {
      (void)l.fail("contains operators, which is unsupported");
      return WalkResult::interrupt();
    }
    for (OpOperand &operand : nested->getOpOperands())
      if (l.lookup(operand.get()))
        operand.set(l.getWithDeclaredType(operand.get()));
    return WalkResult::advance();
  });
  if (walked.wasInterrupted())
    return failure();
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    l.addResult(empty, empty.getMixedSizes());
  if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
    for (OpResult result : op->getResults())
      if (isa<RankedTensorType>(result.getType()))
        l.addResult(result, l.getSizes(l.operand(
                                destination.getTiedOpOperand(result)->get())));
  return success();
}

static LogicalResult convertFunction(func::FuncOp function,
                                     const LoweringTable &table) {
  if (!function.getBody().hasOneBlock())
    return function.emitError()
           << "expected a function of one block, got "
           << llvm::range_size(function.getBody()) << " blocks";
  SmallVector<Operation *> operations, operators;
  for (Operation &op : function.getBody().front())
    operations.push_back(&op);
  Lowering l(function);
  llvm::DenseSet<Operation *> failedOperators;
  for (Operation *op : operations) {
    // An operand without a value has had its error already.
    bool isBlocked = llvm::any_of(op->getOperands(), [&](Value operand) {
      return failedOperators.contains(operand.getDefiningOp());
    });
    l.setOperator(op);
    bool isOnnx = isOperator(op);
    if (isOnnx)
      operators.push_back(op);
    if (isBlocked ||
        failed(isOnnx ? lowerOperator(op, l, table) : updateOther(op, l)))
      failedOperators.insert(op);
  }
  if (!failedOperators.empty())
    return failure();
  for (Operation *op : llvm::reverse(operators))
    op->erase();
  l.finish();
  return success();
}

namespace {
struct ConvertONNXToLinalg
    : lowbit::impl::ConvertONNXToLinalgBase<ConvertONNXToLinalg> {
  void runOnOperation() override {
    LoweringTable table;
    populateAttentionLowerings(table);
    populateCastLowerings(table);
    populateConstantLowerings(table);
    populateDataMovementLowerings(table);
    populateElementwiseLowerings(table);
    populateGatherLowerings(table);
    populateMatMulLowerings(table);
    populateNormalizationLowerings(table);
    populateReductionLowerings(table);
    populateReshapeLowerings(table);
    populateScanLowerings(table);
    populateScatterLowerings(table);
    populateShapeLowerings(table);
    populateSliceLowerings(table);
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isDeclaration() && failed(convertFunction(function, table)))
        return signalPassFailure();
  }
};
} // namespace
