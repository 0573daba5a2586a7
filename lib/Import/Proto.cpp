//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Element types of the standard, and how names appear in diagnostics.
//
//===----------------------------------------------------------------------===//

#include "Proto.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::lowbit;

std::string lowbit::quote(llvm::StringRef name) {
  constexpr size_t kLongest = 120;
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << '\'';
  stream.write_escaped(name.take_front(kLongest));
  if (name.size() > kLongest)
    stream << "...";
  stream << '\'';
  return text;
}

std::optional<DataTypeInfo> lowbit::getDataTypeInfo(int32_t dataType) {
  using T = proto::TensorProto;
  switch (dataType) {
  case T::FLOAT:
    return DataTypeInfo{"float", 32};
  case T::UINT8:
    return DataTypeInfo{"uint8", 8};
  case T::INT8:
    return DataTypeInfo{"int8", 8};
  case T::UINT16:
    return DataTypeInfo{"uint16", 16};
  case T::INT16:
    return DataTypeInfo{"int16", 16};
  case T::INT32:
    return DataTypeInfo{"int32", 32};
  case T::INT64:
    return DataTypeInfo{"int64", 64};
  case T::STRING:
    return DataTypeInfo{"string", 0};
  case T::BOOL:
    return DataTypeInfo{"bool", 8};
  case T::FLOAT16:
    return DataTypeInfo{"float16", 16};
  case T::DOUBLE:
    return DataTypeInfo{"double", 64};
  case T::UINT32:
    return DataTypeInfo{"uint32", 32};
  case T::UINT64:
    return DataTypeInfo{"uint64", 64};
  case T::COMPLEX64:
    return DataTypeInfo{"complex64", 64};
  case T::COMPLEX128:
    return DataTypeInfo{"complex128", 128};
  case T::BFLOAT16:
    return DataTypeInfo{"bfloat16", 16};
  case T::FLOAT8E4M3FN:
  case T::FLOAT8E4M3FNUZ:
  case T::FLOAT8E5M2:
  case T::FLOAT8E5M2FNUZ:
  case T::FLOAT8E8M0:
    return DataTypeInfo{"float8", 8};
  case T::UINT4:
    return DataTypeInfo{"uint4", 4};
  case T::INT4:
    return DataTypeInfo{"int4", 4};
  case T::FLOAT4E2M1:
    return DataTypeInfo{"float4", 4};
  case T::UINT2:
    return DataTypeInfo{"uint2", 2};
  case T::INT2:
    return DataTypeInfo{"int2", 2};
  default:
    return std::nullopt;
  }
}

Type lowbit::convertDataType(int32_t dataType, MLIRContext *context) {
  using T = proto::TensorProto;
  auto makeUnsigned = [&](unsigned bits) {
    return IntegerType::get(context, bits, IntegerType::Unsigned);
  };
  switch (dataType) {
  case T::FLOAT:
    return Float32Type::get(context);
  case T::DOUBLE:
    return Float64Type::get(context);
  case T::FLOAT16:
    return Float16Type::get(context);
  case T::BFLOAT16:
    return BFloat16Type::get(context);
  case T::BOOL:
    return IntegerType::get(context, 1);
  case T::INT8:
    return IntegerType::get(context, 8);
  case T::INT16:
    return IntegerType::get(context, 16);
  case T::INT32:
    return IntegerType::get(context, 32);
  case T::INT64:
    return IntegerType::get(context, 64);
  case T::UINT8:
    return makeUnsigned(8);
  case T::UINT16:
    return makeUnsigned(16);
  case T::UINT32:
    return makeUnsigned(32);
  case T::UINT64:
    return makeUnsigned(64);
  default:
    return nullptr;
  }
}
