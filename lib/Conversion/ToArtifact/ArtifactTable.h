//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The table of contents of an artifact (LowbitArtifact of
// include/lowbit-c/Artifact.h) as constants of the LLVM dialect.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_CONVERSION_TOARTIFACT_ARTIFACTTABLE_H
#define LOWBIT_LIB_CONVERSION_TOARTIFACT_ARTIFACTTABLE_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include <string>

namespace mlir::lowbit {

/// One input or output, as LowbitTensorSpec.
struct TensorSpec {
  std::string name;
  int32_t dtype = 0;
  SmallVector<int64_t> dims;
};

/// What an artifact offers.
struct Signature {
  SmallVector<TensorSpec> inputs, outputs;
  SmallVector<std::string> symbols;
};

/// The LowbitDType of an element type; empty when the interface has none.
std::optional<int32_t> getDType(Type type);

class StringPool;

/// Adds the exported constant `symbol` and all that it refers to.
void emitArtifactTable(ModuleOp module, StringRef symbol,
                       const Signature &signature, LLVM::LLVMFuncOp entry,
                       StringPool &strings);

/// Null-terminated strings in read-only data, each text once.
class StringPool {
public:
  explicit StringPool(ModuleOp module) : module(module) {}
  /// The global that holds `text`.
  LLVM::GlobalOp get(StringRef text);

private:
  ModuleOp module;
  llvm::StringMap<LLVM::GlobalOp> strings;
};

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_CONVERSION_TOARTIFACT_ARTIFACTTABLE_H
