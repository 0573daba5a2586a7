//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tensors of a model as elements attributes. Weights take over the memory that
// protobuf has filled, or lie in a mapped external file; they are never copied.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_IMPORT_TENSORIMPORTER_H
#define LOWBIT_LIB_IMPORT_TENSORIMPORTER_H

#include "Proto.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MemoryBuffer.h"
#include <memory>

namespace mlir::lowbit {

class TensorImporter {
public:
  /// External data is looked for in `baseDir`; empty refuses it.
  TensorImporter(MLIRContext *context, llvm::StringRef baseDir)
      : context(context), baseDir(baseDir) {}

  /// Checks `tensor` and moves its data into an attribute. `what` names the
  /// tensor in diagnostics. Null after a diagnostic.
  ElementsAttr import(proto::TensorProto &tensor, llvm::StringRef what,
                      Location loc);

private:
  ElementsAttr importExternal(const proto::TensorProto &tensor,
                              RankedTensorType type, int64_t bytes,
                              llvm::StringRef what, Location loc);
  ElementsAttr importRaw(proto::TensorProto &tensor, RankedTensorType type);
  ElementsAttr importTyped(const proto::TensorProto &tensor,
                           RankedTensorType type, llvm::StringRef what,
                           Location loc);
  /// The mapped file `location` of `baseDir`; null after a diagnostic.
  std::shared_ptr<llvm::MemoryBuffer>
  mapFile(llvm::StringRef location, llvm::StringRef what, Location loc);

  MLIRContext *context;
  std::string baseDir;
  llvm::StringMap<std::shared_ptr<llvm::MemoryBuffer>> files;
};

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_IMPORT_TENSORIMPORTER_H
