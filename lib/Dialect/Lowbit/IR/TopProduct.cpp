//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The verifier of `lowbit.top_product` and what its shapes tell.
//
//===----------------------------------------------------------------------===//

#include "VerifierSupport.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::lowbit;
using namespace mlir::lowbit::detail;

int64_t TopProductOp::getTableRows() { return getShape(getTable()).front(); }
int64_t TopProductOp::getSize() { return getShape(getTable()).back(); }
int64_t TopProductOp::getCount() { return getShape(getInits()[0]).back(); }

/// `value` has elements of `type` and the shape `expected`.
static LogicalResult verifyTensor(Operation *op, StringRef what, Value value,
                                  Type type, ArrayRef<int64_t> expected) {
  Type element = getElementTypeOrSelf(value.getType());
  if (element != type)
    return op->emitOpError("expected ")
           << what << " of " << type << ", got " << element;
  return verifyShape(op, what, value, expected);
}

LogicalResult TopProductOp::verify() {
  ArrayRef<int64_t> input = getShape(getInput()), table = getShape(getTable());
  // (C1)
  if (input.size() < 2)
    return emitOpError("expected an input of rank 2 or more, got ")
           << input.size();
  if (table.size() != 2 || ShapedType::isDynamicShape(table))
    return emitOpError("expected a table of known shape [N, K], got ")
           << formatShape(table);
  SmallVector<int64_t> expected(input);
  expected.back() = table.back();
  if (failed(verifyShape(*this, "an input", getInput(), expected)))
    return failure();
  // (C2)
  if (getBias() && failed(verifyShape(*this, "a bias", getBias(), table[0])))
    return failure();
  // (C3)
  if (getInits().size() != 2)
    return emitOpError("expected two destinations, got ") << getInits().size();
  ArrayRef<int64_t> values = getShape(getInits()[0]);
  if (values.empty() || values.back() < 1 || values.back() > table.front())
    return emitOpError("expected a last extent of destinations from 1 to ")
           << table.front() << ", got " << formatShape(values);
  expected.back() = values.back();
  Builder builder(getContext());
  if (failed(verifyTensor(*this, "a first destination", getInits()[0],
                          builder.getF32Type(), expected)) ||
      failed(verifyTensor(*this, "a second destination", getInits()[1],
                          builder.getI64Type(), expected)))
    return failure();
  // (C5)
  if (!getScratch().empty() && isa<TensorType>(getInput().getType()))
    return emitOpError("expected no scratch on tensors");
  // (C4)
  if (getScreen().empty())
    return success();
  if (getScreen().size() != 2)
    return emitOpError("expected codes and bounds as screen, got ")
           << getScreen().size() << " operands";
  int64_t panels = llvm::divideCeil(table[0], kPanelRows);
  int64_t quads = llvm::divideCeil(table[1], kQuad);
  return failure(
      failed(verifyTensor(*this, "codes", getScreen()[0], builder.getI8Type(),
                          {panels, quads, kPanelRows * kQuad})) ||
      failed(verifyTensor(*this, "bounds", getScreen()[1], builder.getF32Type(),
                          {kBounds, panels * kPanelRows})));
}
