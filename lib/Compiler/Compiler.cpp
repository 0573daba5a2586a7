//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs the stages one after the other and stops where the options say. The MLIR
// module is released before LLVM works on its translation, so that large
// constants are held once.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Compiler/Compiler.h"

#include "Codegen.h"
#include "Diagnostics.h"
#include "Linker.h"
#include "lowbit/Import/Import.h"
#include "lowbit/InitAll.h"
#include "lowbit/Pipelines/Pipelines.h"
#include "lowbit/Target/Target.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/AsmState.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include <chrono>

using namespace mlir;
using namespace mlir::lowbit;

static llvm::Error makeError(const Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

std::optional<Emit> mlir::lowbit::parseEmit(StringRef name) {
  return llvm::StringSwitch<std::optional<Emit>>(name)
      .Case("onnx", Emit::ONNX)
      .Case("lowbit", Emit::Lowbit)
      .Case("loops", Emit::Loops)
      .Case("llvm", Emit::LLVM)
      .Case("llvm-ir", Emit::LLVMIR)
      .Case("asm", Emit::Assembly)
      .Case("obj", Emit::Object)
      .Case("so", Emit::Shared)
      .Default(std::nullopt);
}

StringRef mlir::lowbit::getEmitNames() {
  return "onnx, lowbit, loops, llvm, llvm-ir, asm, obj, so";
}

namespace {
/// One compilation.
class Compilation {
public:
  Compilation(const CompileOptions &options, Target target)
      : options(options), target(std::move(target)), context(makeRegistry()),
        diagnostics(&context, options.remarks) {
    context.disableMultithreading();
    context.loadAllAvailableDialects();
  }

  /// Everything after the module has been read.
  llvm::Expected<CompileResult>
  run(function_ref<OwningOpRef<ModuleOp>(MLIRContext *)> read);

private:
  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    mlir::lowbit::registerAllDialects(registry);
    registerAllToLLVMIRTranslations(registry);
    return registry;
  }

  llvm::Error runStage(StringRef name,
                       function_ref<void(OpPassManager &)> build);
  llvm::Error runStages();
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> print();
  llvm::Error generateCode(CompileResult &result);
  void finishStep(StringRef name);
  llvm::Error fail(const Twine &what);
  std::string getSymbol() const;

  const CompileOptions &options;
  Target target;
  MLIRContext context;
  DiagnosticCollector diagnostics;
  OwningOpRef<ModuleOp> module;
  std::chrono::steady_clock::time_point start =
      std::chrono::steady_clock::now();
};
} // namespace

void Compilation::finishStep(StringRef name) {
  auto now = std::chrono::steady_clock::now();
  if (options.log)
    *options.log << llvm::format(
                        "%9.3f s  ",
                        std::chrono::duration<double>(now - start).count())
                 << name << "\n";
  start = now;
}

llvm::Error Compilation::fail(const Twine &what) {
  std::string text = diagnostics.getText();
  return makeError(text.empty() ? what.str() : text);
}

llvm::Error Compilation::runStage(StringRef name,
                                  function_ref<void(OpPassManager &)> build) {
  PassManager manager(&context);
  build(manager);
  if (failed(manager.run(*module)))
    return fail("stage " + name + " failed");
  finishStep(("stage " + name).str());
  return llvm::Error::success();
}

/// Whether buffers have taken the place of tensors: stage loops is behind us.
static bool isBufferized(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  return main && llvm::any_of(main.getFunctionType().getInputs(),
                              llvm::IsaPred<BaseMemRefType>);
}

llvm::Error Compilation::runStages() {
  if (module->lookupSymbol<LLVM::GlobalOp>(getSymbol()))
    return llvm::Error::success();
  if (!isBufferized(*module)) {
    if (llvm::Error error = runStage("onnx", buildONNXStage))
      return error;
    if (options.emit == Emit::ONNX)
      return llvm::Error::success();
    if (llvm::Error error = runStage("lowbit", buildLowbitStage))
      return error;
    if (options.emit == Emit::Lowbit)
      return llvm::Error::success();
    LoopsStageOptions loops;
    loops.kernel = options.kernel;
    if (llvm::Error error = runStage("loops", [&](OpPassManager &manager) {
          buildLoopsStage(manager, loops);
        }))
      return error;
  }
  if (options.emit <= Emit::Loops)
    return llvm::Error::success();
  LLVMStageOptions llvmOptions;
  llvmOptions.symbol = getSymbol();
  return runStage("llvm", [&](OpPassManager &manager) {
    buildLLVMStage(manager, llvmOptions);
  });
}

std::string Compilation::getSymbol() const {
  if (options.emit == Emit::Shared)
    return "lowbit_artifact";
  std::string symbol = "lowbit_artifact_" + options.name;
  for (char &c : symbol)
    if (!llvm::isAlnum(c))
      c = '_';
  return symbol;
}

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> Compilation::print() {
  std::string text;
  llvm::raw_string_ostream stream(text);
  OpPrintingFlags flags;
  if (options.elideConstants)
    flags.elideLargeElementsAttrs(64).elideLargeResourceString(64);
  module->print(stream, flags);
  return llvm::MemoryBuffer::getMemBufferCopy(text, "model.mlir");
}

