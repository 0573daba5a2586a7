//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Models in memory: every prefix and every changed byte of a small model is
// either read or refused with a diagnostic. The model is written by hand, so
// that the test needs no ONNX.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Import/Import.h"
#include "mlir/IR/Diagnostics.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace mlir::lowbit;

namespace {

/// A protobuf field with length-delimited content.
std::string field(int number, const std::string &content) {
  return std::string(1, static_cast<char>(number << 3 | 2)) +
         static_cast<char>(content.size()) + content;
}
std::string field(int number, int value) {
  return {static_cast<char>(number << 3), static_cast<char>(value)};
}

/// `name` as a float tensor of shape [2].
std::string valueInfo(const std::string &name) {
  std::string shape = field(1, field(1, 2));
  std::string tensor = field(1, 1) + field(2, shape);
  return field(1, name) + field(2, field(1, tensor));
}

/// y = x + w with w = [1, 2], opset 17.
std::string makeModel() {
  std::string weight = field(1, 2) + field(2, 1) + field(8, std::string("w")) +
                       field(9, std::string("\0\0\x80\x3f\0\0\0\x40", 8));
  std::string node = field(1, std::string("x")) + field(1, std::string("w")) +
                     field(2, std::string("y")) + field(3, std::string("n")) +
                     field(4, std::string("Add"));
  std::string graph = field(1, node) + field(2, std::string("g")) +
                      field(5, weight) + field(11, valueInfo("x")) +
                      field(12, valueInfo("y"));
  return field(1, 8) + field(7, graph) + field(8, field(2, 17));
}

struct ImportTest : ::testing::Test {
  MLIRContext context{MLIRContext::Threading::DISABLED};
  unsigned errors = 0;
  std::string lastError;
  ScopedDiagnosticHandler handler{&context, [this](Diagnostic &diagnostic) {
                                    if (diagnostic.getSeverity() ==
                                        DiagnosticSeverity::Error) {
                                      ++errors;
                                      lastError = diagnostic.str();
                                    }
                                    return success();
                                  }};
};

TEST_F(ImportTest, Reads) {
  OwningOpRef<ModuleOp> module = importONNXBuffer(makeModel(), "", &context);
  EXPECT_TRUE(module) << lastError;
  EXPECT_EQ(errors, 0u);
}

TEST_F(ImportTest, EveryPrefixIsReadOrRefused) {
  std::string model = makeModel();
  for (size_t size = 0; size < model.size(); ++size) {
    errors = 0;
    OwningOpRef<ModuleOp> module =
        importONNXBuffer(StringRef(model).take_front(size), "", &context);
    EXPECT_FALSE(module) << size;
    EXPECT_NE(errors, 0u) << size;
  }
}

TEST_F(ImportTest, EveryChangedByteIsReadOrRefused) {
  std::string model = makeModel();
  for (size_t i = 0; i < model.size(); ++i)
    for (unsigned char change : {0x01, 0x02, 0x08, 0x10, 0x80, 0xff}) {
      std::string changed = model;
      changed[i] = static_cast<char>(changed[i] ^ change);
      errors = 0;
      OwningOpRef<ModuleOp> module = importONNXBuffer(changed, "", &context);
      EXPECT_EQ(!module, errors != 0) << i << " " << unsigned(change);
    }
}

TEST_F(ImportTest, ExternalDataNeedsAFolder) {
  std::string entry =
      field(1, std::string("location")) + field(2, std::string("w.bin"));
  std::string weight = field(1, 2) + field(2, 1) + field(8, std::string("w")) +
                       field(13, entry) + field(14, 1);
  std::string graph = field(5, weight) + field(12, valueInfo("w"));
  std::string model = field(1, 8) + field(7, graph) + field(8, field(2, 17));
  EXPECT_FALSE(importONNXBuffer(model, "", &context));
  EXPECT_NE(lastError.find("cannot be read for a model in memory"),
            std::string::npos)
      << lastError;
}

} // namespace
