//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// lowbit-opt: runs passes and stages on textual or binary IR, or on a model: an
// input that ends in .onnx is read as lowbit-translate --import-onnx reads it.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Import/Import.h"
#include "lowbit/InitAll.h"
#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;

/// Imports the model and hands it on as bytecode, the only form in memory that
/// the driver takes.
static LogicalResult runOnModel(StringRef input, StringRef output,
                                DialectRegistry &registry) {
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> module = lowbit::importONNXFile(input, &context);
  if (!module)
    return failure();
  std::string bytecode;
  llvm::raw_string_ostream stream(bytecode);
  if (failed(writeBytecodeToFile(*module, stream)))
    return failure();
  std::string error;
  std::unique_ptr<llvm::ToolOutputFile> file = openOutputFile(output, &error);
  if (!file) {
    llvm::errs() << error << "\n";
    return failure();
  }
  if (failed(MlirOptMain(file->os(),
                         llvm::MemoryBuffer::getMemBufferCopy(bytecode, input),
                         registry, MlirOptMainConfig::createFromCLOptions())))
    return failure();
  file->keep();
  return success();
}

int main(int argc, char **argv) {
  DialectRegistry registry;
  lowbit::registerAllDialects(registry);
  lowbit::registerAllPasses();
  auto [input, output] = registerAndParseCLIOptions(
      argc, argv, "lowbit optimizer driver\n", registry);
  return asMainReturnCode(
      StringRef(input).ends_with(".onnx")
          ? runOnModel(input, output, registry)
          : MlirOptMain(argc, argv, input, output, registry));
}
