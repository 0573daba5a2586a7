//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Between numpy arrays and the tensors of the C API.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_PYTHON_ARRAYS_H
#define LOWBIT_PYTHON_ARRAYS_H

#include "lowbit-c/Runtime.h"
#include <pybind11/numpy.h>
#include <string>
#include <vector>

namespace lowbit::python {

/// Contiguous arrays by name as the tensors of a run, read in place; keeps them
/// alive.
class ArrayTensors {
public:
  explicit ArrayTensors(const pybind11::dict &arrays);
  ArrayTensors(const ArrayTensors &) = delete;
  const LowbitTensor *data() const { return tensors.data(); }
  int32_t size() const { return static_cast<int32_t>(tensors.size()); }

private:
  std::vector<std::string> names;
  std::vector<pybind11::array> arrays;
  std::vector<std::vector<int64_t>> dims;
  std::vector<LowbitTensor> tensors;
};

/// The outputs of a result by name, as arrays that own their memory. Destroys
/// the result.
pybind11::dict takeOutputs(LowbitResult *result);

} // namespace lowbit::python

#endif // LOWBIT_PYTHON_ARRAYS_H
