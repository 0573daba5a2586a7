//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The compiler as a library: stages, errors, output files, the report as a
// table.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Compiler/Compiler.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <gtest/gtest.h>
#include <thread>

using namespace mlir::lowbit;

static constexpr llvm::StringLiteral kDouble = R"(
func.func @main(%x: memref<?xf32> {onnx.name = "x", onnx.dims = ["n"]})
    -> (memref<?xf32> {onnx.name = "y", onnx.dims = ["n"]}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = memref.dim %x, %c0 : memref<?xf32>
  %y = memref.alloc(%n) : memref<?xf32>
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    %a = memref.load %x[%i] : memref<?xf32>
    %b = arith.addf %a, %a : f32
    memref.store %b, %y[%i] : memref<?xf32>
  }
  return %y : memref<?xf32>
}
)";

static std::string compileText(llvm::StringRef text, CompileOptions options) {
  llvm::Expected<CompileResult> result =
      compileBuffer(text, /*isMLIR=*/true, "", options);
  if (!result)
    return "failed: " + llvm::toString(result.takeError());
  return result->output->getBuffer().str();
}

TEST(Compiler, ParsesStages) {
  EXPECT_EQ(parseEmit("loops"), Emit::Loops);
  EXPECT_EQ(parseEmit("so"), Emit::Shared);
  EXPECT_EQ(parseEmit("exe"), std::nullopt);
}

TEST(Compiler, EmitsEveryLateStage) {
  CompileOptions options;
  options.target = "x86-64-v3";
  options.emit = Emit::LLVM;
  EXPECT_NE(
      compileText(kDouble, options).find("llvm.func internal @lowbit_entry"),
      std::string::npos);
  options.emit = Emit::LLVMIR;
  EXPECT_NE(compileText(kDouble, options).find("fadd <8 x float>"),
            std::string::npos);
  options.emit = Emit::Assembly;
  EXPECT_NE(compileText(kDouble, options).find("vaddps"), std::string::npos);
  options.emit = Emit::Shared;
  EXPECT_EQ(compileText(kDouble, options).substr(0, 4), "\177ELF");
}

TEST(Compiler, ObjectsHaveAHeader) {
  CompileOptions options;
  options.emit = Emit::Object;
  options.name = "my-model.1";
  llvm::Expected<CompileResult> result =
      compileBuffer(kDouble, /*isMLIR=*/true, "", options);
  ASSERT_TRUE(bool(result)) << llvm::toString(result.takeError());
  EXPECT_NE(result->header.find(
                "extern const LowbitArtifact lowbit_artifact_my_model_1;"),
            std::string::npos);
  EXPECT_NE(result->output->getBuffer().find("lowbit_artifact_my_model_1"),
            llvm::StringRef::npos);
}

TEST(Compiler, IsDeterministic) {
  CompileOptions options;
  options.target = "x86-64-v2";
  EXPECT_EQ(compileText(kDouble, options), compileText(kDouble, options));
}

TEST(Compiler, RunsInSeveralThreads) {
  CompileOptions options;
  std::string expected = compileText(kDouble, options);
  std::vector<std::string> results(3);
  std::vector<std::thread> threads;
  for (std::string &result : results)
    threads.emplace_back([&] { result = compileText(kDouble, options); });
  for (std::thread &thread : threads)
    thread.join();
  for (const std::string &result : results)
    EXPECT_EQ(result, expected);
}

TEST(Compiler, ReportsErrors) {
  CompileOptions options;
  EXPECT_EQ(compileText("func.func @main(", options)
                .rfind("failed: model.mlir:1:", 0),
            0u);
  options.target = "z80";
  EXPECT_NE(compileText(kDouble, options).find("unknown target 'z80'"),
            std::string::npos);
  options.target = "native";
  llvm::Expected<CompileResult> missing =
      compileFile("does/not/exist.mlir", options);
  ASSERT_FALSE(bool(missing));
  EXPECT_NE(llvm::toString(missing.takeError())
                .find("cannot read does/not/exist.mlir"),
            std::string::npos);
}

TEST(Compiler, WritesWholeFilesOrNone) {
  llvm::SmallString<128> folder;
  ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("lowbit-test", folder));
  llvm::SmallString<128> path(folder);
  llvm::sys::path::append(path, "out");
  EXPECT_FALSE(bool(writeFile(path, "text")));
  llvm::SmallString<128> nowhere(folder);
  llvm::sys::path::append(nowhere, "missing", "out");
  llvm::Error error = writeFile(nowhere, "text");
  ASSERT_TRUE(bool(error));
  EXPECT_NE(llvm::toString(std::move(error)).find("cannot write"),
            std::string::npos);
  unsigned files = 0;
  std::error_code code;
  for (llvm::sys::fs::directory_iterator it(folder, code), end; it != end;
       it.increment(code))
    ++files;
  EXPECT_EQ(files, 1u);
  llvm::sys::fs::remove_directories(folder);
}

TEST(Compiler, FormatsReports) {
  std::string table = formatReport(
      R"({"matmuls":[{"name":"q","batch":1,"m":null,"k":768,"n":768,)"
      R"("lhs":"-1, 1","rhs":"-1, 1","kernel":"popcount","weight_bytes":73728,)"
      R"("macs":null,"reason":null},{"name":"pooler","batch":1,"m":1,"k":8,)"
      R"("n":8,"lhs":"f32","rhs":"f32","kernel":"float","weight_bytes":256,)"
      R"("macs":64,"reason":"not quantized"},{"name":"k","kernel":"popcount",)"
      R"("result":"codes","result_reason":"16 levels"}],)"
      R"("quantizers":[{"name":"v","reason":"it reads an input"}],)"
      R"("summary":{"matmuls":2,"quantized":1,"float":1,"weight_bytes":73984}})");
  EXPECT_NE(table.find("popcount  73728"), std::string::npos) << table;
  EXPECT_NE(table.find("pooler stays float: not quantized"), std::string::npos);
  EXPECT_NE(table.find("k finds its codes without thresholds: 16 levels"),
            std::string::npos);
  EXPECT_NE(table.find("quantizer v stays by itself: it reads an input"),
            std::string::npos);
  EXPECT_NE(table.find("2 matmuls, 1 quantized, 1 float, 73984 bytes"),
            std::string::npos);
  EXPECT_EQ(formatReport("{"), "");
  EXPECT_EQ(formatReport("{}"), "");
}
