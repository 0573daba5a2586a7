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

#include "Describe.h"

#include <cstdio>

using namespace lowbit;

static std::string formatDim(const LowbitEntry *entry, int64_t dim) {
  if (dim >= 0)
    return std::to_string(dim);
  if (dim == LOWBIT_DIM_ANY)
    return "?";
  return lowbitEntryGetSymbol(entry,
                              static_cast<int32_t>(LOWBIT_DIM_SYMBOL(0) - dim));
}

/// `state` is the state that the input or output belongs to, if any.
static void printSpec(const LowbitEntry *entry, const char *what,
                      const LowbitTensorSpec &spec, const char *state) {
  std::printf("%s %s: %s [", what, spec.name, lowbitDTypeGetName(spec.dtype));
  for (int32_t d = 0; d < spec.rank; ++d)
    std::printf("%s%s", d ? ", " : "", formatDim(entry, spec.dims[d]).c_str());
  std::printf("]");
  if (state)
    std::printf(", state %s", state);
  std::printf("\n");
}

static void describeEntry(const LowbitEntry *entry) {
  for (int32_t i = 0; i < lowbitEntryGetNumInputs(entry); ++i)
    printSpec(entry, "input", *lowbitEntryGetInput(entry, i),
              lowbitEntryGetInputState(entry, i));
  for (int32_t i = 0; i < lowbitEntryGetNumOutputs(entry); ++i)
    printSpec(entry, "output", *lowbitEntryGetOutput(entry, i),
              lowbitEntryGetOutputState(entry, i));
}

void lowbit::describe(LowbitModel *model, const LowbitEntry *only) {
  std::printf("producer: %s\n", lowbitModelGetProducer(model));
  std::printf("target: %s\n", lowbitModelGetTarget(model));
  std::printf("CPU features:");
  for (int32_t i = 0; i < lowbitModelGetNumFeatures(model); ++i)
    std::printf(" %s", lowbitModelGetFeature(model, i));
  std::printf("\n");
  const int32_t count = lowbitModelGetNumEntries(model);
  for (int32_t i = 0; i < count; ++i) {
    const LowbitEntry *entry = lowbitModelGetEntry(model, i);
    if (only && entry != only)
      continue;
    if (count > 1)
      std::printf("entry %s\n", lowbitEntryGetName(entry));
    describeEntry(entry);
  }
}

std::string lowbit::formatTensor(const LowbitTensor &tensor) {
  std::string text = lowbitDTypeGetName(tensor.dtype) + std::string(" [");
  for (int32_t d = 0; d < tensor.rank; ++d)
    text += (d ? ", " : "") + std::to_string(tensor.dims[d]);
  return text + "]";
}
