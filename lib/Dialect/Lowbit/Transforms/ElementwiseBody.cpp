//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See ElementwiseBody.h.
//
//===----------------------------------------------------------------------===//

#include "ElementwiseBody.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::lowbit;

bool mlir::lowbit::hasElementwiseBody(linalg::GenericOp op) {
  Block *body = op.getBody();
  if (!body->getArguments().back().use_empty())
    return false;
  for (Operation &inner : body->without_terminator())
    if (!isa<arith::ConstantOp>(inner) &&
        !OpTrait::hasElementwiseMappableTraits(&inner))
      return false;
  return true;
}

bool mlir::lowbit::capturesOnlyConstants(linalg::GenericOp op) {
  Block *body = op.getBody();
  bool only = true;
  body->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      only &= operand.getParentBlock() == body ||
              operand.getDefiningOp<arith::ConstantOp>();
  });
  return only;
}

Value mlir::lowbit::cloneBody(OpBuilder &builder, Block *body, IRMapping &map) {
  for (Operation &inner : *body)
    for (Value operand : inner.getOperands())
      if (!map.contains(operand) && operand.getParentBlock() != body)
        if (auto constant = operand.getDefiningOp<arith::ConstantOp>())
          builder.clone(*constant, map);
  for (Operation &inner : body->without_terminator())
    builder.clone(inner, map);
  return map.lookup(body->getTerminator()->getOperand(0));
}
