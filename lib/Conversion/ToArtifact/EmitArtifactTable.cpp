//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// lowbit-emit-artifact-table. Writes the structures of Artifact.h field by
// field, in the order declared there: whoever changes one changes the other.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Conversion/Passes.h"

#include "Markers.h"
#include "Signature.h"
#include "StateSlots.h"
#include "StringPool.h"
#include "lowbit-c/Artifact.h"
#include "lowbit/Target/Target.h"
#include "mlir/Pass/Pass.h"

namespace mlir::lowbit {
#define GEN_PASS_DEF_LOWBITEMITARTIFACTTABLE
#include "lowbit/Conversion/Passes.h.inc"
} // namespace mlir::lowbit

using namespace mlir;
using namespace mlir::lowbit;

namespace {
/// Builds constant structures and arrays.
class TableEmitter {
public:
  TableEmitter(ModuleOp module, StringPool &strings)
      : builder(OpBuilder::atBlockEnd(module.getBody())), loc(module.getLoc()),
        strings(strings),
        pointer(LLVM::LLVMPointerType::get(module.getContext())) {}

  /// A constant of `type` whose fields `fill` yields, inside its initializer.
  LLVM::GlobalOp makeGlobal(StringRef name, Type type, LLVM::Linkage linkage,
                            function_ref<SmallVector<Value>()> fill) {
    auto global =
        LLVM::GlobalOp::create(builder, loc, type,
                               /*isConstant=*/true, linkage, name, Attribute());
    OpBuilder::InsertionGuard guard(builder);
    builder.createBlock(&global.getInitializerRegion());
    LLVM::ReturnOp::create(builder, loc, makeRow(type, fill()));
    return global;
  }

  LLVM::GlobalOp makeDims(StringRef name, ArrayRef<int64_t> dims) {
    auto type = LLVM::LLVMArrayType::get(builder.getI64Type(), dims.size());
    return makeGlobal(name, type, LLVM::Linkage::Internal, [&] {
      SmallVector<Value> fields;
      for (int64_t dim : dims)
        fields.push_back(i64(dim));
      return fields;
    });
  }

  LLVM::GlobalOp makeIndices(StringRef name, ArrayRef<int32_t> indices) {
    auto type = LLVM::LLVMArrayType::get(builder.getI32Type(), indices.size());
    return makeGlobal(name, type, LLVM::Linkage::Internal, [&] {
      SmallVector<Value> fields;
      for (int32_t index : indices)
        fields.push_back(i32(index));
      return fields;
    });
  }

  LLVM::GlobalOp makeSpecs(StringRef name, ArrayRef<TensorSpec> specs) {
    SmallVector<LLVM::GlobalOp> dims, names;
    for (auto [i, spec] : llvm::enumerate(specs)) {
      names.push_back(strings.get(spec.name));
      dims.push_back(
          spec.dims.empty()
              ? LLVM::GlobalOp()
              : makeDims((name + "_dims_" + Twine(i)).str(), spec.dims));
    }
    auto specType = LLVM::LLVMStructType::getLiteral(
        builder.getContext(),
        {pointer, builder.getI32Type(), builder.getI32Type(), pointer});
    auto type = LLVM::LLVMArrayType::get(specType, specs.size());
    return makeGlobal(name, type, LLVM::Linkage::Internal, [&] {
      SmallVector<Value> rows;
      for (auto [spec, text, dim] : llvm::zip_equal(specs, names, dims))
        rows.push_back(
            makeRow(specType, {address(text), i32(spec.dtype),
                               i32(spec.dims.size()), address(dim)}));
      return rows;
    });
  }

  /// The array of LowbitEntryPoint.
  LLVM::GlobalOp makeEntries(ArrayRef<EntryPoint> entries,
                             const SlotPlan &slots) {
    struct Parts {
      LLVM::GlobalOp name, inputs, outputs, symbols, inputSlots, outputSlots,
          appends;
    };
    SmallVector<Parts> parts;
    for (auto [i, entry] : llvm::enumerate(entries)) {
      std::string prefix = "lowbit_entry_" + std::to_string(i);
      const Signature &signature = entry.signature;
      parts.push_back({strings.get(entry.name),
                       makeSpecs(prefix + "_inputs", signature.inputs),
                       makeSpecs(prefix + "_outputs", signature.outputs),
                       makeStrings(prefix + "_symbols", signature.symbols),
                       makeIndices(prefix + "_input_slots", slots.inputs[i]),
                       makeIndices(prefix + "_output_slots", slots.outputs[i]),
                       makeIndices(prefix + "_appends", signature.appends)});
    }
    Type i32Type = builder.getI32Type();
    auto rowType = LLVM::LLVMStructType::getLiteral(
        builder.getContext(),
        {pointer, i32Type, i32Type, pointer, pointer, i32Type, i32Type, pointer,
         pointer, pointer, pointer, pointer});
    auto type = LLVM::LLVMArrayType::get(rowType, entries.size());
    return makeGlobal("lowbit_entries", type, LLVM::Linkage::Internal, [&] {
      SmallVector<Value> rows;
      for (auto [entry, part] : llvm::zip_equal(entries, parts)) {
        const Signature &signature = entry.signature;
        rows.push_back(makeRow(
            rowType, {address(part.name), i32(signature.inputs.size()),
                      i32(signature.outputs.size()), address(part.inputs),
                      address(part.outputs), i32(signature.symbols.size()),
                      i32(0), address(part.symbols), address(part.inputSlots),
                      address(part.outputSlots), address(part.appends),
                      address(entry.function)}));
      }
      return rows;
    });
  }

