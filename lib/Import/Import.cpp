//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Parsing a model: from a file, which is mapped, or from memory.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Import/Import.h"
#include "GraphImporter.h"
#include "Proto.h"
#include "lowbit/Dialect/ONNX/IR/ONNX.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include <google/protobuf/stubs/logging.h>

using namespace mlir;
using namespace mlir::lowbit;

OwningOpRef<ModuleOp> lowbit::importONNXBuffer(llvm::StringRef bytes,
                                               llvm::StringRef baseDir,
                                               MLIRContext *context,
                                               llvm::StringRef name) {
  context->loadDialect<func::FuncDialect, onnx::ONNXDialect>();
  Location loc = NameLoc::get(StringAttr::get(context, name));
  if (bytes.size() > std::numeric_limits<int32_t>::max()) {
    emitError(loc)
        << "the model has " << bytes.size()
        << " bytes, more than protobuf can read: keep its weights in "
           "an external file";
    return nullptr;
  }
  proto::ModelProto model;
  bool parsed;
  {
    google::protobuf::LogSilencer silencer;
    parsed = model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  }
  if (!parsed) {
    emitError(loc) << "not a valid ONNX protobuf: truncated, nested too deep, "
                      "or another format";
    return nullptr;
  }
  if (!model.has_graph()) {
    emitError(loc) << "the model has no graph";
    return nullptr;
  }
  OwningOpRef<ModuleOp> module = GraphImporter(model, loc, baseDir).import();
  if (!module || failed(verify(*module)))
    return nullptr;
  return module;
}

OwningOpRef<ModuleOp> lowbit::importONNXFile(llvm::StringRef path,
                                             MLIRContext *context) {
  Location loc = NameLoc::get(StringAttr::get(context, path));
  llvm::sys::fs::file_status status;
  if (std::error_code error = llvm::sys::fs::status(path, status)) {
    emitError(loc) << "cannot open the model: " << error.message();
    return nullptr;
  }
  if (status.type() != llvm::sys::fs::file_type::regular_file) {
    emitError(loc) << "the model is not a regular file";
    return nullptr;
  }
  llvm::ErrorOr<std::unique_ptr<llvm::MemoryBuffer>> buffer =
      llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                  /*RequiresNullTerminator=*/false);
  if (!buffer) {
    emitError(loc) << "cannot read the model: " << buffer.getError().message();
    return nullptr;
  }
  llvm::StringRef folder = llvm::sys::path::parent_path(path);
  return importONNXBuffer((*buffer)->getBuffer(), folder.empty() ? "." : folder,
                          context, path);
}
