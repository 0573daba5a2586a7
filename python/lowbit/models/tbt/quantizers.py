# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The quantizers of TBT in numpy, as numbered in docs/Quantizers.md.

Elementwise formulas are evaluated in float32 exactly as an exporter writes them: IEEE
division, round half to even, sign(0) = 0. Means are accurate sums rounded once.
"""

from __future__ import annotations

import numpy as np

from ..arithmetic import CodedWeight, Codes, FloatArray

#: Scale of ternary weights over the mean magnitude of their row: 4/3 as a float32.
TERNARY_FACTOR = np.float32(4 / 3)

#: Added to the range of an activation of eight bits before it divides.
RANGE_EPSILON = np.float32(1e-8)


def quantize_weight(weight: FloatArray, bits: int) -> CodedWeight:
    """Q14 without a mean (1 bit) or Q15 (2 bits) of `weight` [rows, columns].

    A row of zeros has the code 0 at one bit. At two bits it is undefined: the model
    divides 0 by 0, and the codes are NaN.
    """
    scale: FloatArray = (
        np.abs(weight).mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
    )
    if bits == 2:
        scale = scale * TERNARY_FACTOR
    with np.errstate(invalid="ignore"):
        ratio = weight / scale
    if bits == 1:
        return CodedWeight(np.sign(np.nan_to_num(ratio)), scale)
    one = np.float32(1)
    return CodedWeight(np.round(np.clip(ratio, -one, one)), scale)


def level_range(bits: int, signed: bool) -> tuple[int, int]:
    """Smallest and largest code: TBT's two-bit activations are ternary, {-1, 0, 1} or {0, 1, 2}."""
    if bits == 8:
        return (-127, 127) if signed else (0, 255)
    return (-1, 1) if signed else (0, bits)


def quantize_elastic(x: FloatArray, alpha: np.float32, bits: int, signed: bool) -> Codes:
    """Q4 to Q7 at one or two bits, with the learned scale `alpha` (already guarded).

    Signed: sign(x), or clamp(round(x / alpha)). Unsigned: clamp(round(x / alpha), 0, 1)
    at one bit; at two the minimum over the whole tensor is subtracted first.
    """
    zero = np.float32(0)
    levels = level_range(bits, signed)
    if signed and bits == 1:
        return Codes(np.sign(x), alpha, zero, levels, is_sign=True)
    offset = zero if signed or bits == 1 else np.float32(x.min())
    low, high = np.float32(levels[0]), np.float32(levels[1])
    codes: FloatArray = np.clip(np.round((x - offset) / alpha), low, high)
    return Codes(codes, alpha, offset, levels)


def quantize_range(x: FloatArray, clip: FloatArray, signed: bool) -> Codes:
    """Q10 and Q11: eight bits over the range of the whole tensor, clipped to `clip` [2] first.

    Signed: s = 1 / max|x| * 127, code = round(x * s). Unsigned: round((x - min) / r * 255)
    with r = max - min + 1e-8. A signed tensor of zeros is undefined in the model (0/0) and
    gives NaN.
    """
    x = np.clip(x, clip[0], clip[1])
    levels = level_range(8, signed)
    if signed:
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = np.float32(np.float32(1) / np.abs(x).max() * np.float32(127))
            codes: FloatArray = np.round(x * factor)
            return Codes(codes, np.float32(1) / factor, np.float32(0), levels)
    minimum = np.float32(x.min())
    extent = np.float32(np.float32(x.max() - minimum) + RANGE_EPSILON)
    codes = np.round((x - minimum) / extent * np.float32(255))
    return Codes(codes, extent / np.float32(255), minimum, levels)
