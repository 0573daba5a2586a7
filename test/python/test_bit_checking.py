# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The judge of other implementations finds what is wrong, and where."""

from __future__ import annotations

import numpy as np
import pytest
from lowbit.models import bit


def outputs_of(parameters, feeds):
    """What a perfect implementation with exposed sites gives."""
    result = bit.BiTReference(parameters).run(**feeds)
    got = dict(result.outputs)
    for site in result.sites:
        got[f"{site.name}.input"] = site.input
        got[f"{site.name}.value"] = site.codes * site.scale + site.offset
    return got


@pytest.fixture(params=[1, 2, 8])
def case(small_config, request):
    config = small_config.with_bits(1, request.param)
    parameters = bit.BiTParameters.random(config, seed=1)
    ids = np.random.default_rng(2).integers(0, config.vocab_size, (2, 10))
    feeds = {"input_ids": ids}
    return parameters, feeds, outputs_of(parameters, feeds)


def test_perfect_outputs(case):
    result = bit.compare(*case)
    assert result.differing == 0
    assert result.decisions == sum(
        value.size for name, value in case[2].items() if name.endswith(".value")
    )
    assert result.input_error == result.output_error == 0
    assert result.first_difference is None


def test_a_wrong_code_is_counted_at_its_site(case):
    parameters, feeds, got = case
    name = "bert.encoder.layer.1.attention.self.clip_value"
    got[f"{name}.value"] = got[f"{name}.value"].copy()
    got[f"{name}.value"].flat[3] += parameters.alpha(name)
    result = bit.compare(parameters, feeds, got)
    assert [(site.name, site.differing) for site in result.sites if site.differing] == [(name, 1)]
    assert result.first_difference is None  # its input was right


def test_a_crossed_boundary_is_the_first_difference(case):
    parameters, feeds, got = case
    name = "bert.encoder.layer.0.intermediate.dense.input_clip_val"
    x = got[f"{name}.input"].copy()
    x.flat[5] += 2 * np.abs(x).max() + 1
    x.flat[5] *= -np.sign(got[f"{name}.input"].flat[5])
    got[f"{name}.input"] = x
    result = bit.compare(parameters, feeds, got)
    assert result.first_difference is not None
    assert result.first_difference.name == name
    assert result.first_difference.differing == 1
    assert result.first_difference.margin > 1e-4
    assert result.input_error > 0.5
