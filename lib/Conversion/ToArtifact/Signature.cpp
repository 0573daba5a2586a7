//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See Signature.h. The attribute has the fields of LowbitEntryPoint:
//
//   lowbit.signature = {appends = array<i32: -1>,
//     inputs = [{dims = array<i64: -2, 4>, dtype = 6 : i32, name = "x"}],
//     outputs = [...], symbols = ["batch"]}
//
//===----------------------------------------------------------------------===//

#include "Signature.h"

#include "Markers.h"
#include "lowbit-c/Artifact.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::lowbit;

/// Integers of memory have no sign; `isUnsigned` says what they were.
static std::optional<int32_t> getDType(Type type, bool isUnsigned) {
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
    return isUnsigned ? LOWBIT_DTYPE_UINT8 : LOWBIT_DTYPE_INT8;
  case 32:
    return isUnsigned ? LOWBIT_DTYPE_UINT32 : LOWBIT_DTYPE_INT32;
  case 64:
    return isUnsigned ? LOWBIT_DTYPE_UINT64 : LOWBIT_DTYPE_INT64;
  default:
    return std::nullopt;
  }
}

static StringRef getDTypeName(int32_t dtype) {
  switch (dtype) {
  case LOWBIT_DTYPE_BOOL:
    return "bool";
  case LOWBIT_DTYPE_INT8:
    return "int8";
  case LOWBIT_DTYPE_UINT8:
    return "uint8";
  case LOWBIT_DTYPE_INT32:
    return "int32";
  case LOWBIT_DTYPE_UINT32:
    return "uint32";
  case LOWBIT_DTYPE_INT64:
    return "int64";
  case LOWBIT_DTYPE_UINT64:
    return "uint64";
  case LOWBIT_DTYPE_FLOAT16:
    return "float16";
  case LOWBIT_DTYPE_FLOAT64:
    return "float64";
  default:
    return "float32";
  }
}

std::string Signature::describe(const TensorSpec &spec) const {
  std::string text = (getDTypeName(spec.dtype) + " [").str();
  for (auto [i, dim] : llvm::enumerate(spec.dims)) {
    text += i ? ", " : "";
    if (dim >= 0)
      text += std::to_string(dim);
    else
      text += dim == LOWBIT_DIM_ANY ? "?" : symbols[LOWBIT_DIM_SYMBOL(0) - dim];
  }
  return text + "]";
}

/// Reads name, element type and dimensions of one argument or result.
static FailureOr<TensorSpec> readSpec(func::FuncOp function, Type type,
                                      DictionaryAttr attrs, StringRef kind,
                                      unsigned index, Signature &signature) {
  auto shaped = dyn_cast<ShapedType>(type);
  auto memref = dyn_cast<MemRefType>(type);
  std::optional<int32_t> dtype =
      shaped ? getDType(shaped.getElementType(),
                        attrs && attrs.contains("onnx.unsigned"))
             : std::nullopt;
  if (!dtype || (memref && !memref.getLayout().isIdentity()))
    return function.emitError()
           << kind << " " << index
           << " of @main: expected a contiguous array of bool, of integers of "
              "8, 32 "
              "or 64 bits, or of float16, float32 or float64, got "
           << type;
  TensorSpec spec;
  spec.dtype = *dtype;
  spec.name = (kind + Twine(index)).str();
  ArrayAttr names;
  if (attrs) {
    if (auto name = attrs.getAs<StringAttr>("onnx.name"))
      spec.name = name.str();
    names = attrs.getAs<ArrayAttr>("onnx.dims");
  }
  for (int64_t i = 0; i < shaped.getRank(); ++i) {
    if (!shaped.isDynamicDim(i)) {
      spec.dims.push_back(shaped.getDimSize(i));
      continue;
    }
    StringAttr symbol;
    if (names && i < static_cast<int64_t>(names.size()))
      symbol = dyn_cast<StringAttr>(names[i]);
    if (!symbol || symbol.getValue().empty()) {
      spec.dims.push_back(LOWBIT_DIM_ANY);
      continue;
    }
    auto it = llvm::find(signature.symbols, symbol.getValue());
    spec.dims.push_back(
        LOWBIT_DIM_SYMBOL(std::distance(signature.symbols.begin(), it)));
    if (it == signature.symbols.end())
      signature.symbols.push_back(symbol.str());
  }
  return spec;
}

