//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// MatMul and Gemm in the numbers' own type. Loops run over batch, m, k and n, n
// innermost and contiguous in the right operand and the result, so that the
// innermost loop vectorises; a transposed operand is transposed first, at
// compile time where it is constant.
//
//===----------------------------------------------------------------------===//

#include "MatMul.h"
#include "Structured.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::lowbit;
using utils::IteratorType;

static Value emitMultiplyAdd(OpBuilder &b, Location loc, ValueRange elements) {
  if (isa<FloatType>(elements[0].getType())) {
    Value product =
        b.createOrFold<arith::MulFOp>(loc, elements[0], elements[1]);
    return b.createOrFold<arith::AddFOp>(loc, elements[2], product);
  }
  Value product = b.createOrFold<arith::MulIOp>(loc, elements[0], elements[1]);
  return b.createOrFold<arith::AddIOp>(loc, elements[2], product);
}

/// The marker of float products and what recognisers noted on the operator.
static SmallVector<NamedAttribute> getAttributes(Lowering &l, Type type) {
  OpBuilder &builder = l.getBuilder();
  SmallVector<NamedAttribute> attributes;
  if (!isa<FloatType>(type))
    return attributes;
  attributes.push_back(
      builder.getNamedAttr("lowbit.float_matmul", builder.getUnitAttr()));
  for (NamedAttribute attribute : l.getOperator()->getDiscardableAttrs())
    if (attribute.getName().getValue().starts_with("lowbit."))
      attributes.push_back(attribute);
  return attributes;
}

FailureOr<Value> mlir::lowbit::createMatMul(Lowering &l, Value lhs, Value rhs) {
  SmallVector<OpFoldResult> left = l.getSizes(lhs), right = l.getSizes(rhs);
  if (left.empty() || right.empty())
    return l.fail("takes operands of rank 1 and more, got a scalar");
  bool hasM = left.size() > 1, hasN = right.size() > 1;
  SmallVector<OpFoldResult> leftBatch(left), rightBatch(right);
  leftBatch.pop_back_n(hasM ? 2 : 1);
  rightBatch.pop_back_n(hasN ? 2 : 1);
  FailureOr<SmallVector<OpFoldResult>> batch =
      broadcastSizes(l, {leftBatch, rightBatch});
  if (failed(batch))
    return failure();
  OpFoldResult k = left.back(), rightK = right[right.size() - (hasN ? 2 : 1)];
  std::optional<int64_t> fixedLeft = getConstantSize(k);
  std::optional<int64_t> fixedRight = getConstantSize(rightK);
  if (fixedLeft && fixedRight && *fixedLeft != *fixedRight)
    return l.fail("multiplies rows of length " + Twine(*fixedLeft) +
                  " with columns of length " + Twine(*fixedRight));
  l.assertEqual(k, rightK, "the inner dimensions do not agree");

  // Loops and the sizes of the result.
  SmallVector<OpFoldResult> loops(*batch), sizes(*batch);
  SmallVector<IteratorType> iterators(batch->size(), IteratorType::parallel);
  SmallVector<int64_t> leftLoops =
      getTrailingLoops(leftBatch.size(), batch->size());
  SmallVector<int64_t> rightLoops =
      getTrailingLoops(rightBatch.size(), batch->size());
  SmallVector<int64_t> resultLoops =
      getTrailingLoops(batch->size(), batch->size());
  auto addLoop = [&](OpFoldResult size, IteratorType iterator) {
    loops.push_back(size);
    iterators.push_back(iterator);
    return static_cast<int64_t>(loops.size()) - 1;
  };
  if (hasM) {
    int64_t m = addLoop(left[left.size() - 2], IteratorType::parallel);
    leftLoops.push_back(m);
    resultLoops.push_back(m);
    sizes.push_back(loops[m]);
  }
  int64_t reduction = addLoop(fixedRight ? rightK : k, IteratorType::reduction);
  leftLoops.push_back(reduction);
  rightLoops.push_back(reduction);
  if (hasN) {
    int64_t n = addLoop(right.back(), IteratorType::parallel);
    rightLoops.push_back(n);
    resultLoops.push_back(n);
    sizes.push_back(loops[n]);
  }

  Type type = cast<RankedTensorType>(lhs.getType()).getElementType();
  Value zero =
      l.getMath().constant(cast<TypedAttr>(l.getBuilder().getZeroAttr(type)));
  return createGeneric(l,
                       {alignOperand(l, lhs, leftLoops, loops),
                        alignOperand(l, rhs, rightLoops, loops)},
                       Operand{createFilled(l, sizes, zero), resultLoops},
                       iterators, emitMultiplyAdd, getAttributes(l, type));
}

static LogicalResult lowerMatMul(onnx::MatMulOp op, Lowering &l) {
  FailureOr<Value> result =
      createMatMul(l, l.operand(op.getA()), l.operand(op.getB()));
  return failed(result) ? failure() : l.replace(op.getResult(), *result);
}

static LogicalResult lowerGemm(onnx::GemmOp op, Lowering &l) {
  Value lhs = l.operand(op.getA()), rhs = l.operand(op.getB());
  for (Value operand : {lhs, rhs})
    if (cast<RankedTensorType>(operand.getType()).getRank() != 2)
      return l.fail("takes two matrices, got an operand of type " +
                    Twine(debugString(operand.getType())));
  if (op.getTransA() != 0)
    lhs = createTranspose(l, lhs, {1, 0});
  if (op.getTransB() != 0)
    rhs = createTranspose(l, rhs, {1, 0});
  FailureOr<Value> product = createMatMul(l, lhs, rhs);
  if (failed(product))
    return failure();

  double alpha = op.getAlpha().convertToDouble();
  double beta = op.getBeta().convertToDouble();
  bool hasC = op.getC() && beta != 0.0;
  if (alpha == 1.0 && !hasC)
    return l.replace(op.getResult(), *product);
  SmallVector<Value> inputs{*product};
  if (hasC)
    inputs.push_back(l.operand(op.getC()));
  auto scale = [](OpBuilder &b, Location loc, Value x, double factor) -> Value {
    if (factor == 1.0)
      return x;
    Value constant = createConstant(b, loc, x.getType(), factor);
    if (isa<FloatType>(x.getType()))
      return arith::MulFOp::create(b, loc, x, constant);
    return arith::MulIOp::create(b, loc, x, constant);
  };
  FailureOr<Value> result = createElementwise(
      l, inputs, l.getDeclaredType(op.getY()),
      [&](OpBuilder &b, Location loc, ValueRange elements) -> Value {
        Value x = scale(b, loc, elements[0], alpha);
        if (!hasC)
          return x;
        Value c = scale(b, loc, elements[1], beta);
        if (isa<FloatType>(x.getType()))
          return arith::AddFOp::create(b, loc, x, c);
        return arith::AddIOp::create(b, loc, x, c);
      });
  return failed(result) ? failure() : l.replace(op.getResult(), *result);
}

void mlir::lowbit::populateMatMulLowerings(LoweringTable &table) {
  table.add(lowerMatMul);
  table.add(lowerGemm);
}
