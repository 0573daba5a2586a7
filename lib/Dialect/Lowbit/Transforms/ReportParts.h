//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What entries of the report are made of: sizes, levels, epilogues, nodes.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_DIALECT_LOWBIT_TRANSFORMS_REPORTPARTS_H
#define LOWBIT_LIB_DIALECT_LOWBIT_TRANSFORMS_REPORTPARTS_H

#include "NodeNames.h"
#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "llvm/Support/JSON.h"

namespace mlir::lowbit {

/// Products of extents, `kDynamic` when one of them is.
int64_t multiply(int64_t a, int64_t b);
int64_t multiplyAll(ArrayRef<int64_t> extents);

/// The bytes of a constant, 0 for a value computed at run time. Levels count
/// as the bit planes that they will be packed into.
int64_t getConstantBytes(Value value);

/// "-1, 0, 1"; "-128 ... 127" when there are many; "f32" for no levels.
std::string toString(LevelsType levels);

/// A number, or null when it depends on the sizes at run time.
llvm::json::Value toJSON(int64_t extent);
llvm::json::Array toJSON(const NodeNames &names);

/// The operations of an epilogue, without their dialect.
llvm::json::Array listOperations(Block &body);

/// Whether a body computes with floats.
bool usesFloats(Block &body);

/// The nodes that a body comes from: that of its first argument, which is the
/// sum, then those of its operations.
void addNodeNames(Block &body, NodeNames &names);

/// The orders in which a packed result is read: its own, or those of the
/// repacks behind it.
std::string describeOrders(Value packed);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_DIALECT_LOWBIT_TRANSFORMS_REPORTPARTS_H
