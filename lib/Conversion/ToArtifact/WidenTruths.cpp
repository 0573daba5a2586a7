//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// lowbit-widen-truths. LLVM's loop vectoriser makes a vector of i1 of loads of
// i1, which is a vector of bits in memory: the bytes are then read and written
// one by one.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Conversion/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Pass/Pass.h"

namespace mlir::lowbit {
#define GEN_PASS_DEF_LOWBITWIDENTRUTHS
#include "lowbit/Conversion/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

namespace {
struct WidenTruths : mlir::lowbit::impl::LowbitWidenTruthsBase<WidenTruths> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    Type i8 = rewriter.getI8Type();
    auto isPlain = [](auto access, Type type) {
      return type.isInteger(1) && !access.getVolatile_() &&
             access.getOrdering() == LLVM::AtomicOrdering::not_atomic;
    };
    SmallVector<Operation *> accesses;
    getOperation().walk([&](Operation *op) {
      auto load = dyn_cast<LLVM::LoadOp>(op);
      auto store = dyn_cast<LLVM::StoreOp>(op);
      if ((load && isPlain(load, load.getType())) ||
          (store && isPlain(store, store.getValue().getType())))
        accesses.push_back(op);
    });
    for (Operation *op : accesses) {
      rewriter.setInsertionPoint(op);
      Location loc = op->getLoc();
      if (auto store = dyn_cast<LLVM::StoreOp>(op)) {
        Value byte = LLVM::ZExtOp::create(rewriter, loc, i8, store.getValue());
        LLVM::StoreOp::create(rewriter, loc, byte, store.getAddr(),
                              /*alignment=*/1);
        rewriter.eraseOp(op);
        continue;
      }
      auto load = cast<LLVM::LoadOp>(op);
      Value byte = LLVM::LoadOp::create(rewriter, loc, i8, load.getAddr(),
                                        /*alignment=*/1);
      Value zero = LLVM::ConstantOp::create(rewriter, loc, i8,
                                            rewriter.getI8IntegerAttr(0));
      rewriter.replaceOpWithNewOp<LLVM::ICmpOp>(load, LLVM::ICmpPredicate::ne,
                                                byte, zero);
    }
  }
};
} // namespace
