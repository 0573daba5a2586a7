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
#include "lowbit/Conversion/Passes.h"
#include "lowbit/Import/Import.h"
#include "lowbit/InitAll.h"
#include "lowbit/Kernels/Kernels.h"
#include "lowbit/Pipelines/Pipelines.h"
#include "lowbit/Target/Target.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
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
  /// `variant` counts the targets of one shared library.
  Compilation(ArrayRef<ModelSource> sources, const CompileOptions &options,
              Target target, unsigned variant)
      : sources(sources), options(options), target(std::move(target)),
        variant(variant), context(makeRegistry()),
        diagnostics(&context, options.remarks,
                    /*nameModels=*/sources.size() > 1) {
    context.disableMultithreading();
    // Users know nodes, not operations.
    context.printOpOnDiagnostic(false);
    context.loadAllAvailableDialects();
  }

  llvm::Expected<CompileResult> run();

private:
  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    mlir::lowbit::registerAllDialects(registry);
    registerAllToLLVMIRTranslations(registry);
    return registry;
  }

  llvm::Error readModels();
  llvm::Error checkTop();
  llvm::Expected<OwningOpRef<ModuleOp>> readModel(const ModelSource &source);
  /// Runs a stage, and verifies behind each of its passes or once at its end.
  llvm::Error runStage(StringRef name, bool verifyPasses,
                       function_ref<void(OpPassManager &)> build);
  llvm::Error runModelStage(StringRef name, bool verifyPasses,
                            function_ref<void(OpPassManager &)> build);
  llvm::Error runStages();
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> print();
  llvm::Error generateCode(CompileResult &result);
  void finishStep(StringRef name);
  llvm::Error fail(const Twine &what);
  std::string getSymbol() const;

  ArrayRef<ModelSource> sources;
  const CompileOptions &options;
  Target target;
  unsigned variant;
  MLIRContext context;
  DiagnosticCollector diagnostics;
  /// A model with its @main, or a module for each of several models.
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

llvm::Error Compilation::runStage(StringRef name, bool verifyPasses,
                                  function_ref<void(OpPassManager &)> build) {
  PassManager manager(&context);
  manager.enableVerifier(verifyPasses);
  build(manager);
  if (failed(manager.run(*module)) ||
      (!verifyPasses && failed(verify(*module))))
    return fail("stage " + name + " failed");
  finishStep(("stage " + name).str());
  return llvm::Error::success();
}

/// Whether a module holds the modules of several models.
static bool isProgram(ModuleOp module) {
  return !module.getOps<ModuleOp>().empty();
}

llvm::Error
Compilation::runModelStage(StringRef name, bool verifyPasses,
                           function_ref<void(OpPassManager &)> build) {
  return runStage(name, verifyPasses, [&](OpPassManager &manager) {
    build(isProgram(*module) ? manager.nest<ModuleOp>() : manager);
  });
}

/// Whether buffers have taken the place of tensors: stage loops is behind us.
static bool isBufferized(ModuleOp module) {
  if (isProgram(module))
    module = *module.getOps<ModuleOp>().begin();
  auto main = module.lookupSymbol<func::FuncOp>("main");
  return main && llvm::any_of(main.getFunctionType().getInputs(),
                              llvm::IsaPred<BaseMemRefType>);
}

/// What users write is checked on its way through the first stages. Later on
/// there is more and more code of our own, and verifying it behind each pass
/// would take a quarter of the whole time.
static constexpr bool kVerifyPasses = true, kVerifyOnce = false;

