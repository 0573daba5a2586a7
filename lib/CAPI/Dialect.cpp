//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The C API of the dialect: MLIR's wrappers around the C++ classes.
//
//===----------------------------------------------------------------------===//

#include "lowbit-c/Dialect.h"

#include "lowbit/Conversion/Passes.h"
#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h"
#include "mlir/CAPI/IR.h"
#include "mlir/CAPI/Registration.h"
#include "mlir/IR/Diagnostics.h"

using namespace mlir;
using namespace mlir::lowbit;

MLIR_DEFINE_CAPI_DIALECT_REGISTRATION(Lowbit, lowbit, LowbitDialect)

void mlirRegisterLowbitPasses(void) {
  registerLowbitPasses();
  registerLowbitConversionPasses();
}

bool mlirTypeIsALowbitLevels(MlirType type) {
  return isa<LevelsType>(unwrap(type));
}

MlirType mlirLowbitLevelsTypeGet(MlirContext context, intptr_t count,
                                 const int64_t *levels) {
  MLIRContext *unwrapped = unwrap(context);
  unwrapped->getOrLoadDialect<LowbitDialect>();
  return wrap(LevelsType::getChecked(
      [&] { return emitError(UnknownLoc::get(unwrapped)); }, unwrapped,
      ArrayRef<int64_t>(levels, static_cast<size_t>(count))));
}

intptr_t mlirLowbitLevelsTypeGetCount(MlirType type) {
  return cast<LevelsType>(unwrap(type)).getCount();
}

int64_t mlirLowbitLevelsTypeGetLevel(MlirType type, intptr_t index) {
  return cast<LevelsType>(unwrap(type)).getLevels()[index];
}
