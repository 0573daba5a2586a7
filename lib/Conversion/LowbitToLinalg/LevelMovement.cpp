//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Levels become i8 wherever they are only moved.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Conversion/LowbitToLinalg.h"
#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace mlir::lowbit;

LevelsTypeConverter::LevelsTypeConverter() {
  addConversion([](Type type) { return type; });
  addConversion([](LevelsType type) -> Type {
    return IntegerType::get(type.getContext(), 8);
  });
  addConversion([](RankedTensorType type) -> Type {
    if (!isa<LevelsType>(type.getElementType()))
      return type;
    return RankedTensorType::get(type.getShape(),
                                 IntegerType::get(type.getContext(), 8),
                                 type.getEncoding());
  });
}

bool LevelsTypeConverter::isFreeOfLevels(Operation *op) const {
  if (auto function = dyn_cast<FunctionOpInterface>(op))
    if (!isLegal(function.getArgumentTypes()) ||
        !isLegal(function.getResultTypes()))
      return false;
  return isLegal(op) && llvm::all_of(op->getRegions(), [&](Region &region) {
           return isLegal(&region);
         });
}

namespace {

/// The operation itself, on operands, results and region arguments of i8.
struct MovementOfBytes : ConversionPattern {
  MovementOfBytes(const TypeConverter &converter, MLIRContext *context)
      : ConversionPattern(converter, MatchAnyOpTypeTag(), /*benefit=*/1,
                          context) {}

  LogicalResult
  matchAndRewrite(Operation *op, ArrayRef<Value> operands,
                  ConversionPatternRewriter &rewriter) const override {
    if (isa<LowbitDialect>(op->getDialect()) || isa<FunctionOpInterface>(op))
      return rewriter.notifyMatchFailure(op, "converted by its own pattern");
    SmallVector<Type> types;
    if (failed(getTypeConverter()->convertTypes(op->getResultTypes(), types)))
      return rewriter.notifyMatchFailure(op, "no conversion of a result");

    OperationState state(op->getLoc(), op->getName(), operands, types,
                         op->getAttrs(), op->getSuccessors());
    for (unsigned i = 0; i < op->getNumRegions(); ++i)
      state.addRegion();
    Operation *moved = rewriter.create(state);
    for (auto [from, to] :
         llvm::zip_equal(op->getRegions(), moved->getRegions())) {
      rewriter.inlineRegionBefore(from, to, to.end());
      if (failed(rewriter.convertRegionTypes(&to, *getTypeConverter())))
        return rewriter.notifyMatchFailure(op, "no conversion of a region");
    }
    rewriter.replaceOp(op, moved->getResults());
    return success();
  }
};

} // namespace

void mlir::lowbit::populateLevelMovementPatterns(
    const LevelsTypeConverter &converter, RewritePatternSet &patterns) {
  populateAnyFunctionOpInterfaceTypeConversionPattern(patterns, converter);
  patterns.add<MovementOfBytes>(converter, patterns.getContext());
}
