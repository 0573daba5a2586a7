# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The numpy quantizers of BMT, on values worked out by hand."""

from __future__ import annotations

import numpy as np
from lowbit.models.bmt.quantizers import BOUND_EPSILON, quantize_activation, quantize_weight


def test_activations_have_a_bound_per_row():
    codes = quantize_activation(np.float32([[-3, 1, 2], [0.25, -0.5, 0.125]]))
    assert codes.codes.tolist() == [[-1, 1, 1], [1, -1, 1]]
    bounds = np.float32([[3], [0.5]]) + BOUND_EPSILON
    np.testing.assert_array_equal(codes.scale, bounds / 2)
    np.testing.assert_array_equal(codes.values, codes.codes * bounds / 2)


def test_zeros_of_either_sign_are_positive():
    codes = quantize_activation(np.float32([[0.0, -0.0, -1e-30]]))
    assert codes.codes.tolist() == [[1, 1, -1]]


def test_a_row_of_zeros_has_a_bound():
    codes = quantize_activation(np.zeros((1, 4), np.float32))
    assert codes.values.tolist() == [[2.0**-24] * 4]


def test_weights_have_a_bound_per_output_channel():
    weight = quantize_weight(np.float32([[1, -4], [-2, 0], [0.5, 3]]))
    assert weight.codes.tolist() == [[1, -1, 1], [-1, 1, 1]]
    np.testing.assert_array_equal(weight.scale, (np.float32([[2], [4]]) + BOUND_EPSILON) / 2)


def test_the_graph_s_formula_has_the_same_signs():
    x = np.random.default_rng(2).standard_normal((64, 33), np.float32)
    x[:, ::7] = 0
    factor = np.float32(1) / (np.abs(x).max(axis=1, keepdims=True) + BOUND_EPSILON)
    limit = np.float32(0.9921875)
    value = (np.floor(np.clip(x * factor, -limit, limit)) + np.float32(0.5)) / factor
    codes = quantize_activation(x)
    np.testing.assert_array_equal(np.sign(value), codes.codes)
    np.testing.assert_allclose(value, codes.values, rtol=2e-7)
