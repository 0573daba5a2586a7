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

#include "AxisLayout.h"
#include "Error.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <numeric>

using namespace lowbit;

/// The rows for which a cache that starts has room.
static constexpr int64_t kMinRoom = 16;

State State::fork() const {
  State copy(*this);
  copy.spare = nullptr;
  return copy;
}

LowbitTensor State::getShape() const {
  return {name, dtype, static_cast<int32_t>(dims.size()), dims.data(),
          current->data.get()};
}

LowbitTensor State::getTensor() {
  if (axis >= 0 && room != dims[static_cast<size_t>(axis)] &&
      !moveTo(axis, dims[static_cast<size_t>(axis)]))
    fail(LOWBIT_ERROR_OUT_OF_MEMORY,
         std::string("out of memory for state '") + name + "'");
  return getShape();
}

void State::copyTo(void *target) const {
  const LowbitTensor tensor = getShape();
  if (axis >= 0) {
    copyChunks(AxisLayout(tensor, axis, room), tensor.data,
               AxisLayout(tensor, axis, dims[static_cast<size_t>(axis)]),
               target);
  } else if (const size_t bytes = *computeBytes(tensor.dims, tensor.rank,
                                                lowbitDTypeGetSize(dtype))) {
    std::memcpy(target, tensor.data, bytes);
  }
}

size_t State::getMemory() const {
  return (current ? current->capacity : 0) + (spare ? spare->capacity : 0);
}

void *State::prepare(size_t bytes) {
  const bool grows = spare || (set && current->capacity < bytes);
  return takeSpare(bytes, grows ? 2 * bytes : bytes);
}

void *State::takeSpare(size_t bytes, size_t capacity) {
  // A fork may still read what was the contents here. Once it does not, what it
  // read comes before what is written next.
  if (spare && spare.use_count() > 1)
    spare = nullptr;
  std::atomic_thread_fence(std::memory_order_acquire);
  if (spare && spare->capacity >= bytes)
    return spare->data.get();
  auto block = std::make_shared<Block>();
  block->data = allocate(capacity);
  if (!block->data)
    return nullptr;
  block->capacity = capacity;
  spare = std::move(block);
  return spare->data.get();
}

bool State::moveTo(int32_t newAxis, int64_t rows) {
  std::vector<int64_t> stored = dims;
  stored[static_cast<size_t>(newAxis)] = rows;
  const auto bytes =
      computeBytes(stored.data(), static_cast<int32_t>(stored.size()),
                   lowbitDTypeGetSize(dtype));
  void *data = bytes ? takeSpare(*bytes, *bytes) : nullptr;
  if (!data)
    return false;
  const LowbitTensor tensor = getShape();
  const int64_t old =
      axis == newAxis ? room : dims[static_cast<size_t>(newAxis)];
  copyChunks(AxisLayout(tensor, newAxis, old), tensor.data,
             AxisLayout(tensor, newAxis, rows), data);
  std::swap(current, spare);
  axis = newAxis;
  room = rows;
  return true;
}

void *State::append(int32_t newAxis, int64_t count, int64_t &capacity) {
  // Rows that lie apart along another axis come together first.
  if (axis >= 0 && axis != newAxis)
    getTensor();
  const int64_t rows = dims[static_cast<size_t>(newAxis)] + count;
  const bool isShared = current.use_count() > 1;
  std::atomic_thread_fence(std::memory_order_acquire);
  if (axis != newAxis || room < rows || isShared)
    if (!moveTo(newAxis, std::max(2 * rows, kMinRoom)))
      return nullptr;
  capacity = room;
  return current->data.get();
}

void State::commitAppend(int64_t count) {
  dims[static_cast<size_t>(axis)] += count;
  std::iota(origins.begin(), origins.end(), 0);
}

