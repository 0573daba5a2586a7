# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Builds the ONNX graphs of a BMT model."""

from __future__ import annotations

import math
from collections.abc import Callable

import onnx

from ..emitter import Dim
from ..sequence import SequenceGraph, check_request
from .form import TorchScriptForm
from .parameters import (
    BMTParameters,
    cross_attention,
    embedding_name,
    layer_count,
    layer_prefix,
    self_attention,
)
from .parts import PARTS, Part, cache_names

#: An attention: its prefix and the normalized hidden states to its output.
Attend = Callable[[str, str], str]


def build_model(
    parameters: BMTParameters,
    part: Part,
    opset: int = 17,
    batch: Dim = "batch",
    source: Dim = "src",
    target: Dim = "tgt",
    fold_constants: bool = True,
    expose_hidden: bool = False,
    expose_sites: bool = False,
) -> onnx.ModelProto:
    """One graph as TorchScript would write it: float weights behind fake quantizers.

    Tokens are int64 and 0 is padding, all else is float32.

    encoder -- `src` [batch, source] to `cross_kN`, `cross_vN` [batch, heads, source,
        head_size], the keys and values of the cross-attention of each decoder layer N.
    step -- `ids` [batch, 1], `src`, `cross_kN`, `cross_vN`, `past_kN`, `past_vN` [batch,
        heads, past, head_size] to `logits` [batch, 1, vocabulary] and `present_kN`,
        `present_vN`, one row longer. The first token is 0.
    seq2seq -- `src` and `tgt` [batch, target] to `logits` [batch, target, vocabulary]; the
        decoder sees 0 and all target tokens but the last.

    opset -- 13 to 17.
    batch, source, target -- an extent, or the name of a symbol for a dynamic dimension.
    fold_constants -- `do_constant_folding`: fixed positions and masks become constants, and an
        output layer that uses the embedding gets a transposed copy of it.
    expose_hidden -- adds the outputs `SIDE_embeddings`, `SIDE_layerN` and `SIDE_hidden`, the
        normalized output of the layers, for SIDE encoder and decoder.
    expose_sites -- adds `SITE.input` and `SITE.value` for every activation quantizer: what it
        gets and the float32 values it gives. SITE is the module and `inputs`, `context` or
        `hidden`; `encoder.hidden` is quantized once for all cross-attentions.

    Raises ValueError for an unknown part, another opset, or an extent that is longer
    than the table of positions.
    """
    limit = parameters.config.max_positions
    check_request(part, PARTS, opset, limit, source=source, target=target)
    form = TorchScriptForm(parameters, opset, fold_constants)
    builder = _Builder(form, batch, source, target, expose_hidden, expose_sites)
    return builder.build(part)


