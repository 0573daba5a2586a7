//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Registers what the lowbit dialect consists of.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::lowbit;

#include "lowbit/Dialect/Lowbit/IR/LowbitDialect.cpp.inc"
#include "lowbit/Dialect/Lowbit/IR/LowbitEnums.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "lowbit/Dialect/Lowbit/IR/LowbitTypes.cpp.inc"

/// `, lanes = 8` and so on: what is not the default.
static ParseResult parsePackingOptions(AsmParser &parser, int64_t &lanes,
                                       int64_t &bits, bool &sums) {
  lanes = 1;
  bits = 0;
  sums = true;
  while (succeeded(parser.parseOptionalComma())) {
    StringRef name;
    if (parser.parseOptionalKeyword(&name, {"lanes", "bits", "sums"}))
      return parser.emitError(parser.getCurrentLocation(),
                              "expected 'lanes', 'bits' or 'sums'");
    if (parser.parseEqual())
      return failure();
    if (name == "sums") {
      if (parser.parseKeyword("false", " after 'sums ='"))
        return failure();
      sums = false;
    } else if (parser.parseInteger(name == "lanes" ? lanes : bits)) {
      return failure();
    }
  }
  return success();
}

static void printPackingOptions(AsmPrinter &printer, int64_t lanes,
                                int64_t bits, bool sums) {
  if (lanes != 1)
    printer << ", lanes = " << lanes;
  if (bits != 0)
    printer << ", bits = " << bits;
  if (!sums)
    printer << ", sums = false";
}

#define GET_ATTRDEF_CLASSES
#include "lowbit/Dialect/Lowbit/IR/LowbitAttrs.cpp.inc"

void LowbitDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "lowbit/Dialect/Lowbit/IR/LowbitTypes.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "lowbit/Dialect/Lowbit/IR/LowbitAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "lowbit/Dialect/Lowbit/IR/LowbitOps.cpp.inc"
      >();
}
