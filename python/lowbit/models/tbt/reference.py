# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The exact-integer reference of a TBT model in numpy.

Codes come from the float32 formulas as written; a quantized matmul is an exact integer
dot product times the product of its scales in float64, rounded once to float32;
everything else is float32. The residue (q - W) + W of the straight-through estimator is
left out: weights are exactly scale * code. A compiled model must produce the same codes;
its float operators (norms, softmax, erf) may differ in the last bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import numpy.typing as npt

from ..arithmetic import (
    CodedWeight,
    Codes,
    FloatArray,
    IntArray,
    dequantized_product,
    erf,
    float_matmul,
    guarded_alpha,
    layer_norm,
    softmax,
    spread,
)
from ..sites import ReferenceResult, ScaleSource, Site
from .config import TBTConfig
from .parameters import (
    POSITION_OFFSET,
    SHARED,
    TBTParameters,
    attention_prefix,
    attentions,
    layer_count,
    layer_prefix,
    linear_shapes,
)
from .parts import Part, cache_names
from .quantizers import level_range, quantize_elastic, quantize_range, quantize_weight

#: A key and a value cache, [batch, heads, length, head_size].
Cache = tuple[FloatArray, FloatArray]


class TBTReference:
    """Runs a TBT model exactly; weights are quantized once, on construction."""

    def __init__(self, parameters: TBTParameters) -> None:
        self.parameters = parameters
        self.config: TBTConfig = parameters.config
        names = [SHARED, *(f"{name}.weight" for name in linear_shapes(self.config))]
        self._weights = {
            name: quantize_weight(parameters[name], self.config.weight_bits) for name in names
        }

    def run(
        self,
        part: Part,
        feeds: Mapping[str, npt.ArrayLike],
        forced: Mapping[str, FloatArray] | None = None,
    ) -> ReferenceResult:
        """Evaluates the graph `part` on `feeds`, the inputs that `build_model` gives it.

        `forced` maps site names to inputs that replace the site's own: with the inputs
        that another implementation saw, each site is judged by itself, because a code
        that differs at one does not reach the next.

        The outputs are those of the graph, and for encoder and decoder `SIDE_embeddings`
        and `SIDE_layerN` [batch, length, hidden]. Raises KeyError for a missing input.
        """
        return self._pass(self._learned_scale, forced or {}).part(part, feeds)

    def _pass(self, scale: ScaleSource, forced: Mapping[str, FloatArray]) -> _Pass:
        return _Pass(self.config, self.parameters, self._weights, scale, forced)

    def _learned_scale(self, name: str, x: FloatArray, signed: bool) -> np.float32:
        return self.parameters.alpha(name)


