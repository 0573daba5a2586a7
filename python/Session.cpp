//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See Session.h.
//
//===----------------------------------------------------------------------===//

#include "Session.h"
#include "Arrays.h"
#include "Errors.h"

namespace py = pybind11;
using namespace lowbit::python;

/// Calls `action` without the GIL and raises its error.
template <typename Action> static void callWithoutGIL(Action action) {
  LowbitError *error;
  {
    py::gil_scoped_release release;
    error = action();
  }
  raiseOnError(error);
}

Session::Session(const Loaded &loaded, const std::optional<std::string> &step)
    : model(loaded.getModel()), session(nullptr, lowbitSessionDestroy) {
  LowbitSession *made = nullptr;
  raiseOnError(
      lowbitSessionCreate(model.get(), step ? step->c_str() : nullptr, &made));
  session.reset(made);
}

py::dict Session::start(const py::dict &inputs) {
  ArrayTensors tensors(inputs);
  LowbitResult *result = nullptr;
  callWithoutGIL([&] {
    return lowbitSessionStart(session.get(), tensors.data(), tensors.size(),
                              &result);
  });
  return takeOutputs(result);
}

py::dict Session::step(const py::dict &inputs) {
  ArrayTensors tensors(inputs);
  LowbitResult *result = nullptr;
  callWithoutGIL([&] {
    return lowbitSessionStep(session.get(), tensors.data(), tensors.size(),
                             &result);
  });
  return takeOutputs(result);
}

py::dict Session::run(const std::string &entry, const py::dict &inputs) {
  ArrayTensors tensors(inputs);
  LowbitResult *result = nullptr;
  callWithoutGIL([&] {
    return lowbitSessionRun(session.get(),
                            lowbitModelFindEntry(model.get(), entry.c_str()),
                            tensors.data(), tensors.size(), &result);
  });
  return takeOutputs(result);
}

void Session::reorder(const std::vector<int64_t> &rows) {
  callWithoutGIL([&] {
    return lowbitSessionReorder(session.get(), rows.data(),
                                static_cast<int32_t>(rows.size()));
  });
}

std::unique_ptr<Session> Session::fork() {
  LowbitSession *made = nullptr;
  callWithoutGIL([&] { return lowbitSessionFork(session.get(), &made); });
  return std::unique_ptr<Session>(new Session(model, made));
}

void Session::reset() {
  callWithoutGIL([&] { return lowbitSessionReset(session.get()); });
}

py::array Session::getState(const std::string &name) {
  LowbitResult *result = nullptr;
  callWithoutGIL([&] {
    return lowbitSessionGetState(session.get(), name.c_str(), &result);
  });
  return takeOutputs(result)[name.c_str()];
}

void Session::setState(const py::dict &states) {
  ArrayTensors tensors(states);
  for (int32_t i = 0; i < tensors.size(); ++i)
    callWithoutGIL([&] {
      return lowbitSessionSetState(session.get(), tensors.data() + i);
    });
}

py::list Session::getStateNames() const {
  py::list names;
  for (int32_t i = 0; i < lowbitSessionGetNumStates(session.get()); ++i)
    names.append(lowbitSessionGetStateName(session.get(), i));
  return names;
}
