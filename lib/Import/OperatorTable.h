//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The operators that are read: since which opset, with how many inputs, which
// attributes, and how they become operations of the onnx dialect.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_IMPORT_OPERATORTABLE_H
#define LOWBIT_LIB_IMPORT_OPERATORTABLE_H

#include "Proto.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/LogicalResult.h"
#include <limits>

namespace mlir::lowbit {

class NodeBuilder;

constexpr unsigned kAnyNumber = std::numeric_limits<unsigned>::max();

/// One attribute of an operator and the opsets that have it.
struct AttributeRule {
  llvm::StringLiteral name;
  proto::AttributeProto::AttributeType type;
  bool required = false;
  int64_t since = 1;
  int64_t until = std::numeric_limits<int64_t>::max();
};

/// One operator.
struct OperatorRule {
  llvm::StringLiteral name;
  int64_t since;
  unsigned minInputs;
  unsigned maxInputs;
  unsigned maxOutputs;
  llvm::ArrayRef<AttributeRule> attributes;
  /// Makes the results; null for operators that the dialect has unchanged.
  llvm::LogicalResult (*build)(NodeBuilder &) = nullptr;
  /// The opset from which on the last input exists.
  int64_t lastInputSince = 1;
};

/// Whether `domain` is that of the standard.
bool isDefaultDomain(llvm::StringRef domain);

/// The rule of an operator, null if it is not supported.
const OperatorRule *lookupOperator(llvm::StringRef domain,
                                   llvm::StringRef name);

/// How operators that differ between opsets, or from the dialect, are made.
llvm::LogicalResult buildAttention(NodeBuilder &node);
llvm::LogicalResult buildCast(NodeBuilder &node);
llvm::LogicalResult buildCastLike(NodeBuilder &node);
llvm::LogicalResult buildClip(NodeBuilder &node);
llvm::LogicalResult buildConstant(NodeBuilder &node);
llvm::LogicalResult buildCumSum(NodeBuilder &node);
llvm::LogicalResult buildDropout(NodeBuilder &node);
llvm::LogicalResult buildFusedGelu(NodeBuilder &node);
llvm::LogicalResult buildFusedGemm(NodeBuilder &node);
llvm::LogicalResult buildFusedMatMul(NodeBuilder &node);
llvm::LogicalResult buildIdentity(NodeBuilder &node);
llvm::LogicalResult buildIsNaN(NodeBuilder &node);
llvm::LogicalResult buildMean(NodeBuilder &node);
llvm::LogicalResult buildNormalization(NodeBuilder &node);
llvm::LogicalResult buildPad(NodeBuilder &node);
llvm::LogicalResult buildQuickGelu(NodeBuilder &node);
llvm::LogicalResult buildRange(NodeBuilder &node);
llvm::LogicalResult buildReduce(NodeBuilder &node);
llvm::LogicalResult buildScatter(NodeBuilder &node);
llvm::LogicalResult buildSkipNormalization(NodeBuilder &node);
llvm::LogicalResult buildSlice(NodeBuilder &node);
llvm::LogicalResult buildSoftmax(NodeBuilder &node);
llvm::LogicalResult buildSplit(NodeBuilder &node);
llvm::LogicalResult buildSqueeze(NodeBuilder &node);
llvm::LogicalResult buildUnsqueeze(NodeBuilder &node);
llvm::LogicalResult buildVariadic(NodeBuilder &node);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_IMPORT_OPERATORTABLE_H