def calibrate(parameters: TBTParameters, rng: np.random.Generator, length: int) -> None:
    """Sets every learned scale of `parameters` from a pass over random tokens."""
    config = parameters.config
    ids = rng.integers(0, config.vocab_size, (2, 2, length))
    mask = np.ones((2, length), np.int64)
    mask[1, (length + 1) // 2 :] = 0

    def choose(name: str, x: FloatArray, signed: bool) -> np.float32:
        bits = config.activation_bits
        levels, is_sign = level_range(bits, signed), signed and bits == 1
        alpha = spread(x, levels, is_sign, has_offset=not signed and bits > 1)
        # One-bit layers give few different values: a boundary on one of them would be a tie.
        alpha = guarded_alpha(alpha * np.float32(1.01))
        parameters.tensors[name] = np.asarray(alpha, np.float32)
        return alpha

    feeds = {
        "input_ids": ids[0],
        "attention_mask": mask,
        "decoder_input_ids": ids[1],
        "decoder_attention_mask": mask,
    }
    TBTReference(parameters)._pass(choose, {}).part("seq2seq", feeds)


class _Pass:
    """One evaluation of one graph."""

    def __init__(
        self,
        config: TBTConfig,
        parameters: TBTParameters,
        weights: Mapping[str, CodedWeight],
        scale: ScaleSource,
        forced: Mapping[str, FloatArray],
    ) -> None:
        self.config = config
        self.p = parameters
        self.weights = weights
        self.scale = scale
        self.forced = forced
        self.result = ReferenceResult()

    def part(self, part: Part, feeds: Mapping[str, npt.ArrayLike]) -> ReferenceResult:
        def floats(name: str) -> FloatArray:
            return np.asarray(feeds[name], np.float32)

        def ints(name: str) -> IntArray:
            return np.asarray(feeds[name], np.int64)

        outputs = self.result.outputs
        if part == "encoder":
            outputs["last_hidden_state"] = self.encoder(ints("input_ids"), ints("attention_mask"))
        elif part == "cross_kv":
            self.cross_kv(floats("encoder_hidden_states"))
        elif part == "decoder_step":
            past = {
                name: floats(f"past_{name}")
                for kind in ("self", "cross")
                for _, name in cache_names(self.config, kind)
            }
            outputs["logits"] = self.decoder_step(
                ints("decoder_input_ids"), ints("attention_mask"), past
            )
        elif part == "seq2seq":
            mask = ints("attention_mask")
            encoded = self.encoder(ints("input_ids"), mask)
            ids, own_mask = ints("decoder_input_ids"), ints("decoder_attention_mask")
            outputs["logits"] = self.decoder(ids, own_mask, encoded, mask)
        else:
            raise ValueError(f"unknown part {part!r}")
        return self.result

    # The graphs.

    def encoder(self, ids: IntArray, mask: IntArray) -> FloatArray:
        padding = _padding_bias(mask)

        def attend(index: int, name: str, x: FloatArray) -> FloatArray:
            prefix = attention_prefix("encoder", index, name)
            return self.attention(prefix, x, self.keys_and_values(prefix, x), padding)

        return self.layers("encoder", self.embeddings("encoder", ids, 0), attend)

    def decoder(
        self, ids: IntArray, own_mask: IntArray, encoded: FloatArray, mask: IntArray
    ) -> FloatArray:
        length = ids.shape[1]
        causal = np.triu(np.full((length, length), -np.inf, np.float32), 1)
        own, padding = _padding_bias(own_mask) + causal, _padding_bias(mask)

        def attend(index: int, name: str, x: FloatArray) -> FloatArray:
            prefix = attention_prefix("decoder", index, name)
            if name == "self_attn":
                return self.attention(prefix, x, self.keys_and_values(prefix, x), own)
            return self.attention(prefix, x, self.keys_and_values(prefix, encoded), padding)

        return self.logits(self.layers("decoder", self.embeddings("decoder", ids, 0), attend))

    def cross_kv(self, encoded: FloatArray) -> None:
        for index in range(self.config.decoder_layers):
            prefix = attention_prefix("decoder", index, "encoder_attn")
            for tensor, value in zip("kv", self.keys_and_values(prefix, encoded)):
                self.result.outputs[f"present_cross_{tensor}{index}"] = value

    def decoder_step(
        self, ids: IntArray, mask: IntArray, past: Mapping[str, FloatArray]
    ) -> FloatArray:
        padding = _padding_bias(mask)

        def attend(index: int, name: str, x: FloatArray) -> FloatArray:
            prefix = attention_prefix("decoder", index, name)
            if name == "encoder_attn":
                cache = past[f"cross_k{index}"], past[f"cross_v{index}"]
                return self.attention(prefix, x, cache, padding)
            names = [f"self_{tensor}{index}" for tensor in "kv"]
            grown = [
                np.concatenate([past[name], new], axis=2)
                for name, new in zip(names, self.keys_and_values(prefix, x))
            ]
            self.result.outputs.update({f"present_{n}": g for n, g in zip(names, grown)})
            return self.attention(prefix, x, (grown[0], grown[1]), None)

        embedded = self.embeddings("decoder", ids, past["self_k0"].shape[2])
        return self.logits(self.layers("decoder", embedded, attend))

    # Pieces of the network.

    def embeddings(self, side: str, ids: IntArray, first: int) -> FloatArray:
        words = self.weights[SHARED].values[ids]
        if self.config.scale_embedding:
            words = words * np.float32(math.sqrt(self.config.hidden_size))
        start = first + POSITION_OFFSET
        rows = self.p[f"model.{side}.embed_positions.weight"][start : start + ids.shape[1]]
        hidden = self.norm(f"model.{side}.layernorm_embedding", words + rows)
        self.result.outputs[f"{side}_embeddings"] = hidden
        return hidden

    def layers(
        self, side: str, x: FloatArray, attend: Callable[[int, str, FloatArray], FloatArray]
    ) -> FloatArray:
        """The layers of one side; `attend` evaluates an attention of a layer, by index and name."""
        for index in range(layer_count(self.config, side)):
            layer = layer_prefix(side, index)
            for name in attentions(side):
                prefix = attention_prefix(side, index, name)
                x = self.block(f"{prefix}_layer_norm", x, partial(attend, index, name))
            x = self.block(f"{layer}.final_layer_norm", x, partial(self.ffn, layer))
            self.result.outputs[f"{side}_layer{index}"] = x
        return self.norm(f"model.{side}.layer_norm", x) if self.config.pre_norm else x

    def block(
        self, norm: str, x: FloatArray, function: Callable[[FloatArray], FloatArray]
    ) -> FloatArray:
        if self.config.pre_norm:
            return x + function(self.norm(norm, x))
        return self.norm(norm, x + function(x))

    def ffn(self, layer: str, x: FloatArray) -> FloatArray:
        x = self.linear(f"{layer}.fc1", x)
        tail = np.float32(1) + erf(x / np.float32(math.sqrt(2)))
        return self.linear(f"{layer}.fc2", x * tail * np.float32(0.5), signed=False)

    def keys_and_values(self, prefix: str, source: FloatArray) -> Cache:
        key, value = (self.linear(f"{prefix}.{name}_proj", source) for name in "kv")
        return self.split_heads(key), self.split_heads(value)

    def split_heads(self, x: FloatArray) -> FloatArray:
        batch, length, _ = x.shape
        split = x.reshape(batch, length, self.config.num_heads, self.config.head_size)
        return split.transpose(0, 2, 1, 3)

    def attention(
        self, prefix: str, x: FloatArray, cache: Cache, bias: FloatArray | None
    ) -> FloatArray:
        """Attention over the keys and values `cache`; `bias` is added to the scores."""
        batch, length, width = x.shape
        heads, head = self.config.num_heads, self.config.head_size
        query = self.linear(f"{prefix}.q_proj", x) * np.float32(head**-0.5)
        # The model quantizes batch and heads as one axis.
        q, k, v = (
            self.quantize(f"{prefix}.clip_{name}", y.reshape(batch * heads, -1, head))
            for name, y in zip(("query", "key", "value"), (self.split_heads(query), *cache))
        )
        scores = dequantized_product(q, k.codes.swapaxes(-1, -2), np.float64(k.scale))
        if bias is not None:
            scores = (scores.reshape(batch, heads, length, -1) + bias).reshape(scores.shape)
        p = self.quantize(f"{prefix}.clip_attn", softmax(scores), signed=False)
        context = dequantized_product(p, v.codes, np.float64(v.scale))
        context = context.reshape(batch, heads, length, head).transpose(0, 2, 1, 3)
        return self.linear(f"{prefix}.out_proj", context.reshape(batch, length, width))

    def quantize(self, name: str, x: FloatArray, signed: bool = True) -> Codes:
        used = self.forced.get(name, x)
        if self.config.learns_scales:
            alpha = self.scale(name, x, signed)
            codes = quantize_elastic(used, alpha, self.config.activation_bits, signed)
        else:
            codes = quantize_range(used, self.p[name], signed)
        self.result.sites.append(Site.of(name, signed, x, codes))
        return codes

    def linear(self, name: str, x: FloatArray, signed: bool = True) -> FloatArray:
        weight = self.weights[f"{name}.weight"]
        codes = self.quantize(f"{name}.act_clip_val", x, signed)
        product = dequantized_product(codes, weight.codes.T, weight.scale.astype(np.float64).T)
        return product + self.p[f"{name}.bias"]

    def logits(self, x: FloatArray) -> FloatArray:
        return float_matmul(x, self.p[SHARED].T) + self.p["final_logits_bias"]

    def norm(self, name: str, x: FloatArray) -> FloatArray:
        return layer_norm(x, self.p[f"{name}.weight"], self.p[f"{name}.bias"], 1e-5)


def _padding_bias(mask: IntArray) -> FloatArray:
    """0 for tokens and the least float for padding, [batch, 1, 1, length]."""
    absent = np.float32(1) - mask[:, None, None, :].astype(np.float32)
    return np.where(absent != 0, np.finfo(np.float32).min, absent)
