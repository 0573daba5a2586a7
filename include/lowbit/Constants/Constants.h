//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The one way to read and to make constant tensors. A constant is a builtin
// elements attribute: `dense` (maybe a splat) or `dense_resource`, whose bytes
// lie in a mapped model file or in memory that a pass has filled. Readers
// accept both and copy only where the storage forces it; writers never hash
// large contents.
//
//===----------------------------------------------------------------------===//

#ifndef LOWBIT_CONSTANTS_CONSTANTS_H
#define LOWBIT_CONSTANTS_CONSTANTS_H

#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <vector>

namespace mlir::lowbit {

/// Tensors with at most this many elements are stored as `dense`, larger ones
/// as `dense_resource`.
constexpr int64_t kMaxDenseElements = 64;

/// The elements of a constant in row-major order. Keeps the attribute's storage
/// or its own copy alive; a splat is read with stride zero.
template <typename T> class ConstantElements {
public:
  using value_type = T;

  ConstantElements(const T *data, int64_t count, bool splat,
                   std::shared_ptr<const void> owner = nullptr)
      : data(data), count(count), stride(splat ? 0 : 1),
        owner(std::move(owner)) {}

  int64_t size() const { return count; }
  bool empty() const { return count == 0; }
  bool isSplat() const { return stride == 0; }
  const T &operator[](int64_t index) const { return data[index * stride]; }

  /// All elements, contiguous: the storage itself, or `scratch` filled from a
  /// splat.
  ArrayRef<T> toArray(std::vector<T> &scratch) const {
    if (stride == 1)
      return ArrayRef<T>(data, count);
    scratch.assign(count, *data);
    return scratch;
  }
  std::vector<T> toVector() const {
    std::vector<T> result(count);
    for (int64_t i = 0; i < count; ++i)
      result[i] = (*this)[i];
    return result;
  }

private:
  const T *data;
  int64_t count;
  int64_t stride;
  std::shared_ptr<const void> owner;
};

/// The elements of `attr` if its element type is stored exactly as T: float,
/// double, (u)int8_t ... (u)int64_t (signless integers match both signs) and,
/// for i1, bool. Empty when the type differs, the storage is neither `dense`
/// nor `dense_resource`, or a resource is missing or has the wrong size.
template <typename T>
std::optional<ConstantElements<T>> getConstantElements(ElementsAttr attr);

/// The same for a value: the attribute is that of the constant-like operation
/// that defines it.
template <typename T>
std::optional<ConstantElements<T>> getConstantElements(Value value);

/// The attribute behind a constant-like operation, or null.
ElementsAttr getConstantAttr(Value value);

/// Elements of any integer or bool type as int64_t, of any float type as
/// double; empty when the constant has more than `limit` elements.
std::optional<std::vector<int64_t>> getConstantInts(ElementsAttr attr,
                                                    int64_t limit = 1 << 16);
std::optional<std::vector<double>> getConstantFloats(ElementsAttr attr,
                                                     int64_t limit = 1 << 16);

/// The value of a constant whose elements are all the same bits: one element or
/// a splat.
std::optional<double> getConstantScalarFloat(ElementsAttr attr);
std::optional<double> getConstantScalarFloat(Value value);
std::optional<int64_t> getConstantScalarInt(ElementsAttr attr);
std::optional<int64_t> getConstantScalarInt(Value value);

/// Bytes that one element takes in a `dense_resource` (a bool takes one); 0 for
/// types that cannot be stored.
int64_t getStorageBytes(Type elementType);

/// A `dense_resource` over the bytes of `blob` under a name not used before.
DenseResourceElementsAttr makeResource(ShapedType type, AsmResourceBlob blob);

/// A `dense_resource` over memory that `owner` keeps alive.
DenseResourceElementsAttr makeResource(ShapedType type, ArrayRef<char> bytes,
                                       std::shared_ptr<const void> owner);

/// A `dense_resource` that takes over `values`; one element each of `type`.
template <typename T>
DenseResourceElementsAttr makeResource(ShapedType type, std::vector<T> values) {
  static_assert(!std::is_same_v<T, bool>, "std::vector<bool> has no bytes");
  auto owner = std::make_shared<const std::vector<T>>(std::move(values));
  ArrayRef<char> bytes(reinterpret_cast<const char *>(owner->data()),
                       owner->size() * sizeof(T));
  return makeResource(type, bytes, std::move(owner));
}

/// A constant of `values` (one element each of `type`): `dense` when small,
/// else `dense_resource`. Bools are given as bytes.
template <typename T>
ElementsAttr makeConstant(ShapedType type, std::vector<T> values);

/// The constant `attr` with another shape of as many elements, sharing the
/// storage; null when it is neither `dense` nor `dense_resource`.
ElementsAttr reshapeConstant(ElementsAttr attr, ShapedType type);

} // namespace mlir::lowbit

#endif // LOWBIT_CONSTANTS_CONSTANTS_H
