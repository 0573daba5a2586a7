//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Raises the exceptions of lowbit/_errors.py.
//
//===----------------------------------------------------------------------===//

#include "Errors.h"

#include <pybind11/pybind11.h>

namespace py = pybind11;

void lowbit::python::raise(const char *className,
                           const std::string &diagnostic) {
  py::object type = py::module_::import("lowbit._errors").attr(className);
  // File and node names in a diagnostic need not be valid UTF-8.
  PyObject *text = PyUnicode_DecodeUTF8(
      diagnostic.data(), static_cast<Py_ssize_t>(diagnostic.size()), "replace");
  if (!text)
    throw py::error_already_set();
  PyErr_SetObject(type.ptr(), py::reinterpret_steal<py::str>(text).ptr());
  throw py::error_already_set();
}

void lowbit::python::raiseOnError(LowbitError *error) {
  if (!error)
    return;
  LowbitErrorCode code = lowbitErrorGetCode(error);
  std::string message = lowbitErrorGetMessage(error);
  lowbitErrorDestroy(error);
  switch (code) {
  case LOWBIT_ERROR_INVALID_ARGUMENT:
    raise("InputError", message);
  case LOWBIT_ERROR_FILE:
  case LOWBIT_ERROR_UNSUPPORTED:
    raise("LoadError", message);
  case LOWBIT_ERROR_OUT_OF_MEMORY:
    PyErr_SetString(PyExc_MemoryError, message.c_str());
    throw py::error_already_set();
  case LOWBIT_ERROR_COMPILE:
    raise("CompileError", message);
  case LOWBIT_ERROR_RUN:
    break;
  }
  raise("RunError", message);
}
