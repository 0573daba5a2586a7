# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""BMT models as jax2onnx writes them, for tests: extents are static and nothing is shared.

Products are Einsum, on kernels [hidden, heads, size]; every projection binarizes its own copy
of the input; norms take their variance as E[x^2] - E[x]^2; masks go through Reshape, Expand
and float; a step writes into caches of a fixed length by ScatterND.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from lowbit.models.bmt import BMTParameters
from lowbit.models.bmt.form import MASKED, NORM_EPSILON, position_table
from lowbit.models.bmt.parameters import (
    cross_attention,
    embedding_name,
    layer_prefix,
    self_attention,
)
from lowbit.models.bmt.quantizers import BOUND_EPSILON, CLIP_LIMIT
from lowbit.models.emitter import GraphEmitter

_FLOAT, _INT32, _INT64 = onnx.TensorProto.FLOAT, onnx.TensorProto.INT32, onnx.TensorProto.INT64


class JaxForm:
    """Operators in the spelling of jax2onnx; opset 21 and later."""

    def __init__(self, parameters: BMTParameters, opset: int) -> None:
        self.parameters, self.config = parameters, parameters.config
        self.emitter = GraphEmitter(opset)
        self._count = 0

    def op(self, op_type: str, *inputs: str, **attributes: Any) -> str:
        self._count += 1
        name = f"{op_type.lower()}_out_{self._count}"
        return self.emitter.node(op_type, inputs, name, f"node_{op_type}_{self._count}", attributes)

    def const(self, value: npt.ArrayLike, dtype: npt.DTypeLike = np.float32) -> str:
        self._count += 1
        return self.emitter.initializer(f"const_{self._count}", np.asarray(value, dtype))

    def ints(self, *values: int) -> str:
        return self.const(values, np.int64)

    def vector(self, *extents: int) -> str:
        """A shape, extent by extent."""
        return self.op("Concat", *(self.ints(extent) for extent in extents), axis=0)

    def reshape(self, x: str, *extents: int) -> str:
        return self.op("Reshape", x, self.ints(*extents))

    def broadcast(self, x: str, shape: tuple[int, ...], axes: dict[int, int]) -> str:
        """broadcast_in_dim: the dimensions of `x` go to `axes`, {axis: extent}."""
        units = [axes.get(axis, 1) for axis in range(len(shape))]
        return self.op("Expand", self.op("Reshape", x, self.vector(*units)), self.vector(*shape))

    # Layers.

    def binarize(self, x: str, axes: list[int]) -> str:
        largest = self.op("ReduceMax", self.op("Abs", x), self.ints(*axes), keepdims=1)
        bound = self.op("Add", self.op("Identity", largest), self.const(BOUND_EPSILON))
        factor = self.op("Div", self.const(1.0), self.op("Identity", bound))
        limits = (self.const(-CLIP_LIMIT), self.const(CLIP_LIMIT))
        lower = self.op("Floor", self.op("Clip", self.op("Mul", x, factor), *limits))
        return self.op("Div", self.op("Add", lower, self.const(0.5)), factor)

    def norm(self, name: str, x: str, last: int) -> str:
        mean = self.op("ReduceMean", x, self.ints(last), keepdims=1)
        centred = self.op("Sub", x, mean)
        moment = self.op("ReduceMean", self.op("Mul", x, x), self.ints(last), keepdims=1)
        variance = self.op("Sub", moment, self.op("Mul", mean, mean))
        variance = self.op("Max", variance, self.const(0.0))
        deviation = self.op("Sqrt", self.op("Add", variance, self.const(NORM_EPSILON)))
        unit = self.op("Div", centred, deviation)
        scale, bias = (self.const(self.parameters[f"{name}.{what}"]) for what in ("scale", "bias"))
        return self.op("Add", self.op("Mul", unit, scale), bias)

    def kernel(self, name: str, *shape: int, axes: list[int]) -> str:
        return self.binarize(self.const(self.parameters[f"{name}.kernel"].reshape(shape)), axes)

    def dropout(self, x: str) -> str:
        return self.op("Dropout", x, self.const(0.1), self.const(False, np.bool_))

    def output_layer(self, x: str, batch: int, length: int) -> str:
        config, name = self.config, "decoder.logitdense"
        kernel, bias = (self.const(self.parameters[f"{name}.{k}"]) for k in ("kernel", "bias"))
        flat = self.reshape(x, -1, config.hidden_size)
        return self.reshape(self.op("Gemm", flat, kernel, bias), batch, length, config.vocab_size)

    # Masks, positions and caches.

    def pair_mask(self, rows: str, columns: str, batch: int, height: int, width: int) -> str:
        """make_attention_mask: a float array [batch, 1, height, width]."""
        tall = self.broadcast(rows, (batch, height, 1), {0: batch, 1: height})
        wide = self.broadcast(columns, (batch, 1, width), {0: batch, 2: width})
        return self._as_mask(self.op("And", tall, wide), batch, height, width)

    def _as_mask(self, pairs: str, batch: int, height: int, width: int) -> str:
        shape = (batch, 1, height, width)
        return self.op("Cast", self.broadcast(pairs, shape, {0: batch, 2: height, 3: width}), to=1)

    def causal_mask(self, batch: int, length: int) -> str:
        ones = self.const(np.ones((batch, length)), np.int32)
        numbers = self.op("CumSum", ones, self.const(1, np.int32))
        numbers = self.op("Sub", numbers, self.const(1, np.int32))
        tall = self.broadcast(numbers, (batch, length, 1), {0: batch, 1: length})
        wide = self.broadcast(numbers, (batch, 1, length), {0: batch, 2: length})
        return self._as_mask(self.op("GreaterOrEqual", tall, wide), batch, length, length)

    def both(self, *masks: str) -> str:
        """combine_masks: floats to bool and back."""
        parts = (self.op("Not", self.op("Equal", mask, self.const(0.0))) for mask in masks)
        return self.op("Cast", self.op("And", *parts), to=_FLOAT)

    def first_positions(self, length: int) -> str:
        width = self.config.hidden_size
        limits = (self.ints(0, 0, 0), self.ints(1, length, width), self.ints(0, 1, 2))
        return self.op("Slice", self.const(position_table(self.config)[None]), *limits)

    def position_at(self, index: str) -> str:
        """dynamic_slice of one row at the int32 scalar `index`."""
        zero = self.const([0], np.int32)
        start = self.op("Concat", zero, self.op("Expand", index, self.vector(1)), zero, axis=0)
        starts = []
        for axis in range(3):
            ends = (self.ints(axis), self.ints(axis + 1), self.ints(0), self.ints(1))
            number = self.op("Squeeze", self.op("Slice", start, *ends), self.ints(0))
            number = self.op("Cast", number, to=_INT64)
            starts.append(self.op("Unsqueeze", number, self.ints(0)))
        first = self.op("Concat", *starts, axis=0)
        last = self.op("Add", first, self.ints(1, 1, self.config.hidden_size))
        table = self.const(position_table(self.config)[None])
        return self.op("Slice", table, first, last, self.ints(0, 1, 2))

    def update(self, cache: str, new: str, index: str) -> str:
        """dynamic_update_slice of `new` into `cache` at (0, `index`, 0, 0)."""
        shape, size = self.op("Shape", new), self.op("Shape", cache)
        zero, one = (self.const(value, np.int64) for value in (0, 1))
        tuples = []
        for axis in range(4):
            at = self.const(axis, np.int64)
            start = self.op("Cast", index if axis == 1 else self.const(0, np.int32), to=_INT64)
            extent, limit = self.op("Gather", shape, at), self.op("Gather", size, at)
            wrapped = self.op("Add", start, limit)
            start = self.op("Where", self.op("Less", start, zero), wrapped, start)
            start = self.op("Max", start, zero)
            start = self.op("Min", start, self.op("Sub", limit, extent))
            others = self.ints(*(other for other in range(4) if other != axis))
            steps = self.op("Unsqueeze", self.op("Range", zero, extent, one), others)
            grid = self.op("Add", self.op("Expand", start, shape), self.op("Expand", steps, shape))
            tuples.append(self.op("Unsqueeze", grid, self.ints(4)))
        count = self.op("Unsqueeze", self.op("ReduceProd", shape, keepdims=0), self.ints(0))
        indices = self.op("Concat", *tuples, axis=4)
        indices = self.op("Reshape", indices, self.op("Concat", count, self.ints(4), axis=0))
        return self.op("ScatterND", cache, indices, self.op("Reshape", new, count))


