//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads ONNX models into the onnx dialect.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_IMPORT_IMPORT_H
#define LOWBIT_IMPORT_IMPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringRef.h"

namespace mlir::lowbit {

/// Oldest and newest opset of the default domain that is read.
constexpr int64_t kOldestOpset = 11;
constexpr int64_t kNewestOpset = 28;

/// Reads the ONNX model at `path` into a module with the function `main`:
/// arguments and results carry their names (`onnx.name`) and the names of their
/// dimensions (`onnx.dims`, empty where a dimension has none); operators are
/// those of the onnx dialect with inferred types. Weights in external files are
/// mapped, not read. Null after diagnostics that name the node or tensor at
/// fault; all operators that are not supported are reported together.
OwningOpRef<ModuleOp> importONNXFile(llvm::StringRef path,
                                     MLIRContext *context);

/// The same for a model in memory. External data is looked for in `baseDir`,
/// and refused when that is empty. `name` stands for the model in locations.
OwningOpRef<ModuleOp> importONNXBuffer(llvm::StringRef bytes,
                                       llvm::StringRef baseDir,
                                       MLIRContext *context,
                                       llvm::StringRef name = "model.onnx");

} // namespace mlir::lowbit

#endif // LOWBIT_IMPORT_IMPORT_H
