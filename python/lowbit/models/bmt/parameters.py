# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The parameters of a BMT model: seeded, or from a checkpoint.

Parameters carry the names of the published Flax model, joined by dots:

    encoder.input_vocab_embeddings.embedding     [vocabulary, hidden]
    decoder.output_vocab_embeddings.embedding    [vocabulary, hidden]
    VocabEmbeddings.embedding                    in place of both where they are shared
    encoder.encoderblock_N.EncoderSelfAttention           an attention A
    decoder.encoderdecoderblock_N.DecoderSelfAttention    an attention A
    decoder.encoderdecoderblock_N.MultiHeadDotProductAttention_0    the cross-attention, an A
        A.{query,key,value,out}.kernel           [hidden, hidden], in to out
        A.LayerNorm_{0,1,2,3}.{scale,bias}       of query, key and value [head size]; out [hidden]
    {encoder.encoderblock_N,decoder.encoderdecoderblock_N}.MLPBlock
        BiDense_{0,1}.{kernel,bias}              [hidden, ffn], [ffn, hidden]
        LayerNorm_{0,1}.{scale,bias}             behind the two
    {encoder.encoderblock_N,decoder.encoderdecoderblock_N}.LayerNorm_{0,1,2}    before each block
    {encoder,decoder}.LayerNorm_0.{scale,bias}   behind the layers
    decoder.logitdense.{kernel,bias}             [hidden, vocabulary], unless the embedding is used
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..arithmetic import FloatArray
from ..checkpoint import fit_state_dict, read_state_dict, to_numpy, without_wrappers
from .config import BMTConfig

SIDES = ("encoder", "decoder")

_CROSS = "MultiHeadDotProductAttention_0"
_ATTENTIONS = {"encoder": ("EncoderSelfAttention",), "decoder": ("DecoderSelfAttention", _CROSS)}

#: The projections of an attention, in the order of their norms.
PROJECTIONS = ("query", "key", "value", "out")


def layer_prefix(side: str, index: int) -> str:
    """Prefix of the parameters of layer `index` of the encoder or the decoder."""
    return f"{side}.{'encoderblock' if side == 'encoder' else 'encoderdecoderblock'}_{index}"


def layer_count(config: BMTConfig, side: str) -> int:
    """How many layers the encoder or the decoder has."""
    return config.encoder_layers if side == "encoder" else config.decoder_layers


def self_attention(side: str, index: int) -> str:
    """Prefix of the self-attention of a layer."""
    return f"{layer_prefix(side, index)}.{_ATTENTIONS[side][0]}"


def cross_attention(index: int) -> str:
    """Prefix of the cross-attention of a layer of the decoder."""
    return f"{layer_prefix('decoder', index)}.{_CROSS}"


def embedding_name(config: BMTConfig, side: str) -> str:
    """The table of tokens of the encoder or the decoder."""
    if config.share_embeddings:
        return "VocabEmbeddings.embedding"
    return f"{side}.{'input' if side == 'encoder' else 'output'}_vocab_embeddings.embedding"


def linear_shapes(config: BMTConfig) -> dict[str, tuple[int, int]]:
    """Every binary layer with the shape of its kernel, in to out."""
    hidden, ffn = config.hidden_size, config.ffn_size
    shapes = {}
    for side, layer in _layers(config):
        for attention in _ATTENTIONS[side]:
            for name in PROJECTIONS:
                shapes[f"{layer}.{attention}.{name}"] = (hidden, hidden)
        shapes[f"{layer}.MLPBlock.BiDense_0"] = (hidden, ffn)
        shapes[f"{layer}.MLPBlock.BiDense_1"] = (ffn, hidden)
    return shapes


def _layers(config: BMTConfig) -> Iterator[tuple[str, str]]:
    for side in SIDES:
        for index in range(layer_count(config, side)):
            yield side, layer_prefix(side, index)


def _norm_widths(config: BMTConfig) -> Iterator[tuple[str, int]]:
    hidden = config.hidden_size
    for side, layer in _layers(config):
        for index in range(1 + len(_ATTENTIONS[side])):
            yield f"{layer}.LayerNorm_{index}", hidden
        for attention in _ATTENTIONS[side]:
            for index, name in enumerate(PROJECTIONS):
                width = hidden if name == "out" else config.head_size
                yield f"{layer}.{attention}.LayerNorm_{index}", width
        yield f"{layer}.MLPBlock.LayerNorm_0", config.ffn_size
        yield f"{layer}.MLPBlock.LayerNorm_1", hidden
    for side in SIDES:
        yield f"{side}.LayerNorm_0", hidden


