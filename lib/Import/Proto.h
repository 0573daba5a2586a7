//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The protobuf messages of an ONNX model and a few words about them. The
// classes are generated at build time from the definition in the `onnx` Python
// package, under a package name of our own so that they meet no other copy in a
// process.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_LIB_IMPORT_PROTO_H
#define LOWBIT_LIB_IMPORT_PROTO_H

#include "mlir/IR/BuiltinTypes.h"
#include "onnx-ml.pb.h"
#include "llvm/ADT/StringRef.h"

namespace mlir::lowbit {

namespace proto = ::lowbit_proto;

/// A name from the file, quoted for a diagnostic: escaped and of bounded
/// length.
std::string quote(llvm::StringRef name);

/// The bits and the spelling of an element type of the standard, 0 bits for
/// those without a fixed size.
struct DataTypeInfo {
  llvm::StringRef name;
  unsigned bits;
};
/// Empty for a number that the standard does not define.
std::optional<DataTypeInfo> getDataTypeInfo(int32_t dataType);

/// The builtin type of elements, null for types that are not supported.
Type convertDataType(int32_t dataType, MLIRContext *context);

} // namespace mlir::lowbit

#endif // LOWBIT_LIB_IMPORT_PROTO_H
