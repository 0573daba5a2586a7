# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Whole models in tiles: integer sums are equal, so outputs are those of other kernels."""

from __future__ import annotations

import lowbit
import numpy as np
import onnx
import pytest
from emulation import AMX_TARGET
from lowbit.models import bit
from targets import compile_or_skip

CONFIG = bit.BiTConfig(
    vocab_size=97,
    hidden_size=160,
    num_layers=2,
    num_heads=4,
    ffn_size=832,
    max_positions=48,
)


@pytest.mark.parametrize("activation_bits", [1, 2, 4, 8])
def test_outputs_are_those_of_other_kernels(tmp_path, sentences, activation_bits):
    config = CONFIG.with_bits(1, activation_bits)
    parameters = bit.BiTParameters.random(config, seed=3, calibration_length=24)
    path = tmp_path / "model.onnx"
    onnx.save(bit.build_model(parameters), path)
    # First, as it skips the test on some machines.
    tiles = compile_or_skip(path, AMX_TARGET)
    others = lowbit.compile(path, target="x86-64-v3")
    # Few rows and many.
    for lengths in ([3], [37, 20, 5]):
        feeds = sentences(CONFIG, lengths)
        got, expected = tiles.run(feeds), others.run(feeds)
        assert got.keys() == expected.keys()
        for name, array in expected.items():
            np.testing.assert_allclose(got[name], array, rtol=1e-5, atol=1e-5)
