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

static std::string formatDim(const LowbitModel *model, int64_t dim) {
  if (dim >= 0)
    return std::to_string(dim);
  if (dim == LOWBIT_DIM_ANY)
    return "?";
  return lowbitModelGetSymbol(model,
                              static_cast<int32_t>(LOWBIT_DIM_SYMBOL(0) - dim));
}

static void printSpec(const LowbitModel *model, const char *what,
                      const LowbitTensorSpec &spec) {
  std::printf("%s %s: %s [", what, spec.name, lowbitDTypeGetName(spec.dtype));
  for (int32_t d = 0; d < spec.rank; ++d)
    std::printf("%s%s", d ? ", " : "", formatDim(model, spec.dims[d]).c_str());
  std::printf("]\n");
}

void lowbit::describe(const LowbitModel *model) {
  std::printf("producer: %s\n", lowbitModelGetProducer(model));
  std::printf("target: %s\n", lowbitModelGetTarget(model));
  std::printf("CPU features:");
  for (int32_t i = 0; i < lowbitModelGetNumFeatures(model); ++i)
    std::printf(" %s", lowbitModelGetFeature(model, i));
  std::printf("\n");
  for (int32_t i = 0; i < lowbitModelGetNumInputs(model); ++i)
    printSpec(model, "input", *lowbitModelGetInput(model, i));
  for (int32_t i = 0; i < lowbitModelGetNumOutputs(model); ++i)
    printSpec(model, "output", *lowbitModelGetOutput(model, i));
}

std::string lowbit::formatTensor(const LowbitTensor &tensor) {
  std::string text = lowbitDTypeGetName(tensor.dtype) + std::string(" [");
  for (int32_t d = 0; d < tensor.rank; ++d)
    text += (d ? ", " : "") + std::to_string(tensor.dims[d]);
  return text + "]";
}
