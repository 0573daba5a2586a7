//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Names, types and dimensions of an entry's inputs and outputs, read from @main
// and carried by the entry as an attribute until the table of contents is made.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_CONVERSION_TOARTIFACT_SIGNATURE_H
#define LOWBIT_LIB_CONVERSION_TOARTIFACT_SIGNATURE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include <string>
#include <vector>

namespace mlir::lowbit {

/// One input or output, as LowbitTensorSpec.
struct TensorSpec {
  std::string name;
  int32_t dtype = 0;
  SmallVector<int64_t> dims;
};

/// What an entry takes and gives.
struct Signature {
  std::vector<TensorSpec> inputs, outputs;
  std::vector<std::string> symbols;
  /// For each input the output that appends to it, LOWBIT_NO_APPEND for most.
  std::vector<int32_t> appends;

  /// "float32 [batch, 4]", for people.
  std::string describe(const TensorSpec &spec) const;
};

/// The signature of a function on tensors or buffers; a diagnostic when the
/// interface has no name for one of its types.
FailureOr<Signature> readSignature(func::FuncOp function);

/// Makes `entry` an entry of the artifact under `name`.
void markEntry(LLVM::LLVMFuncOp entry, StringRef name,
               const Signature &signature);

/// An entry as the table of contents lists it. The function is null where there
/// is none of the LLVM dialect yet.
struct EntryPoint {
  LLVM::LLVMFuncOp function;
  std::string name;
  Signature signature;
};

/// The entries of a module in order.
std::vector<EntryPoint> findEntries(ModuleOp module);

/// Removes what markEntry added.
void unmarkEntry(LLVM::LLVMFuncOp entry);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_CONVERSION_TOARTIFACT_SIGNATURE_H