void State::commit(int32_t newDType, const int64_t *newDims, int32_t rank) {
  dtype = newDType;
  dims.assign(newDims, newDims + rank);
  origins.resize(static_cast<size_t>(getNumRows()));
  std::iota(origins.begin(), origins.end(), 0);
  std::swap(current, spare);
  axis = -1;
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

namespace {

/// The rows of the first dimension, each with its room.
class RowCopier {
public:
  RowCopier(const LowbitTensor &tensor, int32_t axis, int64_t room)
      : dims(tensor.dims, tensor.dims + tensor.rank),
        layout(makeRow(tensor), std::max(axis, 0), axis < 0 ? 1 : room),
        stride(layout.count * layout.stride) {}

  size_t getStride() const { return stride; }
  void copy(const char *from, char *to) const {
    copyChunks(layout, from, layout, to);
  }

private:
  LowbitTensor makeRow(const LowbitTensor &tensor) {
    dims.front() = 1;
    return {nullptr, tensor.dtype, tensor.rank, dims.data(), nullptr};
  }

  std::vector<int64_t> dims;
  const AxisLayout layout;
  const size_t stride;
};

} // namespace

/// Makes row `i` of `data` what row `sources[i]` was, where they differ. A row
/// is written when no other still wants what it was; what then remains are
/// cycles, each of which goes around by way of `scratch`, the place of one row.
static void permuteRows(const RowCopier &rows, char *data, char *scratch,
                        const std::vector<int64_t> &sources, size_t oldCount) {
  auto at = [&](size_t row) { return data + row * rows.getStride(); };
  std::vector<size_t> wanted(oldCount, 0);
  std::vector<bool> pending(sources.size());
  for (size_t i = 0; i < sources.size(); ++i) {
    pending[i] = static_cast<size_t>(sources[i]) != i;
    wanted[static_cast<size_t>(sources[i])] += pending[i];
  }
  for (size_t i = 0; i < sources.size(); ++i)
    for (size_t row = i;
         row < sources.size() && pending[row] && wanted[row] == 0;) {
      const size_t source = static_cast<size_t>(sources[row]);
      rows.copy(at(source), at(row));
      pending[row] = false;
      --wanted[source];
      row = source;
    }
  for (size_t i = 0; i < sources.size(); ++i) {
    if (!pending[i])
      continue;
    rows.copy(at(i), scratch);
    size_t row = i;
    for (; static_cast<size_t>(sources[row]) != i;
         row = static_cast<size_t>(sources[row])) {
      rows.copy(at(static_cast<size_t>(sources[row])), at(row));
      pending[row] = false;
    }
    rows.copy(scratch, at(row));
    pending[row] = false;
  }
}

void State::reorder(const std::vector<int64_t> &rows) {
  std::vector<int64_t> newOrigins, sources = rows;
  for (size_t i = 0; i < rows.size(); ++i) {
    newOrigins.push_back(origins[static_cast<size_t>(rows[i])]);
    // A row that is equal already stays.
    if (i < origins.size() && origins[i] == newOrigins[i])
      sources[i] = static_cast<int64_t>(i);
  }
  const RowCopier copier(getShape(), axis, room);
  const size_t stride = copier.getStride();
  const bool isShared = current.use_count() > 1;
  std::atomic_thread_fence(std::memory_order_acquire);
  const bool isInPlace = !isShared && rows.size() <= origins.size();
  const int64_t count = isInPlace ? 1 : static_cast<int64_t>(rows.size());
  const auto bytes = computeBytes(&count, 1, stride);
  if (newOrigins != origins) {
    char *to = bytes ? static_cast<char *>(takeSpare(*bytes, *bytes)) : nullptr;
    if (!to)
      fail(LOWBIT_ERROR_OUT_OF_MEMORY, "out of memory for " +
                                           std::to_string(rows.size()) +
                                           " rows of state '" + name + "'");
    char *from = static_cast<char *>(current->data.get());
    if (isInPlace) {
      permuteRows(copier, from, to, sources, origins.size());
    } else {
      for (size_t i = 0; i < rows.size(); ++i)
        copier.copy(from + static_cast<size_t>(rows[i]) * stride,
                    to + i * stride);
      std::swap(current, spare);
    }
  }
  dims.front() = static_cast<int64_t>(rows.size());
  origins = std::move(newOrigins);
}

void State::reset() {
  set = false;
  axis = -1;
  dims.clear();
  origins.clear();
}
