//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tensors with room for more rows along an axis: the rows of each outer index
// lie together, and the next outer index begins behind the room.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_RUNTIME_AXISLAYOUT_H
#define LOWBIT_RUNTIME_AXISLAYOUT_H

#include "lowbit-c/Runtime.h"

namespace lowbit {

/// `count` chunks of `bytes` bytes that begin `stride` bytes apart.
struct AxisLayout {
  /// Of a tensor with room for `capacity` rows along `axis`.
  AxisLayout(const LowbitTensor &tensor, int32_t axis, int64_t capacity);
  size_t count, bytes, stride;
};

/// Copies chunks from one layout to another, as many bytes as both have.
void copyChunks(const AxisLayout &from, const void *source,
                const AxisLayout &to, void *target);

} // namespace lowbit

#endif // LOWBIT_RUNTIME_AXISLAYOUT_H