llvm::Error Compilation::runStages() {
  if (module->lookupSymbol<LLVM::GlobalOp>(getSymbol()))
    return llvm::Error::success();
  if (!isBufferized(*module)) {
    if (llvm::Error error =
            runModelStage("onnx", kVerifyPasses, buildONNXStage))
      return error;
    if (options.emit == Emit::ONNX)
      return llvm::Error::success();
    LowbitStageOptions lowbit;
    for (const auto &[name, count] : options.top)
      lowbit.top.push_back(name + ":" + std::to_string(count));
    if (llvm::Error error =
            runModelStage("lowbit", kVerifyPasses, [&](OpPassManager &manager) {
              buildLowbitStage(manager, lowbit);
            }))
      return error;
    if (options.packStates)
      if (llvm::Error error =
              runStage("lowbit", kVerifyPasses, buildPackStates))
        return error;
    if (options.emit == Emit::Lowbit)
      return llvm::Error::success();
    LoopsStageOptions loops;
    loops.kernel = options.kernel;
    loops.tables = options.tables;
    if (llvm::Error error =
            runModelStage("loops", kVerifyOnce, [&](OpPassManager &manager) {
              buildLoopsStage(manager, loops);
            }))
      return error;
  }
  if (options.emit <= Emit::Loops)
    return llvm::Error::success();
  LLVMStageOptions llvmOptions;
  llvmOptions.symbol = getSymbol();
  llvmOptions.entry = sources.front().getEntryName();
  llvmOptions.program = isProgram(*module);
  return runStage("llvm", kVerifyOnce, [&](OpPassManager &manager) {
    buildLLVMStage(manager, llvmOptions);
  });
}

std::string Compilation::getSymbol() const {
  if (options.emit == Emit::Shared)
    return variant == 0 ? "lowbit_artifact"
                        : "lowbit_artifact_" + std::to_string(variant);
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
  result.output = std::move(*bytes);
  return llvm::Error::success();
}

static OwningOpRef<ModuleOp> parseMLIR(std::unique_ptr<llvm::MemoryBuffer> file,
                                       MLIRContext *context) {
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(file), SMLoc());
  return parseSourceFile<ModuleOp>(sources, context);
}

llvm::Expected<OwningOpRef<ModuleOp>>
Compilation::readModel(const ModelSource &source) {
  OwningOpRef<ModuleOp> model;
  StringRef extension = llvm::sys::path::extension(source.path);
  if (source.path.empty() && source.isMLIR) {
    // The parser wants a zero behind the text.
    model = parseMLIR(
        llvm::MemoryBuffer::getMemBufferCopy(source.bytes, "model.mlir"),
        &context);
  } else if (source.path.empty()) {
    model = importONNXBuffer(source.bytes, source.baseDir, &context,
                             source.name.empty() ? "model.onnx" : source.name);
  } else if (source.path == "-" || extension == ".mlir" ||
             extension == ".mlirbc") {
    auto file = llvm::MemoryBuffer::getFileOrSTDIN(source.path);
    if (!file)
      return makeError("cannot read " + source.path + ": " +
                       file.getError().message());
    model = parseMLIR(std::move(*file), &context);
  } else {
    model = importONNXFile(source.path, &context);
  }
  if (!model)
    return fail("the model cannot be read");
  (*model)->setAttr(Target::kAttrName,
                    StringAttr::get(&context, target.getSpec()));
  return model;
}

llvm::Error Compilation::readModels() {
  if (sources.empty())
    return makeError("no model to compile");
  llvm::StringSet<> names;
  for (const ModelSource &source : sources)
    if (std::string name = source.getEntryName(); !names.insert(name).second)
      return makeError("two models are named '" + name +
                       "'; give one another name");
  for (const ModelSource &source : sources) {
    llvm::Expected<OwningOpRef<ModuleOp>> model = readModel(source);
    if (!model)
      return model.takeError();
    if (sources.size() == 1) {
      module = std::move(*model);
      break;
    }
    if (!module) {
      module = ModuleOp::create(UnknownLoc::get(&context));
      (*module)->setAttr(Target::kAttrName,
                         StringAttr::get(&context, target.getSpec()));
    }
    (**model)->setAttr(SymbolTable::getSymbolAttrName(),
                       StringAttr::get(&context, source.getEntryName()));
    module->push_back(model->release());
  }
  Builder builder(&context);
  SmallVector<Attribute> states;
  for (const auto &[input, output] : options.states)
    states.push_back(builder.getStrArrayAttr({input, output}));
  if (!states.empty())
    (*module)->setAttr("lowbit.states", builder.getArrayAttr(states));
  return llvm::Error::success();
}

