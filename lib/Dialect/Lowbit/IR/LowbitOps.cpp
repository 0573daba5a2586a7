//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What every operation of the dialect shares: its effects, the shape of its
// result, its textual form.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace mlir::lowbit;

//===----------------------------------------------------------------------===//
// Interfaces of operations in destination style
//===----------------------------------------------------------------------===//

/// Tensors are values and have no effects; buffers are read, those of the
/// destination are written (and not read, for no operation accumulates).
void mlir::lowbit::detail::getDestinationEffects(
    DestinationStyleOpInterface op,
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<BaseMemRefType>(operand.get().getType()))
      continue;
    if (op.isDpsInit(&operand))
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
    else
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
  }
}

/// The result has the shape of the destination.
LogicalResult
mlir::lowbit::detail::reifyFromInit(DestinationStyleOpInterface op,
                                    OpBuilder &builder,
                                    ReifiedRankedShapedTypeDims &shapes) {
  for (OpResult result : op->getResults()) {
    Value init = op.getTiedOpOperand(result)->get();
    shapes.push_back(tensor::getMixedSizes(builder, op->getLoc(), init));
  }
  return success();
}

Speculation::Speculatability
mlir::lowbit::detail::getDestinationSpeculatability(
    DestinationStyleOpInterface op) {
  // A wrong id is undefined behaviour, so a lookup stays where its check is.
  if (isa<LookupOp, PackedLookupOp>(op.getOperation()))
    return Speculation::NotSpeculatable;
  return op.hasPureTensorSemantics() ? Speculation::Speculatable
                                     : Speculation::NotSpeculatable;
}

//===----------------------------------------------------------------------===//
// Textual form: optional operands, each behind its keyword
//===----------------------------------------------------------------------===//

using OptionalOperand = std::optional<OpAsmParser::UnresolvedOperand>;

/// Parses `, keyword %operand` where it is there.
static ParseResult parseKeywordOperand(OpAsmParser &parser, StringRef keyword,
                                       bool &comma, OptionalOperand &operand) {
  // One comma may have been consumed for a keyword that came later.
  if (!comma)
    comma = succeeded(parser.parseOptionalComma());
  if (!comma || failed(parser.parseOptionalKeyword(keyword)))
    return success();
  comma = false;
  operand.emplace();
  return parser.parseOperand(*operand);
}

static ParseResult
parseKeywordOperands(OpAsmParser &parser,
                     ArrayRef<std::pair<StringRef, OptionalOperand *>> list) {
  bool comma = false;
  for (auto [keyword, operand] : list)
    if (parseKeywordOperand(parser, keyword, comma, *operand))
      return failure();
  if (!comma)
    return success();
  InFlightDiagnostic error = parser.emitError(parser.getCurrentLocation(),
                                              "expected one of the keywords ");
  llvm::interleaveComma(
      list, error, [&](auto &entry) { error << "'" << entry.first << "'"; });
  return error;
}

/// Parses `, type` for each operand that is there.
static ParseResult
parseOptionalTypes(OpAsmParser &parser,
                   ArrayRef<std::pair<OptionalOperand *, Type *>> list) {
  for (auto [operand, type] : list)
    if (operand->has_value() &&
        (parser.parseComma() || parser.parseType(*type)))
      return failure();
  return success();
}

static void printKeywordOperands(OpAsmPrinter &printer,
                                 ArrayRef<std::pair<StringRef, Value>> list) {
  for (auto [keyword, operand] : list)
    if (operand)
      printer << ", " << keyword << ' ' << operand;
}

static void printOptionalTypes(OpAsmPrinter &printer, ArrayRef<Value> list) {
  for (Value operand : list)
    if (operand)
      printer << ", " << operand.getType();
}

/// `%x, scale %s, shift %b, offset %o : type, ...`
static ParseResult
parseQuantizerInputs(OpAsmParser &parser, OpAsmParser::UnresolvedOperand &input,
                     OptionalOperand &scale, OptionalOperand &shift,
                     OptionalOperand &offset, Type &inputType, Type &scaleType,
                     Type &shiftType, Type &offsetType) {
  return failure(parser.parseOperand(input) ||
                 parseKeywordOperands(parser, {{"scale", &scale},
                                               {"shift", &shift},
                                               {"offset", &offset}}) ||
                 parser.parseColonType(inputType) ||
                 parseOptionalTypes(parser, {{&scale, &scaleType},
                                             {&shift, &shiftType},
                                             {&offset, &offsetType}}));
}

static void printQuantizerInputs(OpAsmPrinter &printer, Operation *,
                                 Value input, Value scale, Value shift,
                                 Value offset, Type inputType, Type, Type,
                                 Type) {
  printer << input;
  printKeywordOperands(
      printer, {{"scale", scale}, {"shift", shift}, {"offset", offset}});
  printer << " : " << inputType;
  printOptionalTypes(printer, {scale, shift, offset});
}

/// `%x, %scale, bias %b, residual %r : type, type, ...`
static ParseResult parseLayerNormInputs(OpAsmParser &parser,
                                        OpAsmParser::UnresolvedOperand &input,
                                        OpAsmParser::UnresolvedOperand &scale,
                                        OptionalOperand &bias,
                                        OptionalOperand &residual,
                                        Type &inputType, Type &scaleType,
                                        Type &biasType, Type &residualType) {
  return failure(parser.parseOperand(input) || parser.parseComma() ||
                 parser.parseOperand(scale) ||
                 parseKeywordOperands(
                     parser, {{"bias", &bias}, {"residual", &residual}}) ||
                 parser.parseColonType(inputType) || parser.parseComma() ||
                 parser.parseType(scaleType) ||
                 parseOptionalTypes(
                     parser, {{&bias, &biasType}, {&residual, &residualType}}));
}

static void printLayerNormInputs(OpAsmPrinter &printer, Operation *,
                                 Value input, Value scale, Value bias,
                                 Value residual, Type inputType, Type scaleType,
                                 Type, Type) {
  printer << input << ", " << scale;
  printKeywordOperands(printer, {{"bias", bias}, {"residual", residual}});
  printer << " : " << inputType << ", " << scaleType;
  printOptionalTypes(printer, {bias, residual});
}

#define GET_OP_CLASSES
#include "lowbit/Dialect/Lowbit/IR/LowbitOps.cpp.inc"
