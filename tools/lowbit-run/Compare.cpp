//===----------------------------------------------------------------------===//
//
// Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An output compared with the array that was expected.
//
//===----------------------------------------------------------------------===//

#include "Compare.h"

#include <cmath>
#include <cstdio>
#include <cstring>

using namespace lowbit;

static std::string formatShape(const std::vector<int64_t> &dims) {
  std::string text = "[";
  for (size_t i = 0; i < dims.size(); ++i)
    text += (i ? ", " : "") + std::to_string(dims[i]);
  return text + "]";
}

static std::string formatNumber(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.3g", value);
  return text;
}

/// IEEE binary16 to double.
static double decodeHalf(uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const int fraction = bits & 1023;
  const double sign = bits & 0x8000 ? -1.0 : 1.0;
  if (exponent == 31)
    return fraction ? std::nan("") : sign * INFINITY;
  if (exponent == 0)
    return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(fraction + 1024, exponent - 25);
}

template <typename T> static T load(const void *data, int64_t index) {
  T value;
  std::memcpy(&value, static_cast<const char *>(data) + index * sizeof(T),
              sizeof(T));
  return value;
}

/// Element `index` as a double; only for float types.
static double loadFloat(int32_t dtype, const void *data, int64_t index) {
  if (dtype == LOWBIT_DTYPE_FLOAT16)
    return decodeHalf(load<uint16_t>(data, index));
  if (dtype == LOWBIT_DTYPE_FLOAT32)
    return load<float>(data, index);
  return load<double>(data, index);
}

static Comparison compareFloats(const LowbitTensor &got, const Array &expected,
                                int64_t count, double atol, double rtol) {
  int64_t outside = 0;
  double worst = 0;
  for (int64_t i = 0; i < count; ++i) {
    const double a = loadFloat(got.dtype, got.data, i);
    const double b = loadFloat(got.dtype, expected.getData(), i);
    if (a == b || (std::isnan(a) && std::isnan(b)))
      continue;
    const double difference = std::fabs(a - b); // NaN and infinity fail below
    if (!(difference <= atol + rtol * std::fabs(b)) || std::isinf(b))
      ++outside;
    if (!(difference <= worst))
      worst = difference;
  }
  std::string text =
      worst == 0 ? "equal" : "max difference " + formatNumber(worst);
  if (outside)
    text += ", " + std::to_string(outside) + " of " + std::to_string(count) +
            " values outside the tolerance";
  return {outside == 0, text};
}

static Comparison compareBits(const LowbitTensor &got, const Array &expected,
                              int64_t count) {
  const size_t size = lowbitDTypeGetSize(got.dtype);
  int64_t different = 0;
  for (int64_t i = 0; i < count; ++i) {
    const size_t offset = static_cast<size_t>(i) * size;
    different +=
        std::memcmp(static_cast<const char *>(got.data) + offset,
                    static_cast<const char *>(expected.getData()) + offset,
                    size) != 0;
  }
  if (different == 0)
    return {true, "equal"};
  return {false, std::to_string(different) + " of " + std::to_string(count) +
                     " values differ"};
}

Comparison lowbit::compare(const LowbitTensor &got, const Array &expected,
                           double atol, double rtol) {
  const std::vector<int64_t> dims(got.dims, got.dims + got.rank);
  if (got.dtype != expected.dtype)
    return {false, std::string("element type ") +
                       lowbitDTypeGetName(got.dtype) + ", expected " +
                       lowbitDTypeGetName(expected.dtype)};
  if (dims != expected.dims)
    return {false, "shape " + formatShape(dims) + ", expected " +
                       formatShape(expected.dims)};
  const int64_t count = countElements(dims);
  switch (got.dtype) {
  case LOWBIT_DTYPE_FLOAT16:
  case LOWBIT_DTYPE_FLOAT32:
  case LOWBIT_DTYPE_FLOAT64:
    return compareFloats(got, expected, count, atol, rtol);
  default:
    return compareBits(got, expected, count);
  }
}