class JaxModel:
    """Graphs of the network in JaxForm; sites are exposed as those of `bmt.build_model`."""

    def __init__(self, parameters: BMTParameters, opset: int, batch: int, source: int) -> None:
        self.form, self.config = JaxForm(parameters, opset), parameters.config
        self.batch, self.source = batch, source
        self.sites: dict[str, tuple[str, str]] = {}

    def seq2seq(self, target: int) -> onnx.ModelProto:
        """`src`, `tgt` to `logits` and the sites."""
        form, batch = self.form, self.batch
        src = form.emitter.add_input("src", (batch, self.source))
        tgt = form.emitter.add_input("tgt", (batch, target))
        encoded = self.encoder(src)
        tokens, sources = self.is_token(tgt), self.is_token(src)
        own = form.pair_mask(tokens, tokens, batch, target, target)
        own = form.both(own, form.causal_mask(batch, target))
        cross = form.pair_mask(tokens, sources, batch, target, self.source)
        padded = form.op("Pad", tgt, form.ints(0, 1, 0, 0), form.const(0, np.int64))
        limits = (form.ints(0, 0), form.ints(batch, target), form.ints(0, 1))
        x = self.embed("decoder", form.op("Slice", padded, *limits))
        x = form.op("Add", x, form.first_positions(target))

        def keys(prefix: str, x: str) -> list[str]:
            return self.keys_and_values(prefix, x, f"{prefix}.inputs", target)

        def encoded_keys(prefix: str) -> list[str]:
            return self.keys_and_values(prefix, encoded, "encoder.hidden", self.source)

        logits = self.decoder(x, target, keys, own, encoded_keys, cross)
        return self.finish({"logits": (logits, (batch, target, self.config.vocab_size))})

    def step(self, length: int) -> onnx.ModelProto:
        """`ids`, `src`, `cross_kN`, `cross_vN`, `past_kN`, `past_vN` [batch, length, heads, size]
        and the position `index`, int32, to `logits`, the caches `present_*` and the sites."""
        form, config, batch = self.form, self.config, self.batch
        ids = form.emitter.add_input("ids", (batch, 1))
        src = form.emitter.add_input("src", (batch, self.source))
        index = form.emitter.add_input("index", (), _INT32)
        heads = (config.num_heads, config.head_size)

        def inputs(kind: str, extent: int) -> list[list[str]]:
            names = [[f"{kind}_{t}{n}" for t in "kv"] for n in range(config.decoder_layers)]
            dims = (batch, extent, *heads)
            return [[form.emitter.add_input(n, dims, _FLOAT) for n in pair] for pair in names]

        past, cross = inputs("past", length), inputs("cross", self.source)
        presents: dict[str, tuple[str, tuple[int, ...]]] = {}
        seen = form.op("LessOrEqual", form.const(np.arange(length), np.int32), index)
        seen = form.op("Cast", form.broadcast(seen, (batch, 1, 1, length), {3: length}), to=_FLOAT)
        ones = form.op("Greater", form.const(np.ones((batch, 1))), form.const(0.0))
        mask = form.pair_mask(ones, self.is_token(src), batch, 1, self.source)
        x = form.op("Add", self.embed("decoder", ids), form.position_at(index))

        def keys(prefix: str, x: str) -> list[str]:
            new = self.keys_and_values(prefix, x, f"{prefix}.inputs", 1)
            caches = past.pop(0)
            layer = config.decoder_layers - len(past) - 1
            grown = [form.update(*pair, index) for pair in zip(caches, new, strict=True)]
            for kind, value in zip("kv", grown, strict=True):
                presents[f"present_{kind}{layer}"] = (value, (batch, length, *heads))
            return grown

        logits = self.decoder(x, 1, keys, seen, lambda _: cross.pop(0), mask)
        return self.finish({"logits": (logits, (batch, 1, config.vocab_size)), **presents})

    def finish(self, outputs: dict[str, tuple[str, tuple[int, ...]]]) -> onnx.ModelProto:
        emitter = self.form.emitter
        for name, (value, shape) in outputs.items():
            emitter.add_output(value, name, shape)
        for name, values in self.sites.items():
            for what, value in zip(("input", "value"), values, strict=True):
                emitter.node("Identity", [value], f"{name}.{what}", f"node_{name}.{what}", {})
                output = onnx.helper.make_tensor_value_info(f"{name}.{what}", _FLOAT, None)
                emitter.outputs.append(output)
        return emitter.model("jax2onnx", 10)

    # The network.

    def is_token(self, ids: str) -> str:
        return self.form.op("Greater", ids, self.form.const(0, np.int64))

    def embed(self, side: str, ids: str) -> str:
        table = self.form.const(self.form.parameters[embedding_name(self.config, side)])
        return self.form.op("Gather", table, ids, axis=0)

    def encoder(self, src: str) -> str:
        form, length = self.form, self.source
        tokens = self.is_token(src)
        mask = form.pair_mask(tokens, tokens, self.batch, length, length)
        x = form.op("Add", self.embed("encoder", src), form.first_positions(length))
        x = form.dropout(x)
        for layer in range(self.config.encoder_layers):
            prefix, site = layer_prefix("encoder", layer), self_attention("encoder", layer)
            normed = form.norm(f"{prefix}.LayerNorm_0", x, 2)
            own = self.keys_and_values(site, normed, f"{site}.inputs", length)
            x = form.op("Add", x, self.attention(site, normed, length, *own, mask))
            x = self.ffn(prefix, 1, x)
        return form.norm("encoder.LayerNorm_0", x, 2)

    def decoder(self, x: str, length: int, keys: Any, own: str, encoded: Any, cross: str) -> str:
        form = self.form
        for layer in range(self.config.decoder_layers):
            prefix, site = layer_prefix("decoder", layer), self_attention("decoder", layer)
            normed = form.norm(f"{prefix}.LayerNorm_0", x, 2)
            x = form.op("Add", x, self.attention(site, normed, length, *keys(site, normed), own))
            normed, site = form.norm(f"{prefix}.LayerNorm_1", x, 2), cross_attention(layer)
            x = form.op("Add", x, self.attention(site, normed, length, *encoded(site), cross))
            x = self.ffn(prefix, 2, x)
        x = form.norm("decoder.LayerNorm_0", x, 2)
        return form.output_layer(x, self.batch, length)

    def ffn(self, prefix: str, norm: int, x: str) -> str:
        form, config, block = self.form, self.config, f"{prefix}.MLPBlock"
        h = form.norm(f"{prefix}.LayerNorm_{norm}", x, 2)
        sizes = (config.hidden_size, config.ffn_size, config.hidden_size)
        for number, site in enumerate(("inputs", "hidden")):
            name = f"{block}.BiDense_{number}"
            kernel = form.kernel(name, *sizes[number : number + 2], axes=[0])
            h = self.binarize(f"{block}.{site}", h)
            h = form.op("Einsum", h, kernel, equation="abc,cd->abd")
            h = form.op("Add", h, form.const(form.parameters[f"{name}.bias"]))
            h = form.norm(f"{block}.LayerNorm_{number}", h if number else form.op("Relu", h), 2)
            h = form.dropout(h)
        return form.op("Add", x, h)

    def binarize(self, site: str, x: str, axes: tuple[int, ...] = (2,)) -> str:
        if not self.config.quantizes_activations:
            return x
        value = self.form.binarize(x, list(axes))
        self.sites.setdefault(site, (x, value))
        return value

    def project(self, prefix: str, number: int, x: str, site: str) -> str:
        config = self.config
        name = f"{prefix}.{('query', 'key', 'value')[number]}"
        shape = (config.hidden_size, config.num_heads, config.head_size)
        kernel = self.form.kernel(name, *shape, axes=[0])
        bits = self.binarize(site, x)
        heads = self.form.op("Einsum", bits, kernel, equation="abc,cde->abde")
        return self.form.norm(f"{prefix}.LayerNorm_{number}", heads, 3)

    def keys_and_values(self, prefix: str, x: str, site: str, length: int) -> list[str]:
        return [self.project(prefix, number, x, site) for number in (1, 2)]

    def attention(self, prefix: str, x: str, length: int, k: str, v: str, mask: str) -> str:
        form, config = self.form, self.config
        query = self.project(prefix, 0, x, f"{prefix}.inputs")
        size = form.op("Cast", form.const(config.head_size, np.int32), to=_FLOAT)
        query = form.op("Div", query, form.op("Sqrt", size))
        scores = form.op("Einsum", query, k, equation="bqhd,bkhd->bhqk")
        visible = form.op("Greater", mask, form.const(0.0))
        scores = form.op("Where", visible, scores, form.const(MASKED))
        weights = form.dropout(form.op("Softmax", scores, axis=3))
        context = form.op("Einsum", weights, v, equation="bhqk,bkhd->bqhd")
        joined = (self.batch, length, config.hidden_size)
        bits = self.binarize(f"{prefix}.context", context, (2, 3))
        if bits != context:
            site = [form.reshape(heads, *joined) for heads in (context, bits)]
            self.sites[f"{prefix}.context"] = (site[0], site[1])
        shape = (config.num_heads, config.head_size, config.hidden_size)
        kernel = form.kernel(f"{prefix}.out", *shape, axes=[0, 1])
        output = form.op("Einsum", bits, kernel, equation="abcd,cde->abe")
        output = form.norm(f"{prefix}.LayerNorm_3", output, 2)
        return form.op("Add", output, form.reshape(context, *joined))
