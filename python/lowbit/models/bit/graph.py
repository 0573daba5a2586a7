# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Builds the ONNX graph of a BiT model, or of the float BERT of the same sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import onnx

from ..emitter import Dim
from .dynamo import DynamoForm
from .form import Form
from .parameters import BiTParameters, has_pooler, head_name, head_size, layer_prefix
from .torchscript import TorchScriptForm

FormName = Literal["torchscript", "dynamo"]


def build_model(
    parameters: BiTParameters,
    form: FormName = "torchscript",
    opset: int | None = None,
    batch: Dim = "batch",
    sequence: Dim = "sequence",
    token_type_input: bool = True,
    fold_constants: bool = True,
    expose_hidden: bool = False,
    expose_sites: bool = False,
) -> onnx.ModelProto:
    """The model as an exporter would write it: float weights behind fake quantizers.

    Inputs: `input_ids`, `token_type_ids` (unless `token_type_input` is false; zeros
    then) and `attention_mask` (1 = token, 0 = padding), int64 [batch, sequence].
    Outputs, float32: `logits` [batch, labels], or `start_logits` and `end_logits`
    [batch, sequence], or `last_hidden_state` [batch, sequence, hidden].

    form -- `torchscript` (opset 11 to 17, default 17) or `dynamo` (18 to 24, default 20).
    batch, sequence -- an extent, or the name of a symbol for a dynamic dimension.
    fold_constants -- TorchScript's `do_constant_folding`; adds flattened weight copies.
    expose_hidden -- adds the outputs `hidden_embeddings`, `hidden_layerN` and `att_scoresN`.
    expose_sites -- adds `SITE.input` and `SITE.value` for every activation quantizer, where
        SITE is the name of its scale parameter: what it gets and the float32 values it gives.

    Raises ValueError for an unknown form, an opset it does not have, or a sequence
    that is longer than the position table.
    """
    config = parameters.config
    if isinstance(sequence, int) and sequence > config.max_positions:
        raise ValueError(f"sequence {sequence} is longer than max_positions {config.max_positions}")
    spelling: Form
    if form == "torchscript":
        opset = _checked_opset(form, 17 if opset is None else opset, 11, 17)
        spelling = TorchScriptForm(parameters, opset, batch, sequence, fold_constants)
    elif form == "dynamo":
        opset = _checked_opset(form, 20 if opset is None else opset, 18, 24)
        spelling = DynamoForm(parameters, opset, batch, sequence)
    else:
        raise ValueError(f"form must be 'torchscript' or 'dynamo', got {form!r}")
    return _Builder(spelling, expose_hidden, expose_sites).build(token_type_input)


def _checked_opset(form: str, opset: int, low: int, high: int) -> int:
    if not low <= opset <= high:
        raise ValueError(f"the form '{form}' has opsets {low} to {high}, got {opset}")
    return opset


