//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The native module lowbit._lowbit. Users see the Python package around it,
// which checks arguments and holds the documentation (lowbit/_model.py).
//
//===----------------------------------------------------------------------===//

#include "Compile.h"
#include "Loaded.h"

#include <pybind11/pybind11.h>

namespace py = pybind11;
using namespace lowbit::python;

PYBIND11_MODULE(_lowbit, module) {
  module.doc() = "The compiler and the runtime of lowbit.";
  module.attr("__version__") = lowbitRuntimeGetVersion();

  module.def("compile_file", &compileFile, py::arg("path"), py::arg("target"),
             py::arg("kernel"));
  module.def("compile_bytes", &compileBytes, py::arg("model"),
             py::arg("target"), py::arg("kernel"));

  py::class_<Loaded>(module, "Loaded")
      .def_static("from_bytes", &Loaded::fromBytes, py::arg("artifact"),
                  py::arg("threads"))
      .def_static("from_file", &Loaded::fromFile, py::arg("path"),
                  py::arg("threads"))
      .def_property_readonly("inputs", &Loaded::getInputs)
      .def_property_readonly("outputs", &Loaded::getOutputs)
      .def_property_readonly("report", &Loaded::getReport)
      .def_property_readonly("target", &Loaded::getTarget)
      .def_property_readonly("producer", &Loaded::getProducer)
      .def_property_readonly("features", &Loaded::getFeatures)
      .def_property_readonly("threads", &Loaded::getNumThreads)
      .def("run", &Loaded::run, py::arg("inputs"));
}
