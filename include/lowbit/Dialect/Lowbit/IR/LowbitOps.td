//===- LowbitOps.td - Operations of the lowbit dialect -----*- tablegen -*-===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two families: operations on tensors of levels (what a model means) and
// operations on packed words (what runs).
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_DIALECT_LOWBIT_IR_LOWBITOPS
#define LOWBIT_DIALECT_LOWBIT_IR_LOWBITOPS

include "lowbit/Dialect/Lowbit/IR/LowbitLevelOps.td"
include "lowbit/Dialect/Lowbit/IR/LowbitOutputOps.td"
include "lowbit/Dialect/Lowbit/IR/LowbitPackingOps.td"
include "lowbit/Dialect/Lowbit/IR/LowbitPackedOps.td"

#endif // LOWBIT_DIALECT_LOWBIT_IR_LOWBITOPS
