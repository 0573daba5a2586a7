//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A tensor that a session keeps. It has two blocks of memory: runs read one and
// write the other, then they change places, so that a step that fails leaves
// the state as it was and a step that succeeds allocates nothing. A run that
// only adds rows writes them behind the rows that are there: the block has room
// for `capacity` rows along an axis.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_RUNTIME_STATE_H
#define LOWBIT_RUNTIME_STATE_H

#include "Memory.h"
#include "lowbit-c/Runtime.h"

#include <memory>
#include <string>
#include <vector>

namespace lowbit {

class State {
public:
  explicit State(const char *name) : name(name) {}
  /// A second state with the same contents; the memory is shared until one of
  /// the two is written.
  State fork() const;

  bool isSet() const { return set; }
  const char *getName() const { return name; }
  /// The contents, contiguous; valid until the next change. Throws Failure
  /// without memory.
  LowbitTensor getTensor();
  /// The same for a reader of the dimensions alone: the elements may lie apart.
  LowbitTensor getShape() const;
  /// Copies the elements to contiguous memory.
  void copyTo(void *target) const;
  /// The rows of the first dimension; 0 for a scalar.
  int64_t getNumRows() const { return dims.empty() ? 0 : dims.front(); }
  bool isScalar() const { return dims.empty(); }
  /// All bytes that it holds on to.
  size_t getMemory() const;

  /// Memory for new contents beside the present ones, null when exhausted.
  void *prepare(size_t bytes);
  /// Memory that holds the present contents and has room for `count` more rows
  /// along `axis`, and for how many rows in all; null when memory is exhausted.
  /// Contents and dimensions stay until commitAppend().
  void *append(int32_t axis, int64_t count, int64_t &capacity);
  void commitAppend(int64_t count);
  /// Makes what was written to prepare()'s memory the contents.
  void commit(int32_t dtype, const int64_t *dims, int32_t rank);
  /// Both for contents from elsewhere; throws Failure without memory.
  void assign(const LowbitTensor &tensor);
  /// Makes row `i` what row `rows[i]` was; the indices are valid.
  void reorder(const std::vector<int64_t> &rows);
  /// Forgets the contents and keeps the memory.
  void reset();

private:
  struct Block {
    Buffer data;
    size_t capacity = 0;
  };
  /// The spare block, of at least `bytes` bytes; a new one has `capacity`.
  void *takeSpare(size_t bytes, size_t capacity);
  /// Copies the contents into the spare block with room for `rows` rows along
  /// `newAxis` and makes it the current one; false when memory is exhausted.
  bool moveTo(int32_t newAxis, int64_t rows);

  const char *name;
  bool set = false;
  int32_t dtype = 0;
  std::vector<int64_t> dims;
  /// For each row, the row that it was when the contents were made: rows of one
  /// origin are equal, and a permutation among them changes nothing.
  std::vector<int64_t> origins;
  /// Where `current` has room for `room` rows; none when it is negative.
  int32_t axis = -1;
  int64_t room = 0;
  /// May be shared with forks; then nobody writes to it.
  std::shared_ptr<Block> current;
  std::shared_ptr<Block> spare;
};

} // namespace lowbit

#endif // LOWBIT_RUNTIME_STATE_H
