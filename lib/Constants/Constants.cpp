//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reading and making constant tensors; see Constants.h.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Constants/Constants.h"
#include "mlir/IR/BuiltinDialect.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/StringExtras.h"
#include <atomic>

using namespace mlir;
using namespace mlir::lowbit;

//===----------------------------------------------------------------------===//
// Storage
//===----------------------------------------------------------------------===//

int64_t lowbit::getStorageBytes(Type elementType) {
  if (elementType.isInteger(1))
    return 1;
  if (!elementType.isIntOrFloat())
    return 0;
  unsigned bits = elementType.getIntOrFloatBitWidth();
  return bits % 8 == 0 ? bits / 8 : 0;
}

/// Whether elements of `type` are stored as T.
template <typename T> static bool isStoredAs(Type type) {
  if constexpr (std::is_same_v<T, bool>) {
    return type.isInteger(1);
  } else if constexpr (std::is_same_v<T, float>) {
    return type.isF32();
  } else if constexpr (std::is_same_v<T, double>) {
    return type.isF64();
  } else {
    auto integer = dyn_cast<IntegerType>(type);
    if (!integer || integer.getWidth() != sizeof(T) * 8)
      return false;
    return integer.isSignless() || integer.isSigned() == std::is_signed_v<T>;
  }
}

/// The bytes of a resource, checked against the size that its type demands.
static std::optional<ArrayRef<char>>
getResourceBytes(DenseResourceElementsAttr attr) {
  AsmResourceBlob *blob = attr.getRawHandle().getBlob();
  int64_t elementBytes = getStorageBytes(attr.getType().getElementType());
  if (!blob || !elementBytes || !attr.getType().hasStaticShape())
    return std::nullopt;
  ArrayRef<char> bytes = blob->getData();
  if (static_cast<int64_t>(bytes.size()) !=
      attr.getType().getNumElements() * elementBytes)
    return std::nullopt;
  return bytes;
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

ElementsAttr lowbit::getConstantAttr(Value value) {
  Attribute attr;
  if (!value || !matchPattern(value, m_Constant(&attr)))
    return nullptr;
  return dyn_cast_or_null<ElementsAttr>(attr);
}

template <typename T>
std::optional<ConstantElements<T>>
lowbit::getConstantElements(ElementsAttr attr) {
  if (!attr || !isStoredAs<T>(attr.getElementType()))
    return std::nullopt;
  int64_t count = attr.getNumElements();
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr)) {
    std::optional<ArrayRef<char>> bytes = getResourceBytes(resource);
    if (!bytes)
      return std::nullopt;
    if (reinterpret_cast<uintptr_t>(bytes->data()) % alignof(T) == 0)
      return ConstantElements<T>(reinterpret_cast<const T *>(bytes->data()),
                                 count, /*splat=*/false);
    auto copy = std::shared_ptr<T[]>(new T[count]);
    std::memcpy(copy.get(), bytes->data(), bytes->size());
    const T *data = copy.get();
    return ConstantElements<T>(data, count, /*splat=*/false, std::move(copy));
  }
  auto dense = dyn_cast<DenseElementsAttr>(attr);
  if (!dense)
    return std::nullopt;
  bool splat = dense.isSplat();
  if constexpr (std::is_same_v<T, bool>) {
    int64_t stored = splat ? 1 : count;
    auto copy = std::shared_ptr<bool[]>(new bool[stored]);
    if (splat) {
      copy[0] = dense.getSplatValue<bool>();
    } else {
      int64_t i = 0;
      for (bool value : dense.getValues<bool>())
        copy[i++] = value;
    }
    const bool *data = copy.get();
    return ConstantElements<T>(data, count, splat, std::move(copy));
  } else {
    return ConstantElements<T>(
        reinterpret_cast<const T *>(dense.getRawData().data()), count, splat);
  }
}

template <typename T>
std::optional<ConstantElements<T>> lowbit::getConstantElements(Value value) {
  return getConstantElements<T>(getConstantAttr(value));
}

namespace mlir::lowbit {
#define LOWBIT_INSTANTIATE(T)                                                  \
  template std::optional<ConstantElements<T>> getConstantElements<T>(          \
      ElementsAttr);                                                           \
  template std::optional<ConstantElements<T>> getConstantElements<T>(Value);
LOWBIT_INSTANTIATE(bool)
LOWBIT_INSTANTIATE(float)
LOWBIT_INSTANTIATE(double)
LOWBIT_INSTANTIATE(int8_t)
LOWBIT_INSTANTIATE(int16_t)
LOWBIT_INSTANTIATE(int32_t)
LOWBIT_INSTANTIATE(int64_t)
LOWBIT_INSTANTIATE(uint8_t)
LOWBIT_INSTANTIATE(uint16_t)
LOWBIT_INSTANTIATE(uint32_t)
LOWBIT_INSTANTIATE(uint64_t)
#undef LOWBIT_INSTANTIATE
} // namespace mlir::lowbit

/// Appends the elements of `attr`, stored as T, to `result` if they are.
template <typename T, typename ResultT>
static bool appendAs(ElementsAttr attr, std::vector<ResultT> &result) {
  std::optional<ConstantElements<T>> elements = getConstantElements<T>(attr);
  if (!elements)
    return false;
  for (int64_t i = 0, e = elements->size(); i < e; ++i)
    result.push_back(static_cast<ResultT>((*elements)[i]));
  return true;
}

