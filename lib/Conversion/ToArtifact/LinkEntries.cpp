//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// lowbit-link-entries. Every model comes with functions and constants of its
// own under the same names; those of the second and later ones get a number.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Conversion/Passes.h"

#include "Markers.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Pass/Pass.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/JSON.h"

namespace mlir::lowbit {
#define GEN_PASS_DEF_LOWBITLINKENTRIES
#include "lowbit/Conversion/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

/// Whether a symbol means the same in every model: a function of the C library.
static bool isShared(SymbolOpInterface symbol) {
  auto function = dyn_cast<LLVM::LLVMFuncOp>(symbol.getOperation());
  return function && function.isExternal();
}

/// The reports of all models as one: `entries` in order, and the sums.
static std::optional<std::string> joinReports(ArrayRef<ModuleOp> models) {
  llvm::json::Array entries;
  static constexpr StringLiteral kSums[] = {
      "matmuls",    "quantized",  "float", "weight_bytes", "codes",
      "thresholds", "attentions", "norms", "quantizers"};
  int64_t sums[std::size(kSums)] = {};
  for (ModuleOp model : models) {
    auto text = model->getAttrOfType<StringAttr>(kReportAttr);
    if (!text)
      continue;
    llvm::Expected<llvm::json::Value> report =
        llvm::json::parse(text.getValue());
    if (!report || !report->getAsObject()) {
      llvm::consumeError(report.takeError());
      continue;
    }
    llvm::json::Object &object = *report->getAsObject();
    if (const llvm::json::Object *summary = object.getObject("summary"))
      for (auto [sum, key] : llvm::zip_equal(sums, kSums))
        sum += summary->getInteger(key).value_or(0);
    object["name"] = *model.getSymName();
    entries.push_back(std::move(*report));
  }
  if (entries.empty())
    return std::nullopt;
  llvm::json::Object summary;
  for (auto [sum, key] : llvm::zip_equal(sums, kSums))
    summary[key] = sum;
  std::string text;
  llvm::raw_string_ostream(text) << llvm::json::Value(llvm::json::Object{
      {"entries", std::move(entries)}, {"summary", std::move(summary)}});
  return text;
}

namespace {
struct LinkEntries : mlir::lowbit::impl::LowbitLinkEntriesBase<LinkEntries> {
  void runOnOperation() override {
    ModuleOp program = getOperation();
    SmallVector<ModuleOp> models(program.getOps<ModuleOp>());
    for (ModuleOp model : models)
      if (!model.getSymName()) {
        model.emitError("expected a name: it becomes that of the entry");
        return signalPassFailure();
      }
    if (std::optional<std::string> report = joinReports(models))
      program->setAttr(kReportAttr, StringAttr::get(&getContext(), *report));
    for (auto [i, model] : llvm::enumerate(models)) {
      renameSymbols(model, i);
      Block *body = program.getBody();
      body->getOperations().splice(body->end(),
                                   model.getBody()->getOperations());
      model.erase();
    }
  }

private:
  /// Gives the symbols of a model names that no model before it has.
  void renameSymbols(ModuleOp model, size_t number) {
    DenseMap<StringAttr, StringAttr> renamed;
    for (auto symbol :
         llvm::make_early_inc_range(model.getOps<SymbolOpInterface>())) {
      StringAttr name = symbol.getNameAttr();
      if (used.insert(name.getValue()).second)
        continue;
      if (isShared(symbol)) {
        symbol.erase();
        continue;
      }
      std::string fresh = name.str();
      do
        fresh += "_" + std::to_string(number);
      while (!used.insert(fresh).second || model.lookupSymbol(fresh));
      auto attr = StringAttr::get(&getContext(), fresh);
      renamed[name] = attr;
      symbol.setName(attr);
    }
    if (renamed.empty())
      return;
    AttrTypeReplacer replacer;
    replacer.addReplacement([&](FlatSymbolRefAttr reference) -> Attribute {
      StringAttr name = renamed.lookup(reference.getAttr());
      return name ? FlatSymbolRefAttr::get(name) : reference;
    });
    model.walk([&](Operation *op) { replacer.replaceElementsIn(op); });
  }

  llvm::StringSet<> used;
};
} // namespace
