//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The equation of Einsum, with ellipses and the implicit result written out.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_DIALECT_ONNX_IR_EINSUMEQUATION_H
#define LOWBIT_DIALECT_ONNX_IR_EINSUMEQUATION_H

#include "mlir/IR/Diagnostics.h"
#include "mlir/Support/LLVM.h"

namespace mlir::onnx {

/// What names one dimension: a letter's code, or for dimensions under an
/// ellipsis a negative number, -1 for the last of them.
using EinsumLabel = int;

/// `ab...,bc->ac` as the labels of every dimension.
struct EinsumEquation {
  /// One list for each operand, one label for each dimension, none repeated.
  SmallVector<SmallVector<EinsumLabel>> operands;
  /// Labels of operands, none repeated.
  SmallVector<EinsumLabel> result;
};

/// A label as the equation shows it.
std::string getLabelName(EinsumLabel label);

/// Reads `equation` for operands of the given ranks. Fails after a diagnostic
/// where the equation is malformed, disagrees with the ranks, or repeats a
/// label in a term, which would take a diagonal.
FailureOr<EinsumEquation>
parseEinsumEquation(StringRef equation, ArrayRef<int64_t> ranks,
                    function_ref<InFlightDiagnostic()> emitError);

} // namespace mlir::onnx

#endif // LOWBIT_DIALECT_ONNX_IR_EINSUMEQUATION_H
