//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// lowbit-compile: a model in, an artifact out.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Compiler/Compiler.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"

using namespace mlir::lowbit;
namespace cl = llvm::cl;

static cl::OptionCategory category("lowbit-compile options");
static cl::opt<std::string> input(cl::Positional, cl::Required,
                                  cl::desc("<model.onnx or .mlir>"),
                                  cl::cat(category));
static cl::opt<std::string>
    output("o", cl::value_desc("file"), cl::cat(category),
           cl::desc("output; by default standard output for text, else the "
                    "input's name in the current folder. A name that ends in "
                    ".o implies --emit=obj"));
static cl::opt<std::string>
    emit("emit", cl::value_desc("stage"), cl::cat(category),
         cl::desc("where to stop: onnx, lowbit, loops, llvm (MLIR), llvm-ir, "
                  "asm, obj (with a C header beside it), so (default)"));
static cl::opt<std::string>
    target("target", cl::init("native"), cl::cat(category),
           cl::desc("native, x86-64, x86-64-v2, -v3 or -v4, and ,+feature or "
                    ",-feature (default: native)"));
static cl::opt<std::string>
    kernel("kernel", cl::cat(category),
           cl::desc("row of the kernel table to use where it applies"));
static cl::opt<std::string>
    report("report", cl::ValueOptional, cl::value_desc("file"),
           cl::cat(category),
           cl::desc("tell what became of every matmul: as a table, or as JSON "
                    "into a file"));
static cl::opt<bool> remarks("remarks", cl::cat(category),
                             cl::desc("tell what was nearly recognised"));
static cl::opt<bool> elide("elide-constants", cl::cat(category),
                           cl::desc("leave large constants out of MLIR text"));
static cl::opt<bool> verbose("v", cl::cat(category),
                             cl::desc("tell how long each step takes"));

static int fail(llvm::Error error) {
  llvm::StringRef text;
  std::string message = llvm::toString(std::move(error));
  text = message;
  // Diagnostics of the compiler say already what they are.
  bool labelled = text.contains("error: ");
  llvm::errs() << (labelled ? "" : "error: ") << text << "\n";
  return 1;
}

/// `name` for `dir/name.onnx`.
static std::string getStem() {
  return input == "-" ? "model" : llvm::sys::path::stem(input).str();
}

static std::string getOutput(Emit stage) {
  if (!output.empty())
    return output;
  if (stage == Emit::Shared)
    return getStem() + ".so";
  return stage == Emit::Object ? getStem() + ".o" : "-";
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(argc, argv, "lowbit compiler\n");

  bool object = llvm::StringRef(output).ends_with(".o");
  std::string name = object ? "obj" : "so";
  if (!emit.empty())
    name = emit;
  std::optional<Emit> stage = parseEmit(name);
  if (!stage)
    return fail(llvm::createStringError("unknown --emit '" + name +
                                        "', expected one of " +
                                        getEmitNames().str()));
  CompileOptions options;
  options.emit = *stage;
  options.target = target;
  options.kernel = kernel;
  options.remarks = remarks;
  options.elideConstants = elide;
  options.log = verbose ? &llvm::errs() : nullptr;
  std::string path = getOutput(*stage);
  options.name = llvm::sys::path::stem(path == "-" ? getStem() : path).str();

  llvm::Expected<CompileResult> result = compileFile(input, options);
  if (!result)
    return fail(result.takeError());
  if (!result->diagnostics.empty())
    llvm::errs() << result->diagnostics << "\n";
  if (*stage == Emit::Object && path != "-") {
    llvm::SmallString<128> header(path);
    llvm::sys::path::replace_extension(header, "h");
    if (llvm::Error error = writeFile(header, result->header))
      return fail(std::move(error));
  }
  if (report.getNumOccurrences() && !report.empty())
    if (llvm::Error error = writeFile(report, result->report + "\n"))
      return fail(std::move(error));
  if (llvm::Error error = writeFile(path, result->output->getBuffer()))
    return fail(std::move(error));
  if (report.getNumOccurrences() && report.empty())
    llvm::outs() << formatReport(result->report);
  return 0;
}
