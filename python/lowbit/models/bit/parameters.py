# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The parameters of a BiT model: seeded, or from a checkpoint.

Parameters carry the names of the public BiT checkpoints (a BERT state dict with
three additions):

    bert.embeddings.{word,position,token_type}_embeddings.weight
    bert.embeddings.LayerNorm.{weight,bias}
    bert.encoder.layer.N.attention.self.{query,key,value}.{weight,bias}
    bert.encoder.layer.N.attention.output.dense.{weight,bias}
    bert.encoder.layer.N.attention.output.LayerNorm.{weight,bias}
    bert.encoder.layer.N.intermediate.dense.{weight,bias}
    bert.encoder.layer.N.output.dense.{weight,bias}
    bert.encoder.layer.N.output.LayerNorm.{weight,bias}
    bert.pooler.dense.{weight,bias}
    classifier.{weight,bias}  or  qa_outputs.{weight,bias}

  per quantized linear layer L (the six of a layer, and the pooler)
    L.move.bias        [in]  added to the input before it is quantized
    L.input_clip_val   []    scale of the input quantizer
  per attention
    bert.encoder.layer.N.attention.self.clip_{query,key,value,attn}  []  scales

`attention.self.move_{q,k,v}.bias` exist in checkpoints but have no effect on the
result; they are skipped, as are buffers that BERT saves (`position_ids`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..arithmetic import FloatArray, guarded_alpha
from ..checkpoint import fit_state_dict, read_state_dict, without_wrappers
from .config import BiTConfig

#: Entries of a checkpoint that do not take part in inference.
_IGNORED = re.compile(
    r"(\.move_[qkv]\.bias|\.position_ids|\.weight_clip_val|\.num_batches_tracked)$"
)

#: The six quantized linear layers of an encoder layer, in order of use.
LINEAR_LAYERS = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)


def layer_prefix(index: int) -> str:
    """Prefix of the parameters of encoder layer `index`."""
    return f"bert.encoder.layer.{index}"


def head_name(config: BiTConfig) -> str | None:
    """Name of the float linear layer behind the encoder; None for the bare encoder."""
    return {"classification": "classifier", "question_answering": "qa_outputs"}.get(config.task)


def head_size(config: BiTConfig) -> int:
    """Output width of the head."""
    return 2 if config.task == "question_answering" else config.num_labels


def has_pooler(config: BiTConfig) -> bool:
    """Whether the first token goes through the pooler."""
    return config.task == "classification"


def _linear_shapes(config: BiTConfig) -> Iterator[tuple[str, int, int]]:
    hidden, ffn = config.hidden_size, config.ffn_size
    sizes = {"intermediate.dense": (ffn, hidden), "output.dense": (hidden, ffn)}
    for index in range(config.num_layers):
        for name in LINEAR_LAYERS:
            rows, columns = sizes.get(name, (hidden, hidden))
            yield f"{layer_prefix(index)}.{name}", rows, columns
    if has_pooler(config):
        yield "bert.pooler.dense", hidden, hidden


def parameter_shapes(config: BiTConfig) -> dict[str, tuple[int, ...]]:
    """Every parameter of the model with its shape."""
    hidden = config.hidden_size
    shapes: dict[str, tuple[int, ...]] = {
        "bert.embeddings.word_embeddings.weight": (config.vocab_size, hidden),
        "bert.embeddings.position_embeddings.weight": (config.max_positions, hidden),
        "bert.embeddings.token_type_embeddings.weight": (config.type_vocab_size, hidden),
    }
    norms = ["bert.embeddings.LayerNorm"]
    for index in range(config.num_layers):
        norms += [
            f"{layer_prefix(index)}.{part}.LayerNorm" for part in ("attention.output", "output")
        ]
        if config.quantizes_activations:
            for name in ("query", "key", "value") + (
                ("attn",) if config.quantize_attention else ()
            ):
                shapes[f"{layer_prefix(index)}.attention.self.clip_{name}"] = ()
    for norm in norms:
        shapes[f"{norm}.weight"] = shapes[f"{norm}.bias"] = (hidden,)
    for name, rows, columns in _linear_shapes(config):
        shapes[f"{name}.weight"] = (rows, columns)
        shapes[f"{name}.bias"] = (rows,)
        if not config.is_float:
            shapes[f"{name}.move.bias"] = (columns,)
        if config.quantizes_activations:
            shapes[f"{name}.input_clip_val"] = ()
    head = head_name(config)
    if head is not None:
        shapes[f"{head}.weight"] = (head_size(config), hidden)
        shapes[f"{head}.bias"] = (head_size(config),)
    return shapes


