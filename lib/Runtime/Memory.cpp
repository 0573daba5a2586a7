//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Aligned memory for outputs and scratch space, and sizes that cannot overflow.
//
//===----------------------------------------------------------------------===//

#include "Memory.h"

#include <algorithm>
#include <cstdlib>

using namespace lowbit;

/// No x86-64 or AArch64 process has more address space than this.
static constexpr size_t kMaxBytes = size_t(1) << 47;
static constexpr size_t kAlignment = 64;

void FreeDeleter::operator()(void *data) const { std::free(data); }

Buffer lowbit::allocate(size_t bytes) {
  if (bytes > kMaxBytes)
    return nullptr;
  bytes = std::max(bytes, size_t(1));
  // aligned_alloc wants a multiple of the alignment.
  return Buffer(std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) /
                                                   kAlignment * kAlignment));
}

std::optional<size_t> lowbit::computeBytes(const int64_t *dims, int32_t rank,
                                           size_t elementSize) {
  size_t bytes = elementSize;
  bool isEmpty = false;
  for (int32_t i = 0; i < rank; ++i) {
    if (dims[i] < 0)
      return std::nullopt;
    if (dims[i] == 0)
      isEmpty = true;
    else if (static_cast<uint64_t>(dims[i]) > kMaxBytes / bytes)
      return std::nullopt;
    else
      bytes *= static_cast<size_t>(dims[i]);
  }
  return isEmpty ? 0 : bytes;
}

WorkspaceCache::Block WorkspaceCache::take(size_t bytes) {
  {
    std::lock_guard<std::mutex> lock(mutex);
    // The smallest block that is large enough; they are kept sorted by size.
    auto fits =
        std::find_if(blocks.begin(), blocks.end(),
                     [&](const Block &block) { return block.size >= bytes; });
    if (fits != blocks.end()) {
      Block block = std::move(*fits);
      blocks.erase(fits);
      return block;
    }
    // One that is too small would only hold memory: this run replaces it.
    if (!blocks.empty())
      blocks.pop_back();
  }
  Block block;
  block.data = allocate(bytes);
  block.size = block.data ? bytes : 0;
  return block;
}

void WorkspaceCache::giveBack(Block block) noexcept {
  if (!block.data)
    return;
  try {
    std::lock_guard<std::mutex> lock(mutex);
    if (blocks.size() == kMaxBlocks)
      return;
    auto place =
        std::find_if(blocks.begin(), blocks.end(), [&](const Block &other) {
          return other.size >= block.size;
        });
    blocks.insert(place, std::move(block));
  } catch (...) {
    // Without memory for the list the block is freed.
  }
}
