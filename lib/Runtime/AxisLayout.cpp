//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See AxisLayout.h.
//
//===----------------------------------------------------------------------===//

#include "AxisLayout.h"

#include <algorithm>
#include <cstring>

using namespace lowbit;

AxisLayout::AxisLayout(const LowbitTensor &tensor, int32_t axis,
                       int64_t capacity)
    : count(1) {
  size_t row = lowbitDTypeGetSize(tensor.dtype);
  for (int32_t d = 0; d < axis; ++d)
    count *= static_cast<size_t>(tensor.dims[d]);
  for (int32_t d = axis + 1; d < tensor.rank; ++d)
    row *= static_cast<size_t>(tensor.dims[d]);
  bytes = row * static_cast<size_t>(tensor.dims[axis]);
  stride = row * static_cast<size_t>(capacity);
}

void lowbit::copyChunks(const AxisLayout &from, const void *source,
                        const AxisLayout &to, void *target) {
  const size_t bytes = std::min(from.bytes, to.bytes);
  if (bytes == 0)
    return;
  const char *in = static_cast<const char *>(source);
  char *out = static_cast<char *>(target);
  for (size_t i = 0; i < std::min(from.count, to.count); ++i)
    std::memcpy(out + i * to.stride, in + i * from.stride, bytes);
}
