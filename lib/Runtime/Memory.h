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

#ifndef LOWBIT_RUNTIME_MEMORY_H
#define LOWBIT_RUNTIME_MEMORY_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace lowbit {

/// Frees what allocate() gave.
struct FreeDeleter {
  void operator()(void *data) const;
};
using Buffer = std::unique_ptr<void, FreeDeleter>;

/// `bytes` bytes, 64-byte aligned and never null for a size of zero; null when
/// memory is exhausted.
Buffer allocate(size_t bytes);

/// The bytes of a tensor, or nothing when an extent is negative or the product,
/// zero extents left out, is more than any machine addresses.
std::optional<size_t> computeBytes(const int64_t *dims, int32_t rank,
                                   size_t elementSize);

/// Scratch memory for runs: each takes one block and gives it back, so that the
/// next run of about the same size allocates nothing.
class WorkspaceCache {
public:
  struct Block {
    Buffer data;
    size_t size = 0;
  };
  /// A block of at least `bytes` bytes; its data is null when memory is
  /// exhausted.
  Block take(size_t bytes);
  void giveBack(Block block) noexcept;

private:
  /// More runs at once than this allocate their own.
  static constexpr size_t kMaxBlocks = 8;
  std::mutex mutex;
  std::vector<Block> blocks;
};

} // namespace lowbit

#endif // LOWBIT_RUNTIME_MEMORY_H
