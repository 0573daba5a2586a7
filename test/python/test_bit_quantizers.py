# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The numpy quantizers, on values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from lowbit.models.arithmetic import guarded_alpha, integer_dot
from lowbit.models.bit.quantizers import quantize_activation, quantize_weight


def codes(x, alpha, bits, signed):
    result = quantize_activation(np.float32(x), np.float32(alpha), bits, signed)
    return result.codes.tolist(), float(result.offset), result.values.tolist()


def test_sign_keeps_zero():
    assert codes([-3, -0.0, 0.0, 0.5], 2, 1, True)[0] == [-1, 0, 0, 1]


def test_rounding_is_half_to_even():
    assert codes([-5, -1.5, -0.5, 0.5, 1.5, 2.5], 1, 4, True)[0] == [-5, -2, 0, 0, 2, 2]
    # A value of exactly alpha / 2 is a zero of the one-bit unsigned quantizer.
    assert codes([-1, 1, np.nextafter(np.float32(1), np.float32(2)), 9], 2, 1, False)[0] == [
        0,
        0,
        1,
        1,
    ]


def test_signed_range_is_not_symmetric():
    assert codes([-9, 9], 1, 2, True)[0] == [-2, 1]
    assert codes([-999, 999], 1, 8, True)[0] == [-128, 127]


def test_unsigned_minimum_is_taken_over_everything():
    got, offset, values = codes([[1, 2], [3, 9]], 1, 2, False)
    assert got == [[0, 1], [2, 3]]
    assert offset == 1
    assert values == [[1, 2], [3, 4]]


@pytest.mark.parametrize(("alpha", "used"), [(0.5, 0.5), (1e-5, 1e-5), (0.0, 1e-5), (-3.0, 1e-5)])
def test_tiny_and_negative_scales_are_replaced(alpha, used):
    assert guarded_alpha(alpha) == np.float32(used)


def test_weight_scale_uses_magnitudes_and_sign_uses_the_mean():
    weight = quantize_weight(np.float32([[1, 2], [3, 10]]), per_row=False)
    assert weight.codes.tolist() == [[-1, -1], [-1, 1]]
    assert weight.scale == 4
    rows = quantize_weight(np.float32([[1, 2], [-3, 10]]), per_row=True)
    assert rows.codes.tolist() == [[-1, -1], [-1, 1]]
    assert rows.scale.tolist() == [[1.5], [6.5]]


def test_integer_dot_is_exact_beyond_float32():
    a = np.full((1, 1 << 12), 255, np.float32)
    a[0, 0] = 254
    b = np.full((1 << 12, 1), 127, np.float32)
    assert integer_dot(a, b)[0, 0] == 255 * 127 * (1 << 12) - 127
