//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Float32 tensors as values, and what computing with them takes: sharing their
// elements, walking over them with broadcasting, permuting them.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_ONNXTOLOWBIT_CONSTANTTENSOR_H
#define LIB_CONVERSION_ONNXTOLOWBIT_CONSTANTTENSOR_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <array>
#include <memory>
#include <optional>
#include <vector>

namespace mlir::lowbit {

/// A float32 tensor in row-major order; truth values are 0 and 1. Copies share
/// the elements.
class ConstantTensor {
public:
  ConstantTensor() = default;
  ConstantTensor(SmallVector<int64_t> shape, std::vector<float> values);
  ConstantTensor(SmallVector<int64_t> shape, ArrayRef<float> values,
                 std::shared_ptr<const void> owner)
      : shape(std::move(shape)), values(values), owner(std::move(owner)) {}

  ArrayRef<int64_t> getShape() const { return shape; }
  ArrayRef<float> getValues() const { return values; }
  int64_t getRank() const { return shape.size(); }
  int64_t size() const { return values.size(); }
  /// The same elements under another shape of as many elements.
  ConstantTensor reshaped(ArrayRef<int64_t> newShape) const;

private:
  SmallVector<int64_t> shape;
  ArrayRef<float> values;
  std::shared_ptr<const void> owner;
};

/// The permutation of the dimensions of `input` by `perm`.
ConstantTensor transposeConstant(const ConstantTensor &input,
                                 ArrayRef<int64_t> perm);

/// Strides of an operand of shape `shape` read at the indices of a result of
/// shape `result`, 0 where it is broadcast; nothing when it cannot be.
std::optional<SmallVector<int64_t>>
getBroadcastStrides(ArrayRef<int64_t> shape, ArrayRef<int64_t> result);

/// Calls `body(position, offset of each operand)` for every element of `shape`
/// in row-major order.
template <size_t N, typename Body>
void forEachElement(ArrayRef<int64_t> shape,
                    const std::array<SmallVector<int64_t>, N> &strides,
                    Body body) {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  if (count == 0)
    return;
  SmallVector<int64_t> index(shape.size(), 0);
  std::array<int64_t, N> offsets = {};
  for (int64_t position = 0; position < count; ++position) {
    body(position, offsets);
    for (int64_t dim = static_cast<int64_t>(shape.size()) - 1; dim >= 0;
         --dim) {
      for (size_t i = 0; i < N; ++i)
        offsets[i] += strides[i][dim];
      if (++index[dim] < shape[dim])
        break;
      for (size_t i = 0; i < N; ++i)
        offsets[i] -= strides[i][dim] * shape[dim];
      index[dim] = 0;
    }
  }
}

} // namespace mlir::lowbit

#endif // LIB_CONVERSION_ONNXTOLOWBIT_CONSTANTTENSOR_H
