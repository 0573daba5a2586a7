//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The names of the ONNX nodes behind an operation, from its location.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_DIALECT_LOWBIT_TRANSFORMS_NODENAMES_H
#define LOWBIT_LIB_DIALECT_LOWBIT_TRANSFORMS_NODENAMES_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/SetVector.h"
#include <string>

namespace mlir::lowbit {

using NodeNames = llvm::SmallSetVector<StringRef, 8>;

/// Adds the names in a location, in order; a name counts, not what it was made
/// from.
void addNodeNames(Location loc, NodeNames &names);

/// The first name in the location of `op`, else the name of the operation.
std::string getFirstNodeName(Operation *op);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_DIALECT_LOWBIT_TRANSFORMS_NODENAMES_H
