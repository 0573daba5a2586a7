# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Configurations and parameters of BiT models."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from lowbit.models import bit


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_size": 50}, "not a multiple of num_heads"),
        ({"weight_bits": 2}, "weight_bits must be 1 or 32"),
        ({"activation_bits": 16}, "activation_bits must be 1 to 8, or 32"),
        ({"weight_bits": 32}, "32-bit weights need 32-bit activations"),
        ({"num_layers": 0}, "num_layers must be at least 1"),
        ({"activation": "silu"}, "activation must be"),
        ({"task": "translation"}, "unknown task 'translation'"),
    ],
)
def test_contradicting_values_are_refused(small_config, change, message):
    with pytest.raises(ValueError, match=message):
        replace(small_config, **change)


def test_random_parameters_are_seeded(small_config):
    one, same, other = (bit.BiTParameters.random(small_config, seed) for seed in (5, 5, 6))
    name = "bert.encoder.layer.1.output.dense.weight"
    assert all(np.array_equal(one[key], same[key]) for key in one.tensors)
    assert not np.array_equal(one[name], other[name])


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_calibrated_quantizers_use_their_levels(small_config, bits):
    config = small_config.with_bits(1, bits)
    parameters = bit.BiTParameters.random(config, seed=1)
    ids = np.random.default_rng(2).integers(0, config.vocab_size, (2, 24))
    for site in bit.BiTReference(parameters).run(ids).sites:
        if not site.name.startswith("bert.pooler"):  # two tokens only
            assert len(np.unique(site.codes)) >= min(2**bits, 2 + 2**bits // 3), site.name


def test_parameter_names_are_those_of_checkpoints(small_config):
    shapes = bit.parameter_shapes(small_config)
    prefix = "bert.encoder.layer.1.attention.self"
    assert shapes[f"{prefix}.query.weight"] == (48, 48)
    assert shapes[f"{prefix}.query.move.bias"] == (48,)
    assert shapes[f"{prefix}.query.input_clip_val"] == ()
    assert shapes[f"{prefix}.clip_attn"] == ()
    assert shapes["bert.encoder.layer.0.output.dense.weight"] == (48, 80)
    assert shapes["bert.pooler.dense.bias"] == (48,)
    floats = bit.parameter_shapes(small_config.with_bits(32, 32))
    assert not any("clip" in name or "move" in name for name in floats)


def test_state_dict_round_trip(small_config, tmp_path: Path):
    parameters = bit.BiTParameters.random(small_config, seed=3)
    state = dict(parameters.tensors)
    state["bert.encoder.layer.0.attention.self.move_q.bias"] = np.ones(48, np.float32)
    state["bert.embeddings.position_ids"] = np.arange(40)
    key = "bert.pooler.dense.input_clip_val"
    state[key] = state[key].reshape(1)  # checkpoints hold scalars of either rank
    again = bit.BiTParameters.from_state_dict(small_config, state)
    assert all(np.array_equal(again[name], parameters[name]) for name in parameters.tensors)
    np.savez(tmp_path / "bit.npz", **{f"module.{name}": value for name, value in state.items()})
    again = bit.BiTParameters.from_file(small_config, tmp_path / "bit.npz")
    assert all(np.array_equal(again[name], parameters[name]) for name in parameters.tensors)


def test_state_dict_problems_are_all_listed(small_config):
    state = dict(bit.BiTParameters.random(small_config, seed=3).tensors)
    del state["bert.pooler.dense.weight"]
    state["bert.surprise"] = np.zeros(1, np.float32)
    state["classifier.bias"] = np.zeros(7, np.float32)
    with pytest.raises(ValueError, match="does not fit") as caught:
        bit.BiTParameters.from_state_dict(small_config, state)
    for text in (
        "missing: bert.pooler.dense.weight",
        "unexpected: bert.surprise",
        r"classifier.bias: expected shape (2,), got (7,)",
    ):
        assert text in str(caught.value)


def test_safetensors(small_config, tmp_path: Path):
    numpy_format = pytest.importorskip("safetensors.numpy")
    parameters = bit.BiTParameters.random(small_config, seed=3)
    numpy_format.save_file(parameters.tensors, str(tmp_path / "bit.safetensors"))
    again = bit.BiTParameters.from_file(small_config, tmp_path / "bit.safetensors")
    assert all(np.array_equal(again[name], parameters[name]) for name in parameters.tensors)


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="torch is installed")
def test_torch_checkpoint_needs_torch(small_config, tmp_path: Path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(ImportError, match="needs the package 'torch'"):
        bit.BiTParameters.from_file(small_config, tmp_path / "pytorch_model.bin")
