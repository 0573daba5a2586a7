# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Configurations and parameters of TBT models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from lowbit.models import tbt


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_size": 50}, "not a multiple of num_heads"),
        ({"weight_bits": 32}, "weight_bits must be 1 or 2, got 32"),
        ({"activation_bits": 4}, "activation_bits must be 1, 2 or 8, got 4"),
        ({"decoder_layers": 0}, "decoder_layers must be at least 1"),
        ({"clip_value": float("nan")}, "clip_value must be positive"),
    ],
)
def test_contradicting_values_are_refused(small_tbt_config, change, message):
    with pytest.raises(ValueError, match=message):
        replace(small_tbt_config, **change)


def test_presets_have_the_published_sizes():
    def size(name):
        shapes = tbt.parameter_shapes(tbt.PRESETS[name])
        return sum(int(np.prod(shape)) for key, shape in shapes.items() if "clip" not in key)

    # facebook/bart-base and facebook/mbart-large-en-ro, with final_logits_bias.
    assert size("base") == 139_420_416 + 50_265
    assert size("mbart") == 610_851_840 + 250_027


def test_random_parameters_are_seeded(small_tbt_config):
    one, same, other = (tbt.TBTParameters.random(small_tbt_config, seed) for seed in (5, 5, 6))
    assert all(np.array_equal(one[key], same[key]) for key in one.tensors)
    name = "model.decoder.layers.1.encoder_attn.clip_attn"
    assert not np.array_equal(one[name], other[name])


@pytest.mark.parametrize("bits", [1, 2])
@pytest.mark.parametrize("pre_norm", [False, True], ids=["bart", "mbart"])
def test_calibrated_quantizers_use_their_levels(small_tbt_config, bits, pre_norm):
    config = replace(small_tbt_config, activation_bits=bits, pre_norm=pre_norm)
    parameters = tbt.TBTParameters.random(config, seed=1)
    feeds = tbt.random_inputs(config, "seq2seq", [24, 20], target=18)
    for site in tbt.TBTReference(parameters).run("seq2seq", feeds).sites:
        low, high = site.levels
        for level in range(low, high + 1):
            if level == 0 and site.is_sign:
                continue  # zero is no level of its own there
            assert np.mean(site.codes == level) > 0.002, (site.name, level)


def test_parameter_names_are_those_of_checkpoints(small_tbt_config):
    shapes = tbt.parameter_shapes(small_tbt_config)
    assert shapes["model.shared.weight"] == (120, 48)
    assert shapes["model.encoder.embed_positions.weight"] == (42, 48)
    assert shapes["model.decoder.layers.1.encoder_attn.q_proj.act_clip_val"] == ()
    assert shapes["model.decoder.layers.1.encoder_attn.clip_query"] == ()
    assert shapes["model.decoder.layers.1.encoder_attn_layer_norm.weight"] == (48,)
    assert shapes["model.encoder.layers.0.fc2.weight"] == (48, 80)
    assert "model.encoder.layer_norm.weight" not in shapes
    eight = tbt.parameter_shapes(replace(small_tbt_config, activation_bits=8, pre_norm=True))
    assert eight["model.encoder.layers.0.self_attn.clip_attn"] == (2,)
    assert eight["model.encoder.layer_norm.weight"] == (48,)


@pytest.mark.parametrize("bits", [2, 8])
def test_state_dict_round_trip(small_tbt_config, bits, tmp_path: Path):
    config = small_tbt_config.with_bits(2, bits)
    parameters = tbt.TBTParameters.random(config, seed=3)
    shared = parameters["model.shared.weight"]
    state = dict(parameters.tensors)
    del state["final_logits_bias"]
    for side in ("encoder", "decoder"):
        state[f"model.{side}.embed_tokens.weight"] = shared
    state["lm_head.weight"] = shared
    state["model.encoder.layers.0.fc1.weight_clip_val"] = np.zeros(2, np.float32)
    again = tbt.TBTParameters.from_state_dict(config, state)
    assert again.tensors.keys() == parameters.tensors.keys()
    assert not again["final_logits_bias"].any()
    state["final_logits_bias"] = parameters["final_logits_bias"]
    np.savez(tmp_path / "tbt.npz", **{f"module.{name}": value for name, value in state.items()})
    again = tbt.TBTParameters.from_file(config, tmp_path / "tbt.npz")
    assert all(np.array_equal(again[name], parameters[name]) for name in parameters.tensors)


def test_state_dict_problems_are_all_listed(small_tbt_config):
    state = dict(tbt.TBTParameters.random(small_tbt_config, seed=3).tensors)
    del state["model.encoder.layers.0.fc1.weight"]
    state["model.surprise"] = np.zeros(1, np.float32)
    state["model.encoder.layers.0.fc1.bias"] = np.zeros(7, np.float32)
    with pytest.raises(ValueError, match="does not fit") as caught:
        tbt.TBTParameters.from_state_dict(small_tbt_config, state)
    for text in (
        "missing: model.encoder.layers.0.fc1.weight",
        "unexpected: model.surprise",
        "model.encoder.layers.0.fc1.bias: expected shape (80,), got (7,)",
    ):
        assert text in str(caught.value)


def test_an_output_layer_of_its_own_is_refused(small_tbt_config):
    state = dict(tbt.TBTParameters.random(small_tbt_config, seed=3).tensors)
    state["lm_head.weight"] = state["model.shared.weight"] + 1
    with pytest.raises(ValueError, match=r"lm_head.weight differs from model.shared.weight"):
        tbt.TBTParameters.from_state_dict(small_tbt_config, state)
