//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// lowbit-merge-globals. An encoder and a decoder that were exported apart each
// bring the tables that they share: after packing they are equal byte by byte.
// The bytes are compared here, since two resources with equal contents are two
// attributes.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Conversion/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/Pass/Pass.h"
#include "llvm/Support/xxhash.h"

namespace mlir::lowbit {
#define GEN_PASS_DEF_LOWBITMERGEGLOBALS
#include "lowbit/Conversion/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

/// The bytes of a constant over a resource; empty when it has none.
static ArrayRef<char> getBytes(LLVM::GlobalOp global) {
  auto resource =
      dyn_cast_or_null<DenseResourceElementsAttr>(global.getValueOrNull());
  AsmResourceBlob *blob =
      resource ? resource.getRawHandle().getBlob() : nullptr;
  return blob ? blob->getData() : ArrayRef<char>();
}

/// Whether nobody outside sees the constant, or could tell it from a copy.
static bool isMergeable(LLVM::GlobalOp global) {
  return global.getConstant() && global.getValueOrNull() &&
         (global.getLinkage() == LLVM::Linkage::Internal ||
          global.getLinkage() == LLVM::Linkage::Private);
}

static bool areEqual(LLVM::GlobalOp a, LLVM::GlobalOp b) {
  if (a.getGlobalType() != b.getGlobalType() ||
      a.getAddrSpace() != b.getAddrSpace())
    return false;
  ArrayRef<char> bytes = getBytes(a);
  return bytes.empty() ? a.getValueOrNull() == b.getValueOrNull()
                       : bytes == getBytes(b);
}

namespace {
struct MergeGlobals : mlir::lowbit::impl::LowbitMergeGlobalsBase<MergeGlobals> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    DenseMap<uint64_t, SmallVector<LLVM::GlobalOp, 1>> kept;
    DenseMap<StringAttr, StringAttr> merged;
    for (auto global :
         llvm::make_early_inc_range(module.getOps<LLVM::GlobalOp>())) {
      if (!isMergeable(global))
        continue;
      ArrayRef<char> bytes = getBytes(global);
      uint64_t hash =
          bytes.empty()
              ? static_cast<uint64_t>(hash_value(global.getValueOrNull()))
              : llvm::xxh3_64bits(ArrayRef<uint8_t>(
                    reinterpret_cast<const uint8_t *>(bytes.data()),
                    bytes.size()));
      SmallVector<LLVM::GlobalOp, 1> &candidates = kept[hash];
      auto *equal = llvm::find_if(candidates, [&](LLVM::GlobalOp other) {
        return areEqual(other, global);
      });
      if (equal == candidates.end()) {
        candidates.push_back(global);
        continue;
      }
      if (global.getAlignment().value_or(0) > equal->getAlignment().value_or(0))
        equal->setAlignment(*global.getAlignment());
      merged[global.getSymNameAttr()] = equal->getSymNameAttr();
      mergedBytes += bytes.size();
      global.erase();
    }
    if (merged.empty())
      return;
    AttrTypeReplacer replacer;
    replacer.addReplacement([&](FlatSymbolRefAttr reference) -> Attribute {
      StringAttr name = merged.lookup(reference.getAttr());
      return name ? FlatSymbolRefAttr::get(name) : reference;
    });
    module.walk([&](Operation *op) { replacer.replaceElementsIn(op); });
  }
};
} // namespace
