//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Moves packed operations on buffers into functions of their own, so that equal
// operations (the layers of a transformer) share one kernel. The scales of
// layers differ: they leave the epilogue of a matmul and become operands.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "lowbit/Dialect/Lowbit/IR/ReportMarks.h"
#include "lowbit/Dialect/Lowbit/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/SmallVectorExtras.h"
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
  auto kernel = op->getAttrOfType<StringAttr>("kernel");
  if (!kernel)
    return name;
  name += '_';
  for (char c : kernel.getValue())
    name += llvm::isAlnum(c) ? c : '_';
  return name;
}

/// Whether a constant is likely a learned number: one with more than the eight
/// significant bits that 0, 1 or 0.5 have.
static bool isLearned(arith::ConstantOp constant) {
  auto value = dyn_cast<FloatAttr>(constant.getValue());
  return value && value.getType().isF32() &&
         (value.getValue().bitcastToAPInt().getZExtValue() & 0xFFFF) != 0;
}

/// Turns the learned numbers of an epilogue into operands of rank 0.
static void liftConstants(Operation *op, Block &body,
                          MutableOperandRange operands, SymbolTable &symbols) {
  SmallVector<arith::ConstantOp> constants =
      llvm::filter_to_vector(body.getOps<arith::ConstantOp>(), isLearned);
  OpBuilder builder(op), detached(op->getContext());
  Location loc = op->getLoc();
  for (arith::ConstantOp constant : constants) {
    auto type = MemRefType::get({}, constant.getType());
    auto value =
        DenseElementsAttr::get(RankedTensorType::get({}, constant.getType()),
                               Attribute(constant.getValue()));
    auto global = memref::GlobalOp::create(
        detached, loc, "lowbit_scalar", builder.getStringAttr("private"), type,
        value,
        /*constant=*/true, builder.getI64IntegerAttr(4));
    StringAttr name = symbols.insert(global);
    Value operand =
        memref::GetGlobalOp::create(builder, loc, type, name.getValue());
    operands.append(operand);
    constant.replaceAllUsesWith(body.addArgument(constant.getType(), loc));
    constant.erase();
  }
}

namespace {

struct OutlineKernels : lowbit::impl::LowbitOutlineKernelsBase<OutlineKernels> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<Operation *> work;
    for (auto func : getOperation().getOps<func::FuncOp>())
      func.walk([&](Operation *op) {
        if (isa<PackedMatmulOp, PackedAttentionOp, QuantizePackOp, RepackOp,
                PackedLookupOp, LayerNormOp, LayerNormPackOp, SoftmaxOp,
                TopProductOp>(op) &&
            op->getNumResults() == 0)
          work.push_back(op);
      });
    llvm::StringMap<func::FuncOp> kernels;
    for (Operation *op : work) {
      if (auto matmul = dyn_cast<PackedMatmulOp>(op)) {
        liftConstants(op, matmul.getBody().front(), matmul.getEpilogueMutable(),
                      symbols);
      } else if (auto attention = dyn_cast<PackedAttentionOp>(op)) {
        liftConstants(op, attention.getScoreBody().front(),
                      attention.getScoreOperandsMutable(), symbols);
        liftConstants(op, attention.getContextBody().front(),
                      attention.getContextOperandsMutable(), symbols);
      }
      outline(op, symbols, kernels);
    }
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
    // A reason that names a column would keep equal code apart.
    inner->removeAttr(kFloatEpilogue);
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
