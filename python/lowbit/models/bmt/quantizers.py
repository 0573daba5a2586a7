# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The quantizer of BMT in numpy: (Q12) of docs/Quantizers.md, for weights and activations.

Bounds are found at run time: max|x| + 2^-23 over a token, max|W| + 2^-23 over what
feeds an output channel. A value is minus or plus half of its bound; zero of either sign is
plus. The graphs write (floor(clip(x * s)) + 0.5) / s with s = 1 / bound, which has the same
sign and, in float32, may miss half of the bound by its last bit.
"""

from __future__ import annotations

import numpy as np

from ..arithmetic import CodedWeight, Codes, FloatArray

#: Added to the largest magnitude, so that zeros have a bound to divide by.
BOUND_EPSILON = np.float32(2.0**-23)

#: Clipping in front of the floor, so that the largest value stays below 1.
CLIP_LIMIT = np.float32(1 - 2.0**-7)


def quantize_weight(kernel: FloatArray) -> CodedWeight:
    """Codes [out, in] and a scale per output channel of `kernel` [in, out]."""
    codes, scale = _signs_and_halves(np.ascontiguousarray(kernel.T))
    return CodedWeight(codes, scale)


def quantize_activation(x: FloatArray) -> Codes:
    """Codes of `x` [..., width] with a scale per row."""
    codes, scale = _signs_and_halves(x)
    return Codes(codes, scale, np.float32(0), (-1, 1), is_sign=True)


def _signs_and_halves(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    bound: FloatArray = np.abs(x).max(axis=-1, keepdims=True) + BOUND_EPSILON
    return np.where(x < 0, np.float32(-1), np.float32(1)), bound * np.float32(0.5)
