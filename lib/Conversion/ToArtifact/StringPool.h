//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Null-terminated strings in read-only data, each text once.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_CONVERSION_TOARTIFACT_STRINGPOOL_H
#define LOWBIT_LIB_CONVERSION_TOARTIFACT_STRINGPOOL_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include <string>

namespace mlir::lowbit {

/// Adds strings to a module as constants `<prefix>_0`, `<prefix>_1`, ...
class StringPool {
public:
  StringPool(ModuleOp module, StringRef prefix)
      : module(module), prefix(prefix.str()) {}

  /// The global that holds `text`.
  LLVM::GlobalOp get(StringRef text) {
    LLVM::GlobalOp &global = strings[text];
    if (global)
      return global;
    OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
    std::string bytes = text.str();
    bytes.push_back('\0');
    auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), bytes.size());
    // The map holds one entry for this text already.
    std::string name = prefix + "_" + std::to_string(strings.size() - 1);
    global =
        LLVM::GlobalOp::create(builder, module.getLoc(), type,
                               /*isConstant=*/true, LLVM::Linkage::Internal,
                               name, builder.getStringAttr(bytes));
    return global;
  }

private:
  ModuleOp module;
  std::string prefix;
  llvm::StringMap<LLVM::GlobalOp> strings;
};

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_CONVERSION_TOARTIFACT_STRINGPOOL_H
