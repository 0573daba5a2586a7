//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One run of an entry, for callers and for sessions: the two differ in where
// outputs go.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_RUNTIME_RUN_H
#define LOWBIT_RUNTIME_RUN_H

#include "Memory.h"
#include "lowbit-c/Runtime.h"

#include <memory>
#include <string>
#include <vector>

namespace lowbit {

/// An output that the caller sees.
struct Output {
  explicit Output(const char *name) : name(name) {}
  Output(const Output &) = delete; // `tensor` points into the object
  /// Gives it memory of its own for a tensor like `like`; throws Failure.
  void makeLike(const LowbitTensor &like);

  LowbitTensor tensor = {};
  std::string name;
  std::vector<int64_t> dims;
  Buffer data; ///< null when the caller owns the storage or has taken it
  bool isMade = false;
};

/// Gives outputs their storage while an entry runs.
class OutputStorage {
public:
  virtual ~OutputStorage() = default;
  /// `bytes` bytes for output `index`, of which `output` has all but the data;
  /// null when memory is exhausted. May throw Failure.
  virtual void *allocate(int32_t index, Output &output, size_t bytes) = 0;
  /// The storage of output `index`, which is `input` with more rows along
  /// `axis`: it holds the elements of the input and has room for `capacity`
  /// rows. Copies the input into what allocate() gives.
  virtual void *append(uint32_t inputIndex, const LowbitTensor &input,
                       int32_t axis, int32_t index, Output &output,
                       size_t bytes, int64_t &capacity);
};

/// Outputs that belong to the result.
class OwnedOutputs : public OutputStorage {
public:
  void *allocate(int32_t index, Output &output, size_t bytes) override;
};

/// Calls an entry with inputs that were checked, and returns its outputs;
/// throws Failure when it fails.
std::unique_ptr<LowbitResult> runEntry(const LowbitEntry &entry,
                                       const LowbitBuffer *inputs,
                                       OutputStorage &storage);

} // namespace lowbit

struct LowbitResult {
  std::vector<std::unique_ptr<lowbit::Output>> outputs;
};

#endif // LOWBIT_RUNTIME_RUN_H
