# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The quantizers of BiT in numpy, as numbered in docs/Quantizers.md.

Elementwise formulas are evaluated in float32 exactly as an exporter writes them:
IEEE division, round half to even, sign(0) = 0. Reductions over weights are
accurate sums rounded once to float32.
"""

from __future__ import annotations

import numpy as np

from ..arithmetic import CodedWeight, Codes, FloatArray


def level_range(bits: int, signed: bool) -> tuple[int, int]:
    """Smallest and largest code of an elastic quantizer; signed one-bit codes are {-1, 0, 1}."""
    if not signed:
        return 0, 2**bits - 1
    if bits == 1:
        return -1, 1
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


def quantize_activation(x: FloatArray, alpha: np.float32, bits: int, signed: bool) -> Codes:
    """Elastic quantizer of `x` (any shape) with the learned scale `alpha` (already guarded).

    Signed: sign(x) for one bit, else clamp(round(x / alpha)) to the signed range.
    Unsigned: clamp(round(x / alpha), 0, 1) for one bit; with more bits the minimum
    over the whole tensor is subtracted first and added again after scaling.
    """
    zero = np.float32(0)
    if signed and bits == 1:
        return Codes(np.sign(x), alpha, zero, (-1, 1), is_sign=True)
    low, high = level_range(bits, signed)
    offset = zero
    if not signed and bits > 1:
        offset = np.float32(x.min())
        x = x - offset
    codes: FloatArray = np.clip(np.round(x / alpha), np.float32(low), np.float32(high))
    return Codes(codes, alpha, offset, (low, high))


def weight_scale(weight: FloatArray, per_row: bool) -> FloatArray:
    """mean|W| over the matrix ([]) or over each row ([rows, 1]): a sum, then a float32 division."""
    axis = 1 if per_row else None
    total = np.abs(weight).sum(axis=axis, keepdims=per_row, dtype=np.float64).astype(np.float32)
    count = np.float32(weight.shape[1] if per_row else weight.size)
    return np.asarray(total / count, np.float32)


def quantize_weight(weight: FloatArray, per_row: bool) -> CodedWeight:
    """sign(W - mean(W)) with the scale mean|W|; the mean is over the whole matrix either way."""
    mean = np.float32(weight.mean(dtype=np.float64))
    return CodedWeight(np.sign(weight - mean), weight_scale(weight, per_row))
