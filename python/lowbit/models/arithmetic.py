# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Numpy arithmetic of the exact-integer references, as docs/Quantizers.md numbers it.

A quantized activation is a tensor of integer codes with one scale and one offset; a
product of two such tensors is an exact integer dot product, scaled in float64 and
rounded once to float32 (Q17 to Q19). Everything else is float32.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

#: Learned scales at or below this value are replaced by it.
MIN_ALPHA = np.float32(1e-5)


def guarded_alpha(alpha: float | np.float32 | FloatArray) -> np.float32:
    """The scale in use: `alpha`, or 1e-5 where it is not larger than that."""
    value = np.float32(np.asarray(alpha).item())
    return value if value > MIN_ALPHA else MIN_ALPHA


@dataclass(frozen=True)
class Codes:
    """A quantized activation: value = scale * codes + offset."""

    codes: FloatArray
    """Integers held as float32, so that a float matrix product of them is exact."""
    scale: np.float32 | FloatArray
    """One number, or [..., 1] where every row has its own."""
    offset: np.float32
    levels: tuple[int, int]
    """Smallest and largest code."""
    is_sign: bool = False
    """Whether the code is the sign of the input, not its rounded multiple of the scale."""

    @property
    def values(self) -> FloatArray:
        """The float32 values that the model computes with."""
        scaled: FloatArray = self.codes * self.scale
        return scaled if self.offset == 0 else scaled + self.offset


@dataclass(frozen=True)
class CodedWeight:
    """A weight matrix of few levels: value = scale * codes, scale per matrix or per row."""

    codes: FloatArray
    """[rows, columns] of -1, 0 and 1."""
    scale: FloatArray
    """[] or [rows, 1]."""

    @property
    def values(self) -> FloatArray:
        """The float32 values that the model computes with."""
        return self.codes * self.scale


def integer_dot(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """a @ b of integer-valued arrays, exactly: in float32 while sums stay below 2^24."""
    bound = float(np.abs(a).max(initial=0)) * float(np.abs(b).max(initial=0)) * a.shape[-1]
    if bound >= 2**24:
        a, b = a.astype(np.float64), b.astype(np.float64)
    product: npt.NDArray[np.float64] = np.matmul(a, b).astype(np.float64)
    return product


def dequantized_product(
    a: Codes, b: FloatArray, scale: npt.NDArray[np.float64] | np.float64
) -> FloatArray:
    """(a.scale * a.codes + a.offset) @ (scale * b), rounded once."""
    exact = integer_dot(a.codes, b) * (np.float64(a.scale) * scale)
    if a.offset != 0:
        exact = exact + np.float64(a.offset) * scale * b.sum(
            axis=-2, keepdims=True, dtype=np.float64
        )
    return exact.astype(np.float32)


def float_matmul(
    a: FloatArray, b: FloatArray, scale: npt.NDArray[np.float64] | float = 1.0
) -> FloatArray:
    """a @ b * scale in float64, rounded once."""
    product: npt.NDArray[np.float64] = np.matmul(a.astype(np.float64), b.astype(np.float64)) * scale
    return product.astype(np.float32)


def softmax(x: FloatArray) -> FloatArray:
    """Softmax of the last axis."""
    exponentials = np.exp(x - x.max(axis=-1, keepdims=True))
    probabilities: FloatArray = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return probabilities


def layer_norm(x: FloatArray, weight: FloatArray, bias: FloatArray, epsilon: float) -> FloatArray:
    """Normalisation of the last axis, the variance in two passes."""
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    unit: FloatArray = centred / np.sqrt(variance + np.float32(epsilon))
    return weight * unit + bias


def erf(x: FloatArray) -> FloatArray:
    """The error function, rounded once."""
    values = np.fromiter(map(math.erf, x.ravel().tolist()), np.float64, x.size)
    return values.astype(np.float32).reshape(x.shape)


def spread(x: FloatArray, levels: tuple[int, int], is_sign: bool, has_offset: bool) -> np.float32:
    """A learned scale for `x` that uses all levels, for models with random parameters.

    The mean magnitude for signs; a quantile that makes a quarter of the codes one for
    the levels 0 and 1; else a high quantile of the magnitudes over the largest level.
    """
    low, high = levels
    if is_sign:
        return np.float32(np.abs(x).mean())
    if (low, high) == (0, 1):
        return np.float32(2 * np.quantile(x, 0.75))
    shifted = x - x.min() if has_offset else x
    return np.float32(np.quantile(np.abs(shifted), 0.98) / max(high, -low))
