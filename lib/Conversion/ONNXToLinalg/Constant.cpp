//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Constant, ConstantOfShape, Identity. Constants keep their storage; only the
// signedness of the element type goes.
//
//===----------------------------------------------------------------------===//

#include "Structured.h"
#include "lowbit/Constants/Constants.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace mlir::lowbit;

static LogicalResult lowerConstant(onnx::ConstantOp op, Lowering &l) {
  ElementsAttr attr = op.getValue();
  auto type = dyn_cast<RankedTensorType>(attr.getShapedType());
  if (!type)
    return l.fail("is unsupported with a value of type " +
                  Twine(debugString(attr.getShapedType())));
  RankedTensorType converted = convertTensorType(type);
  if (converted != type) {
    if (auto dense = dyn_cast<DenseElementsAttr>(attr))
      attr = dense.bitcast(converted.getElementType());
    else if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr))
      attr = DenseResourceElementsAttr::get(converted, resource.getRawHandle());
    else
      return l.fail("is unsupported with this storage");
  }
  auto typed = dyn_cast<TypedAttr>(attr);
  if (!typed)
    return l.fail("is unsupported with this storage");
  return l.replace(op.getResult(), arith::ConstantOp::create(
                                       l.getBuilder(), op.getLoc(), typed));
}

static LogicalResult lowerConstantOfShape(onnx::ConstantOfShapeOp op,
                                          Lowering &l) {
  ScalarMath &math = l.getMath();
  Value shape = l.operand(op.getInput());
  if (!Lowering::isSmall(cast<RankedTensorType>(shape.getType())))
    return l.fail("is unsupported with a shape of unknown length");
  RankedTensorType declared = l.getDeclaredType(op.getOutput());
  SmallVector<OpFoldResult> sizes = l.getIndices(shape);
  if (static_cast<int64_t>(sizes.size()) != declared.getRank())
    return l.fail("has a result of rank " + Twine(declared.getRank()) +
                  " and a shape of length " + Twine(sizes.size()));
  for (OpFoldResult &size : sizes) {
    std::optional<int64_t> constant = getConstantSize(size);
    if (constant && *constant < 0)
      return l.fail("has a negative dimension");
    if (math.isNonNegative(size))
      continue;
    Value value = math.toValue(size), zero = math.toValue(math.index(0));
    l.assertTrue(math.build([&](OpBuilder &b, Location loc) {
      return b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::sge,
                                           value, zero);
    }),
                 "a dimension is negative");
    size = math.max(size, math.index(0));
  }
  sizes = l.refine(sizes, declared);

  Type elementType = declared.getElementType();
  Value scalar;
  if (ElementsAttr attr = op.getValueAttr()) {
    std::optional<double> real = getConstantScalarFloat(attr);
    std::optional<int64_t> integer = getConstantScalarInt(attr);
    if (isa<FloatType>(elementType) && real)
      scalar = math.constant(l.getBuilder().getFloatAttr(elementType, *real));
    else if (isa<IntegerType>(elementType) && integer)
      scalar =
          math.constant(l.getBuilder().getIntegerAttr(elementType, *integer));
    else
      return l.fail("has a value that is no scalar of the result's type");
  } else {
    scalar =
        math.constant(cast<TypedAttr>(l.getBuilder().getZeroAttr(elementType)));
  }
  RankedTensorType type = getTensorType(sizes, elementType);
  if (type.getRank() <= 1 && Lowering::isSmall(type)) {
    SmallVector<Value> scalars(type.getNumElements(), scalar);
    return l.replace(op.getResult(), l.fromScalars(scalars, type));
  }
  return l.replace(op.getResult(), createFilled(l, sizes, scalar));
}

static LogicalResult lowerIdentity(onnx::IdentityOp op, Lowering &l) {
  return l.replace(op.getResult(), l.operand(op.getX()));
}

void mlir::lowbit::populateConstantLowerings(LoweringTable &table) {
  table.add(lowerConstant);
  table.add(lowerConstantOfShape);
  table.add(lowerIdentity);
}
