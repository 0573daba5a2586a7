//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A session as a Python object.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_PYTHON_SESSION_H
#define LOWBIT_PYTHON_SESSION_H

#include "Loaded.h"
#include "lowbit-c/Session.h"
#include <optional>
#include <pybind11/numpy.h>
#include <vector>

namespace lowbit::python {

/// Owns a LowbitSession and keeps its model alive. Every method that works on
/// the states releases the GIL; a second thread that calls one meanwhile gets
/// an InputError.
class Session {
public:
  Session(const Loaded &loaded, const std::optional<std::string> &step);

  pybind11::dict start(const pybind11::dict &inputs);
  pybind11::dict step(const pybind11::dict &inputs);
  pybind11::dict run(const std::string &entry, const pybind11::dict &inputs);
  void reorder(const std::vector<int64_t> &rows);
  std::unique_ptr<Session> fork();
  void reset();
  /// A copy of a state.
  pybind11::array getState(const std::string &name);
  void setState(const pybind11::dict &states);

  int64_t getNumSteps() const {
    return lowbitSessionGetNumSteps(session.get());
  }
  size_t getMemory() const { return lowbitSessionGetMemory(session.get()); }
  pybind11::list getStateNames() const;

private:
  Session(ModelPtr model, LowbitSession *session)
      : model(std::move(model)), session(session, lowbitSessionDestroy) {}

  ModelPtr model; // outlives the session
  std::unique_ptr<LowbitSession, decltype(&lowbitSessionDestroy)> session;
};

} // namespace lowbit::python

#endif // LOWBIT_PYTHON_SESSION_H
