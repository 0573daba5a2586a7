//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The inputs of a run, matched with what the artifact declares.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_RUNTIME_INPUTS_H
#define LOWBIT_RUNTIME_INPUTS_H

#include "lowbit-c/Runtime.h"

#include <vector>

namespace lowbit {

/// The `count` tensors in the order in which the artifact's entry takes them.
/// Throws Failure when one is missing, unknown, given twice, or has an element
/// type, rank or extent that the artifact cannot take.
std::vector<LowbitBuffer> bindInputs(const LowbitArtifact &artifact,
                                     const LowbitTensor *tensors,
                                     int32_t count);

} // namespace lowbit

#endif // LOWBIT_RUNTIME_INPUTS_H