@dataclass(frozen=True)
class BiTParameters:
    """A configuration with a float32 array for each of its parameters."""

    config: BiTConfig
    tensors: dict[str, FloatArray]

    def __getitem__(self, name: str) -> FloatArray:
        return self.tensors[name]

    def alpha(self, name: str) -> np.float32:
        """The scale called `name` after the guard against tiny and negative values."""
        return guarded_alpha(self.tensors[name])

    @classmethod
    def random(
        cls, config: BiTConfig, seed: int = 0, calibration_length: int = 32
    ) -> BiTParameters:
        """Seeded parameters whose quantizers spread over their levels.

        Weights are normal; queries and keys are wide enough that attention is
        peaked. The learned scales are then set from a forward pass over random
        tokens (two sequences of `calibration_length`, the second half padding).
        """
        rng = np.random.default_rng(seed)
        tensors: dict[str, FloatArray] = {}
        for name, shape in parameter_shapes(config).items():
            tensors[name] = _draw(rng, name, shape)
        parameters = cls(config, tensors)
        if config.quantizes_activations:
            from .reference import calibrate

            calibrate(parameters, rng, min(calibration_length, config.max_positions))
        return parameters

    @classmethod
    def from_state_dict(cls, config: BiTConfig, state: Mapping[str, Any]) -> BiTParameters:
        """Parameters from a state dict of arrays (numpy, or torch tensors).

        Raises ValueError that lists all missing and unexpected names, and every
        shape that does not fit the configuration.
        """
        found = {name: value for name, value in state.items() if not _IGNORED.search(name)}
        return cls(config, fit_state_dict(parameter_shapes(config), without_wrappers(found)))

    @classmethod
    def from_file(cls, config: BiTConfig, path: str | Path) -> BiTParameters:
        """Parameters from a `.safetensors` file, a numpy `.npz` or a torch checkpoint.

        Torch checkpoints are read with `weights_only=True` and need torch;
        safetensors files need the package `safetensors`. Raises ImportError that
        names the missing package, OSError and ValueError.
        """
        return cls.from_state_dict(config, read_state_dict(path))


def _draw(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> FloatArray:
    def normal(deviation: float, mean: float = 0.0) -> FloatArray:
        return rng.standard_normal(shape, np.float32) * np.float32(deviation) + np.float32(mean)

    if name.endswith(("clip_val", "clip_query", "clip_key", "clip_value", "clip_attn")):
        return np.ones(shape, np.float32)  # set by the calibration
    if name.endswith("LayerNorm.weight"):
        return normal(0.1, 1.0)
    if name.endswith("LayerNorm.bias"):
        return normal(0.1)
    if name.endswith("move.bias"):
        return normal(0.15)
    if name.endswith(".bias"):
        return normal(0.05)
    if name.endswith("word_embeddings.weight"):
        return normal(0.05) * rng.uniform(0.5, 1.5, (shape[0], 1)).astype(np.float32)
    if name.endswith("embeddings.weight"):
        return normal(0.02)
    deviation = float(1 / np.sqrt(shape[-1]))
    if name.endswith(("query.weight", "key.weight")):
        deviation *= 2.5
    return normal(deviation, float(rng.normal()) * 0.1 * deviation)
