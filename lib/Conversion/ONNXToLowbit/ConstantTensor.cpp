//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See the header.
//
//===----------------------------------------------------------------------===//

#include "ConstantTensor.h"

using namespace mlir;
using namespace mlir::lowbit;

ConstantTensor::ConstantTensor(SmallVector<int64_t> shape,
                               std::vector<float> elements)
    : shape(std::move(shape)) {
  auto storage =
      std::make_shared<const std::vector<float>>(std::move(elements));
  values = *storage;
  owner = std::move(storage);
}

ConstantTensor ConstantTensor::reshaped(ArrayRef<int64_t> newShape) const {
  return ConstantTensor(SmallVector<int64_t>(newShape), values, owner);
}

std::optional<SmallVector<int64_t>>
lowbit::getBroadcastStrides(ArrayRef<int64_t> shape, ArrayRef<int64_t> result) {
  if (shape.size() > result.size())
    return std::nullopt;
  SmallVector<int64_t> strides(result.size(), 0);
  int64_t stride = 1;
  for (size_t i = 0; i < shape.size(); ++i) {
    int64_t extent = shape[shape.size() - 1 - i];
    size_t dim = result.size() - 1 - i;
    if (extent != 1 && extent != result[dim])
      return std::nullopt;
    strides[dim] = extent == 1 ? 0 : stride;
    stride *= extent;
  }
  return strides;
}

ConstantTensor lowbit::transposeConstant(const ConstantTensor &input,
                                         ArrayRef<int64_t> perm) {
  SmallVector<int64_t> from(input.getRank(), 1);
  for (int64_t dim = input.getRank() - 2; dim >= 0; --dim)
    from[dim] = from[dim + 1] * input.getShape()[dim + 1];
  SmallVector<int64_t> shape, strides;
  for (int64_t dim : perm) {
    shape.push_back(input.getShape()[dim]);
    strides.push_back(from[dim]);
  }
  std::vector<float> result(input.size());
  const float *data = input.getValues().data();
  forEachElement<1>(shape, {strides},
                    [&](int64_t i, const std::array<int64_t, 1> &at) {
                      result[i] = data[at[0]];
                    });
  return ConstantTensor(std::move(shape), std::move(result));
}
