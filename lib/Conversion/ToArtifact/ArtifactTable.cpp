//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Writes the structures of Artifact.h field by field, in the order declared
// there: whoever changes one changes the other.
//
//===----------------------------------------------------------------------===//

#include "ArtifactTable.h"

#include "Markers.h"
#include "lowbit-c/Artifact.h"
#include "lowbit/Target/Target.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::lowbit;

std::optional<int32_t> mlir::lowbit::getDType(Type type) {
  if (type.isF32())
    return LOWBIT_DTYPE_FLOAT32;
  if (type.isF64())
    return LOWBIT_DTYPE_FLOAT64;
  if (type.isF16())
    return LOWBIT_DTYPE_FLOAT16;
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer)
    return std::nullopt;
  switch (integer.getWidth()) {
  case 1:
    return LOWBIT_DTYPE_BOOL;
  case 8:
    return integer.isUnsigned() ? LOWBIT_DTYPE_UINT8 : LOWBIT_DTYPE_INT8;
  case 32:
    return LOWBIT_DTYPE_INT32;
  case 64:
    return LOWBIT_DTYPE_INT64;
  default:
    return std::nullopt;
  }
}

LLVM::GlobalOp StringPool::get(StringRef text) {
  LLVM::GlobalOp &global = strings[text];
  if (global)
    return global;
  OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
  std::string bytes = text.str();
  bytes.push_back('\0');
  auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), bytes.size());
  // The map holds one entry for this text already.
  std::string name = "lowbit_string_" + std::to_string(strings.size() - 1);
  global = LLVM::GlobalOp::create(builder, module.getLoc(), type,
                                  /*isConstant=*/true, LLVM::Linkage::Internal,
                                  name, builder.getStringAttr(bytes));
  return global;
}

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
    Value aggregate = LLVM::PoisonOp::create(builder, loc, type);
    for (auto [i, field] : llvm::enumerate(fill()))
      aggregate = LLVM::InsertValueOp::create(builder, loc, aggregate, field,
                                              ArrayRef<int64_t>(i));
    LLVM::ReturnOp::create(builder, loc, aggregate);
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
      for (auto [spec, text, dim] : llvm::zip_equal(specs, names, dims)) {
        Value row = LLVM::PoisonOp::create(builder, loc, specType);
        Value fields[] = {address(text), i32(spec.dtype), i32(spec.dims.size()),
                          address(dim)};
        for (auto [i, field] : llvm::enumerate(fields))
          row = LLVM::InsertValueOp::create(builder, loc, row, field,
                                            ArrayRef<int64_t>(i));
        rows.push_back(row);
      }
      return rows;
    });
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

void mlir::lowbit::emitArtifactTable(ModuleOp module, StringRef symbol,
                                     const Signature &signature,
                                     LLVM::LLVMFuncOp entry,
                                     StringPool &strings) {
  SmallVector<std::string> features = getDemandedFeatures(module);
  TableEmitter emit(module, strings);
  LLVM::GlobalOp producer = strings.get("lowbit " LOWBIT_VERSION);
  LLVM::GlobalOp target = strings.get(Target::get(module).getSpec());
  LLVM::GlobalOp report;
  if (auto text = module->getAttrOfType<StringAttr>(kReportAttr))
    report = strings.get(text.getValue());
  LLVM::GlobalOp featureTable = emit.makeStrings("lowbit_features", features);
  LLVM::GlobalOp inputs = emit.makeSpecs("lowbit_inputs", signature.inputs);
  LLVM::GlobalOp outputs = emit.makeSpecs("lowbit_outputs", signature.outputs);
  LLVM::GlobalOp symbols =
      emit.makeStrings("lowbit_symbols", signature.symbols);

  Type i32 = emit.builder.getI32Type(), i64 = emit.builder.getI64Type();
  Type pointer = emit.pointer;
  auto type = LLVM::LLVMStructType::getLiteral(
      module.getContext(),
      {i64, i32, i32, pointer, pointer, pointer, pointer, i32, i32, pointer,
       pointer, i32, i32, pointer, pointer});
  emit.makeGlobal(symbol, type, LLVM::Linkage::External, [&] {
    return SmallVector<Value>{emit.i64(LOWBIT_ARTIFACT_MAGIC),
                              emit.i32(LOWBIT_ARTIFACT_VERSION),
                              emit.i32(features.size()),
                              emit.address(producer),
                              emit.address(target),
                              emit.address(featureTable),
                              emit.address(report),
                              emit.i32(signature.inputs.size()),
                              emit.i32(signature.outputs.size()),
                              emit.address(inputs),
                              emit.address(outputs),
                              emit.i32(signature.symbols.size()),
                              emit.i32(0),
                              emit.address(symbols),
                              emit.address(entry)};
  });
}
