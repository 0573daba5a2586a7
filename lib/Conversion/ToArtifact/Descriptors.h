//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Memrefs taken apart into pointers and extents, and put together again, before
// the rest of the function is in the LLVM dialect. Static extents, strides and
// offsets are constants, never passed along.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_CONVERSION_TOARTIFACT_DESCRIPTORS_H
#define LOWBIT_LIB_CONVERSION_TOARTIFACT_DESCRIPTORS_H

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace mlir::lowbit {

class Descriptors {
public:
  explicit Descriptors(MLIRContext *context) : converter(context) {}

  /// A row-major memref at `data`, its dynamic extents (i64) in order.
  Value makeContiguous(OpBuilder &builder, Location loc, MemRefType type,
                       Value data, ValueRange sizes);

  /// The parts of a memref: the pointer, then as i64 the dynamic extents, the
  /// offset when dynamic, and the dynamic strides unless the layout is
  /// row-major.
  SmallVector<Value> take(OpBuilder &builder, Location loc, Value memref);
  /// The types of these parts.
  SmallVector<Type> getPartTypes(MemRefType type);
  /// The memref of parts in that order.
  Value make(OpBuilder &builder, Location loc, MemRefType type,
             ValueRange parts);

  /// The LLVM type of any value; null when there is none.
  Type convert(Type type) const { return converter.convertType(type); }

private:
  LLVMTypeConverter converter;
};

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_CONVERSION_TOARTIFACT_DESCRIPTORS_H
