//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Cast. Floats to integers truncate towards zero; as in C, values outside the
// integer type give no defined result. Anything to bool is "not zero", NaN
// included.
//
//===----------------------------------------------------------------------===//

#include "Structured.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::lowbit;

static Value castToBool(OpBuilder &b, Location loc, Value x) {
  Value zero = createConstant(b, loc, x.getType(), 0);
  if (isa<FloatType>(x.getType()))
    return b.createOrFold<arith::CmpFOp>(loc, arith::CmpFPredicate::UNE, x,
                                         zero);
  return b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::ne, x, zero);
}

/// Integer to integer, or integer to float; bools and unsigned integers have no
/// sign to extend.
static Value castInteger(OpBuilder &b, Location loc, Value x, Type to,
                         bool isUnsigned) {
  isUnsigned |= x.getType().isInteger(1);
  if (isa<FloatType>(to))
    return isUnsigned ? b.createOrFold<arith::UIToFPOp>(loc, to, x)
                      : b.createOrFold<arith::SIToFPOp>(loc, to, x);
  unsigned fromWidth = x.getType().getIntOrFloatBitWidth();
  unsigned toWidth = to.getIntOrFloatBitWidth();
  if (fromWidth > toWidth)
    return b.createOrFold<arith::TruncIOp>(loc, to, x);
  if (fromWidth == toWidth)
    return x;
  return isUnsigned ? b.createOrFold<arith::ExtUIOp>(loc, to, x)
                    : b.createOrFold<arith::ExtSIOp>(loc, to, x);
}

/// Float to float, or float to integer by way of at least 32 bits, so that a
/// negative number keeps its low bits in an unsigned type.
static Value castFloat(OpBuilder &b, Location loc, Value x, Type to) {
  unsigned fromWidth = x.getType().getIntOrFloatBitWidth();
  unsigned toWidth = to.getIntOrFloatBitWidth();
  if (isa<IntegerType>(to)) {
    Type wide = b.getIntegerType(std::max(32u, toWidth));
    Value integer = b.createOrFold<arith::FPToSIOp>(loc, wide, x);
    return castInteger(b, loc, integer, to, false);
  }
  if (fromWidth > toWidth)
    return b.createOrFold<arith::TruncFOp>(loc, to, x);
  if (fromWidth < toWidth)
    return b.createOrFold<arith::ExtFOp>(loc, to, x);
  if (x.getType() == to)
    return x;
  // f16 and bf16 differ at the same width.
  Value wide = b.createOrFold<arith::ExtFOp>(loc, b.getF32Type(), x);
  return b.createOrFold<arith::TruncFOp>(loc, to, wide);
}

static LogicalResult lowerCast(onnx::CastOp op, Lowering &l) {
  Type from = cast<ShapedType>(op.getInput().getType()).getElementType();
  RankedTensorType declared = l.getDeclaredType(op.getOutput());
  Type to = declared.getElementType();
  if (!from.isIntOrFloat() || !to.isIntOrFloat())
    return l.fail("is unsupported from " + Twine(debugString(from)) + " to " +
                  Twine(debugString(to)));
  Value input = l.operand(op.getInput());
  if (convertElementType(from) == to)
    return l.replace(op.getResult(), input);
  FailureOr<Value> result = createElementwise(
      l, input, declared, [&](OpBuilder &b, Location loc, ValueRange elements) {
        Value x = elements[0];
        if (to.isInteger(1))
          return castToBool(b, loc, x);
        return isa<FloatType>(from)
                   ? castFloat(b, loc, x, to)
                   : castInteger(b, loc, x, to, from.isUnsignedInteger());
      });
  return failed(result) ? failure() : l.replace(op.getResult(), *result);
}

void mlir::lowbit::populateCastLowerings(LoweringTable &table) {
  table.add(lowerCast);
}
