# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles BMT models in the form of jax2onnx and compares every code with the reference."""

from __future__ import annotations

from dataclasses import replace

import lowbit
import numpy as np
import pytest
from agreement import check_comparison
from jax_form import JaxModel
from lowbit.models import bmt

TINY = bmt.BMTConfig(
    vocab_size=150,
    hidden_size=96,
    encoder_layers=1,
    decoder_layers=2,
    num_heads=3,
    ffn_size=160,
    max_positions=48,
)
SOURCES, TARGET = [17, 11], 9


def parameters_of(bits: int, **changes) -> bmt.BMTParameters:
    return bmt.BMTParameters.random(replace(TINY, activation_bits=bits, **changes), seed=21)


@pytest.mark.parametrize("opset", [21, 23])
@pytest.mark.parametrize("bits", [1, 32])
def test_codes_are_those_of_the_reference(bits, opset):
    parameters = parameters_of(bits)
    model = lowbit.compile(JaxModel(parameters, opset, len(SOURCES), max(SOURCES)).seq2seq(TARGET))
    feeds = bmt.random_inputs(parameters.config, "seq2seq", SOURCES, TARGET)
    result = bmt.compare(parameters, "seq2seq", feeds, model.run(feeds))
    assert (result.decisions > 0) == (bits == 1)
    check_comparison(result)


def test_odd_sizes_agree():
    parameters = parameters_of(1, hidden_size=57, num_heads=3, ffn_size=70)
    model = lowbit.compile(JaxModel(parameters, 23, 1, 7).seq2seq(1))
    feeds = bmt.random_inputs(parameters.config, "seq2seq", [7], 1)
    check_comparison(bmt.compare(parameters, "seq2seq", feeds, model.run(feeds)))


@pytest.mark.parametrize("past", [0, 5, 11])
def test_steps_with_a_cache_of_fixed_length_agree(past):
    """The cache of the reference grows; beyond the position nothing may be read."""
    parameters, length = parameters_of(1), 12
    model = lowbit.compile(JaxModel(parameters, 23, len(SOURCES), max(SOURCES)).step(length))
    feeds = bmt.random_inputs(parameters.config, "step", SOURCES, past=past)
    fixed = {"index": np.array(past, np.int32)}
    for name, value in feeds.items():
        rows = np.moveaxis(value, 1, 2) if value.ndim == 4 else value
        if name.startswith("past"):
            rows = np.pad(rows, [(0, 0), (0, length - past), (0, 0), (0, 0)], constant_values=9)
        fixed[name] = np.ascontiguousarray(rows)
    got = model.run(fixed)
    for name in [name for name in got if name.startswith("present")]:
        assert (got[name][:, past + 1 :] == 9).all()
        got[name] = np.moveaxis(got[name][:, : past + 1], 1, 2)
    check_comparison(bmt.compare(parameters, "step", feeds, got))


@pytest.mark.parametrize("bits", [1, 32])
def test_everything_is_recognised(bits):
    """As in the form of PyTorch: every projection has a kernel for codes, every norm is one
    operation, and the three projections of one input share its quantizer."""
    parameters = parameters_of(bits)
    batch, source = len(SOURCES), max(SOURCES)
    jax = lowbit.compile(JaxModel(parameters, 23, batch, source).seq2seq(TARGET)).report
    torch = lowbit.compile(
        bmt.build_model(parameters, "seq2seq", batch=batch, source=source, target=TARGET)
    ).report
    assert jax["summary"] == torch["summary"]
    assert jax["summary"]["float"] == 2 * (1 + 2 * 2) + 1
    jax_products, torch_products = (
        sorted((m["kernel"], m["lhs"], m["rhs"], m["k"], m["n"]) for m in report["matmuls"])
        for report in (jax, torch)
    )
    assert jax_products == torch_products
