# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""BART in CTranslate2, written from parameters without a checkpoint or a converter.

Weights are stored in 8 bits, one scale a row, the embeddings too; activations are quantized as
the model runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from lowbit.benchmark import Run
from lowbit.models.tbt.config import TBTConfig
from lowbit.models.tbt.parameters import (
    POSITION_OFFSET,
    SHARED,
    TBTParameters,
    attention_prefix,
    attentions,
    layer_count,
    layer_prefix,
)

#: Tokens are called by their numbers, but for those that the library asks for by name.
_SPECIAL = {0: "<s>", 1: "<pad>", 2: "</s>", 3: "<unk>"}
#: Where models run.
_ONE_THREAD = {"device": "cpu", "inter_threads": 1, "intra_threads": 1}


def token(number: int) -> str:
    """What a token is called."""
    return _SPECIAL.get(number, str(number))


def save(parameters: TBTParameters, folder: Path, quantization: str = "int8") -> Path:
    """Writes the whole model into `folder`, which it makes."""
    from ctranslate2.specs import transformer_spec

    config = parameters.config
    spec = transformer_spec.TransformerSpec.from_config(
        (config.encoder_layers, config.decoder_layers),
        config.num_heads,
        **_options(config),
    )
    _set_side(spec.encoder, parameters, "encoder")
    _set_side(spec.decoder, parameters, "decoder")
    spec.decoder.projection.weight = parameters[SHARED]
    spec.decoder.projection.bias = parameters["final_logits_bias"].reshape(-1)
    vocabulary = [token(number) for number in range(config.vocab_size)]
    spec.register_source_vocabulary(vocabulary)
    spec.register_target_vocabulary(vocabulary)
    spec.config.decoder_start_token = token(2)
    return _write(spec, folder, quantization)


def save_encoder(parameters: TBTParameters, folder: Path, quantization: str = "int8") -> Path:
    """Writes the encoder alone into `folder`, which it makes."""
    from ctranslate2.specs import transformer_spec

    config = parameters.config
    encoder = transformer_spec.TransformerEncoderSpec(
        config.encoder_layers,
        config.num_heads,
        **_options(config),
    )
    _set_side(encoder, parameters, "encoder")
    spec = transformer_spec.TransformerEncoderModelSpec(encoder)
    spec.register_vocabulary([token(number) for number in range(config.vocab_size)])
    return _write(spec, folder, quantization)


def encoder(folder: Path, ids: np.ndarray[Any, Any]) -> Run:
    """The encoder in `folder` on `ids` [batch, length], one thread."""
    import ctranslate2

    model = ctranslate2.Encoder(str(folder), **_ONE_THREAD)
    rows = ids.tolist()
    return lambda _: np.array(model.forward_batch(rows).last_hidden_state)


def translator(folder: Path) -> Any:
    """The whole model in `folder`, one thread."""
    import ctranslate2

    return ctranslate2.Translator(str(folder), **_ONE_THREAD)


def search(model: Any, ids: Sequence[int], beams: int, tokens: int) -> list[str]:
    """Encodes `ids` and searches for exactly `tokens` tokens, greedily with one beam."""
    (result,) = model.translate_batch(
        [[token(number) for number in ids]],
        beam_size=beams,
        min_decoding_length=tokens,
        max_decoding_length=tokens,
    )
    return list(result.hypotheses[0])


def _options(config: TBTConfig) -> dict[str, Any]:
    from ctranslate2.specs import common_spec

    return {
        "pre_norm": config.pre_norm,
        "activation": common_spec.Activation.GELU,
        "layernorm_embedding": True,
    }


def _write(spec: Any, folder: Path, quantization: str) -> Path:
    folder.mkdir()
    spec.validate()
    spec.optimize(quantization=quantization)
    spec.save(str(folder))
    return folder


def _set_side(spec: Any, parameters: TBTParameters, side: str) -> None:
    config = parameters.config
    embeddings = spec.embeddings[0] if isinstance(spec.embeddings, list) else spec.embeddings
    embeddings.weight = parameters[SHARED]
    spec.scale_embeddings = config.scale_embedding
    positions = parameters[f"model.{side}.embed_positions.weight"]
    spec.position_encodings.encodings = positions[POSITION_OFFSET:]
    _set_norm(spec.layernorm_embedding, parameters, f"model.{side}.layernorm_embedding")
    if config.pre_norm:
        _set_norm(spec.layer_norm, parameters, f"model.{side}.layer_norm")
    for index in range(layer_count(config, side)):
        layer, prefix = spec.layer[index], layer_prefix(side, index)
        for name in attentions(side):
            attention = layer.self_attention if name == "self_attn" else layer.attention
            _set_attention(attention, parameters, attention_prefix(side, index, name))
        for name, linear in (("fc1", layer.ffn.linear_0), ("fc2", layer.ffn.linear_1)):
            _set_linear(linear, parameters, [f"{prefix}.{name}"])
        _set_norm(layer.ffn.layer_norm, parameters, f"{prefix}.final_layer_norm")


def _set_attention(spec: Any, parameters: TBTParameters, prefix: str) -> None:
    """One product for queries, keys and values of one sequence, two where they are of two."""
    groups = ("qkv",) if prefix.endswith("self_attn") else ("q", "kv")
    for linear, group in zip(spec.linear, groups):
        _set_linear(linear, parameters, [f"{prefix}.{name}_proj" for name in group])
    _set_linear(spec.linear[-1], parameters, [f"{prefix}.out_proj"])
    _set_norm(spec.layer_norm, parameters, f"{prefix}_layer_norm")


def _set_linear(spec: Any, parameters: TBTParameters, names: Sequence[str]) -> None:
    spec.weight = np.concatenate([parameters[f"{name}.weight"] for name in names])
    spec.bias = np.concatenate([parameters[f"{name}.bias"] for name in names])


def _set_norm(spec: Any, parameters: TBTParameters, name: str) -> None:
    spec.gamma, spec.beta = parameters[f"{name}.weight"], parameters[f"{name}.bias"]
