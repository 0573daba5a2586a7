//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The constraints between operands that the operations on levels and on numbers
// list in their descriptions, under the numbers (C1), (C2), ... given there.
//
//===----------------------------------------------------------------------===//

#include "VerifierSupport.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace mlir::lowbit;
using namespace mlir::lowbit::detail;

static LevelsType getLevels(Value value) {
  return cast<LevelsType>(getElementTypeOrSelf(value.getType()));
}

//===----------------------------------------------------------------------===//
// Levels
//===----------------------------------------------------------------------===//

LogicalResult ConstantOp::verify() {
  auto type = cast<RankedTensorType>(getResult().getType());
  ShapedType valueType = getValue().getShapedType();
  // (C1)
  if (!valueType.getElementType().isSignlessInteger(8))
    return emitOpError("expected a value of i8, got one of ")
           << valueType.getElementType();
  // (C2)
  if (!type.hasStaticShape() || type.getShape() != valueType.getShape())
    return emitOpError("expected a value of shape ")
           << formatShape(type.getShape()) << ", got "
           << formatShape(valueType.getShape());
  auto levels = cast<LevelsType>(type.getElementType());
  // (C3) Resources are the large ones: reading them after each pass would cost
  // more than the passes.
  if (auto dense = dyn_cast<DenseElementsAttr>(getValue())) {
    for (int8_t stored : dense.getValues<int8_t>())
      if (!levels.contains(levels.decode(stored)))
        return emitOpError("expected elements of ")
               << levels << ", got " << levels.decode(stored);
    return success();
  }
  // (C4)
  auto resource = dyn_cast<DenseResourceElementsAttr>(getValue());
  if (!resource)
    return emitOpError("expected a dense or dense_resource value");
  AsmResourceBlob *blob = resource.getRawHandle().getBlob();
  if (blob && static_cast<int64_t>(blob->getData().size()) !=
                  valueType.getNumElements())
    return emitOpError("expected a resource of ")
           << valueType.getNumElements() << " bytes, got "
           << blob->getData().size();
  return success();
}

LogicalResult QuantizeOp::verify() {
  // (C1)
  if (failed(
          verifyShape(*this, "a destination", getInit(), getShape(getInput()))))
    return failure();
  return verifyQuantizer(*this, getShape(getInput()), getScale(), getShift(),
                         getOffset(), getLevels(getInit()), getRounding(),
                         getGranularity());
}

LogicalResult DequantizeOp::verify() {
  // (C1)
  if (failed(
          verifyShape(*this, "a destination", getInit(), getShape(getInput()))))
    return failure();
  // (C2)
  if (failed(verifyScale(*this, getScale(), getGranularity(),
                         getShape(getInput()))))
    return failure();
  // (C3)
  if (getOffset())
    return verifyShape(*this, "an offset", getOffset(), {});
  return success();
}

LogicalResult ThresholdOp::verify() {
  ArrayRef<int64_t> shape = getShape(getInput());
  // (C1)
  if (failed(verifyShape(*this, "a destination", getInit(), shape)))
    return failure();
  // (C2)
  if (shape.empty())
    return emitOpError("expected an input of rank 1 or more, got 0");
  return verifyShape(*this, "thresholds", getThresholds(),
                     {shape.back(), getLevels(getInit()).getCount() - 1});
}

LogicalResult MatmulOp::verify() {
  ArrayRef<int64_t> lhs = getShape(getLhs()), rhs = getShape(getRhs());
  // (C1)
  if (lhs.size() < 2)
    return emitOpError("expected a left side of rank 2 or more, got ")
           << lhs.size();
  if (rhs.size() != lhs.size() && rhs.size() != 2)
    return emitOpError("expected a right side of rank 2 or ")
           << lhs.size() << ", got " << rhs.size();
  // (C2)
  auto inner = rhs.size() - (getTransposeRhs() ? 1 : 2);
  auto column = rhs.size() - (getTransposeRhs() ? 2 : 1);
  SmallVector<int64_t> expected(rhs.size() == 2 ? ArrayRef<int64_t>()
                                                : lhs.drop_back(2));
  expected.resize(rhs.size());
  expected[inner] = lhs.back();
  expected[column] = rhs[column];
  if (failed(verifyShape(*this, "a right side", getRhs(), expected)))
    return failure();
  // (C3)
  SmallVector<int64_t> result(lhs);
  result.back() = rhs[column];
  if (failed(verifyShape(*this, "a destination", getInit(), result)))
    return failure();
  // (C4)
  auto levels = dyn_cast<LevelsType>(getElementTypeOrSelf(getLhs().getType()));
  Type elementType = getElementTypeOrSelf(getInit().getType());
  if (elementType.isF32() != !levels)
    return emitOpError("expected sums of ")
           << (levels ? "i32" : "f32") << ", got " << elementType;
  // (C5)
  if (!levels)
    return success();
  return verifySum(
      *this, ShapedType::isDynamic(lhs.back()) ? rhs[inner] : lhs.back(),
      levels.getMaxMagnitude() * getLevels(getRhs()).getMaxMagnitude());
}

LogicalResult LevelSumOp::verify() {
  ArrayRef<int64_t> shape = getShape(getInput());
  int64_t axis = getAxis(), rank = shape.size();
  // (C1)
  if (axis < 0 || axis >= rank)
    return emitOpError("expected an axis between 0 and ")
           << rank - 1 << ", got " << axis;
  // (C2)
  SmallVector<int64_t> expected(shape);
  expected.erase(expected.begin() + axis);
  if (failed(verifyShape(*this, "a destination", getInit(), expected)))
    return failure();
  // (C3)
  return verifySum(*this, shape[axis], getLevels(getInput()).getMaxMagnitude());
}

LogicalResult LookupOp::verify() {
  ArrayRef<int64_t> table = getShape(getTable());
  // (C1)
  if (table.size() != 2)
    return emitOpError("expected a table of rank 2, got ") << table.size();
  // (C2)
  if (!getShape(getScale()).empty() &&
      failed(verifyShape(*this, "a scale", getScale(), table.front())))
    return failure();
  // (C3)
  SmallVector<int64_t> expected(getShape(getIds()));
  expected.push_back(table.back());
  return verifyShape(*this, "a destination", getInit(), expected);
}

//===----------------------------------------------------------------------===//
// Normalisations
//===----------------------------------------------------------------------===//

LogicalResult LayerNormOp::verify() {
  return verifyLayerNorm(*this, getInput(), getInit(), getScale(), getBias(),
                         getResidual(), getEpsilon());
}

LogicalResult SoftmaxOp::verify() {
  // (C1)
  if (getShape(getInput()).empty())
    return emitOpError("expected an input of rank 1 or more, got 0");
  return verifyShape(*this, "a destination", getInit(), getShape(getInput()));
}