class _Builder(SequenceGraph):
    """Walks the network once, in the order of its forward pass."""

    def __init__(
        self,
        form: TorchScriptForm,
        batch: Dim,
        source: Dim,
        target: Dim,
        expose_hidden: bool,
        expose_sites: bool,
    ) -> None:
        super().__init__(form, form.config, batch, source, target, expose_hidden, expose_sites)
        self.form = form
        self.config = form.config
        self.binarized: dict[str, str] = {}

    def build(self, part: Part) -> onnx.ModelProto:
        {
            "encoder": self.encoder_graph,
            "step": self.step_graph,
            "seq2seq": self.seq2seq_graph,
        }[part]()
        return self.finish()

    # The graphs.

    def encoder_graph(self) -> None:
        source = self.form.emitter.add_input("src", (self.batch, self.source))
        encoded = self.encoder(source, self.form.is_token("encoder", source))
        names = cache_names(self.config, "cross")
        for index in range(self.config.decoder_layers):
            prefix = cross_attention(index)
            for value in self.keys_and_values(prefix, encoded, self.source, "encoder.hidden"):
                heads = self.form.op(_scope(prefix), "Transpose", [value], perm=[0, 2, 1, 3])
                self.outputs.append((heads, next(names), self.cache_dims(self.source)))

    def step_graph(self) -> None:
        form = self.form
        ids = form.emitter.add_input("ids", (self.batch, 1))
        source = form.emitter.add_input("src", (self.batch, self.source))
        cross = [
            self.input(name, self.cache_dims(self.source))
            for name in cache_names(self.config, "cross")
        ]
        past = [
            self.input(name, self.cache_dims("past")) for name in cache_names(self.config, "past")
        ]
        present = cache_names(self.config, "present")
        hidden = self.embeddings("decoder", ids, form.size("decoder", past[0], 2), 1)
        mask = form.key_mask("decoder", form.is_token("encoder", source))

        def attend_own(prefix: str, x: str) -> str:
            scope, grown = _scope(prefix), []
            for new in self.keys_and_values(prefix, x, 1, f"{prefix}.inputs"):
                heads = form.op(scope, "Transpose", [new], perm=[0, 2, 1, 3])
                value = form.op(scope, "Concat", [past.pop(0), heads], axis=2)
                self.outputs.append((value, next(present), self.cache_dims("past_plus_1")))
                grown.append(value)
            keys = form.op(scope, "Transpose", [grown[0]], perm=[0, 1, 3, 2])
            return self.attention(prefix, x, 1, keys, grown[1], None)

        def attend_cross(prefix: str, x: str) -> str:
            keys = form.op(_scope(prefix), "Transpose", [cross.pop(0)], perm=[0, 1, 3, 2])
            return self.attention(prefix, x, 1, keys, cross.pop(0), mask)

        logits = self.decoder(hidden, 1, attend_own, attend_cross)
        self.outputs.insert(0, (logits, "logits", (self.batch, 1, self.config.vocab_size)))

    def seq2seq_graph(self) -> None:
        form = self.form
        source = form.emitter.add_input("src", (self.batch, self.source))
        target = form.emitter.add_input("tgt", (self.batch, self.target))
        is_source = form.is_token("encoder", source)
        encoded = self.encoder(source, is_source)
        shifted = form.shift_right("decoder", target)
        hidden = self.embeddings("decoder", shifted, None, self.target)
        is_target = form.is_token("decoder", target)
        causal = form.causal_mask("decoder", self.extent("decoder", target, 1, self.target))
        own = form.both("decoder", [form.pair_mask("decoder", is_target, is_target), causal])
        cross = form.pair_mask("decoder", is_target, is_source)

        def attend_own(prefix: str, x: str) -> str:
            return self.attend(prefix, x, self.target, x, self.target, f"{prefix}.inputs", own)

        def attend_cross(prefix: str, x: str) -> str:
            site = "encoder.hidden"
            return self.attend(prefix, x, self.target, encoded, self.source, site, cross)

        logits = self.decoder(hidden, self.target, attend_own, attend_cross)
        dims = (self.batch, self.target, self.config.vocab_size)
        self.outputs.append((logits, "logits", dims))

    # The two sides.

    def encoder(self, source: str, is_token: str) -> str:
        x = self.embeddings("encoder", source, None, self.source)
        mask = self.form.pair_mask("decoder", is_token, is_token)

        def attend(prefix: str, x: str) -> str:
            return self.attend(prefix, x, self.source, x, self.source, f"{prefix}.inputs", mask)

        for index in range(layer_count(self.config, "encoder")):
            x = self.block("encoder", index, 0, x, self_attention("encoder", index), attend)
            x = self.ffn("encoder", index, 1, x, self.source)
        return self.last_norm("encoder", x, self.source)

    def decoder(self, x: str, length: Dim, own: Attend, cross: Attend) -> str:
        for index in range(layer_count(self.config, "decoder")):
            x = self.block("decoder", index, 0, x, self_attention("decoder", index), own)
            x = self.block("decoder", index, 1, x, cross_attention(index), cross)
            x = self.ffn("decoder", index, 2, x, length)
        x = self.last_norm("decoder", x, length)
        return self.form.output_layer(embedding_name(self.config, "decoder"), x)

    def embeddings(self, side: str, ids: str, first: str | None, length: Dim) -> str:
        form = self.form
        table = form.parameter(embedding_name(self.config, side))
        words = form.op(f"{side}/embedding", "Gather", [table, ids])
        rows = form.positions(side, first, self.extent(side, ids, 1, length))
        x = form.op(side, "Add", [words, rows])
        self.expose("outputs", f"{side}_embeddings", x, length)
        return x

    def block(self, side: str, index: int, norm: int, x: str, prefix: str, function: Attend) -> str:
        """`x` plus `function` of its norm."""
        layer = layer_prefix(side, index)
        normalized = self.norm(f"{layer}.LayerNorm_{norm}", x)
        return self.form.op(_scope(layer), "Add", [x, function(prefix, normalized)])

    def ffn(self, side: str, index: int, norm: int, x: str, length: Dim) -> str:
        def function(prefix: str, x: str) -> str:
            x = self.binarize(f"{prefix}.inputs", x, length)
            x = self.linear(f"{prefix}.BiDense_0", x)
            x = self.form.op(_scope(prefix), "Relu", [x])
            x = self.norm(f"{prefix}.LayerNorm_0", x)
            x = self.binarize(f"{prefix}.hidden", x, length, self.config.ffn_size)
            return self.norm(f"{prefix}.LayerNorm_1", self.linear(f"{prefix}.BiDense_1", x))

        x = self.block(side, index, norm, x, f"{layer_prefix(side, index)}.MLPBlock", function)
        self.expose("outputs", f"{side}_layer{index}", x, length)
        return x

    def last_norm(self, side: str, x: str, length: Dim) -> str:
        x = self.norm(f"{side}.LayerNorm_0", x)
        self.expose("outputs", f"{side}_hidden", x, length)
        return x

    # Attention.

    def attend(
        self, prefix: str, x: str, length: Dim, keys_from: str, keys: Dim, site: str, mask: str
    ) -> str:
        """Attention of `x` over the states `keys_from`, of which `site` is the quantizer."""
        key, value = self.keys_and_values(prefix, keys_from, keys, site)
        transpose = self.form.op
        key = transpose(_scope(prefix), "Transpose", [key], perm=[0, 2, 3, 1])
        value = transpose(_scope(prefix), "Transpose", [value], perm=[0, 2, 1, 3])
        return self.attention(prefix, x, length, key, value, mask)

    def keys_and_values(self, prefix: str, x: str, length: Dim, site: str) -> list[str]:
        """Normalized keys and values [batch, length, heads, head_size] of the states `x`."""
        bits = self.binarize(site, x, length)
        return [self.project(prefix, number, bits, length) for number in (1, 2)]

    def project(self, prefix: str, number: int, x: str, length: Dim) -> str:
        """Projection 0 (queries), 1 (keys) or 2 (values), its heads normalized one by one."""
        scope, config = _scope(prefix), self.config
        projected = self.linear(f"{prefix}.{('query', 'key', 'value')[number]}", x)
        rows = [self.extent(scope, projected, 0, self.batch)]
        rows.append(self.extent(scope, projected, 1, length))
        split = self.form.reshape(scope, projected, [*rows, config.num_heads, config.head_size])
        return self.norm(f"{prefix}.LayerNorm_{number}", split)

    def attention(
        self, prefix: str, x: str, length: Dim, keys: str, values: str, mask: str | None
    ) -> str:
        """Attention of `x` over `keys` [batch, heads, head_size, N] and `values` [.., N, ..]."""
        form, scope, config = self.form, _scope(prefix), self.config
        query = self.project(prefix, 0, self.binarize(f"{prefix}.inputs", x, length), length)
        query = form.op(scope, "Transpose", [query], perm=[0, 2, 1, 3])
        query = form.op(scope, "Div", [query, form.constant(scope, math.sqrt(config.head_size))])
        scores = form.op(scope, "MatMul", [query, keys])
        if mask is not None:
            scores = form.masked(scope, mask, scores)
        context = form.op(scope, "MatMul", [form.op(scope, "Softmax", [scores], axis=-1), values])
        context = form.op(scope, "Transpose", [context], perm=[0, 2, 1, 3])
        rows = [self.extent(scope, x, 0, self.batch), self.extent(scope, x, 1, length)]
        context = form.reshape(scope, context, [*rows, config.hidden_size])
        output = self.linear(f"{prefix}.out", self.binarize(f"{prefix}.context", context, length))
        output = self.norm(f"{prefix}.LayerNorm_3", output)
        return form.op(scope, "Add", [output, context])

    # Layers, quantizers, norms and outputs.

    def linear(self, name: str, x: str) -> str:
        return self.form.linear(_scope(name), name, x)

    def binarize(self, site: str, x: str, length: Dim, width: int | None = None) -> str:
        """`x` quantized; the same value twice is quantized once, as the exporter does."""
        if not self.config.quantizes_activations:
            return x
        if x not in self.binarized:
            value = self.form.binarize(f"{_scope(site)}/aq", x, -1)
            self.binarized[x] = value
            dims = (self.batch, length, width or self.config.hidden_size)
            self.expose_site(_scope(site), site, x, value, dims)
        return self.binarized[x]

    def norm(self, name: str, x: str) -> str:
        return self.form.norm(_scope(name), name, x)


def _scope(name: str) -> str:
    """The module path of a parameter's prefix."""
    return name.replace(".", "/")
