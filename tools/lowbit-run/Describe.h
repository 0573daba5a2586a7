//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What an artifact is and takes, for people to read.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_TOOLS_LOWBIT_RUN_DESCRIBE_H
#define LOWBIT_TOOLS_LOWBIT_RUN_DESCRIBE_H

#include "lowbit-c/Runtime.h"

#include <string>

namespace lowbit {

/// Prints producer, target, CPU features, inputs and outputs; of one entry, or
/// of all when `only` is null.
void describe(LowbitModel *model, const LowbitEntry *only);

/// "float32 [1, 128, 768]" of a tensor with known extents.
std::string formatTensor(const LowbitTensor &tensor);

} // namespace lowbit

#endif // LOWBIT_TOOLS_LOWBIT_RUN_DESCRIBE_H