std::optional<std::vector<int64_t>> lowbit::getConstantInts(ElementsAttr attr,
                                                            int64_t limit) {
  if (!attr || attr.getNumElements() > limit)
    return std::nullopt;
  std::vector<int64_t> result;
  if (attr.getElementType().isUnsignedInteger()) {
    if (appendAs<uint8_t>(attr, result) || appendAs<uint16_t>(attr, result) ||
        appendAs<uint32_t>(attr, result) || appendAs<uint64_t>(attr, result))
      return result;
    return std::nullopt;
  }
  if (appendAs<int64_t>(attr, result) || appendAs<int32_t>(attr, result) ||
      appendAs<bool>(attr, result) || appendAs<int8_t>(attr, result) ||
      appendAs<int16_t>(attr, result))
    return result;
  return std::nullopt;
}

std::optional<std::vector<double>> lowbit::getConstantFloats(ElementsAttr attr,
                                                             int64_t limit) {
  if (!attr || attr.getNumElements() > limit)
    return std::nullopt;
  std::vector<double> result;
  if (appendAs<float>(attr, result) || appendAs<double>(attr, result))
    return result;
  return std::nullopt;
}

/// A one-element attribute with the value of `attr` when it is uniform.
static ElementsAttr getUniform(ElementsAttr attr) {
  if (!attr || attr.getNumElements() == 0)
    return nullptr;
  if (attr.getNumElements() == 1)
    return attr;
  auto dense = dyn_cast<DenseElementsAttr>(attr);
  if (!dense || !dense.isSplat())
    return nullptr;
  return dense.resizeSplat(RankedTensorType::get({1}, dense.getElementType()));
}

std::optional<double> lowbit::getConstantScalarFloat(ElementsAttr attr) {
  std::optional<std::vector<double>> values =
      getConstantFloats(getUniform(attr));
  return values ? std::optional<double>(values->front()) : std::nullopt;
}

std::optional<double> lowbit::getConstantScalarFloat(Value value) {
  return getConstantScalarFloat(getConstantAttr(value));
}

std::optional<int64_t> lowbit::getConstantScalarInt(ElementsAttr attr) {
  std::optional<std::vector<int64_t>> values =
      getConstantInts(getUniform(attr));
  return values ? std::optional<int64_t>(values->front()) : std::nullopt;
}

std::optional<int64_t> lowbit::getConstantScalarInt(Value value) {
  return getConstantScalarInt(getConstantAttr(value));
}

//===----------------------------------------------------------------------===//
// Making
//===----------------------------------------------------------------------===//

DenseResourceElementsAttr lowbit::makeResource(ShapedType type,
                                               AsmResourceBlob blob) {
  // The blob manager would find a free name by trial; a counter gives it one.
  static std::atomic<uint64_t> counter;
  std::string name = "lowbit_" + llvm::utostr(counter++);
  return DenseResourceElementsAttr::get(type, name, std::move(blob));
}

DenseResourceElementsAttr
lowbit::makeResource(ShapedType type, ArrayRef<char> bytes,
                     std::shared_ptr<const void> owner) {
  int64_t align = std::max<int64_t>(getStorageBytes(type.getElementType()), 1);
  // The printer and bytecode writer store the alignment: state only what holds.
  while (align > 1 && reinterpret_cast<uintptr_t>(bytes.data()) % align != 0)
    align /= 2;
  return makeResource(type,
                      AsmResourceBlob(
                          bytes, align,
                          [owner = std::move(owner)](void *, size_t, size_t) {},
                          /*dataIsMutable=*/false));
}

template <typename T>
ElementsAttr lowbit::makeConstant(ShapedType type, std::vector<T> values) {
  bool isBool = type.getElementType().isInteger(1);
  if (!isBool && static_cast<int64_t>(values.size()) > kMaxDenseElements)
    return makeResource(type, std::move(values));
  if (isBool) {
    SmallVector<bool> bools(values.begin(), values.end());
    return DenseElementsAttr::get(type, bools);
  }
  ArrayRef<char> bytes(reinterpret_cast<const char *>(values.data()),
                       values.size() * sizeof(T));
  return DenseElementsAttr::getFromRawBuffer(type, bytes);
}

namespace mlir::lowbit {
template ElementsAttr makeConstant<float>(ShapedType, std::vector<float>);
template ElementsAttr makeConstant<double>(ShapedType, std::vector<double>);
template ElementsAttr makeConstant<int8_t>(ShapedType, std::vector<int8_t>);
template ElementsAttr makeConstant<int16_t>(ShapedType, std::vector<int16_t>);
template ElementsAttr makeConstant<int32_t>(ShapedType, std::vector<int32_t>);
template ElementsAttr makeConstant<int64_t>(ShapedType, std::vector<int64_t>);
template ElementsAttr makeConstant<uint8_t>(ShapedType, std::vector<uint8_t>);
} // namespace mlir::lowbit

ElementsAttr lowbit::reshapeConstant(ElementsAttr attr, ShapedType type) {
  if (type.getElementType() != attr.getElementType() ||
      !type.hasStaticShape() || type.getNumElements() != attr.getNumElements())
    return nullptr;
  if (auto dense = dyn_cast<DenseElementsAttr>(attr))
    return dense.reshape(type);
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr))
    return DenseResourceElementsAttr::get(type, resource.getRawHandle());
  return nullptr;
}
