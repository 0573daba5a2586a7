# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Builds the ONNX graphs of a TBT model."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import onnx

from ..emitter import Dim
from ..sequence import SequenceGraph, check_request
from ..torchscript import Extent
from .form import TorchScriptForm
from .parameters import (
    SHARED,
    TBTParameters,
    attention_prefix,
    attentions,
    layer_count,
    layer_prefix,
)
from .parts import PARTS, Part, cache_names

#: Values of keys and values, [batch, heads, length, head_size].
Cache = tuple[str, str]


def build_model(
    parameters: TBTParameters,
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

    Ids and masks (1 = token, 0 = padding) are int64, all else is float32.

    encoder -- `input_ids`, `attention_mask` [batch, source] to `last_hidden_state` [batch,
        source, hidden].
    cross_kv -- `encoder_hidden_states` to `present_cross_kN`, `present_cross_vN` [batch,
        heads, source, head_size] for each layer N of the decoder.
    decoder_step -- `decoder_input_ids` [batch, 1], `attention_mask` [batch, source],
        `past_self_kN`, `past_self_vN` [batch, heads, past, head_size], `past_cross_kN`,
        `past_cross_vN` to `logits` [batch, 1, vocabulary] and `present_self_kN`,
        `present_self_vN`, one row longer.
    seq2seq -- the inputs of the encoder, `decoder_input_ids` and `decoder_attention_mask`
        [batch, target] to `logits` [batch, target, vocabulary].

    opset -- 13 to 17.
    batch, source, target -- an extent, or the name of a symbol for a dynamic dimension.
    fold_constants -- `do_constant_folding`; adds a transposed copy of the embedding.
    expose_hidden -- adds the outputs `SIDE_embeddings` and `SIDE_layerN` for SIDE encoder
        and decoder.
    expose_sites -- adds `SITE.input` and `SITE.value` for every activation quantizer, where
        SITE is the name of its parameter: what it gets and the float32 values it gives.

    Raises ValueError for an unknown part, another opset, or an extent that is longer
    than the table of positions.
    """
    limit = parameters.config.max_positions
    check_request(part, PARTS, opset, limit, source=source, target=target)
    form = TorchScriptForm(parameters, opset, fold_constants)
    builder = GraphBuilder(form, batch, source, target, expose_hidden, expose_sites)
    return builder.build(part)


class GraphBuilder(SequenceGraph):
    """Walks the network once, in the order of its forward pass; `form` spells its pieces."""

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
        self.table: str | None = None

    def build(self, part: Part) -> onnx.ModelProto:
        {
            "encoder": self.encoder_graph,
            "cross_kv": self.cross_kv_graph,
            "decoder_step": self.decoder_step_graph,
            "seq2seq": self.seq2seq_graph,
        }[part]()
        return self.finish()

    # The graphs.

    def encoder_graph(self) -> None:
        hidden = self.encoder(*self.source_inputs())
        dims = (self.batch, self.source, self.config.hidden_size)
        self.outputs.append((hidden, "last_hidden_state", dims))

    def cross_kv_graph(self) -> None:
        dims = (self.batch, self.source, self.config.hidden_size)
        encoded = self.input("encoder_hidden_states", dims)
        for index in range(self.config.decoder_layers):
            prefix = attention_prefix("decoder", index, "encoder_attn")
            for tensor, value in zip("kv", self.keys_and_values(prefix, encoded, self.source)):
                name = f"present_cross_{tensor}{index}"
                self.outputs.append((value, name, self.cache_dims(self.source)))

    def decoder_step_graph(self) -> None:
        ids = self.form.emitter.add_input("decoder_input_ids", (self.batch, 1))
        mask = self.form.emitter.add_input("attention_mask", (self.batch, self.source))
        past: dict[str, str] = {}
        own, cross = (cache_names(self.config, kind) for kind in ("self", "cross"))
        for _, name in sorted([*own, *cross], key=lambda entry: entry[0]):
            length = "past" if name.startswith("self") else self.source
            past[name] = self.input(f"past_{name}", self.cache_dims(length))
        scope = "model/decoder"
        first = self.form.size(scope, past["self_k0"], 2)
        hidden = self.embeddings("decoder", ids, first, 1)
        bias = self.padding_bias("decoder", mask, 1, self.source, ids)

        def attend(index: int, name: str, x: str) -> str:
            prefix = attention_prefix("decoder", index, name)
            if name == "encoder_attn":
                cache = past[f"cross_k{index}"], past[f"cross_v{index}"]
                return self.attention(prefix, x, 1, cache, self.source, bias)
            grown = []
            for tensor, new in zip("kv", self.keys_and_values(prefix, x, 1)):
                state = f"self_{tensor}{index}"
                value = self.form.op(_scope(prefix), "Concat", [past[state], new], axis=2)
                self.outputs.append((value, f"present_{state}", self.cache_dims("past_plus_1")))
                grown.append(value)
            return self.attention(prefix, x, 1, (grown[0], grown[1]), "past_plus_1", None)

        logits = self.form.output_layer(self.layers("decoder", hidden, 1, attend))
        self.outputs.insert(0, (logits, "logits", (self.batch, 1, self.config.vocab_size)))

    def seq2seq_graph(self) -> None:
        ids, mask = self.source_inputs()
        target = (self.batch, self.target)
        own_ids = self.form.emitter.add_input("decoder_input_ids", target)
        own_mask = self.form.emitter.add_input("decoder_attention_mask", target)
        encoded = self.encoder(ids, mask)
        scope = "model/decoder"
        hidden = self.embeddings("decoder", own_ids, None, self.target)
        batch = self.extent(scope, own_ids, 0, self.batch)
        length = self.extent(scope, own_ids, 1, self.target)
        causal = self.form.causal_bias(scope, batch, length)
        padding = self.padding_bias("decoder", own_mask, self.target, self.target, own_ids)
        own = self.form.op(scope, "Add", [padding, causal])
        cross = self.padding_bias("decoder", mask, self.target, self.source, own_ids)

        def attend(index: int, name: str, x: str) -> str:
            prefix = attention_prefix("decoder", index, name)
            is_own = name == "self_attn"
            keys_from, keys, bias = (
                (x, self.target, own) if is_own else (encoded, self.source, cross)
            )
            cache = self.keys_and_values(prefix, keys_from, keys)
            return self.attention(prefix, x, self.target, cache, keys, bias)

        logits = self.form.output_layer(self.layers("decoder", hidden, self.target, attend))
        dims = (self.batch, self.target, self.config.vocab_size)
        self.outputs.append((logits, "logits", dims))

    # Pieces of the network.

    def source_inputs(self) -> tuple[str, str]:
        dims = (self.batch, self.source)
        add = self.form.emitter.add_input
        return add("input_ids", dims), add("attention_mask", dims)

    def encoder(self, ids: str, mask: str) -> str:
        hidden = self.embeddings("encoder", ids, None, self.source)
        bias = self.padding_bias("encoder", mask, self.source, self.source, ids)

        def attend(index: int, name: str, x: str) -> str:
            prefix = attention_prefix("encoder", index, name)
            cache = self.keys_and_values(prefix, x, self.source)
            return self.attention(prefix, x, self.source, cache, self.source, bias)

        return self.layers("encoder", hidden, self.source, attend)

    def embeddings(self, side: str, ids: str, first: str | None, length: Dim) -> str:
        form, config, scope = self.form, self.config, f"model/{side}"
        extent = self.extent(scope, ids, 1, length)
        flat = form.reshape(scope, ids, [-1, extent])
        if self.table is None:  # both sides use one quantizer
            self.table = form.quantized_weight(f"{scope}/shared", SHARED)
        words = form.op(f"{scope}/shared", "Gather", [self.table, flat])
        factor = math.sqrt(config.hidden_size) if config.scale_embedding else 1.0
        words = form.op(scope, "Mul", [words, form.constant(scope, factor)])
        table = f"model.{side}.embed_positions.weight"
        rows = form.positions(f"{scope}/embed_positions", table, first, extent)
        hidden = self.norm(
            f"model.{side}.layernorm_embedding", form.op(scope, "Add", [words, rows])
        )
        self.expose("model", f"{side}_embeddings", hidden, length)
        return hidden

    def padding_bias(self, side: str, mask: str, rows: Dim, columns: Dim, queries: str) -> str:
        """The bias [batch, 1, rows, columns] for `mask` [batch, columns]; `queries` are ids."""
        scope = f"model/{side}"
        extents = [
            self.extent(scope, mask, 0, self.batch),
            1,
            self.extent(scope, queries, 1, rows),
            self.extent(scope, mask, 1, columns),
        ]
        return self.form.padding_bias(scope, mask, extents)

    def layers(self, side: str, x: str, length: Dim, attend: Callable[[int, str, str], str]) -> str:
        """The layers of one side; `attend` builds an attention of a layer, by index and name."""
        for index in range(layer_count(self.config, side)):
            layer = layer_prefix(side, index)
            for name in attentions(side):
                prefix = attention_prefix(side, index, name)
                x = self.block(f"{prefix}_layer_norm", layer, x, partial(attend, index, name))
            ffn = partial(self.ffn, layer, length)
            x = self.block(f"{layer}.final_layer_norm", layer, x, ffn)
            self.expose("model", f"{side}_layer{index}", x, length)
        return self.norm(f"model.{side}.layer_norm", x) if self.config.pre_norm else x

    def block(self, norm: str, layer: str, x: str, function: Callable[[str], str]) -> str:
        add = partial(self.form.op, _scope(layer), "Add")
        if self.config.pre_norm:
            return add([x, function(self.norm(norm, x))])
        return self.norm(norm, add([x, function(x)]))

    def ffn(self, layer: str, length: Dim, x: str) -> str:
        inner = self.linear(f"{layer}.fc1", x, length)
        inner = self.form.gelu(f"{_scope(layer)}/activation_fn", inner)
        return self.linear(f"{layer}.fc2", inner, length, signed=False)

    def keys_and_values(self, prefix: str, x: str, length: Dim) -> Cache:
        scope = _scope(prefix)
        heads = []
        for name in "kv":
            projected = self.linear(f"{prefix}.{name}_proj", x, length)
            batch = self.extent(scope, x, 0, self.batch)
            heads.append(self.split_heads(scope, projected, batch, -1))
        return heads[0], heads[1]

    def split_heads(self, scope: str, x: str, batch: Extent, length: Extent) -> str:
        shape = [batch, length, self.config.num_heads, self.config.head_size]
        split = self.form.reshape(scope, x, shape)
        return self.form.op(scope, "Transpose", [split], perm=[0, 2, 1, 3])

    def attention(
        self, prefix: str, x: str, length: Dim, cache: Cache, keys: Dim, bias: str | None
    ) -> str:
        """Attention of `length` queries over `keys` keys; `bias` is added to the scores."""
        form, scope = self.form, _scope(prefix)
        heads, head = self.config.num_heads, self.config.head_size
        batch = self.extent(scope, x, 0, self.batch)
        rows = self.extent(scope, x, 1, length)
        query = self.linear(f"{prefix}.q_proj", x, length)
        query = form.op(scope, "Mul", [query, form.constant(scope, head**-0.5)])
        query = self.split_heads(scope, query, batch, rows)
        # The model quantizes batch and heads as one axis.
        merged = form.times(scope, batch, heads)
        leading: Dim = self.batch * heads if isinstance(self.batch, int) else "batch_heads"
        parts = []
        for name, value, extent in zip(
            ("query", "key", "value"), (query, *cache), (length, keys, keys)
        ):
            flat = form.reshape(scope, value, [merged, -1, head])
            site = f"{prefix}.clip_{name}"
            parts.append(self.quantize(scope, flat, site, True, (leading, extent, head)))
        q, k, v = parts
        transposed = form.op(scope, "Transpose", [k], perm=[0, 2, 1])
        scores = form.op(scope, "MatMul", [q, transposed])
        if bias is not None:
            columns = self.extent(scope, k, 1, keys)
            scores = form.reshape(scope, scores, [batch, heads, rows, columns])
            scores = form.op(scope, "Add", [scores, bias])
            scores = form.reshape(scope, scores, [merged, rows, columns])
        p = form.op(scope, "Softmax", [scores], axis=-1)
        p = self.quantize(scope, p, f"{prefix}.clip_attn", False, (leading, length, keys))
        context = form.op(scope, "MatMul", [p, v])
        context = form.reshape(scope, context, [batch, heads, rows, head])
        context = form.op(scope, "Transpose", [context], perm=[0, 2, 1, 3])
        context = form.reshape(scope, context, [batch, rows, self.config.hidden_size])
        return self.linear(f"{prefix}.out_proj", context, length)

    def linear(self, name: str, x: str, length: Dim, signed: bool = True) -> str:
        scope = _scope(name)
        dims = (self.batch, length, self.form.parameters[f"{name}.weight"].shape[1])
        x = self.quantize(scope, x, f"{name}.act_clip_val", signed, dims)
        return self.form.linear(scope, name, x)

    def quantize(self, scope: str, x: str, name: str, signed: bool, dims: Sequence[Dim]) -> str:
        value = self.form.quantize(scope, x, name, signed)
        self.expose_site(scope, name, x, value, dims)
        return value

    def norm(self, name: str, x: str) -> str:
        return self.form.norm(_scope(name), name, x)


def _scope(name: str) -> str:
    """The module path of a parameter's prefix: a number belongs to the list before it."""
    return name.replace(".", "/").replace("layers/", "layers.")
