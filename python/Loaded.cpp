//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See Loaded.h.
//
//===----------------------------------------------------------------------===//

#include "Loaded.h"
#include "Arrays.h"
#include "Errors.h"

#include <string_view>

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

py::list Loaded::getEntries() const {
  py::list entries;
  for (int32_t i = 0; i < lowbitModelGetNumEntries(model.get()); ++i)
    entries.append(Entry(model, lowbitModelGetEntry(model.get(), i)));
  return entries;
}

py::list Loaded::getFeatures() const {
  py::list features;
  for (int32_t i = 0; i < lowbitModelGetNumFeatures(model.get()); ++i)
    features.append(lowbitModelGetFeature(model.get(), i));
  return features;
}

py::object Loaded::getReport() const {
  const char *report = lowbitModelGetReport(model.get());
  if (!report)
    return py::none();
  return py::bytes(report);
}

py::tuple Entry::describe(const LowbitTensorSpec &spec,
                          const char *state) const {
  py::tuple shape(spec.rank);
  for (int32_t i = 0; i < spec.rank; ++i) {
    int64_t dim = spec.dims[i];
    if (dim >= 0)
      shape[i] = dim;
    else if (dim == LOWBIT_DIM_ANY)
      shape[i] = py::none();
    else
      shape[i] = lowbitEntryGetSymbol(
          entry, static_cast<int32_t>(LOWBIT_DIM_SYMBOL(0) - dim));
  }
  return py::make_tuple(spec.name, lowbitDTypeGetName(spec.dtype), shape,
                        state);
}

py::list Entry::getInputs() const {
  py::list specs;
  for (int32_t i = 0; i < lowbitEntryGetNumInputs(entry); ++i)
    specs.append(describe(*lowbitEntryGetInput(entry, i),
                          lowbitEntryGetInputState(entry, i)));
  return specs;
}

py::list Entry::getOutputs() const {
  py::list specs;
  for (int32_t i = 0; i < lowbitEntryGetNumOutputs(entry); ++i)
    specs.append(describe(*lowbitEntryGetOutput(entry, i),
                          lowbitEntryGetOutputState(entry, i)));
  return specs;
}

py::dict Entry::run(const py::dict &inputs) const {
  ArrayTensors tensors(inputs);
  LowbitResult *result = nullptr;
  LowbitError *error;
  {
    py::gil_scoped_release release;
    error = lowbitEntryRun(entry, tensors.data(), tensors.size(), nullptr,
                           nullptr, &result);
  }
  raiseOnError(error);
  return takeOutputs(result);
}
