//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the kernel table says to each of the products of a module, once for
// equal ones: which rows apply at what cost, and why the others do not.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_DIALECT_LOWBIT_TRANSFORMS_KERNELSELECTIONS_H
#define LOWBIT_LIB_DIALECT_LOWBIT_TRANSFORMS_KERNELSELECTIONS_H

#include "lowbit/Kernels/Kernels.h"
#include "lowbit/Target/Target.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/JSON.h"

namespace mlir::lowbit {

class KernelSelections {
public:
  explicit KernelSelections(Target target) : target(std::move(target)) {}

  /// The position of the query in the list, at its end when it is new.
  int64_t add(const KernelQuery &query);

  llvm::json::Array take() { return std::move(selections); }

private:
  Target target;
  llvm::json::Array selections;
  /// The position of a query, by its text.
  llvm::StringMap<int64_t> positions;
};

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_DIALECT_LOWBIT_TRANSFORMS_KERNELSELECTIONS_H