  Value makeRow(Type type, ArrayRef<Value> fields) {
    Value row = LLVM::PoisonOp::create(builder, loc, type);
    for (auto [i, field] : llvm::enumerate(fields))
      row = LLVM::InsertValueOp::create(builder, loc, row, field,
                                        ArrayRef<int64_t>(i));
    return row;
  }

  LLVM::GlobalOp makeStrings(StringRef name, ArrayRef<std::string> texts) {
    SmallVector<LLVM::GlobalOp> globals;
    for (const std::string &text : texts)
      globals.push_back(strings.get(text));
    auto type = LLVM::LLVMArrayType::get(pointer, texts.size());
    return makeGlobal(name, type, LLVM::Linkage::Internal, [&] {
      SmallVector<Value> fields;
      for (LLVM::GlobalOp global : globals)
        fields.push_back(address(global));
      return fields;
    });
  }

  Value i64(int64_t value) {
    return LLVM::ConstantOp::create(builder, loc, builder.getI64Type(), value);
  }
  Value i32(int64_t value) {
    return LLVM::ConstantOp::create(builder, loc, builder.getI32Type(), value);
  }
  /// The address of a global, or null.
  Value address(LLVM::GlobalOp global) {
    if (!global)
      return LLVM::ZeroOp::create(builder, loc, pointer);
    return LLVM::AddressOfOp::create(builder, loc, global);
  }
  Value address(LLVM::LLVMFuncOp function) {
    return LLVM::AddressOfOp::create(builder, loc, function);
  }

  OpBuilder builder;
  Location loc;
  StringPool &strings;
  LLVM::LLVMPointerType pointer;
};
} // namespace

/// What the code needs beyond any x86-64.
static SmallVector<std::string> getDemandedFeatures(ModuleOp module) {
  Target target = Target::get(module);
  SmallVector<std::string> demanded;
  llvm::Expected<Target> baseline = Target::parse("x86-64");
  if (!baseline) {
    llvm::consumeError(baseline.takeError());
    return demanded;
  }
  for (const std::string &feature : target.getFeatures())
    if (!baseline->has(feature))
      demanded.push_back(feature);
  return demanded;
}

namespace {
struct EmitArtifactTable
    : mlir::lowbit::impl::LowbitEmitArtifactTableBase<EmitArtifactTable> {
  using LowbitEmitArtifactTableBase::LowbitEmitArtifactTableBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    std::vector<EntryPoint> entries = findEntries(module);
    if (entries.empty()) {
      module.emitError("expected a function that convert-to-lowbit-entry made");
      return signalPassFailure();
    }
    FailureOr<SlotPlan> slots = planSlots(module, entries);
    if (failed(slots))
      return signalPassFailure();
    emit(module, entries, *slots);
    for (EntryPoint &entry : entries)
      unmarkEntry(entry.function);
  }

private:
  void emit(ModuleOp module, ArrayRef<EntryPoint> entries,
            const SlotPlan &slots) {
    SmallVector<std::string> features = getDemandedFeatures(module);
    StringPool strings(module, "lowbit_string");
    TableEmitter emit(module, strings);
    LLVM::GlobalOp producer = strings.get("lowbit " LOWBIT_VERSION);
    LLVM::GlobalOp target = strings.get(Target::get(module).getSpec());
    LLVM::GlobalOp report;
    if (auto text = module->getAttrOfType<StringAttr>(kReportAttr))
      report = strings.get(text.getValue());
    LLVM::GlobalOp featureTable = emit.makeStrings("lowbit_features", features);
    LLVM::GlobalOp entryTable = emit.makeEntries(entries, slots);
    LLVM::GlobalOp slotTable = emit.makeStrings("lowbit_slots", slots.names);

    Type i32 = emit.builder.getI32Type(), i64 = emit.builder.getI64Type();
    Type pointer = emit.pointer;
    auto type = LLVM::LLVMStructType::getLiteral(
        module.getContext(), {i64, i32, i32, pointer, pointer, pointer, pointer,
                              i32, i32, pointer, pointer});
    emit.makeGlobal(symbol, type, LLVM::Linkage::External, [&] {
      return SmallVector<Value>{emit.i64(LOWBIT_ARTIFACT_MAGIC),
                                emit.i32(LOWBIT_ARTIFACT_VERSION),
                                emit.i32(features.size()),
                                emit.address(producer),
                                emit.address(target),
                                emit.address(featureTable),
                                emit.address(report),
                                emit.i32(entries.size()),
                                emit.i32(slots.names.size()),
                                emit.address(entryTable),
                                emit.address(slotTable)};
    });
  }
};
} // namespace