/// Whether every output of the option `top` is one of some model.
llvm::Error Compilation::checkTop() {
  if (options.top.empty())
    return llvm::Error::success();
  if (isBufferized(*module))
    return makeError("the largest elements of outputs are selected in the "
                     "stage lowbit, which the model has behind it");
  llvm::StringSet<> names;
  module->walk([&](func::FuncOp function) {
    for (unsigned i = 0; i < function.getNumResults(); ++i)
      if (auto name = function.getResultAttrOfType<StringAttr>(i, "onnx.name"))
        names.insert(name);
  });
  for (const auto &[name, count] : options.top)
    if (!names.contains(name)) {
      std::vector<StringRef> known(names.keys().begin(), names.keys().end());
      llvm::sort(known);
      return makeError("no output is named '" + name + "', there are " +
                       llvm::join(known, ", "));
    }
  return llvm::Error::success();
}

llvm::Expected<CompileResult> Compilation::run() {
  if (llvm::Error error = readModels())
    return std::move(error);
  if (llvm::Error error = checkTop())
    return std::move(error);
  finishStep("read");
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

std::string ModelSource::getEntryName() const {
  if (!name.empty())
    return name;
  if (path.empty() || path == "-")
    return "main";
  return llvm::sys::path::stem(path).str();
}

/// Whether the kernel that is wished for exists, before anything is read.
static llvm::Error checkKernel(StringRef name) {
  if (name.empty() || findKernel(name))
    return llvm::Error::success();
  auto names = llvm::map_range(getKernelTable(),
                               [](const KernelRow &row) { return row.name; });
  return makeError("unknown kernel '" + name + "', known are " +
                   llvm::join(names, ", "));
}

llvm::Expected<CompileResult>
mlir::lowbit::compileModels(ArrayRef<ModelSource> sources,
                            const CompileOptions &options) {
  if (!isTableType(options.tables))
    return makeError("unknown type '" + options.tables +
                     "' of tables, expected 'f32', 'bf16' or 'int8'");
  if (llvm::Error error = checkKernel(options.kernel))
    return std::move(error);
  std::vector<Target> targets;
  for (const std::string &spec : Target::split(options.target)) {
    llvm::Expected<Target> target = Target::parse(spec);
    if (!target)
      return target.takeError();
    targets.push_back(std::move(*target));
  }
  if (targets.size() > 1 && options.emit != Emit::Shared)
    return makeError("several targets make a shared library only, not '" +
                     options.target + "' with --emit of another kind");
  CompileResult result;
  std::vector<std::unique_ptr<llvm::MemoryBuffer>> objects;
  for (auto [variant, target] : llvm::enumerate(targets)) {
    llvm::Expected<CompileResult> compiled =
        Compilation(sources, options, std::move(target), variant).run();
    if (!compiled)
      return compiled.takeError();
    if (options.emit != Emit::Shared)
      return compiled;
    objects.push_back(std::move(compiled->output));
    // Report and diagnostics are those of the first target.
    if (variant == 0)
      result = std::move(*compiled);
  }
  auto library = linkShared(objects);
  if (!library)
    return library.takeError();
  result.output = std::move(*library);
  return result;
}

llvm::Expected<CompileResult>
mlir::lowbit::compileFile(StringRef path, const CompileOptions &options) {
  ModelSource source;
  // An empty path is a file that does not exist, not a model in memory.
  source.path = path.empty() ? "./" : path.str();
  return compileModels(source, options);
}

llvm::Expected<CompileResult>
mlir::lowbit::compileBuffer(StringRef bytes, bool isMLIR, StringRef baseDir,
                            const CompileOptions &options) {
  ModelSource source;
  source.bytes = bytes;
  source.isMLIR = isMLIR;
  source.baseDir = baseDir.str();
  return compileModels(source, options);
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
