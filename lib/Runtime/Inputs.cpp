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
static std::string listInputs(const LowbitEntryPoint &entry, Select select) {
  std::string text;
  for (uint32_t i = 0; i < entry.num_inputs; ++i)
    if (select(i))
      text += (text.empty() ? "" : ", ") + quote(entry.inputs[i].name);
  return text.empty() ? "none" : text;
}

Inputs::Inputs(const LowbitEntryPoint &entry)
    : entry(entry), given(entry.num_inputs, nullptr),
      symbols(entry.num_symbols) {}

void Inputs::match(const LowbitTensor *tensors, int32_t count) {
  if (count < 0 || (count != 0 && !tensors))
    failInput("got " + std::to_string(count) + " inputs, but no tensors");
  for (int32_t i = 0; i < count; ++i) {
    uint32_t index = 0;
    if (!tensors[i].name) {
      index = static_cast<uint32_t>(i);
      if (index >= entry.num_inputs)
        failInput("got " + std::to_string(count) + " inputs, expected " +
                  std::to_string(entry.num_inputs));
    } else {
      while (index < entry.num_inputs &&
             std::strcmp(entry.inputs[index].name, tensors[i].name) != 0)
        ++index;
      if (index == entry.num_inputs)
        failInput("unknown input " + quote(tensors[i].name) + ", expected " +
                  listInputs(entry, [](uint32_t) { return true; }));
    }
    if (given[index])
      failInput("input " + quote(entry.inputs[index].name) + " is given twice");
    given[index] = &tensors[i];
  }
  // Checked in the entry's order: messages do not depend on the caller's.
  for (uint32_t i = 0; i < entry.num_inputs; ++i)
    if (given[i])
      give(i, *given[i]);
}

void Inputs::give(uint32_t input, const LowbitTensor &tensor) {
  checkTensor(entry.inputs[input], tensor);
  bindSymbols(entry.inputs[input], tensor);
  given[input] = &tensor;
}

void lowbit::checkTensor(const LowbitTensorSpec &spec,
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

void Inputs::bindSymbols(const LowbitTensorSpec &spec,
                         const LowbitTensor &tensor) {
  for (int32_t d = 0; d < spec.rank; ++d) {
    if (spec.dims[d] > LOWBIT_DIM_SYMBOL(0))
      continue;
    // Inverts LOWBIT_DIM_SYMBOL; the index was checked at load.
    const int64_t index = LOWBIT_DIM_SYMBOL(0) - spec.dims[d];
    Symbol &symbol = symbols[static_cast<size_t>(index)];
    if (!symbol.source) {
      symbol = {&spec, tensor.dims[d]};
    } else if (symbol.extent != tensor.dims[d]) {
      failInput("input " + quote(spec.name) + " dimension " +
                std::to_string(d) + " is " + std::to_string(tensor.dims[d]) +
                ", but " + quote(entry.symbols[index]) + " is " +
                std::to_string(symbol.extent) + " in " +
                quote(symbol.source->name));
    }
  }
}

std::optional<int64_t> Inputs::getExtent(int64_t dim) const {
  if (dim >= 0)
    return dim;
  if (dim == LOWBIT_DIM_ANY)
    return std::nullopt;
  const Symbol &symbol =
      symbols[static_cast<size_t>(LOWBIT_DIM_SYMBOL(0) - dim)];
  if (!symbol.source)
    return std::nullopt;
  return symbol.extent;
}

std::vector<LowbitBuffer> Inputs::finish() const {
  auto isMissing = [&](uint32_t i) { return !given[i]; };
  std::vector<LowbitBuffer> buffers(entry.num_inputs);
  for (uint32_t i = 0; i < entry.num_inputs; ++i) {
    if (isMissing(i))
      failInput("missing input " + listInputs(entry, isMissing));
    buffers[i] = {given[i]->data, given[i]->dims};
  }
  return buffers;
}
