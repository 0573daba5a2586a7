# ===----------------------------------------------------------------------===#
#
# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Fused programs against programs in which nothing can be fused, because every quantizer's
values are outputs: thresholds, packed results, normalisation and attention in one operation
change no code. One code that differs would move the logits by far more than is allowed."""

from dataclasses import replace

import lowbit
import numpy as np
import pytest
from lowbit.models import bit

TARGETS = ["x86-64", "x86-64-v3", "x86-64-v4", "native"]
# Heads of 24, 40, 64, 100 and 128 elements; widths with tails.
SHAPES = [(48, 2, 100), (80, 2, 160), (128, 2, 96), (200, 2, 130), (256, 2, 64)]


@pytest.fixture(scope="module", params=SHAPES, ids=lambda shape: "x".join(map(str, shape)))
def models(request):
    hidden, heads, inner = request.param
    config = replace(
        bit.PRESETS["tiny"],
        hidden_size=hidden,
        num_heads=heads,
        ffn_size=inner,
        num_layers=2,
        max_positions=160,
    ).with_bits(1, 1)
    parameters = bit.BiTParameters.random(config, seed=21, calibration_length=24)
    return config, [bit.build_model(parameters, expose_sites=sites) for sites in (False, True)]


@pytest.mark.parametrize("target", TARGETS)
def test_fusion_changes_no_code(models, target, sentences):
    config, (plain, exposed) = models
    try:
        fused = lowbit.compile(plain, target=target)
    except lowbit.LoadError as error:
        pytest.skip(str(error))
    apart = lowbit.compile(exposed, target=target)
    for lengths in ([1], [17, 9, 12], [64], [70, 3], [130]):
        feeds = sentences(config, lengths)
        np.testing.assert_allclose(
            fused.run(feeds)["logits"], apart.run(feeds)["logits"], rtol=0, atol=2e-6
        )
