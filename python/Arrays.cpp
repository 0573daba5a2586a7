//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See Arrays.h: inputs are read in place, outputs move out of the result.
//
//===----------------------------------------------------------------------===//

#include "Arrays.h"

namespace py = pybind11;
using namespace lowbit::python;

/// The element type of an array; 0 when no model can take it.
static int32_t getDType(const py::array &array) {
  for (int32_t dtype = LOWBIT_DTYPE_BOOL; dtype <= LOWBIT_DTYPE_UINT64; ++dtype)
    if (array.dtype().equal(py::dtype(lowbitDTypeGetName(dtype))))
      return dtype;
  return 0;
}

ArrayTensors::ArrayTensors(const py::dict &inputs) {
  for (auto [key, value] : inputs) {
    names.push_back(py::cast<std::string>(key));
    arrays.push_back(py::cast<py::array>(value));
    const py::array &array = arrays.back();
    dims.emplace_back(array.shape(), array.shape() + array.ndim());
  }
  for (size_t i = 0; i < names.size(); ++i)
    tensors.push_back({names[i].c_str(), getDType(arrays[i]),
                       static_cast<int32_t>(dims[i].size()), dims[i].data(),
                       const_cast<void *>(arrays[i].data())});
}

/// An array that owns the storage of output `index`.
static py::array takeOutput(LowbitResult *result, int32_t index) {
  const LowbitTensor &tensor = *lowbitResultGetOutput(result, index);
  std::vector<py::ssize_t> shape(tensor.dims, tensor.dims + tensor.rank);
  void *data = lowbitResultTakeData(result, index);
  py::capsule owner(data, lowbitBufferRelease);
  return py::array(py::dtype(lowbitDTypeGetName(tensor.dtype)), shape, data,
                   owner);
}

py::dict lowbit::python::takeOutputs(LowbitResult *result) {
  std::unique_ptr<LowbitResult, decltype(&lowbitResultDestroy)> owner(
      result, lowbitResultDestroy);
  py::dict outputs;
  for (int32_t i = 0; i < lowbitResultGetNumOutputs(result); ++i)
    outputs[lowbitResultGetOutput(result, i)->name] = takeOutput(result, i);
  return outputs;
}
