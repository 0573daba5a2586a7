//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An artifact that is linked into the program: no file is loaded.
//
// REQUIRES: python-onnx
// RUN: rm -rf %t && mkdir -p %t
// RUN: %python %S/Inputs/affine.py %t/affine.onnx
// RUN: lowbit-compile %t/affine.onnx -o %t/affine.o
// RUN: %host_cc -I %lowbit_include -I %t %s %t/affine.o -L %lowbit_libs \
// RUN:   -llowbit_runtime -lm -Wl,-rpath,%lowbit_libs -o %t/static
// RUN: %t/static | FileCheck %s
//
//===----------------------------------------------------------------------===//

#include "affine.h"
#include "lowbit-c/Runtime.h"

#include <stdio.h>

int main(void) {
  float x[] = {1, 2, 3, 4, 5, 6};
  const int64_t dims[] = {2, 3};
  const LowbitTensor input = {"x", LOWBIT_DTYPE_FLOAT32, 2, dims, x};
  LowbitModel *model = NULL;
  LowbitResult *result = NULL;
  LowbitError *error =
      lowbitModelLoadStatic(&lowbit_artifact_affine, 1, &model);
  if (!error)
    error = lowbitModelRun(model, &input, 1, NULL, NULL, &result);
  if (error) {
    printf("%s\n", lowbitErrorGetMessage(error));
    return 1;
  }
  const float *y = (const float *)lowbitResultGetOutput(result, 0)->data;
  // CHECK: 14.5 32.25 32.5 77.25
  printf("%g %g %g %g\n", y[0], y[1], y[2], y[3]);
  lowbitResultDestroy(result);
  lowbitModelDestroy(model);
  return 0;
}
