# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Configurations and parameters of BMT models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from lowbit.models import bmt
from lowbit.models.bmt.form import position_table


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_size": 50}, "not a multiple of num_heads"),
        ({"hidden_size": 3}, "hidden_size must be at least 4, got 3"),
        ({"activation_bits": 4}, "activation_bits must be 1 or 32, got 4"),
        ({"decoder_layers": 0}, "decoder_layers must be at least 1, got 0"),
    ],
)
def test_contradicting_values_are_refused(small_bmt_config, change, message):
    with pytest.raises(ValueError, match=message):
        replace(small_bmt_config, **change)


def test_random_parameters_are_seeded(small_bmt_config):
    one, same, other = (bmt.BMTParameters.random(small_bmt_config, seed) for seed in (5, 5, 6))
    assert all(np.array_equal(one[key], same[key]) for key in one.tensors)
    name = "decoder.encoderdecoderblock_1.MLPBlock.BiDense_0.kernel"
    assert not np.array_equal(one[name], other[name])


def test_both_signs_occur_at_every_site(small_bmt_config):
    parameters = bmt.BMTParameters.random(small_bmt_config, seed=1)
    feeds = bmt.random_inputs(small_bmt_config, "seq2seq", [24, 20], target=18)
    sites = bmt.BMTReference(parameters).run("seq2seq", feeds).sites
    assert len(sites) == 4 + 2 * 6 + 1
    assert len({site.name for site in sites}) == len(sites)
    for site in sites:
        assert 0.2 < np.mean(site.codes > 0) < 0.8, site.name


def test_parameter_names_are_those_of_checkpoints(small_bmt_config):
    shapes = bmt.parameter_shapes(small_bmt_config)
    layer = "decoder.encoderdecoderblock_1"
    assert shapes["encoder.input_vocab_embeddings.embedding"] == (120, 48)
    assert shapes["decoder.output_vocab_embeddings.embedding"] == (120, 48)
    assert shapes[f"{layer}.MultiHeadDotProductAttention_0.query.kernel"] == (48, 48)
    assert shapes[f"{layer}.DecoderSelfAttention.LayerNorm_2.scale"] == (16,)
    assert shapes[f"{layer}.DecoderSelfAttention.LayerNorm_3.scale"] == (48,)
    assert shapes[f"{layer}.MLPBlock.BiDense_0.bias"] == (80,)
    assert shapes[f"{layer}.MLPBlock.LayerNorm_0.bias"] == (80,)
    assert shapes[f"{layer}.LayerNorm_2.bias"] == (48,)
    assert "encoder.encoderblock_0.LayerNorm_2.bias" not in shapes
    assert "encoder.encoderblock_0.EncoderSelfAttention.query.bias" not in shapes
    assert shapes["decoder.logitdense.kernel"] == (48, 120)
    shared = replace(small_bmt_config, share_embeddings=True, logits_via_embedding=True)
    shapes = bmt.parameter_shapes(shared)
    assert shapes["VocabEmbeddings.embedding"] == (120, 48)
    assert not any("vocab_embeddings" in name or "logitdense" in name for name in shapes)


def test_base_is_transformer_base():
    shapes = bmt.parameter_shapes(bmt.PRESETS["base"])
    kernels = [shape for name, shape in shapes.items() if name.endswith(".kernel")]
    assert len(kernels) == 6 * 6 + 6 * 10
    assert sum(map(np.prod, kernels)) == 6 * (4 + 8) * 512**2 + 12 * 2 * 512 * 2048


@pytest.mark.parametrize("separator", ["/", "."])
def test_state_dict_round_trip(small_bmt_config, separator, tmp_path: Path):
    """Flax keeps the heads of projections apart, and joins names as one likes."""
    parameters = bmt.BMTParameters.random(small_bmt_config, seed=3)
    state = {}
    for name, array in parameters.tensors.items():
        if name.endswith(("query.kernel", "key.kernel", "value.kernel")):
            array = array.reshape(48, 3, 16)
        if name.endswith("out.kernel"):
            array = array.reshape(3, 16, 48)
        state[f"params.{name}".replace(".", separator)] = array
    np.savez(tmp_path / "bmt.npz", **state)
    again = bmt.BMTParameters.from_file(small_bmt_config, tmp_path / "bmt.npz")
    assert again.tensors.keys() == parameters.tensors.keys()
    assert all(np.array_equal(again[name], parameters[name]) for name in parameters.tensors)


def test_state_dict_problems_are_all_listed(small_bmt_config):
    state = dict(bmt.BMTParameters.random(small_bmt_config, seed=3).tensors)
    layer = "encoder.encoderblock_0"
    del state[f"{layer}.MLPBlock.BiDense_0.kernel"]
    state["decoder.surprise"] = np.zeros(1, np.float32)
    state[f"{layer}.EncoderSelfAttention.key.kernel"] = np.zeros((48, 4, 12), np.float32)
    with pytest.raises(ValueError, match="does not fit") as caught:
        bmt.BMTParameters.from_state_dict(small_bmt_config, state)
    for text in (
        f"missing: {layer}.MLPBlock.BiDense_0.kernel",
        "unexpected: decoder.surprise",
        f"{layer}.EncoderSelfAttention.key.kernel: expected shape (48, 48), got (48, 4, 12)",
    ):
        assert text in str(caught.value)


def test_positions_are_sines_and_then_cosines(small_bmt_config):
    table = position_table(replace(small_bmt_config, hidden_size=7, num_heads=1))
    assert table.shape == (40, 7)
    # Half of 7 is 3: rates 1, 10000^(-1/2) and 10000^-1, and the last column is left over.
    angles = np.float32(5) / np.float32([1, 100, 10000])
    expected = [*np.sin(angles), *np.cos(angles), 0]
    np.testing.assert_allclose(table[5], expected, rtol=1e-6)
    assert table[0].tolist() == [0, 0, 0, 1, 1, 1, 0]
