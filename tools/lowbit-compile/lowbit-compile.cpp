//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// lowbit-compile: models in, an artifact out.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Compiler/Compiler.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"

using namespace mlir::lowbit;
namespace cl = llvm::cl;

static cl::OptionCategory category("lowbit-compile options");
static cl::list<std::string>
    inputs(cl::Positional, cl::OneOrMore, cl::cat(category),
           cl::desc("<[name=]model.onnx or .mlir> ..."));
static cl::list<std::string>
    states("state", cl::value_desc("input=output"), cl::cat(category),
           cl::desc("keep an output as an input of later runs in a session, "
                    "beyond those that names tell (past_x=present_x)"));
static cl::list<std::string>
    top("top", cl::value_desc("output:count"), cl::cat(category),
        cl::desc("give the largest elements of each row of an output only: "
                 "count values and their indices, without reading the whole "
                 "table that it is a product with"));
static cl::opt<std::string>
    output("o", cl::value_desc("file"), cl::cat(category),
           cl::desc("output; by default standard output for text, else the "
                    "input's name in the current folder. A name that ends in "
                    ".o implies --emit=obj"));
static cl::opt<std::string>
    emit("emit", cl::value_desc("stage"), cl::cat(category),
         cl::desc("where to stop: onnx, lowbit, loops, llvm (MLIR), llvm-ir, "
                  "asm, obj (with a C header beside it), so (default)"));
static cl::opt<std::string> target(
    "target", cl::init("native"), cl::cat(category),
    cl::desc("native, x86-64, x86-64-v2, -v3, -v4 or amx, and ,+feature or "
             ",-feature (default: native); several, joined by commas, "
             "make a library that takes the best for the CPU"));
static cl::opt<std::string>
    kernel("kernel", cl::cat(category),
           cl::desc("row of the kernel table to use where it applies; "
                    "--remarks says where and why it does not"));
static cl::opt<std::string> tables(
    "tables", cl::init("f32"), cl::value_desc("type"), cl::cat(category),
    cl::desc(
        "how constant right sides of float products are stored: f32 "
        "(default); bf16, half as large, which changes each number by 2^-9 "
        "of it at most; int8, a quarter as large, by 1/254 of the largest "
        "of its column; --remarks tells by how much"));
static cl::opt<bool> packStates(
    "pack-states", cl::cat(category),
    cl::desc("let sessions keep codes in place of numbers in caches that one "
             "quantizer of few bits reads; --remarks tells which"));
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

/// Splits NAME=FILE; a file whose own name holds a '=' is a file.
static ModelSource parseSource(llvm::StringRef text) {
  ModelSource source;
  auto [name, path] = text.split('=');
  if (text.contains('=') && !name.contains('/') && !name.empty() &&
      !llvm::sys::fs::exists(text)) {
    source.name = name.str();
    source.path = path.str();
  } else {
    source.path = text.str();
  }
  return source;
}

/// `name` for `dir/name.onnx`.
static std::string getStem(const ModelSource &source) {
  return source.path == "-" ? "model"
                            : llvm::sys::path::stem(source.path).str();
}

/// Where the result goes; an error when several models leave it open.
static llvm::Expected<std::string>
getOutput(Emit stage, llvm::ArrayRef<ModelSource> sources) {
  if (!output.empty())
    return output;
  if (stage != Emit::Shared && stage != Emit::Object)
    return "-";
  if (sources.size() > 1)
    return llvm::createStringError(
        "several models become one file: name it with -o");
  return getStem(sources.front()) + (stage == Emit::Shared ? ".so" : ".o");
}

/// The pairs of --state; names may hold any character but '='.
static llvm::Error
parseStates(std::vector<std::pair<std::string, std::string>> &pairs) {
  for (llvm::StringRef text : states) {
    auto [in, out] = text.split('=');
    if (in.empty() || out.empty())
      return llvm::createStringError("--state wants INPUT=OUTPUT, got '" +
                                     text + "'");
    pairs.emplace_back(in, out);
  }
  return llvm::Error::success();
}

/// The outputs of --top; names may hold colons.
static llvm::Error
parseTop(std::vector<std::pair<std::string, int64_t>> &outputs) {
  for (llvm::StringRef text : top) {
    auto [name, number] = text.rsplit(':');
    int64_t count;
    if (name.empty() || number.getAsInteger(10, count) || count < 1)
      return llvm::createStringError("--top wants OUTPUT:COUNT, got '" + text +
                                     "'");
    outputs.emplace_back(name, count);
  }
  return llvm::Error::success();
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
  options.tables = tables;
  options.packStates = packStates;
  options.remarks = remarks;
  options.elideConstants = elide;
  options.log = verbose ? &llvm::errs() : nullptr;
  if (llvm::Error error = parseStates(options.states))
    return fail(std::move(error));
  if (llvm::Error error = parseTop(options.top))
    return fail(std::move(error));
  std::vector<ModelSource> sources;
  for (llvm::StringRef text : inputs)
    sources.push_back(parseSource(text));
  llvm::Expected<std::string> place = getOutput(*stage, sources);
  if (!place)
    return fail(place.takeError());
  const std::string &path = *place;
  options.name =
      llvm::sys::path::stem(path == "-" ? getStem(sources.front()) : path)
          .str();

  // The linker, which has options of its own, forgets ours.
  const bool wantsReport = report.getNumOccurrences() != 0;
  const std::string reportFile = report;

  llvm::Expected<CompileResult> result = compileModels(sources, options);
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
  if (!reportFile.empty())
    if (llvm::Error error = writeFile(reportFile, result->report + "\n"))
      return fail(std::move(error));
  if (llvm::Error error = writeFile(path, result->output->getBuffer()))
    return fail(std::move(error));
  if (wantsReport && reportFile.empty())
    llvm::outs() << formatReport(result->report);
  return 0;
}
