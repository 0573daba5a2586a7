//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where the outputs of a session's run go.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_RUNTIME_SESSIONOUTPUTS_H
#define LOWBIT_RUNTIME_SESSIONOUTPUTS_H

#include "Run.h"
#include "State.h"

#include <vector>

namespace lowbit {

/// Outputs that are states go there, the others to the result.
class SessionOutputs : public OwnedOutputs {
public:
  /// `kept` tells which inputs of the run are states.
  SessionOutputs(const LowbitEntryPoint &entry, std::vector<State> &states,
                 const std::vector<bool> &kept)
      : entry(entry), states(states), kept(kept),
        appended(entry.num_outputs, -1) {}

  void *allocate(int32_t index, Output &output, size_t bytes) override {
    const int32_t slot = entry.output_slots[index];
    return slot == LOWBIT_NO_SLOT
               ? OwnedOutputs::allocate(index, output, bytes)
               : states[static_cast<size_t>(slot)].prepare(bytes);
  }

  void *append(uint32_t inputIndex, const LowbitTensor &input, int32_t axis,
               int32_t index, Output &output, size_t bytes,
               int64_t &capacity) override {
    const int32_t slot = entry.output_slots[index];
    if (slot == LOWBIT_NO_SLOT || entry.input_slots[inputIndex] != slot ||
        !kept[inputIndex])
      return OwnedOutputs::append(inputIndex, input, axis, index, output, bytes,
                                  capacity);
    const int64_t count =
        output.dims[static_cast<size_t>(axis)] - input.dims[axis];
    appended[static_cast<size_t>(index)] = count;
    return states[static_cast<size_t>(slot)].append(axis, count, capacity);
  }

  /// Moves outputs into their states and out of `result`.
  void commit(LowbitResult &result) {
    std::vector<std::unique_ptr<Output>> rest;
    for (uint32_t i = 0; i < entry.num_outputs; ++i) {
      const int32_t slot = entry.output_slots[i];
      if (slot == LOWBIT_NO_SLOT) {
        rest.push_back(std::move(result.outputs[i]));
        continue;
      }
      State &state = states[static_cast<size_t>(slot)];
      const LowbitTensor &tensor = result.outputs[i]->tensor;
      if (appended[i] >= 0)
        state.commitAppend(appended[i]);
      else
        state.commit(tensor.dtype, tensor.dims, tensor.rank);
    }
    result.outputs = std::move(rest);
  }

private:
  const LowbitEntryPoint &entry;
  std::vector<State> &states;
  const std::vector<bool> &kept;
  std::vector<int64_t> appended; ///< rows, by output; -1 for none
};

} // namespace lowbit

#endif // LOWBIT_RUNTIME_SESSIONOUTPUTS_H
