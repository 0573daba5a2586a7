# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The exact-integer reference of a BMT model in numpy.

Codes are the signs of the float32 inputs; a binary matmul is an exact integer dot product
times half of both bounds in float64, rounded once to float32; everything else is float32,
its matmuls rounded once. A compiled model must produce the same codes; its float operators
(norms, softmax, attention) may differ in the last bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from ..arithmetic import (
    Codes,
    FloatArray,
    IntArray,
    dequantized_product,
    float_matmul,
    layer_norm,
    softmax,
)
from ..sites import ReferenceResult, Site
from .config import BMTConfig
from .form import MASKED, NORM_EPSILON, position_table
from .parameters import (
    BMTParameters,
    cross_attention,
    embedding_name,
    layer_count,
    layer_prefix,
    linear_shapes,
    self_attention,
)
from .parts import Part, cache_names
from .quantizers import quantize_activation, quantize_weight

#: An attention: its prefix and the normalized hidden states to its output.
Attend = Callable[[str, FloatArray], FloatArray]

BoolArray = npt.NDArray[np.bool_]


class BMTReference:
    """Runs a BMT model exactly; weights are quantized once, on construction."""

    def __init__(self, parameters: BMTParameters) -> None:
        self.parameters = parameters
        self.config: BMTConfig = parameters.config
        self.weights = {
            name: quantize_weight(parameters[f"{name}.kernel"])
            for name in linear_shapes(self.config)
        }
        self.positions = position_table(self.config)

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

        The outputs are those of the graph, and `SIDE_embeddings`, `SIDE_layerN` and
        `SIDE_hidden` [batch, length, hidden]. Raises KeyError for a missing input.
        """
        return _Pass(self, forced or {}).part(part, feeds)


class _Pass:
    """One evaluation of one graph."""

    def __init__(self, reference: BMTReference, forced: Mapping[str, FloatArray]) -> None:
        self.config = reference.config
        self.p = reference.parameters
        self.weights = reference.weights
        self.positions = reference.positions
        self.forced = forced
        self.result = ReferenceResult()
        self.coded: dict[str, Codes | FloatArray] = {}

    def part(self, part: Part, feeds: Mapping[str, npt.ArrayLike]) -> ReferenceResult:
        def floats(name: str) -> FloatArray:
            return np.asarray(feeds[name], np.float32)

        def ints(name: str) -> IntArray:
            return np.asarray(feeds[name], np.int64)

        if part == "encoder":
            self.cross_kv(self.encoder(ints("src")))
        elif part == "step":
            cross, past = (
                [floats(name) for name in cache_names(self.config, kind)]
                for kind in ("cross", "past")
            )
            self.step(ints("ids"), ints("src"), cross, past)
        elif part == "seq2seq":
            self.seq2seq(ints("src"), ints("tgt"))
        else:
            raise ValueError(f"unknown part {part!r}")
        return self.result

    # The graphs.

    def cross_kv(self, encoded: FloatArray) -> None:
        names = cache_names(self.config, "cross")
        for index in range(self.config.decoder_layers):
            prefix = cross_attention(index)
            for value in self.keys_and_values(prefix, encoded, "encoder.hidden"):
                self.result.outputs[next(names)] = value

    def step(
        self, ids: IntArray, source: IntArray, cross: list[FloatArray], past: list[FloatArray]
    ) -> None:
        present = cache_names(self.config, "present")
        mask = (source > 0)[:, None, None]

        def attend_own(prefix: str, x: FloatArray) -> FloatArray:
            grown = [
                np.concatenate([past.pop(0), new], axis=2)
                for new in self.keys_and_values(prefix, x, f"{prefix}.inputs")
            ]
            for value in grown:
                self.result.outputs[next(present)] = value
            return self.attention(prefix, x, grown[0], grown[1], None)

        def attend_cross(prefix: str, x: FloatArray) -> FloatArray:
            return self.attention(prefix, x, cross.pop(0), cross.pop(0), mask)

        embedded = self.embeddings("decoder", ids, past[0].shape[2])
        self.result.outputs["logits"] = self.decoder(embedded, attend_own, attend_cross)

    def seq2seq(self, source: IntArray, target: IntArray) -> None:
        encoded = self.encoder(source)
        length = target.shape[1]
        shifted = np.pad(target, [(0, 0), (1, 0)])[:, :-1]
        own = _pair_mask(target, target) & np.tril(np.ones((length, length), np.bool_))
        cross = _pair_mask(target, source)

        def attend_own(prefix: str, x: FloatArray) -> FloatArray:
            keys, values = self.keys_and_values(prefix, x, f"{prefix}.inputs")
            return self.attention(prefix, x, keys, values, own)

        def attend_cross(prefix: str, x: FloatArray) -> FloatArray:
            keys, values = self.keys_and_values(prefix, encoded, "encoder.hidden")
            return self.attention(prefix, x, keys, values, cross)

        embedded = self.embeddings("decoder", shifted, 0)
        self.result.outputs["logits"] = self.decoder(embedded, attend_own, attend_cross)

    # The two sides.

    def encoder(self, source: IntArray) -> FloatArray:
        mask = _pair_mask(source, source)

        def attend(prefix: str, x: FloatArray) -> FloatArray:
            keys, values = self.keys_and_values(prefix, x, f"{prefix}.inputs")
            return self.attention(prefix, x, keys, values, mask)

        x = self.embeddings("encoder", source, 0)
        for index in range(layer_count(self.config, "encoder")):
            x = self.block("encoder", index, 0, x, self_attention("encoder", index), attend)
            x = self.ffn("encoder", index, 1, x)
        return self.last_norm("encoder", x)

    def decoder(self, x: FloatArray, own: Attend, cross: Attend) -> FloatArray:
        for index in range(layer_count(self.config, "decoder")):
            x = self.block("decoder", index, 0, x, self_attention("decoder", index), own)
            x = self.block("decoder", index, 1, x, cross_attention(index), cross)
            x = self.ffn("decoder", index, 2, x)
        return self.logits(self.last_norm("decoder", x))

    def embeddings(self, side: str, ids: IntArray, first: int) -> FloatArray:
        words = self.p[embedding_name(self.config, side)][ids]
        x: FloatArray = words + self.positions[first : first + ids.shape[1]]
        self.result.outputs[f"{side}_embeddings"] = x
        return x

    def block(
        self, side: str, index: int, norm: int, x: FloatArray, prefix: str, function: Attend
    ) -> FloatArray:
        name = f"{layer_prefix(side, index)}.LayerNorm_{norm}"
        return x + function(prefix, self.norm(name, x))

    def ffn(self, side: str, index: int, norm: int, x: FloatArray) -> FloatArray:
        def function(prefix: str, x: FloatArray) -> FloatArray:
            x = self.linear(f"{prefix}.BiDense_0", self.quantize(f"{prefix}.inputs", x))
            x = self.norm(f"{prefix}.LayerNorm_0", np.maximum(x, np.float32(0)))
            x = self.linear(f"{prefix}.BiDense_1", self.quantize(f"{prefix}.hidden", x))
            return self.norm(f"{prefix}.LayerNorm_1", x)

        x = self.block(side, index, norm, x, f"{layer_prefix(side, index)}.MLPBlock", function)
        self.result.outputs[f"{side}_layer{index}"] = x
        return x

    def last_norm(self, side: str, x: FloatArray) -> FloatArray:
        x = self.norm(f"{side}.LayerNorm_0", x)
        self.result.outputs[f"{side}_hidden"] = x
        return x

    def logits(self, x: FloatArray) -> FloatArray:
        if self.config.logits_via_embedding:
            table = self.p[embedding_name(self.config, "decoder")]
            return float_matmul(x, table.T) / np.float32(math.sqrt(self.config.hidden_size))
        product = float_matmul(x, self.p["decoder.logitdense.kernel"])
        return product + self.p["decoder.logitdense.bias"]

    # Attention.

    def keys_and_values(
        self, prefix: str, x: FloatArray, site: str
    ) -> tuple[FloatArray, FloatArray]:
        """Keys and values [batch, heads, length, head_size] of the states `x`."""
        codes = self.quantize(site, x)
        return self.project(prefix, 1, codes), self.project(prefix, 2, codes)

    def project(self, prefix: str, number: int, x: Codes | FloatArray) -> FloatArray:
        """Projection 0 (queries), 1 (keys) or 2 (values), its heads normalized one by one."""
        projected = self.linear(f"{prefix}.{('query', 'key', 'value')[number]}", x)
        batch, length, _ = projected.shape
        split = projected.reshape(batch, length, self.config.num_heads, self.config.head_size)
        return self.norm(f"{prefix}.LayerNorm_{number}", split).transpose(0, 2, 1, 3)

    def attention(
        self,
        prefix: str,
        x: FloatArray,
        keys: FloatArray,
        values: FloatArray,
        mask: BoolArray | None,
    ) -> FloatArray:
        query = self.project(prefix, 0, self.quantize(f"{prefix}.inputs", x))
        query = query / np.float32(math.sqrt(self.config.head_size))
        scores = float_matmul(query, keys.swapaxes(-1, -2))
        if mask is not None:
            scores = np.where(mask, scores, MASKED)
        context = float_matmul(softmax(scores), values)
        context = context.transpose(0, 2, 1, 3).reshape(x.shape)
        output = self.linear(f"{prefix}.out", self.quantize(f"{prefix}.context", context))
        return self.norm(f"{prefix}.LayerNorm_3", output) + context

    # Layers, quantizers and norms.

    def quantize(self, site: str, x: FloatArray) -> Codes | FloatArray:
        """The codes of a site; one that is used several times is recorded once."""
        if not self.config.quantizes_activations:
            return x
        if site not in self.coded:
            codes = quantize_activation(self.forced.get(site, x))
            self.result.sites.append(Site.of(site, True, x, codes))
            self.coded[site] = codes
        return self.coded[site]

    def linear(self, name: str, x: Codes | FloatArray) -> FloatArray:
        weight = self.weights[name]
        codes, scale = weight.codes.T, weight.scale.astype(np.float64).T
        if isinstance(x, Codes):
            product = dequantized_product(x, codes, scale)
        else:
            product = float_matmul(x, codes, scale)
        bias = self.p.tensors.get(f"{name}.bias")
        return product if bias is None else product + bias

    def norm(self, name: str, x: FloatArray) -> FloatArray:
        return layer_norm(x, self.p[f"{name}.scale"], self.p[f"{name}.bias"], NORM_EPSILON)


def _pair_mask(queries: IntArray, keys: IntArray) -> BoolArray:
    """[batch, 1, queries, keys]: where both are tokens."""
    return (queries > 0)[:, None, :, None] & (keys > 0)[:, None, None, :]