class _Builder:
    """Walks the network once, in the order of its forward pass."""

    def __init__(self, form: Form, expose_hidden: bool, expose_sites: bool) -> None:
        self.form = form
        self.config = form.config
        self.expose_hidden = expose_hidden
        self.expose_sites = expose_sites
        self.exposed: list[tuple[str, str, Sequence[Dim]]] = []

    def build(self, token_type_input: bool) -> onnx.ModelProto:
        form, config = self.form, self.config
        dims = (form.batch, form.sequence)
        ids = form.emitter.add_input("input_ids", dims)
        types = form.emitter.add_input("token_type_ids", dims) if token_type_input else None
        mask = form.mask_bias("bert", form.emitter.add_input("attention_mask", dims))
        hidden = self.embeddings(ids, types)
        self.hidden_output("hidden_embeddings", hidden)
        for index in range(config.num_layers):
            hidden = self.layer(index, hidden, mask)
            self.hidden_output(f"hidden_layer{index}", hidden)
        self.head(hidden)
        for value, name, shape in self.exposed:
            form.emitter.add_output(value, name, shape)
        return form.model()

    def embeddings(self, ids: str, types: str | None) -> str:
        form, config, scope = self.form, self.config, "bert/embeddings"
        words = "bert.embeddings.word_embeddings.weight"
        word_scope = f"{scope}/word_embeddings"
        if config.is_float:
            table = form.parameter(words)
        else:
            table = form.quantized_weight(word_scope, words, not config.embedding_layerwise)
        word = form.op(word_scope, "Gather", [table, ids], axis=0)
        position = form.position_embeddings(scope, ids)
        kinds = types if types is not None else form.zero_types(scope, ids)
        kind_table = form.parameter("bert.embeddings.token_type_embeddings.weight")
        kind = form.op(f"{scope}/token_type_embeddings", "Gather", [kind_table, kinds], axis=0)
        total = form.op(scope, "Add", [form.op(scope, "Add", [word, position]), kind])
        return form.norm(f"{scope}/LayerNorm", total)

    def layer(self, index: int, hidden: str, mask: str) -> str:
        form, config = self.form, self.config
        prefix = layer_prefix(index)
        scope = prefix.replace(".layer.", "/layer.").replace("bert.", "bert/")
        context = self.attention(index, scope, hidden, mask)
        attended = self.linear(
            f"{scope}/attention/output/dense", f"{prefix}.attention.output.dense", context
        )
        attended = form.op(f"{scope}/attention/output", "Add", [attended, hidden])
        attended = form.norm(f"{scope}/attention/output/LayerNorm", attended)
        inner = self.linear(f"{scope}/intermediate/dense", f"{prefix}.intermediate.dense", attended)
        inner = form.activation(f"{scope}/intermediate", inner)
        signed = config.symmetric_ffn_attention
        output = self.linear(f"{scope}/output/dense", f"{prefix}.output.dense", inner, signed)
        return form.norm(
            f"{scope}/output/LayerNorm", form.op(f"{scope}/output", "Add", [output, attended])
        )

    def attention(self, index: int, scope: str, hidden: str, mask: str) -> str:
        form, config = self.form, self.config
        prefix, scope = f"{layer_prefix(index)}.attention.self", f"{scope}/attention/self"
        split = (form.batch, form.sequence, config.num_heads, config.head_size)
        per_head = (form.batch, config.num_heads, form.sequence, config.head_size)
        square = (form.batch, config.num_heads, form.sequence, form.sequence)
        names = ("query", "key", "value")
        projected = [self.linear(f"{scope}/{name}", f"{prefix}.{name}", hidden) for name in names]
        heads = [
            form.op(scope, "Transpose", [form.reshape(scope, x, split)], perm=[0, 2, 1, 3])
            for x in projected
        ]
        if config.quantizes_activations:
            heads = [
                self.quantize(scope, x, f"{prefix}.clip_{name}", True, per_head)
                for name, x in zip(names, heads, strict=True)
            ]
        query, key, value = heads
        key = form.op(scope, "Transpose", [key], perm=[0, 1, 3, 2])
        scores = form.op(scope, "MatMul", [query, key])
        scores = form.op(scope, "Div", [scores, form.constant(scope, math.sqrt(config.head_size))])
        scores = form.op(scope, "Add", [scores, mask])
        if self.expose_hidden:
            self.exposed.append((scores, f"att_scores{index}", square))
        probabilities = form.op(scope, "Softmax", [scores], axis=-1)
        if config.quantizes_activations and config.quantize_attention:
            signed = config.symmetric_ffn_attention
            probabilities = self.quantize(
                scope, probabilities, f"{prefix}.clip_attn", signed, square
            )
        context = form.op(scope, "MatMul", [probabilities, value])
        context = form.op(scope, "Transpose", [context], perm=[0, 2, 1, 3])
        return form.reshape(scope, context, (form.batch, form.sequence, config.hidden_size))

    def linear(self, scope: str, name: str, x: str, signed: bool = True) -> str:
        form, config = self.form, self.config
        if config.is_float:
            return self.float_linear(scope, name, x)
        rows, columns = form.parameters[f"{name}.weight"].shape
        leading: Sequence[Dim] = (
            (form.batch,) if name.startswith("bert.pooler") else (form.batch, form.sequence)
        )
        weight = form.quantized_weight(scope, f"{name}.weight", not config.weight_layerwise)
        x = form.add_move(scope, x, f"{name}.move.bias", (*leading, columns))
        if config.quantizes_activations:
            x = self.quantize(scope, x, f"{name}.input_clip_val", signed, (*leading, columns))
        if len(leading) == 1:
            product = form.pooler_matmul(scope, x, weight)
        else:
            product = form.matmul_transposed(scope, x, weight)
        return form.add_bias(scope, product, f"{name}.bias", (*leading, rows))

    def float_linear(self, scope: str, name: str, x: str) -> str:
        form = self.form
        product = form.op(scope, "MatMul", [x, form.float_weight(scope, f"{name}.weight")])
        return form.op(scope, "Add", [form.parameter(f"{name}.bias"), product])

    def quantize(self, scope: str, x: str, name: str, signed: bool, dims: Sequence[Dim]) -> str:
        value = self.form.quantize(scope, x, name, signed)
        if self.expose_sites:
            self.exposed += [(x, f"{name}.input", dims), (value, f"{name}.value", dims)]
        return value

    def hidden_output(self, name: str, value: str) -> None:
        if self.expose_hidden:
            self.exposed.append(
                (value, name, (self.form.batch, self.form.sequence, self.config.hidden_size))
            )

    def head(self, hidden: str) -> None:
        form, config = self.form, self.config
        name = head_name(config)
        outputs: list[tuple[str, str, Sequence[Dim]]]
        tokens: Sequence[Dim] = (form.batch, form.sequence)
        if name is None:
            outputs = [(hidden, "last_hidden_state", (*tokens, config.hidden_size))]
        elif has_pooler(config):
            scope = "bert/pooler"
            first = form.op(scope, "Gather", [hidden, form.constant(scope, 0, np.int64)], axis=1)
            pooled = form.op(
                f"{scope}/activation",
                "Tanh",
                [self.linear(f"{scope}/dense", "bert.pooler.dense", first)],
            )
            weight, bias = form.parameter(f"{name}.weight"), form.parameter(f"{name}.bias")
            logits = form.op(name, "Gemm", [pooled, weight, bias], alpha=1.0, beta=1.0, transB=1)
            outputs = [(logits, "logits", (form.batch, head_size(config)))]
        else:
            logits = self.float_linear(name, name, hidden)
            outputs = [
                (
                    form.op(name, "Gather", [logits, form.constant(name, i, np.int64)], axis=2),
                    f"{part}_logits",
                    tokens,
                )
                for i, part in enumerate(("start", "end"))
            ]
        self.exposed = outputs + [entry for entry in self.exposed if entry[0] != outputs[0][0]]
