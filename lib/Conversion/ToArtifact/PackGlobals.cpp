//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// lowbit-pack-globals. LLVM emits an array of i8 as one block of bytes, and any
// other array number by number.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Conversion/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/Pass/Pass.h"

namespace mlir::lowbit {
#define GEN_PASS_DEF_LOWBITPACKGLOBALS
#include "lowbit/Conversion/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

/// A cache line and the widest vector register.
static constexpr uint64_t kAlignment = 64;

namespace {
struct PackGlobals : mlir::lowbit::impl::LowbitPackGlobalsBase<PackGlobals> {
  void runOnOperation() override {
    Type i8 = IntegerType::get(&getContext(), 8);
    for (auto global : getOperation().getBody()->getOps<LLVM::GlobalOp>()) {
      auto resource =
          dyn_cast_or_null<DenseResourceElementsAttr>(global.getValueOrNull());
      if (!resource)
        continue;
      AsmResourceBlob *blob = resource.getRawHandle().getBlob();
      if (!blob) {
        global.emitError("constant without data: resource '")
            << resource.getRawHandle().getKey() << "' is missing";
        return signalPassFailure();
      }
      int64_t bytes = blob->getData().size();
      global.setGlobalType(LLVM::LLVMArrayType::get(i8, bytes));
      global.setValueAttr(DenseResourceElementsAttr::get(
          RankedTensorType::get({bytes}, i8), resource.getRawHandle()));
      global.setAlignment(kAlignment);
    }
  }
};
} // namespace
