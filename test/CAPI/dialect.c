//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Parses, makes and prints lowbit IR through MLIR's C API.
//
// RUN: lowbit-capi-dialect 2>&1 | FileCheck %s
//
//===----------------------------------------------------------------------===//

#include "lowbit-c/Dialect.h"

#include "mlir-c/BuiltinTypes.h"
#include "mlir-c/Diagnostics.h"

#include <stdio.h>

static void print(MlirStringRef text, void *unused) {
  (void)unused;
  fwrite(text.data, 1, text.length, stdout);
}

static MlirLogicalResult printDiagnostic(MlirDiagnostic diagnostic,
                                         void *unused) {
  printf("error: ");
  mlirDiagnosticPrint(diagnostic, print, unused);
  printf("\n");
  return mlirLogicalResultSuccess();
}

int main(void) {
  MlirContext context = mlirContextCreate();
  mlirContextAttachDiagnosticHandler(context, printDiagnostic, NULL, NULL);
  mlirDialectHandleRegisterDialect(mlirGetDialectHandle__lowbit__(), context);
  mlirRegisterLowbitPasses();

  const int64_t levels[] = {-1, 0, 1};
  MlirType type = mlirLowbitLevelsTypeGet(context, 3, levels);
  // CHECK: made !lowbit.levels<-1, 0, 1>
  printf("made ");
  mlirTypePrint(type, print, NULL);
  // CHECK: 3 levels, the last is 1
  printf("\n%d levels, the last is %d\n",
         (int)mlirLowbitLevelsTypeGetCount(type),
         (int)mlirLowbitLevelsTypeGetLevel(type, 2));

  MlirType parsed = mlirTypeParseGet(
      context, mlirStringRefCreateFromCString("!lowbit.levels<-1, 0, 1>"));
  // CHECK: parsed the same type: 1, levels: 1, of an index: 0
  printf("parsed the same type: %d, levels: %d, of an index: %d\n",
         mlirTypeEqual(type, parsed), mlirTypeIsALowbitLevels(parsed),
         mlirTypeIsALowbitLevels(mlirIndexTypeGet(context)));

  const int64_t descending[] = {1, -1};
  // CHECK: error: {{.*}}levels
  // CHECK: null: 1
  MlirType none = mlirLowbitLevelsTypeGet(context, 2, descending);
  printf("null: %d\n", mlirTypeIsNull(none));

  mlirContextDestroy(context);
  return 0;
}
