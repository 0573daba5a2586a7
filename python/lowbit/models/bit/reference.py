# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The exact-integer reference of a BiT model in numpy.

Codes come from the float32 formulas as written; a quantized matmul is an exact
integer dot product times the product of its scales in float64, rounded once to
float32; everything else is float32. A compiled model must produce the same codes;
its float operators (norms, softmax, erf) may differ in the last bits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

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
    integer_dot,
    layer_norm,
    softmax,
    spread,
)
from ..sites import ReferenceResult, ScaleSource, Site
from .config import BiTConfig
from .parameters import BiTParameters, has_pooler, head_name, layer_prefix
from .quantizers import level_range, quantize_activation, quantize_weight


class BiTReference:
    """Runs a BiT model exactly; weights are quantized once, on construction."""

    def __init__(self, parameters: BiTParameters) -> None:
        self.parameters = parameters
        self.config: BiTConfig = parameters.config
        self._weights: dict[str, CodedWeight] = {}
        if not self.config.is_float:
            for name, tensor in parameters.tensors.items():
                if name.removesuffix(".weight") + ".move.bias" in parameters.tensors:
                    self._weights[name] = quantize_weight(tensor, not self.config.weight_layerwise)

    def run(
        self,
        input_ids: npt.ArrayLike,
        attention_mask: npt.ArrayLike | None = None,
        token_type_ids: npt.ArrayLike | None = None,
        forced: Mapping[str, FloatArray] | None = None,
    ) -> ReferenceResult:
        """Evaluates the model on `input_ids` [batch, sequence].

        The mask (1 = token, 0 = padding) and the token types default to ones and
        zeros. `forced` maps site names to inputs that replace the site's own:
        with the inputs that another implementation saw, each site is judged by
        itself, because a code that differs at one does not reach the next.

        Outputs: `logits` [batch, labels], `start_logits` and `end_logits` [batch,
        sequence] or `last_hidden_state`, by task; `hidden_embeddings`,
        `hidden_layerN` [batch, sequence, hidden] and `att_scoresN` [batch, heads,
        sequence, sequence].
        """
        pass_ = _Pass(
            self.config, self.parameters, self._weights, self._learned_scale, forced or {}
        )
        ids = np.asarray(input_ids, np.int64)
        mask = np.ones_like(ids) if attention_mask is None else np.asarray(attention_mask, np.int64)
        types = (
            np.zeros_like(ids) if token_type_ids is None else np.asarray(token_type_ids, np.int64)
        )
        return pass_.model(ids, mask, types)

    def _learned_scale(self, name: str, x: FloatArray, signed: bool) -> np.float32:
        return self.parameters.alpha(name)


