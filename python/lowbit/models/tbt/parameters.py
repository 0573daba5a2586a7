# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The parameters of a TBT model: seeded, or from a checkpoint.

Parameters carry the names of the public checkpoints (a BART state dict with additions):

    model.shared.weight            the quantized embedding, and unquantized the output layer
    model.{encoder,decoder}.embed_positions.weight    [2 + positions, hidden]
    model.{encoder,decoder}.layernorm_embedding.{weight,bias}
    model.{encoder,decoder}.layer_norm.{weight,bias}  of mBART, behind the layers
    model.{encoder,decoder}.layers.N.self_attn.{q,k,v,out}_proj.{weight,bias}
    model.{encoder,decoder}.layers.N.self_attn_layer_norm.{weight,bias}
    model.decoder.layers.N.encoder_attn...            as self_attn, with its norm
    model.{encoder,decoder}.layers.N.{fc1,fc2,final_layer_norm}.{weight,bias}
    final_logits_bias              [1, vocabulary]; zeros where a checkpoint has none

  per linear layer L, and per attention A
    L.act_clip_val, A.clip_{query,key,value,attn}
        []   learned scale at one and two bits
        [2]  smallest and largest activation at eight bits
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..arithmetic import FloatArray, guarded_alpha
from ..checkpoint import fit_state_dict, read_state_dict, to_numpy, without_wrappers
from .config import TBTConfig

#: Entries of a checkpoint that repeat others or do not take part in inference.
_IGNORED = re.compile(r"(\.embed_tokens\.weight|\.weight_clip_val|(en|de)coder\.version)$")

#: The first rows of the table of positions are not used.
POSITION_OFFSET = 2

SIDES = ("encoder", "decoder")
SHARED = "model.shared.weight"


def layer_prefix(side: str, index: int) -> str:
    """Prefix of the parameters of layer `index` of the encoder or the decoder."""
    return f"model.{side}.layers.{index}"


def layer_count(config: TBTConfig, side: str) -> int:
    """How many layers the encoder or the decoder has."""
    return config.encoder_layers if side == "encoder" else config.decoder_layers


def attentions(side: str) -> tuple[str, ...]:
    """The attentions of a layer, in order of use."""
    return ("self_attn",) if side == "encoder" else ("self_attn", "encoder_attn")


def attention_prefix(side: str, index: int, name: str) -> str:
    """Prefix of the parameters of the attention `name` of a layer."""
    return f"{layer_prefix(side, index)}.{name}"


def _layers(config: TBTConfig) -> Iterator[tuple[str, str]]:
    for side in SIDES:
        for index in range(layer_count(config, side)):
            yield side, layer_prefix(side, index)


def linear_shapes(config: TBTConfig) -> dict[str, tuple[int, int]]:
    """Every quantized linear layer with the shape of its weight."""
    hidden, ffn = config.hidden_size, config.ffn_size
    shapes = {}
    for side, layer in _layers(config):
        for attention in attentions(side):
            for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
                shapes[f"{layer}.{attention}.{name}"] = (hidden, hidden)
        shapes[f"{layer}.fc1"] = (ffn, hidden)
        shapes[f"{layer}.fc2"] = (hidden, ffn)
    return shapes


def _norms(config: TBTConfig) -> Iterator[str]:
    for side in SIDES:
        yield f"model.{side}.layernorm_embedding"
        if config.pre_norm:
            yield f"model.{side}.layer_norm"
    for side, layer in _layers(config):
        for attention in attentions(side):
            yield f"{layer}.{attention}_layer_norm"
        yield f"{layer}.final_layer_norm"


def site_names(config: TBTConfig) -> Iterator[str]:
    """The parameter of every activation quantizer, which names it."""
    for name in linear_shapes(config):
        yield f"{name}.act_clip_val"
    for side, layer in _layers(config):
        for attention in attentions(side):
            for part in ("query", "key", "value", "attn"):
                yield f"{layer}.{attention}.clip_{part}"


