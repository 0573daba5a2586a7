//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// numpy's file format for one array (.npy, versions 1 to 3).
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_TOOLS_LOWBIT_RUN_NPY_H
#define LOWBIT_TOOLS_LOWBIT_RUN_NPY_H

#include "lowbit-c/Runtime.h"

#include <string>
#include <vector>

namespace lowbit {

/// An array in memory: row-major and little-endian.
struct Array {
  int32_t dtype = 0; ///< LowbitDType
  std::vector<int64_t> dims;
  std::vector<uint64_t> storage; ///< of words, so that elements are aligned

  void *getData() { return storage.data(); }
  const void *getData() const { return storage.data(); }
};

/// Reads a file. Throws std::runtime_error for a file that is not .npy, is too
/// short or too long, is in Fortran order, or has elements that no model takes.
Array readNpy(const std::string &path);

/// Writes a tensor. Throws std::runtime_error.
void writeNpy(const std::string &path, const LowbitTensor &tensor);

/// The number of elements of a tensor.
int64_t countElements(const std::vector<int64_t> &dims);

} // namespace lowbit

#endif // LOWBIT_TOOLS_LOWBIT_RUN_NPY_H
