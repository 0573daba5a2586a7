//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A loaded artifact and its entries as Python objects: their signatures, and
// runs on numpy arrays.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_PYTHON_LOADED_H
#define LOWBIT_PYTHON_LOADED_H

#include "lowbit-c/Runtime.h"
#include <memory>
#include <pybind11/pybind11.h>
#include <string>

namespace lowbit::python {

using ModelPtr = std::shared_ptr<LowbitModel>;

/// One entry; keeps the model alive. Runs may be in progress on several
/// threads; Python keeps the object alive while they are.
class Entry {
public:
  Entry(ModelPtr model, LowbitEntry *entry)
      : model(std::move(model)), entry(entry) {}

  const char *getName() const { return lowbitEntryGetName(entry); }
  /// A list of (name, dtype, shape, state); a dimension is an int, a symbol's
  /// name, or None where it is neither fixed nor named; the state is None for
  /// what belongs to the caller.
  pybind11::list getInputs() const;
  pybind11::list getOutputs() const;

  /// Runs on contiguous arrays by name, without the GIL; gives arrays by name
  /// that own their memory. Raises InputError and RunError.
  pybind11::dict run(const pybind11::dict &inputs) const;

private:
  pybind11::tuple describe(const LowbitTensorSpec &spec,
                           const char *state) const;

  ModelPtr model;
  LowbitEntry *entry;
};

/// Shares the ownership of a LowbitModel.
class Loaded {
public:
  /// Loads from bytes, which are copied. Raises LoadError.
  static std::unique_ptr<Loaded> fromBytes(const pybind11::bytes &artifact,
                                           int threads);
  /// Loads a file. Raises LoadError.
  static std::unique_ptr<Loaded> fromFile(const std::string &path, int threads);

  pybind11::list getEntries() const;
  pybind11::object getReport() const;
  const char *getTarget() const { return lowbitModelGetTarget(model.get()); }
  const char *getProducer() const {
    return lowbitModelGetProducer(model.get());
  }
  pybind11::list getFeatures() const;
  int getNumThreads() const { return lowbitModelGetNumThreads(model.get()); }
  const ModelPtr &getModel() const { return model; }

private:
  explicit Loaded(LowbitModel *model) : model(model, lowbitModelDestroy) {}

  ModelPtr model;
};

} // namespace lowbit::python

#endif // LOWBIT_PYTHON_LOADED_H
