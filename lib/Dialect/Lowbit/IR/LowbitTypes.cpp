//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Level types and packings: their invariants and derived quantities.
//
//===----------------------------------------------------------------------===//

#include "lowbit/Dialect/Lowbit/IR/Lowbit.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <cstdlib>

using namespace mlir;
using namespace mlir::lowbit;

//===----------------------------------------------------------------------===//
// LevelsType
//===----------------------------------------------------------------------===//

LogicalResult LevelsType::verify(function_ref<InFlightDiagnostic()> emitError,
                                 ArrayRef<int64_t> levels) {
  if (levels.empty() || static_cast<int64_t>(levels.size()) > kMaxLevels)
    return emitError() << "expected 1 to " << kMaxLevels << " levels, got "
                       << levels.size();
  // Where levels are not packed, one is stored in eight bits.
  int64_t first = levels.front(), last = levels.back();
  if (first < -128 || last > (first < 0 ? 127 : 255))
    return emitError() << "expected levels between -128 and 127 or between 0 "
                          "and 255, got "
                       << first << " to " << last;
  for (size_t i = 1; i < levels.size(); ++i) {
    if (levels[i] <= levels[i - 1])
      return emitError() << "expected ascending levels, got " << levels[i]
                         << " after " << levels[i - 1];
    if (levels[i] - levels[i - 1] != levels[1] - levels[0])
      return emitError() << "expected levels with one common distance, got "
                         << levels[1] - levels[0] << " and "
                         << levels[i] - levels[i - 1];
  }
  return success();
}

int64_t LevelsType::getStep() const {
  return getCount() > 1 ? getLevels()[1] - getLevels()[0] : 1;
}

unsigned LevelsType::getPlanes() const {
  return std::max<unsigned>(1, llvm::Log2_64_Ceil(getCount()));
}

int64_t LevelsType::getMaxMagnitude() const {
  return std::max(std::abs(getFirst()), std::abs(getLast()));
}

bool LevelsType::contains(int64_t value) const {
  return value >= getFirst() && value <= getLast() &&
         (value - getFirst()) % getStep() == 0;
}

int64_t LevelsType::decode(int8_t stored) const {
  return isStoredUnsigned() ? static_cast<uint8_t>(stored) : stored;
}

LevelsType LevelsType::getRange(MLIRContext *context, int64_t first,
                                int64_t last) {
  SmallVector<int64_t> levels;
  for (int64_t level = first; level <= last; ++level)
    levels.push_back(level);
  return get(context, levels);
}

//===----------------------------------------------------------------------===//
// PackingAttr
//===----------------------------------------------------------------------===//

LogicalResult PackingAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                  LevelsType levels, Order order, int64_t lanes,
                                  int64_t bits, bool sums) {
  bool panels = hasPanels(order);
  if (lanes < 1 || (!panels && lanes != 1))
    return emitError() << "expected " << (panels ? "at least 1 lane" : "1 lane")
                       << " in the order " << stringifyOrder(order) << ", got "
                       << lanes;
  if (order == Order::lanes && lanes % 8 != 0)
    return emitError() << "expected a multiple of 8 lanes in the order lanes, "
                          "got "
                       << lanes;
  if (isLookedUp(order) && (lanes % 32 != 0 || levels.getPlanes() != 1))
    return emitError()
           << "expected one plane and a multiple of 32 lanes in the order "
           << stringifyOrder(order) << ", got " << levels.getPlanes() << " and "
           << lanes;
  if (bits != 0 && (order != Order::quads || bits != 8))
    return emitError()
           << "expected bits to be 8 in the order quads, or none, got " << bits;
  if (!sums && order != Order::dwords && order != Order::rows)
    return emitError() << "expected sums in the order " << stringifyOrder(order)
                       << "; only rows and dwords can be without";
  return success();
}

int64_t PackingAttr::getElementsPerWord() const {
  switch (getOrder()) {
  case Order::rows:
  case Order::panels:
    return 64;
  case Order::lanes:
    return 1;
  case Order::nibbles:
    return 8;
  case Order::dwords:
    return 32;
  case Order::bytes:
    return 4;
  case Order::sextets:
    return 24;
  case Order::quads:
    return 32 / (getBits() ? getBits() : llvm::PowerOf2Ceil(getPlanes()));
  case Order::digits: {
    int64_t digits = 0;
    for (int64_t range = getLevels().getCount(); range <= 256 && digits < 8;
         range *= getLevels().getCount())
      ++digits;
    return digits;
  }
  }
  llvm_unreachable("unknown order");
}

int64_t PackingAttr::getDigitRange() const {
  int64_t range = 1;
  for (int64_t i = 0, e = getElementsPerWord(); i < e; ++i)
    range *= getLevels().getCount();
  return range;
}

int64_t PackingAttr::getCentre() const {
  bool isSigned = getOrder() == Order::quads && getElementsPerWord() == 4;
  return isSigned ? getLevels().getCount() / 2 : 0;
}

SmallVector<int64_t> PackingAttr::getPackedShape(ArrayRef<int64_t> batch,
                                                 int64_t rows,
                                                 int64_t size) const {
  auto divide = [](int64_t extent, int64_t by) -> int64_t {
    return ShapedType::isDynamic(extent) ? extent
                                         : llvm::divideCeil(extent, by);
  };
  auto plus = [](int64_t extent, int64_t by, int64_t add) -> int64_t {
    return ShapedType::isDynamic(extent) ? extent : extent * by + add;
  };
  SmallVector<int64_t> shape(batch);
  int64_t words = divide(size, getElementsPerWord());
  int64_t planeWords = plus(words, getPlanes(), getSums() ? 1 : 0);
  switch (getOrder()) {
  case Order::rows:
    shape.append({rows, planeWords});
    break;
  case Order::panels:
  case Order::dwords:
    shape.append({divide(rows, getLanes()), planeWords, getLanes()});
    break;
  case Order::lanes:
    shape.append({divide(rows, getLanes()), plus(words, getPlanes(), 0),
                  getLanes() / 8});
    break;
  case Order::nibbles:
    shape.append({divide(rows, getLanes()), plus(words, 1, 4), getLanes()});
    break;
  case Order::sextets:
    shape.append({divide(rows, getLanes()), plus(words, 3, 4), getLanes()});
    break;
  case Order::bytes:
    shape.append({rows, plus(words, 1, 1)});
    break;
  case Order::quads:
    shape.append({divide(rows, getLanes()), plus(words, 1, 1), getLanes()});
    break;
  case Order::digits:
    shape.append({rows, words});
    break;
  }
  return shape;
}

Type PackingAttr::getElementType() const {
  switch (getOrder()) {
  case Order::rows:
  case Order::panels:
    return IntegerType::get(getContext(), 64);
  case Order::dwords:
  case Order::bytes:
  case Order::quads:
    return IntegerType::get(getContext(), 32);
  case Order::lanes:
  case Order::nibbles:
  case Order::sextets:
  case Order::digits:
    return IntegerType::get(getContext(), 8);
  }
  llvm_unreachable("unknown order");
}
