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
#include "Session.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

namespace py = pybind11;
using namespace lowbit::python;

PYBIND11_MODULE(_lowbit, module) {
  module.doc() = "The compiler and the runtime of lowbit.";
  module.attr("__version__") = lowbitRuntimeGetVersion();

  module.def("compile_models", &compileModels, py::arg("models"),
             py::arg("target"), py::arg("kernel"), py::arg("tables"),
             py::arg("states"), py::arg("top"), py::arg("pack_states"));

  py::class_<Entry>(module, "Entry")
      .def_property_readonly("name", &Entry::getName)
      .def_property_readonly("inputs", &Entry::getInputs)
      .def_property_readonly("outputs", &Entry::getOutputs)
      .def("run", &Entry::run, py::arg("inputs"));

  py::class_<Loaded>(module, "Loaded")
      .def_static("from_bytes", &Loaded::fromBytes, py::arg("artifact"),
                  py::arg("threads"))
      .def_static("from_file", &Loaded::fromFile, py::arg("path"),
                  py::arg("threads"))
      .def_property_readonly("entries", &Loaded::getEntries)
      .def_property_readonly("report", &Loaded::getReport)
      .def_property_readonly("target", &Loaded::getTarget)
      .def_property_readonly("producer", &Loaded::getProducer)
      .def_property_readonly("features", &Loaded::getFeatures)
      .def_property_readonly("threads", &Loaded::getNumThreads);

  py::class_<Session>(module, "Session")
      .def(py::init<const Loaded &, const std::optional<std::string> &>(),
           py::arg("loaded"), py::arg("step"))
      .def("start", &Session::start, py::arg("inputs"))
      .def("step", &Session::step, py::arg("inputs"))
      .def("run", &Session::run, py::arg("entry"), py::arg("inputs"))
      .def("reorder", &Session::reorder, py::arg("rows"))
      .def("fork", &Session::fork)
      .def("reset", &Session::reset)
      .def("get_state", &Session::getState, py::arg("name"))
      .def("set_state", &Session::setState, py::arg("states"))
      .def_property_readonly("steps", &Session::getNumSteps)
      .def_property_readonly("memory", &Session::getMemory)
      .def_property_readonly("states", &Session::getStateNames);
}
