//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See State.h. A block that has to grow doubles: a cache that gets a row at
// every step asks for memory a logarithmic number of times.
//
//===----------------------------------------------------------------------===//

#include "State.h"

#include "Error.h"

#include <atomic>
#include <cstring>
#include <numeric>

using namespace lowbit;

State State::fork() const {
  State copy(*this);
  copy.spare = nullptr;
  return copy;
}

LowbitTensor State::getTensor() const {
  return {name, dtype, static_cast<int32_t>(dims.size()), dims.data(),
          current->data.get()};
}

size_t State::getMemory() const {
  return (current ? current->capacity : 0) + (spare ? spare->capacity : 0);
}

void *State::prepare(size_t bytes) {
  // A fork may still read what was the contents here. Once it does not, what it
  // read comes before what is written next.
  if (spare && spare.use_count() > 1)
    spare = nullptr;
  std::atomic_thread_fence(std::memory_order_acquire);
  if (spare && spare->capacity >= bytes)
    return spare->data.get();
  const bool grows = spare || (set && current->capacity < bytes);
  const size_t capacity = grows ? 2 * bytes : bytes;
  auto block = std::make_shared<Block>();
  block->data = allocate(capacity);
  if (!block->data)
    return nullptr;
  block->capacity = capacity;
  spare = std::move(block);
  return spare->data.get();
}

void State::commit(int32_t newDType, const int64_t *newDims, int32_t rank) {
  dtype = newDType;
  dims.assign(newDims, newDims + rank);
  origins.resize(static_cast<size_t>(getNumRows()));
  std::iota(origins.begin(), origins.end(), 0);
  std::swap(current, spare);
  set = true;
}

void State::assign(const LowbitTensor &tensor) {
  const size_t bytes =
      *computeBytes(tensor.dims, tensor.rank, lowbitDTypeGetSize(tensor.dtype));
  void *data = prepare(bytes);
  if (!data)
    fail(LOWBIT_ERROR_OUT_OF_MEMORY, "out of memory: no " +
                                         std::to_string(bytes) +
                                         " bytes for state '" + name + "'");
  if (bytes)
    std::memcpy(data, tensor.data, bytes);
  commit(tensor.dtype, tensor.dims, tensor.rank);
}

void State::reorder(const std::vector<int64_t> &rows) {
  std::vector<int64_t> newOrigins;
  for (int64_t row : rows)
    newOrigins.push_back(origins[static_cast<size_t>(row)]);
  if (newOrigins == origins)
    return;
  std::vector<int64_t> newDims = dims;
  newDims.front() = static_cast<int64_t>(rows.size());
  const auto bytes =
      computeBytes(newDims.data(), static_cast<int32_t>(newDims.size()),
                   lowbitDTypeGetSize(dtype));
  char *to = bytes ? static_cast<char *>(prepare(*bytes)) : nullptr;
  if (!to)
    fail(LOWBIT_ERROR_OUT_OF_MEMORY, "out of memory for " +
                                         std::to_string(rows.size()) +
                                         " rows of state '" + name + "'");
  const char *from = static_cast<const char *>(current->data.get());
  const size_t rowBytes = *bytes / rows.size();
  for (size_t i = 0; i < rows.size(); ++i)
    std::memcpy(to + i * rowBytes,
                from + static_cast<size_t>(rows[i]) * rowBytes, rowBytes);
  commit(dtype, newDims.data(), static_cast<int32_t>(newDims.size()));
  origins = std::move(newOrigins);
}

void State::reset() {
  set = false;
  dims.clear();
  origins.clear();
}
