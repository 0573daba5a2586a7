//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What inference of result types shares: its scope, the refinement of a result
// in place, and the trait that checks operators against it.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_DIALECT_ONNX_IR_TYPEINFERENCE_H
#define LOWBIT_DIALECT_ONNX_IR_TYPEINFERENCE_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"

namespace mlir::onnx {

/// What inference may look at.
enum class InferenceScope {
  /// Operand types and attributes: what a verifier may depend on.
  Local,
  /// Also the operations that produce the operands.
  Producers,
};

/// No tensor with a static shape may take more bytes than this (64 GiB).
constexpr int64_t kMaxTensorBytes = int64_t(1) << 36;

/// Refines the result types of a shape inference operator in place.
LogicalResult refineResultTypes(Operation *op);

/// Checks that the result types agree with what the operand types imply.
LogicalResult verifyResultTypes(Operation *op);

/// Refuses tensors that no machine can hold; dynamic dimensions count as 1. The
/// diagnostic continues what `emitError` has begun.
LogicalResult
checkTensorSize(TensorType type,
                llvm::function_ref<InFlightDiagnostic()> emitError);

/// The more precise of two types for one value, null when they contradict
/// each other.
TensorType joinTypes(TensorType a, TensorType b);

template <typename ConcreteType>
class InferredTypes : public OpTrait::TraitBase<ConcreteType, InferredTypes> {
public:
  static LogicalResult verifyTrait(Operation *op) {
    return verifyResultTypes(op);
  }
};

} // namespace mlir::onnx

#endif // LOWBIT_DIALECT_ONNX_IR_TYPEINFERENCE_H
