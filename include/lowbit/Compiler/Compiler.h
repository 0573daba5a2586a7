//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// From a model to an artifact, or to any stage on the way. Thread-safe: every
// compilation has a context of its own.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_COMPILER_COMPILER_H
#define LOWBIT_COMPILER_COMPILER_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mlir::lowbit {

/// Where compilation stops: after a stage of Pipelines.h (MLIR text), or with
/// LLVM IR (text), assembly, an object file or a shared library.
enum class Emit { ONNX, Lowbit, Loops, LLVM, LLVMIR, Assembly, Object, Shared };

/// The names of `lowbit-compile --emit`: onnx, lowbit, loops, llvm, llvm-ir,
/// asm, obj, so.
std::optional<Emit> parseEmit(llvm::StringRef name);
llvm::StringRef getEmitNames();

struct CompileOptions {
  Emit emit = Emit::Shared;
  /// One target or several, joined by commas; see Target::parse. A shared
  /// library for several holds the code of each, and the runtime takes the one
  /// with the most features that the CPU has.
  std::string target = "native";
  /// A row of the kernel table to use where it applies; empty: the best one.
  std::string kernel;
  /// How constant right sides of float products (a decoder's output layer) are
  /// stored: `f32`; `bf16`, which changes each number by 2^-9 of it at most; or
  /// `int8`, by 1/254 of the largest magnitude of its column at most.
  std::string tables = "f32";
  /// An object file exports `lowbit_artifact_<name>`, with every character that
  /// C does not allow in a name replaced by '_'. A shared library ignores it.
  std::string name = "model";
  /// Pairs of an input and an output, of any entries, that are one state of a
  /// session, beyond those that their names tell.
  std::vector<std::pair<std::string, std::string>> states;
  /// Whether sessions keep codes in place of numbers in states that one
  /// quantizer of few bits reads (caches of keys and values); such inputs and
  /// outputs become packed words.
  bool packStates = false;
  /// Outputs that become two, `<name>_values` and `<name>_indices`, with this
  /// number of the largest elements of each row.
  std::vector<std::pair<std::string, int64_t>> top;
  /// Whether remarks, such as why a quantizer was not recognised, join the
  /// diagnostics.
  bool remarks = false;
  /// Whether MLIR text leaves out the contents of large constants.
  bool elideConstants = false;
  /// Where to tell the time that each step took; null: nowhere.
  llvm::raw_ostream *log = nullptr;
};

struct CompileResult {
  /// The text, object file or shared library.
  std::unique_ptr<llvm::MemoryBuffer> output;
  /// For an object file: a C header that declares its LowbitArtifact.
  std::string header;
  /// What became of every matmul, as JSON; empty before that is known.
  std::string report;
  /// Warnings, and remarks when asked for, one per line.
  std::string diagnostics;
};

/// A model that becomes an entry of an artifact.
struct ModelSource {
  /// The name of the entry. Empty: the stem of `path`, "main" without one.
  std::string name;
  /// MLIR when it ends in .mlir or .mlirbc or is "-" (standard input), else
  /// ONNX. Empty: the model is `bytes`.
  std::string path;
  /// A model in memory: MLIR text or bytecode when `isMLIR`, else ONNX, whose
  /// external data is looked for in `baseDir` (refused when empty). The bytes
  /// must outlive the compilation.
  llvm::StringRef bytes;
  bool isMLIR = false;
  std::string baseDir;

  /// The name that the entry gets.
  std::string getEntryName() const;
};

/// Compiles models into one artifact with an entry for each, the first being
/// the default; constants that are equal once packed are stored once. Texts of
/// stages hold a module for each of several models. The error holds every
/// diagnostic, one per line.
llvm::Expected<CompileResult> compileModels(llvm::ArrayRef<ModelSource> sources,
                                            const CompileOptions &options);

/// Compiles the model at `path` alone.
llvm::Expected<CompileResult> compileFile(llvm::StringRef path,
                                          const CompileOptions &options);

/// Compiles a model in memory alone; see ModelSource.
llvm::Expected<CompileResult> compileBuffer(llvm::StringRef bytes, bool isMLIR,
                                            llvm::StringRef baseDir,
                                            const CompileOptions &options);

/// Writes to a temporary file beside `path` and renames it; "-" is standard
/// output.
llvm::Error writeFile(llvm::StringRef path, llvm::StringRef bytes);

/// The report as a table for people; empty when `json` is no report.
std::string formatReport(llvm::StringRef json);

} // namespace mlir::lowbit

#endif // LOWBIT_COMPILER_COMPILER_H
