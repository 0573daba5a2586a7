//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See Descriptors.h. Casts between descriptors and memrefs are
// builtin.unrealized_conversion_cast, removed by reconcile-unrealized-casts.
//
//===----------------------------------------------------------------------===//

#include "Descriptors.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mlir::lowbit;

/// Offset and strides of a type; a row-major type with symbolic extents has
/// dynamic strides that follow from the extents.
static int64_t getLayout(MemRefType type, SmallVectorImpl<int64_t> &strides) {
  int64_t offset = ShapedType::kDynamic;
  if (failed(type.getStridesAndOffset(strides, offset)))
    strides.assign(type.getRank(), ShapedType::kDynamic);
  return offset;
}

Value Descriptors::makeContiguous(OpBuilder &builder, Location loc,
                                  MemRefType type, Value data,
                                  ValueRange sizes) {
  SmallVector<Value> parts = {data};
  llvm::append_range(parts, sizes);
  return make(builder, loc, type, parts);
}

SmallVector<Type> Descriptors::getPartTypes(MemRefType type) {
  Type i64 = IntegerType::get(type.getContext(), 64);
  SmallVector<Type> types = {LLVM::LLVMPointerType::get(type.getContext())};
  types.append(type.getNumDynamicDims(), i64);
  if (type.getLayout().isIdentity())
    return types;
  SmallVector<int64_t> strides;
  int64_t offset = getLayout(type, strides);
  types.append(ShapedType::isDynamic(offset) +
                   llvm::count_if(strides, ShapedType::isDynamic),
               i64);
  return types;
}

SmallVector<Value> Descriptors::take(OpBuilder &builder, Location loc,
                                     Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  Value packed = UnrealizedConversionCastOp::create(
                     builder, loc, converter.convertType(type), memref)
                     .getResult(0);
  MemRefDescriptor descriptor(packed);
  SmallVector<Value> parts = {descriptor.alignedPtr(builder, loc)};
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (type.isDynamicDim(i))
      parts.push_back(descriptor.size(builder, loc, i));
  if (type.getLayout().isIdentity())
    return parts;
  SmallVector<int64_t> strides;
  if (ShapedType::isDynamic(getLayout(type, strides)))
    parts.push_back(descriptor.offset(builder, loc));
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (ShapedType::isDynamic(strides[i]))
      parts.push_back(descriptor.stride(builder, loc, i));
  return parts;
}

Value Descriptors::make(OpBuilder &builder, Location loc, MemRefType type,
                        ValueRange parts) {
  MemRefDescriptor descriptor =
      MemRefDescriptor::poison(builder, loc, converter.convertType(type));
  unsigned next = 0;
  Value data = parts[next++];
  descriptor.setAllocatedPtr(builder, loc, data);
  descriptor.setAlignedPtr(builder, loc, data);
  SmallVector<Value> sizes;
  for (int64_t i = 0; i < type.getRank(); ++i) {
    if (type.isDynamicDim(i))
      sizes.push_back(parts[next++]);
    else
      sizes.push_back(LLVM::ConstantOp::create(
          builder, loc, builder.getI64Type(), type.getDimSize(i)));
    descriptor.setSize(builder, loc, i, sizes.back());
  }

  SmallVector<int64_t> strides;
  int64_t offset = getLayout(type, strides);
  bool rowMajor = type.getLayout().isIdentity();
  if (ShapedType::isDynamic(offset))
    descriptor.setOffset(builder, loc, parts[next++]);
  else
    descriptor.setConstantOffset(builder, loc, offset);
  // Row-major strides are products of the extents behind them.
  Value running;
  SmallVector<Value> products(type.getRank());
  for (int64_t i = type.getRank() - 1; rowMajor && i >= 0; --i) {
    products[i] = running;
    if (!running)
      running = sizes[i];
    else if (i > 0)
      running = LLVM::MulOp::create(builder, loc, running, sizes[i]);
  }
  for (int64_t i = 0; i < type.getRank(); ++i) {
    if (!ShapedType::isDynamic(strides[i]))
      descriptor.setConstantStride(builder, loc, i, strides[i]);
    else
      descriptor.setStride(builder, loc, i,
                           rowMajor ? products[i] : parts[next++]);
  }
  return UnrealizedConversionCastOp::create(builder, loc, type,
                                            Value(descriptor))
      .getResult(0);
}
