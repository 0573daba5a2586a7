//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiles an ONNX model and runs it, with the two shared libraries alone.
//
// REQUIRES: python-onnx
// RUN: %python %S/Inputs/affine.py %t.onnx
// RUN: lowbit-capi-compile %t.onnx %t.so | FileCheck %s
//
//===----------------------------------------------------------------------===//

#include "lowbit-c/Compiler.h"

#include <stdio.h>
#include <stdlib.h>

static void check(LowbitError *error) {
  if (!error)
    return;
  fprintf(stderr, "error %d: %s\n", (int)lowbitErrorGetCode(error),
          lowbitErrorGetMessage(error));
  lowbitErrorDestroy(error);
  exit(1);
}

/// Runs the entry, y = x w + b, on one row and prints y.
static void runEntry(LowbitEntry *entry) {
  float x[] = {1, 2, 3};
  const int64_t dims[] = {1, 3};
  const LowbitTensor input = {"x", LOWBIT_DTYPE_FLOAT32, 2, dims, x};
  LowbitResult *result = NULL;
  check(lowbitEntryRun(entry, &input, 1, NULL, NULL, &result));
  const LowbitTensor *y = lowbitResultGetOutput(result, 0);
  printf("%s [%d, %d]: %g %g\n", y->name, (int)y->dims[0], (int)y->dims[1],
         ((const float *)y->data)[0], ((const float *)y->data)[1]);
  lowbitResultDestroy(result);
}

static void run(LowbitModel *model) { runEntry(lowbitModelGetEntry(model, 0)); }

static void expectError(LowbitError *error, const LowbitCompiled *compiled) {
  printf("code %d, null %d: %s\n", (int)lowbitErrorGetCode(error), !compiled,
         lowbitErrorGetMessage(error));
  lowbitErrorDestroy(error);
}

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  LowbitCompiled *compiled = NULL;
  LowbitModel *model = NULL;

  // From a file, through memory.
  check(lowbitCompileFile(argv[1], NULL, &compiled));
  check(lowbitModelLoadMemory(lowbitCompiledGetData(compiled),
                              lowbitCompiledGetSize(compiled), 1, &model));
  // CHECK: y [1, 2]: 14.5 32.25
  run(model);
  lowbitModelDestroy(model);

  // Through a file.
  check(lowbitCompiledWrite(compiled, argv[2]));
  lowbitCompiledDestroy(compiled);
  check(lowbitModelLoad(argv[2], 2, &model));
  // CHECK: y [1, 2]: 14.5 32.25
  run(model);
  lowbitModelDestroy(model);

  // Twice in one artifact, the second time under another name; y of one is x of
  // nobody, so nothing is kept until it is declared.
  LowbitModelSource models[] = {{NULL, argv[1], NULL, 0, NULL},
                                {"second", argv[1], NULL, 0, NULL}};
  check(lowbitCompileModels(models, 2, NULL, &compiled));
  check(lowbitModelLoadMemory(lowbitCompiledGetData(compiled),
                              lowbitCompiledGetSize(compiled), 1, &model));
  // CHECK: 2 entries
  printf("%d entries\n", (int)lowbitModelGetNumEntries(model));
  // CHECK: y [1, 2]: 14.5 32.25
  runEntry(lowbitModelFindEntry(model, "second"));
  lowbitModelDestroy(model);
  lowbitCompiledDestroy(compiled);

  LowbitCompileOptions options = {0};
  options.emit = "obj";
  options.target = "x86-64-v2";
  options.name = "affine";
  check(lowbitCompileFile(argv[1], &options, &compiled));
  // CHECK: extern {{.*}}LowbitArtifact lowbit_artifact_affine;
  printf("%s", lowbitCompiledGetHeader(compiled));
  lowbitCompiledDestroy(compiled);

  const LowbitStatePair state = {"x", "y"};
  options.num_states = 1;
  options.states = &state;
  // CHECK: code 6, null 1: {{.*}}output 'y' of {{.*}} is float32 [batch, 2],
  // but input 'x'
  expectError(lowbitCompileModels(models, 2, &options, &compiled), compiled);
  options.num_states = 0;
  models[1].name = NULL;
  // CHECK: code 6, null 1: {{.*}}two models are named
  expectError(lowbitCompileModels(models, 2, NULL, &compiled), compiled);
  // CHECK: code 6, null 1: no model to compile
  expectError(lowbitCompileModels(NULL, 0, NULL, &compiled), compiled);

  // CHECK: code 6, null 1: {{.+}}
  expectError(lowbitCompileBuffer("garbage", 7, NULL, NULL, &compiled),
              compiled);
  // CHECK: code 6, null 1: {{.+}}
  expectError(lowbitCompileFile("/nowhere/model.onnx", NULL, &compiled),
              compiled);
  options.target = "z80";
  // CHECK: code 6, null 1: {{.*}}z80
  expectError(lowbitCompileFile(argv[1], &options, &compiled), compiled);
  options.emit = "poem";
  // CHECK: code 1, null 1: unknown emit 'poem', expected one of onnx,
  expectError(lowbitCompileFile(argv[1], &options, &compiled), compiled);
  return 0;
}
