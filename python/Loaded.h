//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A loaded artifact as a Python object: its signature, and runs on numpy
// arrays.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_PYTHON_LOADED_H
#define LOWBIT_PYTHON_LOADED_H

#include "lowbit-c/Runtime.h"
#include <memory>
#include <pybind11/pybind11.h>
#include <string>

namespace lowbit::python {

/// Owns a LowbitModel. Runs may be in progress on several threads; Python keeps
/// the object alive while they are.
class Loaded {
public:
  /// Loads from bytes, which are copied. Raises LoadError.
  static std::unique_ptr<Loaded> fromBytes(const pybind11::bytes &artifact,
                                           int threads);
  /// Loads a file. Raises LoadError.
  static std::unique_ptr<Loaded> fromFile(const std::string &path, int threads);
  ~Loaded() { lowbitModelDestroy(model); }
  Loaded(const Loaded &) = delete;
  Loaded &operator=(const Loaded &) = delete;

  /// A list of (name, dtype, shape); a dimension is an int, a symbol's name, or
  /// None where it is neither fixed nor named.
  pybind11::list getInputs() const;
  pybind11::list getOutputs() const;
  pybind11::object getReport() const;
  const char *getTarget() const { return lowbitModelGetTarget(model); }
  const char *getProducer() const { return lowbitModelGetProducer(model); }
  pybind11::list getFeatures() const;
  int getNumThreads() const { return lowbitModelGetNumThreads(model); }

  /// Runs on contiguous arrays by name, without the GIL; gives arrays by name
  /// that own their memory. Raises InputError and RunError.
  pybind11::dict run(const pybind11::dict &inputs) const;

private:
  explicit Loaded(LowbitModel *model) : model(model) {}
  pybind11::tuple describe(const LowbitTensorSpec &spec) const;

  LowbitModel *model;
};

} // namespace lowbit::python

#endif // LOWBIT_PYTHON_LOADED_H
