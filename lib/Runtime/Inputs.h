//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The inputs of a run, matched with what the entry declares.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_RUNTIME_INPUTS_H
#define LOWBIT_RUNTIME_INPUTS_H

#include "lowbit-c/Runtime.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lowbit {

/// The inputs of one run of an entry. Every function throws Failure for what
/// the entry cannot take.
class Inputs {
public:
  explicit Inputs(const LowbitEntryPoint &entry);

  /// Finds the input of each of `count` tensors by name, else by position.
  void match(const LowbitTensor *tensors, int32_t count);
  bool isGiven(uint32_t input) const { return given[input] != nullptr; }
  /// Gives an input a tensor that lives as long as the run.
  void give(uint32_t input, const LowbitTensor &tensor);

  /// The extent of a dimension of the entry's signature, when it is fixed or a
  /// symbol in an input that has been given.
  std::optional<int64_t> getExtent(int64_t dim) const;

  /// What the entry takes; every input must have been given.
  std::vector<LowbitBuffer> finish() const;

private:
  struct Symbol {
    const LowbitTensorSpec *source = nullptr; ///< the input that gave it
    int64_t extent = 0;
  };
  void bindSymbols(const LowbitTensorSpec &spec, const LowbitTensor &tensor);

  const LowbitEntryPoint &entry;
  std::vector<const LowbitTensor *> given;
  std::vector<Symbol> symbols;
};

/// Throws Failure unless element type, rank and fixed extents are those of
/// `spec`, and the data is there and aligned.
void checkTensor(const LowbitTensorSpec &spec, const LowbitTensor &tensor);

} // namespace lowbit

#endif // LOWBIT_RUNTIME_INPUTS_H
