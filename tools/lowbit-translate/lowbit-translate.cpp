//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// lowbit-translate: brings ONNX models into the onnx dialect.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Import/Import.h"
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

int main(int argc, char **argv) {
  TranslateToMLIRRegistration importONNX(
      "import-onnx", "read an ONNX model",
      [](llvm::SourceMgr &sources,
         MLIRContext *context) -> OwningOpRef<Operation *> {
        const llvm::MemoryBuffer *buffer =
            sources.getMemoryBuffer(sources.getMainFileID());
        StringRef path = buffer->getBufferIdentifier();
        bool isFile = path != "-" && path != "<stdin>";
        StringRef folder = llvm::sys::path::parent_path(path);
        return lowbit::importONNXBuffer(buffer->getBuffer(),
                                        !isFile          ? ""
                                        : folder.empty() ? "."
                                                         : folder,
                                        context, path);
      });
  return failed(mlirTranslateMain(argc, argv, "lowbit translation tool\n"));
}
