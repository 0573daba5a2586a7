//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Packs the table of a lookup in as few bytes as its levels take.
//
// Weights that are exactly zero have no sign, and an embedding of signs with a
// handful of them would take three levels: they are listed instead. Rows with
// the scale 0, such as that of padding, are zero whatever their levels.
//
//===----------------------------------------------------------------------===//

#include "PackTable.h"
#include "lowbit/Constants/Constants.h"
#include "lowbit/Kernels/Packing.h"

using namespace mlir;
using namespace mlir::lowbit;

/// How many times smaller the list must be than the bytes that it saves.
static constexpr int64_t kLeastSaving = 4;

/// The zeros of a table of -1, 0 and 1 as pairs, but for those of rows with the
/// scale 0; empty when there are more than `most`.
static std::optional<std::vector<int32_t>> listZeros(LookupOp lookup,
                                                     ArrayRef<int8_t> table,
                                                     int64_t rows, int64_t size,
                                                     size_t most) {
  std::optional<ConstantElements<float>> scales =
      getConstantElements<float>(lookup.getScale());
  auto hasScaleZero = [&](int64_t row) {
    return scales && scales->size() > 0 &&
           (*scales)[scales->size() == 1 ? 0 : row] == 0;
  };
  std::vector<int32_t> zeros;
  for (int64_t row = 0; row < rows; ++row) {
    if (hasScaleZero(row))
      continue;
    for (int64_t column = 0; column < size; ++column) {
      if (table[row * size + column] != 0)
        continue;
      if (zeros.size() / 2 == most)
        return std::nullopt;
      zeros.push_back(row);
      zeros.push_back(column);
    }
  }
  return zeros;
}

/// The bytes of a row.
static int64_t getRowBytes(int64_t size, PackingAttr packing) {
  return packing.getPackedShape({}, /*rows=*/1, size).back();
}

static PackingAttr getDigits(LevelsType levels) {
  return PackingAttr::get(levels.getContext(), levels, Order::digits, 1);
}

std::optional<PackedTable> mlir::lowbit::packTable(LookupOp lookup) {
  auto constant = lookup.getTable().getDefiningOp<ConstantOp>();
  if (!constant)
    return std::nullopt;
  std::optional<ConstantElements<int8_t>> elements =
      getConstantElements<int8_t>(constant.getValue());
  if (!elements)
    return std::nullopt;
  MLIRContext *context = lookup.getContext();
  auto type = cast<RankedTensorType>(lookup.getTable().getType());
  int64_t rows = type.getDimSize(0), size = type.getDimSize(1);
  std::vector<int8_t> scratch;
  ArrayRef<int8_t> table = elements->toArray(scratch);
  LevelsType levels = cast<LevelsType>(type.getElementType());
  std::vector<int32_t> zeros;
  std::vector<int8_t> signs;
  PackedTable result;
  result.packing = getDigits(levels);
  if (levels.getLevels() == ArrayRef<int64_t>({-1, 0, 1})) {
    PackingAttr two = getDigits(LevelsType::get(context, {-1, 1}));
    int64_t saved =
        rows * (getRowBytes(size, result.packing) - getRowBytes(size, two));
    int64_t most = saved / (2 * sizeof(int32_t) * kLeastSaving);
    if (auto few = listZeros(lookup, table, rows, size, most)) {
      zeros = std::move(*few);
      signs = table.vec();
      std::replace(signs.begin(), signs.end(), int8_t(0), int8_t(1));
      table = signs;
      result.packing = two;
    }
  }
  auto packed = RankedTensorType::get({rows, getRowBytes(size, result.packing)},
                                      result.packing.getElementType());
  result.bytes = cast<TypedAttr>(cast<Attribute>(
      makeResource(packed, packLevels(table.data(), /*batch=*/1, rows, size,
                                      /*transposed=*/false, result.packing))));
  if (!zeros.empty()) {
    auto pairs =
        RankedTensorType::get({static_cast<int64_t>(zeros.size() / 2), 2},
                              IntegerType::get(context, 32));
    if (pairs.getNumElements() <= kMaxDenseElements)
      result.zeros = DenseElementsAttr::get(pairs, ArrayRef<int32_t>(zeros));
    else
      result.zeros = cast<TypedAttr>(
          cast<Attribute>(makeResource(pairs, std::move(zeros))));
  }
  return result;
}