def parameter_shapes(config: BMTConfig) -> dict[str, tuple[int, ...]]:
    """Every parameter of the model with its shape."""
    shapes: dict[str, tuple[int, ...]] = {
        embedding_name(config, side): (config.vocab_size, config.hidden_size) for side in SIDES
    }
    for name, (rows, columns) in linear_shapes(config).items():
        shapes[f"{name}.kernel"] = (rows, columns)
        if "BiDense" in name:
            shapes[f"{name}.bias"] = (columns,)
    for name, width in _norm_widths(config):
        shapes[f"{name}.scale"] = shapes[f"{name}.bias"] = (width,)
    if not config.logits_via_embedding:
        shapes["decoder.logitdense.kernel"] = (config.hidden_size, config.vocab_size)
        shapes["decoder.logitdense.bias"] = (config.vocab_size,)
    return shapes


@dataclass(frozen=True)
class BMTParameters:
    """A configuration with a float32 array for each of its parameters."""

    config: BMTConfig
    tensors: dict[str, FloatArray]

    def __getitem__(self, name: str) -> FloatArray:
        return self.tensors[name]

    @classmethod
    def random(cls, config: BMTConfig, seed: int = 0) -> BMTParameters:
        """Seeded parameters: normal weights, and norms near one and zero.

        The norms of queries and keys are wide enough that attention is peaked.
        """
        rng = np.random.default_rng(seed)
        shapes = parameter_shapes(config)
        return cls(config, {name: _draw(rng, name, shape) for name, shape in shapes.items()})

    @classmethod
    def from_state_dict(cls, config: BMTConfig, state: Mapping[str, Any]) -> BMTParameters:
        """Parameters from a flat mapping of names to arrays (numpy, or torch tensors).

        Names may be joined by dots or slashes, and begin with `params`. Kernels of the
        projections may have their heads apart, [hidden, heads, head size] and, of `out`,
        [heads, head size, hidden].

        Raises ValueError that lists all missing and unexpected names, and every shape
        that does not fit.
        """
        named = {name.replace("/", "."): value for name, value in state.items()}
        found = {
            name.removeprefix("params."): value for name, value in without_wrappers(named).items()
        }
        shapes = parameter_shapes(config)
        for name, value in found.items():
            if name.endswith(tuple(f".{projection}.kernel" for projection in PROJECTIONS)):
                found[name] = _without_heads(config, name, to_numpy(value))
        return cls(config, fit_state_dict(shapes, found))

    @classmethod
    def from_file(cls, config: BMTConfig, path: str | Path) -> BMTParameters:
        """Parameters from a `.safetensors` file, a numpy `.npz` or a torch checkpoint.

        Torch checkpoints are read with `weights_only=True` and need torch; safetensors
        files need the package `safetensors`. Raises ImportError that names the missing
        package, OSError and ValueError.
        """
        return cls.from_state_dict(config, read_state_dict(path))


def _without_heads(config: BMTConfig, name: str, kernel: FloatArray) -> FloatArray:
    """`kernel` as a matrix where its heads are apart; another shape is left to be refused."""
    hidden, heads, size = config.hidden_size, config.num_heads, config.head_size
    apart = (heads, size, hidden) if name.endswith("out.kernel") else (hidden, heads, size)
    return kernel.reshape(hidden, hidden) if kernel.shape == apart else kernel


def _draw(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> FloatArray:
    def normal(deviation: float, mean: float = 0.0) -> FloatArray:
        return rng.standard_normal(shape, np.float32) * np.float32(deviation) + np.float32(mean)

    if name.endswith(".scale"):
        of_scores = name.endswith(("LayerNorm_0.scale", "LayerNorm_1.scale"))
        return normal(0.1, 1.4 if of_scores and "Attention" in name else 1.0)
    if name.endswith(".bias"):
        return normal(0.1 if "LayerNorm" in name else 0.05)
    if name.endswith(".embedding"):
        return normal(1.0)
    return normal(float(1 / np.sqrt(shape[0])))
