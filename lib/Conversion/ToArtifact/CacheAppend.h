//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A result of a function that is one of its inputs with rows behind it: what
// exporters write for a cache that grows.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_CONVERSION_TOARTIFACT_CACHEAPPEND_H
#define LOWBIT_LIB_CONVERSION_TOARTIFACT_CACHEAPPEND_H

#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::lowbit {

/// A concatenation of an input, which nothing else reads, and new rows, along
/// an axis other than the first.
struct CacheAppend {
  BlockArgument past;
  tensor::InsertSliceOp whole; ///< the new rows into a copy of the old ones
  tensor::InsertSliceOp copy;  ///< the old ones into an empty tensor
  int64_t axis;
};

/// Recognises a result as an append.
std::optional<CacheAppend> matchCacheAppend(Value result);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_CONVERSION_TOARTIFACT_CACHEAPPEND_H
