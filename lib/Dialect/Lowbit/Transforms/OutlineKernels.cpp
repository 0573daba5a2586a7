//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Moves packed operations on buffers into functions of their own, so that equal
// operations (the layers of a transformer) share one kernel.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::lowbit {
#define GEN_PASS_DEF_LOWBITOUTLINEKERNELS
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

/// The base of a kernel's name: what it does.
static std::string describe(Operation *op) {
  std::string name = "lowbit_" + op->getName().stripDialect().str();
  auto matmul = dyn_cast<PackedMatmulOp>(op);
  if (!matmul)
    return name;
  name += '_';
  for (char c : matmul.getKernel())
  name += llvm::isAlnum(c) ? c : '_';
  return name;
}

namespace {

struct OutlineKernels : lowbit::impl::LowbitOutlineKernelsBase<OutlineKernels> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<Operation *> work;
    for (auto func : getOperation().getOps<func::FuncOp>())
      func.walk([&](Operation *op) {
        if (isa<PackedMatmulOp, QuantizePackOp, PackedLookupOp, LayerNormOp,
                SoftmaxOp>(op) &&
            op->getNumResults() == 0)
          work.push_back(op);
      });
    llvm::StringMap<func::FuncOp> kernels;
    for (Operation *op : work)
      outline(op, symbols, kernels);
  }

  void outline(Operation *op, SymbolTable &symbols,
               llvm::StringMap<func::FuncOp> &kernels) {
    OpBuilder builder(op->getContext());
    Location unknown = builder.getUnknownLoc();
    auto type = builder.getFunctionType(op->getOperandTypes(), {});
    func::FuncOp kernel = func::FuncOp::create(unknown, "kernel", type);
    kernel.setPrivate();
    Block *entry = kernel.addEntryBlock();
    builder.setInsertionPointToStart(entry);
    IRMapping map;
    map.map(op->getOperands(), entry->getArguments());
    // An operand that is used twice is one value in the kernel as well.
    Operation *inner = builder.clone(*op, map);
    func::ReturnOp::create(builder, unknown);

    std::string text;
    llvm::raw_string_ostream os(text);
    kernel->print(os, OpPrintingFlags().elideLargeResourceString());
    auto [known, isNew] = kernels.try_emplace(text, kernel);
    if (isNew) {
      inner->setLoc(op->getLoc());
      kernel.setName(describe(op));
      symbols.insert(kernel);
    } else {
      kernel->erase();
    }
    builder.setInsertionPoint(op);
    func::CallOp::create(builder, op->getLoc(), known->second,
                         op->getOperands());
    op->erase();
  }
};

} // namespace
