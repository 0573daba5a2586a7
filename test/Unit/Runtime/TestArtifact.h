//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The artifact that the runtime's tests load, and tools to run it.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_TEST_UNIT_RUNTIME_TESTARTIFACT_H
#define LOWBIT_TEST_UNIT_RUNTIME_TESTARTIFACT_H

#include "lowbit-c/Artifact.h"

/// What the artifact does, by its input `mode`.
enum Mode {
  kAdd = 0,
  kFail,
  kFailSilently,
  kNoOutput,
  kOutputTwice,
  kOverflowingOutput,
  kTooLargeOutput,
  kUndeclaredOutput,
  kNegativeWorkspace,
  kTooLargeWorkspace
};

#ifdef __cplusplus
extern "C"
#else
extern
#endif
    const LowbitArtifact lowbit_artifact;

/// A program of two entries that keeps state, see StepArtifact.c.
#ifdef __cplusplus
extern "C"
#else
extern
#endif
    const LowbitArtifact lowbit_step_artifact;

#endif // LOWBIT_TEST_UNIT_RUNTIME_TESTARTIFACT_H