def calibrate(parameters: BiTParameters, rng: np.random.Generator, length: int) -> None:
    """Sets every activation scale of `parameters` from a pass over random tokens."""
    config = parameters.config
    ids = rng.integers(0, config.vocab_size, (2, length))
    mask = np.ones_like(ids)
    mask[1, (length + 1) // 2 :] = 0

    def choose(name: str, x: FloatArray, signed: bool) -> np.float32:
        bits = config.activation_bits
        levels, is_sign = level_range(bits, signed), signed and bits == 1
        alpha = guarded_alpha(spread(x, levels, is_sign, has_offset=not signed))
        parameters.tensors[name] = np.asarray(alpha, np.float32)
        return alpha

    weights = BiTReference(parameters)._weights
    _Pass(config, parameters, weights, choose, {}).model(ids, mask, np.zeros_like(ids))


class _Pass:
    """One evaluation of the network."""

    def __init__(
        self,
        config: BiTConfig,
        parameters: BiTParameters,
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

    def model(self, ids: IntArray, mask: IntArray, types: IntArray) -> ReferenceResult:
        outputs = self.result.outputs
        bias = (np.float32(1) - mask[:, None, None, :].astype(np.float32)) * np.float32(-10000)
        hidden = self.embeddings(ids, types)
        outputs["hidden_embeddings"] = hidden
        for index in range(self.config.num_layers):
            hidden = self.layer(index, hidden, bias)
            outputs[f"hidden_layer{index}"] = hidden
        head = head_name(self.config)
        if head is None:
            outputs["last_hidden_state"] = hidden
            return self.result
        if has_pooler(self.config):
            pooled = np.tanh(self.linear("bert.pooler.dense", hidden[:, 0]))
            outputs["logits"] = self.float_linear(head, pooled)
        else:
            logits = self.float_linear(head, hidden)
            outputs["start_logits"], outputs["end_logits"] = logits[..., 0], logits[..., 1]
        return self.result

    def embeddings(self, ids: IntArray, types: IntArray) -> FloatArray:
        table = self.p["bert.embeddings.word_embeddings.weight"]
        if self.config.is_float:
            words = table[ids]
        else:
            words = quantize_weight(table, not self.config.embedding_layerwise).values[ids]
        positions = self.p["bert.embeddings.position_embeddings.weight"][: ids.shape[1]]
        kinds = self.p["bert.embeddings.token_type_embeddings.weight"][types]
        return self.norm("bert.embeddings.LayerNorm", words + positions + kinds)

    def layer(self, index: int, hidden: FloatArray, mask: FloatArray) -> FloatArray:
        prefix = layer_prefix(index)
        context = self.attention(index, hidden, mask)
        attended = self.linear(f"{prefix}.attention.output.dense", context)
        attended = self.norm(f"{prefix}.attention.output.LayerNorm", attended + hidden)
        inner = self.activation(self.linear(f"{prefix}.intermediate.dense", attended))
        output = self.linear(
            f"{prefix}.output.dense", inner, signed=self.config.symmetric_ffn_attention
        )
        return self.norm(f"{prefix}.output.LayerNorm", output + attended)

    def attention(self, index: int, hidden: FloatArray, mask: FloatArray) -> FloatArray:
        config, prefix = self.config, f"{layer_prefix(index)}.attention.self"
        batch, length, _ = hidden.shape
        heads = []
        for name in ("query", "key", "value"):
            x = self.linear(f"{prefix}.{name}", hidden)
            heads.append(
                x.reshape(batch, length, config.num_heads, config.head_size).transpose(0, 2, 1, 3)
            )
        query, key, value = heads
        if not config.quantizes_activations:
            scores = float_matmul(query, key.swapaxes(-1, -2))
        else:
            q, k, v = (
                self.quantize(f"{prefix}.clip_{name}", x, signed=True)
                for name, x in (("query", query), ("key", key), ("value", value))
            )
            exact = integer_dot(q.codes, k.codes.swapaxes(-1, -2)) * (
                np.float64(q.scale) * np.float64(k.scale)
            )
            scores = exact.astype(np.float32)
        scores = scores / np.float32(math.sqrt(config.head_size)) + mask
        self.result.outputs[f"att_scores{index}"] = scores
        probabilities = softmax(scores)
        if not config.quantizes_activations:
            context = float_matmul(probabilities, value)
        elif not config.quantize_attention:
            context = float_matmul(probabilities, v.codes, np.float64(v.scale))
        else:
            p = self.quantize(
                f"{prefix}.clip_attn", probabilities, signed=config.symmetric_ffn_attention
            )
            context = dequantized_product(p, v.codes, np.float64(v.scale))
        return context.transpose(0, 2, 1, 3).reshape(batch, length, config.hidden_size)

    def quantize(self, name: str, x: FloatArray, signed: bool) -> Codes:
        alpha = self.scale(name, x, signed)
        used = self.forced.get(name, x)
        codes = quantize_activation(used, alpha, self.config.activation_bits, signed)
        self.result.sites.append(Site.of(name, signed, x, codes))
        return codes

    def linear(self, name: str, x: FloatArray, signed: bool = True) -> FloatArray:
        """A quantized linear layer: shift, quantize, integer product, bias."""
        if self.config.is_float:
            return self.float_linear(name, x)
        weight = self.weights[f"{name}.weight"]
        x = x + self.p[f"{name}.move.bias"]
        scale = weight.scale.astype(np.float64).T  # [] or [1, rows]
        if self.config.quantizes_activations:
            codes = self.quantize(f"{name}.input_clip_val", x, signed)
            product = dequantized_product(codes, weight.codes.T, scale)
        else:
            product = float_matmul(x, weight.codes.T, scale)
        return product + self.p[f"{name}.bias"]

    def float_linear(self, name: str, x: FloatArray) -> FloatArray:
        return float_matmul(x, self.p[f"{name}.weight"].T) + self.p[f"{name}.bias"]

    def norm(self, name: str, x: FloatArray) -> FloatArray:
        return layer_norm(x, self.p[f"{name}.weight"], self.p[f"{name}.bias"], 1e-12)

    def activation(self, x: FloatArray) -> FloatArray:
        if self.config.activation == "relu":
            return np.maximum(x, np.float32(0))
        return x * np.float32(0.5) * (np.float32(1) + erf(x / np.float32(math.sqrt(2))))
