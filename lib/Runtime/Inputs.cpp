//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every property of an input that the compiled code relies on is checked here,
// as the code itself does not look at it again.
//
//===----------------------------------------------------------------------===//

#include "Inputs.h"

#include "Error.h"
#include "Memory.h"

#include <cstring>
#include <string>

using namespace lowbit;

[[noreturn]] static void failInput(const std::string &message) {
  fail(LOWBIT_ERROR_INVALID_ARGUMENT, message);
}

static std::string quote(const std::string &name) { return "'" + name + "'"; }

/// "'a', 'b'" for the inputs for which `select` holds.
template <typename Select>
static std::string listInputs(const LowbitArtifact &artifact, Select select) {
  std::string text;
  for (uint32_t i = 0; i < artifact.num_inputs; ++i)
    if (select(i))
      text += (text.empty() ? "" : ", ") + quote(artifact.inputs[i].name);
  return text.empty() ? "none" : text;
}

/// Which tensor is which input; every input is there exactly once.
static std::vector<const LowbitTensor *>
matchNames(const LowbitArtifact &artifact, const LowbitTensor *tensors,
           int32_t count) {
  std::vector<const LowbitTensor *> matched(artifact.num_inputs, nullptr);
  for (int32_t i = 0; i < count; ++i) {
    uint32_t index = 0;
    if (!tensors[i].name) {
      index = static_cast<uint32_t>(i);
      if (index >= artifact.num_inputs)
        failInput("got " + std::to_string(count) + " inputs, expected " +
                  std::to_string(artifact.num_inputs));
    } else {
      while (index < artifact.num_inputs &&
             std::strcmp(artifact.inputs[index].name, tensors[i].name) != 0)
        ++index;
      if (index == artifact.num_inputs)
        failInput("unknown input " + quote(tensors[i].name) + ", expected " +
                  listInputs(artifact, [](uint32_t) { return true; }));
    }
    if (matched[index])
      failInput("input " + quote(artifact.inputs[index].name) +
                " is given twice");
    matched[index] = &tensors[i];
  }
  auto isMissing = [&](uint32_t i) { return !matched[i]; };
  for (uint32_t i = 0; i < artifact.num_inputs; ++i)
    if (isMissing(i))
      failInput("missing input " + listInputs(artifact, isMissing));
  return matched;
}

static void checkTensor(const LowbitTensorSpec &spec,
                        const LowbitTensor &tensor) {
  const std::string name = "input " + quote(spec.name);
  if (tensor.dtype != spec.dtype)
    failInput(name + " is " + lowbitDTypeGetName(tensor.dtype) + ", expected " +
              lowbitDTypeGetName(spec.dtype));
  if (tensor.rank != spec.rank)
    failInput(name + " has rank " + std::to_string(tensor.rank) +
              ", expected " + std::to_string(spec.rank));
  if (tensor.rank != 0 && !tensor.dims)
    failInput(name + " has no dimensions");
  for (int32_t d = 0; d < spec.rank; ++d) {
    const std::string dimension = name + " dimension " + std::to_string(d);
    if (tensor.dims[d] < 0)
      failInput(dimension + " is " + std::to_string(tensor.dims[d]));
    if (spec.dims[d] >= 0 && tensor.dims[d] != spec.dims[d])
      failInput(dimension + " is " + std::to_string(tensor.dims[d]) +
                ", expected " + std::to_string(spec.dims[d]));
  }
  const size_t elementSize = lowbitDTypeGetSize(spec.dtype);
  const auto bytes = computeBytes(tensor.dims, tensor.rank, elementSize);
  if (!bytes)
    failInput(name + " is larger than memory");
  if (*bytes != 0 && !tensor.data)
    failInput(name + " has no data");
  if (reinterpret_cast<uintptr_t>(tensor.data) % elementSize != 0)
    failInput(name + " is not aligned to its " + std::to_string(elementSize) +
              "-byte elements");
}

/// The extents of the symbols, each with the dimension that gave it.
class SymbolTable {
public:
  explicit SymbolTable(const LowbitArtifact &artifact)
      : artifact(artifact), values(artifact.num_symbols) {}

  void bind(const LowbitTensorSpec &spec, const LowbitTensor &tensor) {
    for (int32_t d = 0; d < spec.rank; ++d) {
      if (spec.dims[d] > LOWBIT_DIM_SYMBOL(0))
        continue;
      // Inverts LOWBIT_DIM_SYMBOL; the index was checked at load.
      const int64_t symbol = LOWBIT_DIM_SYMBOL(0) - spec.dims[d];
      Value &value = values[static_cast<size_t>(symbol)];
      if (!value.source) {
        value = {&spec, tensor.dims[d]};
      } else if (value.extent != tensor.dims[d]) {
        failInput("input " + quote(spec.name) + " dimension " +
                  std::to_string(d) + " is " + std::to_string(tensor.dims[d]) +
                  ", but " + quote(artifact.symbols[symbol]) + " is " +
                  std::to_string(value.extent) + " in " +
                  quote(value.source->name));
      }
    }
  }

private:
  struct Value {
    const LowbitTensorSpec *source = nullptr;
    int64_t extent = 0;
  };
  const LowbitArtifact &artifact;
  std::vector<Value> values;
};

std::vector<LowbitBuffer> lowbit::bindInputs(const LowbitArtifact &artifact,
                                             const LowbitTensor *tensors,
                                             int32_t count) {
  if (count < 0 || (count != 0 && !tensors))
    failInput("got " + std::to_string(count) + " inputs, but no tensors");
  const std::vector<const LowbitTensor *> matched =
      matchNames(artifact, tensors, count);
  std::vector<LowbitBuffer> buffers(artifact.num_inputs);
  SymbolTable symbols(artifact);
  for (uint32_t i = 0; i < artifact.num_inputs; ++i) {
    checkTensor(artifact.inputs[i], *matched[i]);
    symbols.bind(artifact.inputs[i], *matched[i]);
    buffers[i] = {matched[i]->data, matched[i]->dims};
  }
  return buffers;
}
