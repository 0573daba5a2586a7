//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// From LLVM IR to machine code.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_COMPILER_CODEGEN_H
#define LOWBIT_LIB_COMPILER_CODEGEN_H

#include "lowbit/Target/Target.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/CodeGen.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Target/TargetMachine.h"

namespace mlir::lowbit {

/// LLVM's machine for a target: position-independent, no fused multiply-add
/// that the program does not ask for.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
makeTargetMachine(const Target &target);

/// Prepares a module for the machine (triple, layout, function attributes),
/// hides everything but `symbol`, and optimizes it (O3).
void optimize(llvm::Module &module, llvm::TargetMachine &machine,
              llvm::StringRef symbol);

/// Emits assembly or an object file.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
emitMachineCode(llvm::Module &module, llvm::TargetMachine &machine,
                llvm::CodeGenFileType type);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_COMPILER_CODEGEN_H
