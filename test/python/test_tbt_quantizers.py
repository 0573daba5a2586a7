# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The numpy quantizers of TBT, on values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from lowbit.models.tbt.quantizers import (
    TERNARY_FACTOR,
    quantize_elastic,
    quantize_range,
    quantize_weight,
)

CLIP = np.array([-2.5, 2.5], np.float32)


def elastic(x, alpha, bits, signed):
    result = quantize_elastic(np.float32(x), np.float32(alpha), bits, signed)
    return result.codes.tolist(), float(result.offset), result.values.tolist()


def test_binary_weights_have_a_scale_per_row_and_no_mean():
    weight = quantize_weight(np.float32([[1, 3], [-1, 0], [0, 0]]), bits=1)
    assert weight.codes.tolist() == [[1, 1], [-1, 0], [0, 0]]  # the last row is 0 / 0
    assert weight.scale.tolist() == [[2], [0.5], [0]]


def test_ternary_weights_have_their_threshold_at_half_the_scale():
    # mean|W| = 3, scale = 4, threshold 2; exactly half the scale rounds to the even 0.
    scale = np.float32(3) * TERNARY_FACTOR
    weight = quantize_weight(np.float32([[-8, 2, 1.9, 0.1]]), bits=2)
    assert weight.scale.tolist() == [[scale]]
    assert weight.codes.tolist() == [[-1, 0, 0, 0]]
    assert quantize_weight(np.float32([[-4.1, 2.1, 2.8, 3]]), bits=2).codes.tolist() == [
        [-1, 1, 1, 1]
    ]
    assert np.float32(1.3333333730697632) == TERNARY_FACTOR


def test_sign_keeps_zero():
    assert elastic([-3, -0.0, 0.0, 0.5], 2, 1, True)[0] == [-1, 0, 0, 1]


def test_two_bits_are_ternary():
    assert elastic([-9, -1, -1.1, 0, 1, 1.1, 9], 2, 2, True)[0] == [-1, 0, -1, 0, 0, 1, 1]


def test_unsigned_minimum_is_taken_over_everything():
    assert elastic([[0, 1], [1.1, 9]], 2, 1, False)[0] == [[0, 0], [1, 1]]
    got, offset, values = elastic([[1, 2], [3, 9]], 1, 2, False)
    assert (got, offset, values) == ([[0, 1], [2, 2]], 1, [[1, 2], [3, 3]])


def test_eight_bits_take_the_largest_magnitude_after_clipping():
    codes = quantize_range(np.float32([[-9, 1.25], [0, 2.5]]), CLIP, signed=True)
    assert codes.codes.tolist() == [[-127, 64], [0, 127]]  # 63.5 rounds to the even 64
    np.testing.assert_allclose(codes.values, [[-2.5, 64 / 50.8], [0, 2.5]], rtol=1e-6)


def test_eight_bits_take_the_range_where_values_are_unsigned():
    codes = quantize_range(np.float32([-0.5, 0.0, 0.52, 9]), CLIP, signed=False)
    assert codes.codes.tolist() == [0, 42, 87, 255]
    assert codes.offset == -0.5
    np.testing.assert_allclose(codes.values[[0, 3]], [-0.5, 2.5], rtol=1e-6)


@pytest.mark.parametrize(("bits", "levels"), [(1, (0, 1)), (2, (0, 2))])
def test_levels_are_recorded(bits, levels):
    x = np.float32([0, 1, 2])
    assert quantize_elastic(x, np.float32(1), bits, signed=False).levels == levels
    signed = quantize_elastic(x, np.float32(1), bits, signed=True)
    assert signed.levels == (-1, 1)
    assert signed.is_sign == (bits == 1)