def parameter_shapes(config: TBTConfig) -> dict[str, tuple[int, ...]]:
    """Every parameter of the model with its shape."""
    hidden = config.hidden_size
    shapes: dict[str, tuple[int, ...]] = {SHARED: (config.vocab_size, hidden)}
    for side in SIDES:
        rows = config.max_positions + POSITION_OFFSET
        shapes[f"model.{side}.embed_positions.weight"] = (rows, hidden)
    for norm in _norms(config):
        shapes[f"{norm}.weight"] = shapes[f"{norm}.bias"] = (hidden,)
    for name, (rows, columns) in linear_shapes(config).items():
        shapes[f"{name}.weight"] = (rows, columns)
        shapes[f"{name}.bias"] = (rows,)
    for name in site_names(config):
        shapes[name] = () if config.learns_scales else (2,)
    shapes["final_logits_bias"] = (1, config.vocab_size)
    return shapes


@dataclass(frozen=True)
class TBTParameters:
    """A configuration with a float32 array for each of its parameters."""

    config: TBTConfig
    tensors: dict[str, FloatArray]

    def __getitem__(self, name: str) -> FloatArray:
        return self.tensors[name]

    def alpha(self, name: str) -> np.float32:
        """The learned scale called `name` after the guard against tiny and negative values."""
        return guarded_alpha(self.tensors[name])

    @classmethod
    def random(
        cls, config: TBTConfig, seed: int = 0, calibration_length: int = 32
    ) -> TBTParameters:
        """Seeded parameters whose quantizers spread over their levels.

        Weights are normal; queries and keys are wide enough that attention is peaked.
        Learned scales are then set from a forward pass over random tokens (two sequences
        of `calibration_length`, the second half padding).
        """
        rng = np.random.default_rng(seed)
        tensors: dict[str, FloatArray] = {}
        sites = set(site_names(config))
        for name, shape in parameter_shapes(config).items():
            if name not in sites:
                tensors[name] = _draw(rng, name, shape)
            elif config.learns_scales:
                tensors[name] = np.ones(shape, np.float32)  # set by the calibration
            else:
                tensors[name] = np.array([-config.clip_value, config.clip_value], np.float32)
        parameters = cls(config, tensors)
        if config.learns_scales:
            from .reference import calibrate

            calibrate(parameters, rng, min(calibration_length, config.max_positions))
        return parameters

    @classmethod
    def from_state_dict(cls, config: TBTConfig, state: Mapping[str, Any]) -> TBTParameters:
        """Parameters from a state dict of arrays (numpy, or torch tensors).

        Raises ValueError that lists all missing and unexpected names, and every shape
        that does not fit the configuration; and when the output layer is not tied to
        the embedding.
        """
        found = without_wrappers(state)
        found = {name: value for name, value in found.items() if not _IGNORED.search(name)}
        head = found.pop("lm_head.weight", None)
        found.setdefault("final_logits_bias", np.zeros((1, config.vocab_size), np.float32))
        tensors = fit_state_dict(parameter_shapes(config), found)
        if head is not None and not np.array_equal(to_numpy(head), tensors[SHARED]):
            raise ValueError(f"lm_head.weight differs from {SHARED}: TBT ties the two")
        return cls(config, tensors)

    @classmethod
    def from_file(cls, config: TBTConfig, path: str | Path) -> TBTParameters:
        """Parameters from a `.safetensors` file, a numpy `.npz` or a torch checkpoint.

        Torch checkpoints are read with `weights_only=True` and need torch; safetensors
        files need the package `safetensors`. Raises ImportError that names the missing
        package, OSError and ValueError.
        """
        return cls.from_state_dict(config, read_state_dict(path))


def _draw(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> FloatArray:
    def normal(deviation: float, mean: float = 0.0) -> FloatArray:
        return rng.standard_normal(shape, np.float32) * np.float32(deviation) + np.float32(mean)

    if "norm" in name:
        return normal(0.1, 1.0) if name.endswith("weight") else normal(0.1)
    if name.endswith("bias"):
        return normal(0.05)
    if name == SHARED:
        return normal(0.05) * rng.uniform(0.5, 1.5, (shape[0], 1)).astype(np.float32)
    if name.endswith("embed_positions.weight"):
        return normal(0.02)
    deviation = float(1 / np.sqrt(shape[-1]))
    if name.endswith(("q_proj.weight", "k_proj.weight")):
        deviation *= 2.5
    return normal(deviation, float(rng.normal()) * 0.1 * deviation)