FailureOr<Signature> mlir::lowbit::readSignature(func::FuncOp function) {
  Signature signature;
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes())) {
    FailureOr<TensorSpec> spec = readSpec(
        function, type, function.getArgAttrDict(i), "input", i, signature);
    if (failed(spec))
      return failure();
    signature.inputs.push_back(std::move(*spec));
    signature.appends.push_back(LOWBIT_NO_APPEND);
  }
  for (auto [i, type] : llvm::enumerate(function.getResultTypes())) {
    FailureOr<TensorSpec> spec = readSpec(
        function, type, function.getResultAttrDict(i), "output", i, signature);
    if (failed(spec))
      return failure();
    signature.outputs.push_back(std::move(*spec));
  }
  for (auto cast : function.getOps<UnrealizedConversionCastOp>())
    if (auto append = cast->getAttrOfType<DenseI64ArrayAttr>(kAppendAttr))
      signature.appends[append[0]] = static_cast<int32_t>(append[1]);
  return signature;
}

static ArrayAttr getSpecsAttr(Builder &builder, ArrayRef<TensorSpec> specs) {
  SmallVector<Attribute> rows;
  for (const TensorSpec &spec : specs)
    rows.push_back(builder.getDictionaryAttr(
        {builder.getNamedAttr("name", builder.getStringAttr(spec.name)),
         builder.getNamedAttr("dtype", builder.getI32IntegerAttr(spec.dtype)),
         builder.getNamedAttr("dims",
                              builder.getDenseI64ArrayAttr(spec.dims))}));
  return builder.getArrayAttr(rows);
}

static std::vector<TensorSpec> readSpecs(ArrayAttr rows) {
  std::vector<TensorSpec> specs;
  for (auto row : rows.getAsRange<DictionaryAttr>())
    specs.push_back(
        {row.getAs<StringAttr>("name").str(),
         static_cast<int32_t>(row.getAs<IntegerAttr>("dtype").getInt()),
         SmallVector<int64_t>(
             row.getAs<DenseI64ArrayAttr>("dims").asArrayRef())});
  return specs;
}

void mlir::lowbit::markEntry(LLVM::LLVMFuncOp entry, StringRef name,
                             const Signature &signature) {
  Builder builder(entry.getContext());
  SmallVector<StringRef> symbols(signature.symbols.begin(),
                                 signature.symbols.end());
  entry->setAttr(kEntryAttr, builder.getStringAttr(name));
  entry->setAttr(
      kSignatureAttr,
      builder.getDictionaryAttr(
          {builder.getNamedAttr(
               "appends", builder.getDenseI32ArrayAttr(signature.appends)),
           builder.getNamedAttr("inputs",
                                getSpecsAttr(builder, signature.inputs)),
           builder.getNamedAttr("outputs",
                                getSpecsAttr(builder, signature.outputs)),
           builder.getNamedAttr("symbols", builder.getStrArrayAttr(symbols))}));
}

void mlir::lowbit::unmarkEntry(LLVM::LLVMFuncOp entry) {
  entry->removeAttr(kEntryAttr);
  entry->removeAttr(kSignatureAttr);
}

std::vector<EntryPoint> mlir::lowbit::findEntries(ModuleOp module) {
  std::vector<EntryPoint> entries;
  for (auto function : module.getOps<LLVM::LLVMFuncOp>()) {
    auto name = function->getAttrOfType<StringAttr>(kEntryAttr);
    auto attr = function->getAttrOfType<DictionaryAttr>(kSignatureAttr);
    if (!name || !attr)
      continue;
    Signature signature;
    signature.inputs = readSpecs(attr.getAs<ArrayAttr>("inputs"));
    signature.outputs = readSpecs(attr.getAs<ArrayAttr>("outputs"));
    if (auto appends = attr.getAs<DenseI32ArrayAttr>("appends"))
      signature.appends.assign(appends.asArrayRef().begin(),
                               appends.asArrayRef().end());
    signature.appends.resize(signature.inputs.size(), LOWBIT_NO_APPEND);
    for (auto symbol :
         attr.getAs<ArrayAttr>("symbols").getAsRange<StringAttr>())
      signature.symbols.push_back(symbol.str());
    entries.push_back({function, name.str(), std::move(signature)});
  }
  return entries;
}
