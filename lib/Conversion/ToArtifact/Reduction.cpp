//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See Reduction.h.
//
//===----------------------------------------------------------------------===//

#include "Reduction.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::lowbit;
using linalg::LinalgOp;

std::optional<Combiner> mlir::lowbit::findCombiner(LinalgOp op,
                                                   unsigned result) {
  Block *block = op.getBlock();
  BlockArgument accumulator =
      op.getMatchingBlockArgument(op.getDpsInitOperand(result));
  Operation *combiner =
      block->getTerminator()->getOperand(result).getDefiningOp();
  if (!combiner || combiner->getBlock() != block || !accumulator.hasOneUse() ||
      *accumulator.user_begin() != combiner || !combiner->hasOneUse())
    return std::nullopt;
  if (!isa<arith::AddFOp, arith::MinimumFOp, arith::MaximumFOp, arith::AddIOp,
           arith::MulIOp, arith::AndIOp, arith::OrIOp, arith::XOrIOp,
           arith::MinSIOp, arith::MaxSIOp, arith::MinUIOp, arith::MaxUIOp>(
          combiner))
    return std::nullopt;
  unsigned value = combiner->getOperand(0) == accumulator ? 1 : 0;
  std::optional<TypedAttr> neutral = arith::getNeutralElement(combiner);
  // Zero is not neutral for a sum of negative zeros.
  if (isa<arith::AddFOp>(combiner))
    neutral = FloatAttr::get(accumulator.getType(), -0.0);
  if (!neutral)
    return std::nullopt;
  return Combiner{combiner, value, *neutral};
}

Value mlir::lowbit::combine(OpBuilder &builder, const Combiner &combiner,
                            Value accumulator, Value value) {
  Operation *op = combiner.op;
  OperationState state(op->getLoc(), op->getName());
  SmallVector<Value, 2> operands = {accumulator, accumulator};
  operands[combiner.value] = value;
  state.addOperands(operands);
  state.addTypes(accumulator.getType());
  state.addAttributes(op->getAttrs());
  state.propertiesAttr = op->getPropertiesAsAttribute();
  return builder.create(state)->getResult(0);
}

void mlir::lowbit::relaxReduction(ArrayRef<Operation *> body,
                                  ValueRange accumulators, bool innermost) {
  for (Operation *inner : body) {
    auto add = dyn_cast<arith::AddFOp>(inner);
    if (!add || !llvm::any_of(add->getOperands(), [&](Value operand) {
          return llvm::is_contained(accumulators, operand);
        }))
      continue;
    arith::FastMathFlags flags = add.getFastmath();
    if (innermost)
      flags = flags | arith::FastMathFlags::reassoc;
    for (Value operand : add->getOperands())
      if (auto product = operand.getDefiningOp<arith::MulFOp>())
        if (product->hasOneUse() && llvm::is_contained(body, product)) {
          product.setFastmath(product.getFastmath() |
                              arith::FastMathFlags::contract);
          flags = flags | arith::FastMathFlags::contract;
        }
    add.setFastmath(flags);
  }
}
