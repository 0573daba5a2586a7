//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Type inference of elementwise operators.
//
//===----------------------------------------------------------------------===//

#include "Inference.h"

using namespace mlir;
using namespace mlir::onnx;

//===----------------------------------------------------------------------===//
// One operand
//===----------------------------------------------------------------------===//

/// The result has the type of operand 0.
static LogicalResult inferSame(Operation *op, ElementSet elements,
                               TypeList &types) {
  if (failed(checkElement(op, 0, elements)))
    return failure();
  types.push_back(cast<TensorType>(op->getOperand(0).getType()));
  return success();
}

#define LOWBIT_INFER_SAME(OP, ELEMENTS)                                        \
  LogicalResult OP::inferResultTypes(InferenceScope, TypeList &types) {        \
    return inferSame(*this, ElementSet::ELEMENTS, types);                      \
  }
LOWBIT_INFER_SAME(AbsOp, Numeric)
LOWBIT_INFER_SAME(CeilOp, Float)
LOWBIT_INFER_SAME(CosOp, Float)
LOWBIT_INFER_SAME(ErfOp, Float)
LOWBIT_INFER_SAME(ExpOp, Float)
LOWBIT_INFER_SAME(FloorOp, Float)
LOWBIT_INFER_SAME(GeluOp, Float)
LOWBIT_INFER_SAME(IdentityOp, Any)
LOWBIT_INFER_SAME(LogOp, Float)
LOWBIT_INFER_SAME(NegOp, Numeric)
LOWBIT_INFER_SAME(NotOp, Bool)
LOWBIT_INFER_SAME(ReciprocalOp, Float)
LOWBIT_INFER_SAME(ReluOp, Numeric)
LOWBIT_INFER_SAME(RoundOp, Float)
LOWBIT_INFER_SAME(SigmoidOp, Float)
LOWBIT_INFER_SAME(SignOp, Numeric)
LOWBIT_INFER_SAME(SinOp, Float)
LOWBIT_INFER_SAME(SqrtOp, Float)
LOWBIT_INFER_SAME(TanhOp, Float)
#undef LOWBIT_INFER_SAME

LogicalResult GeluOp::verify() {
  if (getApproximate() == "none" || getApproximate() == "tanh")
    return success();
  return emitOpError("'approximate' must be \"none\" or \"tanh\", got \"")
         << getApproximate() << "\"";
}

LogicalResult CastOp::inferResultTypes(InferenceScope, TypeList &types) {
  auto from = cast<TensorType>(getInput().getType());
  Type element = getElement(getOutput());
  for (Type type : {from.getElementType(), element})
    if (!type.isIntOrFloat())
      return emitOpError("cannot convert elements of type ") << type;
  types.push_back(cast<TensorType>(from.clone(element)));
  return success();
}

LogicalResult ClipOp::inferResultTypes(InferenceScope, TypeList &types) {
  for (auto [i, bound] : llvm::enumerate(getOperands().drop_front())) {
    if (failed(checkSameElement(*this, 0, i + 1)))
      return failure();
    std::optional<ArrayRef<int64_t>> shape = getShapeOf(bound);
    bool scalar = !shape || llvm::all_of(*shape, [](int64_t extent) {
      return extent == 1 || ShapedType::isDynamic(extent);
    });
    if (!scalar || (shape && shape->size() > 1))
      return emitOpError("bounds must be scalars, got ") << bound.getType();
  }
  return inferSame(*this, ElementSet::Numeric, types);
}

//===----------------------------------------------------------------------===//
// Several operands that broadcast
//===----------------------------------------------------------------------===//

/// The result has the broadcast shape of `operands` and the given element type.
static LogicalResult inferBroadcast(Operation *op, ValueRange operands,
                                    Type element, TypeList &types) {
  FailureOr<std::optional<Shape>> shape = broadcastShapes(op, operands);
  if (failed(shape))
    return failure();
  types.push_back(*shape ? makeType(**shape, element) : makeUnranked(element));
  return success();
}

static LogicalResult inferBinary(Operation *op, ElementSet elements,
                                 bool compares, TypeList &types) {
  if (failed(checkElement(op, 0, elements)) ||
      failed(checkSameElement(op, 0, 1)))
    return failure();
  Type element = compares ? IntegerType::get(op->getContext(), 1)
                          : getElement(op->getOperand(0));
  return inferBroadcast(op, op->getOperands(), element, types);
}

#define LOWBIT_INFER_BINARY(OP, ELEMENTS, COMPARES)                            \
  LogicalResult OP::inferResultTypes(InferenceScope, TypeList &types) {        \
    return inferBinary(*this, ElementSet::ELEMENTS, COMPARES, types);          \
  }
LOWBIT_INFER_BINARY(AddOp, Numeric, false)
LOWBIT_INFER_BINARY(AndOp, Bool, false)
LOWBIT_INFER_BINARY(DivOp, Numeric, false)
LOWBIT_INFER_BINARY(EqualOp, Any, true)
LOWBIT_INFER_BINARY(GreaterOp, Numeric, true)
LOWBIT_INFER_BINARY(GreaterOrEqualOp, Numeric, true)
LOWBIT_INFER_BINARY(LessOp, Numeric, true)
LOWBIT_INFER_BINARY(LessOrEqualOp, Numeric, true)
LOWBIT_INFER_BINARY(MaxOp, Numeric, false)
LOWBIT_INFER_BINARY(MinOp, Numeric, false)
LOWBIT_INFER_BINARY(MulOp, Numeric, false)
LOWBIT_INFER_BINARY(OrOp, Bool, false)
LOWBIT_INFER_BINARY(SubOp, Numeric, false)
LOWBIT_INFER_BINARY(XorOp, Bool, false)
#undef LOWBIT_INFER_BINARY

LogicalResult PowOp::inferResultTypes(InferenceScope, TypeList &types) {
  // The exponent may have another element type than the base.
  if (failed(checkElement(*this, 0, ElementSet::Numeric)) ||
      failed(checkElement(*this, 1, ElementSet::Numeric)))
    return failure();
  return inferBroadcast(*this, getOperands(), getElement(getA()), types);
}

LogicalResult WhereOp::inferResultTypes(InferenceScope, TypeList &types) {
  if (failed(checkElement(*this, 0, ElementSet::Bool)) ||
      failed(checkSameElement(*this, 1, 2)))
    return failure();
  return inferBroadcast(*this, getOperands(), getElement(getX()), types);
}
