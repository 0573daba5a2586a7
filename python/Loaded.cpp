//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs on numpy arrays: inputs are read in place, outputs move out of the
// result into arrays that own them.
//
//===----------------------------------------------------------------------===//

#include "Loaded.h"
#include "Errors.h"

#include <pybind11/numpy.h>
#include <string_view>
#include <vector>

namespace py = pybind11;
using namespace lowbit::python;

std::unique_ptr<Loaded> Loaded::fromBytes(const py::bytes &artifact,
                                          int threads) {
  std::string_view data = artifact;
  LowbitModel *model = nullptr;
  LowbitError *error;
  {
    py::gil_scoped_release release;
    error = lowbitModelLoadMemory(data.data(), data.size(), threads, &model);
  }
  raiseOnError(error);
  return std::unique_ptr<Loaded>(new Loaded(model));
}

std::unique_ptr<Loaded> Loaded::fromFile(const std::string &path, int threads) {
  LowbitModel *model = nullptr;
  LowbitError *error;
  {
    py::gil_scoped_release release;
    error = lowbitModelLoad(path.c_str(), threads, &model);
  }
  raiseOnError(error);
  return std::unique_ptr<Loaded>(new Loaded(model));
}

py::tuple Loaded::describe(const LowbitTensorSpec &spec) const {
  py::tuple shape(spec.rank);
  for (int32_t i = 0; i < spec.rank; ++i) {
    int64_t dim = spec.dims[i];
    if (dim >= 0)
      shape[i] = dim;
    else if (dim == LOWBIT_DIM_ANY)
      shape[i] = py::none();
    else
      shape[i] = lowbitModelGetSymbol(
          model, static_cast<int32_t>(LOWBIT_DIM_SYMBOL(0) - dim));
  }
  return py::make_tuple(spec.name, lowbitDTypeGetName(spec.dtype), shape);
}

py::list Loaded::getInputs() const {
  py::list specs;
  for (int32_t i = 0; i < lowbitModelGetNumInputs(model); ++i)
    specs.append(describe(*lowbitModelGetInput(model, i)));
  return specs;
}

py::list Loaded::getOutputs() const {
  py::list specs;
  for (int32_t i = 0; i < lowbitModelGetNumOutputs(model); ++i)
    specs.append(describe(*lowbitModelGetOutput(model, i)));
  return specs;
}

py::list Loaded::getFeatures() const {
  py::list features;
  for (int32_t i = 0; i < lowbitModelGetNumFeatures(model); ++i)
    features.append(lowbitModelGetFeature(model, i));
  return features;
}

py::object Loaded::getReport() const {
  const char *report = lowbitModelGetReport(model);
  if (!report)
    return py::none();
  return py::bytes(report);
}

/// The element type of an array; 0 when no model can take it.
static int32_t getDType(const py::array &array) {
  for (int32_t dtype = LOWBIT_DTYPE_BOOL; dtype <= LOWBIT_DTYPE_FLOAT16;
       ++dtype)
    if (array.dtype().equal(py::dtype(lowbitDTypeGetName(dtype))))
      return dtype;
  return 0;
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

py::dict Loaded::run(const py::dict &inputs) const {
  std::vector<std::string> names;
  std::vector<py::array> arrays; // keeps the memory alive
  std::vector<std::vector<int64_t>> dims;
  for (auto [key, value] : inputs) {
    names.push_back(py::cast<std::string>(key));
    arrays.push_back(py::cast<py::array>(value));
    const py::array &array = arrays.back();
    dims.emplace_back(array.shape(), array.shape() + array.ndim());
  }
  std::vector<LowbitTensor> tensors;
  for (size_t i = 0; i < names.size(); ++i)
    tensors.push_back({names[i].c_str(), getDType(arrays[i]),
                       static_cast<int32_t>(dims[i].size()), dims[i].data(),
                       const_cast<void *>(arrays[i].data())});

  LowbitResult *rawResult = nullptr;
  LowbitError *error;
  {
    py::gil_scoped_release release;
    error = lowbitModelRun(model, tensors.data(),
                           static_cast<int32_t>(tensors.size()), nullptr,
                           nullptr, &rawResult);
  }
  raiseOnError(error);
  std::unique_ptr<LowbitResult, decltype(&lowbitResultDestroy)> result(
      rawResult, lowbitResultDestroy);

  py::dict outputs;
  for (int32_t i = 0; i < lowbitResultGetNumOutputs(rawResult); ++i)
    outputs[lowbitModelGetOutput(model, i)->name] = takeOutput(rawResult, i);
  return outputs;
}