/// The C declaration of an artifact that is linked into a program.
static std::string makeHeader(StringRef symbol) {
  return llvm::formatv(
             "/* A compiled model, to be linked into a program and loaded with "
             "lowbitModelLoadStatic of lowbit-c/Runtime.h. */\n"
             "#ifndef {0}_H\n#define {0}_H\n\n"
             "#include \"lowbit-c/Artifact.h\"\n\n"
             "#ifdef __cplusplus\nextern \"C\" {{\n#endif\n\n"
             "extern const LowbitArtifact {1};\n\n"
             "#ifdef __cplusplus\n}\n#endif\n\n"
             "#endif\n",
             symbol.upper(), symbol)
      .str();
}

llvm::Error Compilation::generateCode(CompileResult &result) {
  std::string symbol = getSymbol();
  llvm::LLVMContext llvmContext;
  std::unique_ptr<llvm::Module> code =
      translateModuleToLLVMIR(*module, llvmContext, "lowbit");
  if (!code)
    return fail("translation to LLVM IR failed");
  module = nullptr;
  finishStep("LLVM IR");

  auto machine = makeTargetMachine(target);
  if (!machine)
    return machine.takeError();
  optimize(*code, **machine, symbol);
  finishStep("optimizer");
  if (options.emit == Emit::LLVMIR) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    code->print(stream, nullptr);
    result.output = llvm::MemoryBuffer::getMemBufferCopy(text, "model.ll");
    return llvm::Error::success();
  }
  auto bytes = emitMachineCode(*code, **machine,
                               options.emit == Emit::Assembly
                                   ? llvm::CodeGenFileType::AssemblyFile
                                   : llvm::CodeGenFileType::ObjectFile);
  if (!bytes)
    return bytes.takeError();
  code.reset();
  finishStep("machine code");
  if (options.emit == Emit::Object)
    result.header = makeHeader(symbol);
  if (options.emit != Emit::Shared) {
    result.output = std::move(*bytes);
    return llvm::Error::success();
  }
  auto library = linkShared((*bytes)->getMemBufferRef());
  if (!library)
    return library.takeError();
  result.output = std::move(*library);
  finishStep("link");
  return llvm::Error::success();
}

llvm::Expected<CompileResult>
Compilation::run(function_ref<OwningOpRef<ModuleOp>(MLIRContext *)> read) {
  module = read(&context);
  if (!module)
    return fail("the model cannot be read");
  finishStep("read");
  (*module)->setAttr(Target::kAttrName,
                     StringAttr::get(&context, target.getSpec()));
  CompileResult result;
  if (llvm::Error error = runStages())
    return std::move(error);
  if (auto report = (*module)->getAttrOfType<StringAttr>("lowbit.report"))
    result.report = report.str();
  if (options.emit <= Emit::LLVM) {
    auto text = print();
    if (!text)
      return text.takeError();
    result.output = std::move(*text);
  } else if (llvm::Error error = generateCode(result)) {
    return std::move(error);
  }
  result.diagnostics = diagnostics.getText();
  return result;
}

static OwningOpRef<ModuleOp> parseMLIR(std::unique_ptr<llvm::MemoryBuffer> file,
                                       MLIRContext *context) {
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(file), SMLoc());
  return parseSourceFile<ModuleOp>(sources, context);
}

static llvm::Expected<CompileResult>
compileWith(const CompileOptions &options,
            function_ref<OwningOpRef<ModuleOp>(MLIRContext *)> read) {
  llvm::Expected<Target> target = Target::parse(options.target);
  if (!target)
    return target.takeError();
  return Compilation(options, std::move(*target)).run(read);
}

llvm::Expected<CompileResult>
mlir::lowbit::compileFile(StringRef path, const CompileOptions &options) {
  StringRef extension = llvm::sys::path::extension(path);
  if (path != "-" && extension != ".mlir" && extension != ".mlirbc")
    return compileWith(options, [&](MLIRContext *context) {
      return importONNXFile(path, context);
    });
  auto file = llvm::MemoryBuffer::getFileOrSTDIN(path);
  if (!file)
    return makeError("cannot read " + path + ": " + file.getError().message());
  return compileWith(options, [&](MLIRContext *context) {
    return parseMLIR(std::move(*file), context);
  });
}

llvm::Expected<CompileResult>
mlir::lowbit::compileBuffer(StringRef bytes, bool isMLIR, StringRef baseDir,
                            const CompileOptions &options) {
  return compileWith(options, [&](MLIRContext *context) {
    if (!isMLIR)
      return importONNXBuffer(bytes, baseDir, context);
    // The parser wants a zero behind the text.
    return parseMLIR(llvm::MemoryBuffer::getMemBufferCopy(bytes, "model.mlir"),
                     context);
  });
}

llvm::Error mlir::lowbit::writeFile(StringRef path, StringRef bytes) {
  llvm::Error error =
      llvm::writeToOutput(path, [&](raw_ostream &stream) -> llvm::Error {
        stream << bytes;
        return llvm::Error::success();
      });
  if (error)
    return makeError("cannot write " + path + ": " +
                     llvm::toString(std::move(error)));
  return llvm::Error::success();
}
