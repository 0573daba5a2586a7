# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A small encoder and decoder in the way of exporters, for the tests of sessions.

All models share one table of embeddings, each with its own copy. The step has one
attention over a growing cache and one over the encoder's keys and values.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WORDS, WIDTH, HEADS = 40, 32, 2
HEAD = WIDTH // HEADS


def _weight(name: str, *shape: int) -> onnx.TensorProto:
    rng = np.random.default_rng(sum(map(ord, name)))
    return numpy_helper.from_array(rng.standard_normal(shape).astype(np.float32) / 4, name)


def _model(name, nodes, inputs, outputs, weights) -> onnx.ModelProto:
    ints = [
        numpy_helper.from_array(np.array([0, 0, HEADS, HEAD]), "split"),
        numpy_helper.from_array(np.array([0, 0, WIDTH]), "join"),
    ]
    graph = helper.make_graph(nodes, name, inputs, outputs, [*weights, *ints])
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    onnx.checker.check_model(model)
    return model


def _floats(name: str, *dims) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)


def _ints(name: str, *dims) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.INT64, dims)


def _heads(source: str, result: str) -> list[onnx.NodeProto]:
    """`source`, [B, T, width], times w_`result`, as [B, heads, T, head]."""
    return [
        helper.make_node("MatMul", [source, f"w_{result}"], [f"{result}_flat"]),
        helper.make_node("Reshape", [f"{result}_flat", "split"], [f"{result}_split"]),
        helper.make_node("Transpose", [f"{result}_split"], [result], perm=[0, 2, 1, 3]),
    ]


def _attention(q: str, k: str, v: str, result: str) -> list[onnx.NodeProto]:
    return [
        helper.make_node("Transpose", [k], [f"{result}_kt"], perm=[0, 1, 3, 2]),
        helper.make_node("MatMul", [q, f"{result}_kt"], [f"{result}_scores"]),
        helper.make_node("Softmax", [f"{result}_scores"], [f"{result}_p"], axis=-1),
        helper.make_node("MatMul", [f"{result}_p", v], [f"{result}_heads"]),
        helper.make_node("Transpose", [f"{result}_heads"], [f"{result}_t"], perm=[0, 2, 1, 3]),
        helper.make_node("Reshape", [f"{result}_t", "join"], [result]),
    ]


def encoder(width: int = WIDTH) -> onnx.ModelProto:
    """src [B, S] -> encoded [B, S, width]; its table is the step's for the usual width."""
    return _model(
        "encoder",
        [
            helper.make_node("Gather", ["table", "src"], ["words"]),
            helper.make_node("MatMul", ["words", "w_mix"], ["mixed"]),
            helper.make_node("Relu", ["mixed"], ["encoded"]),
        ],
        [_ints("src", "B", "S")],
        [_floats("encoded", "B", "S", width)],
        [_weight("table", WORDS, WIDTH), _weight("w_mix", WIDTH, width)],
    )


def cross_kv() -> onnx.ModelProto:
    """encoded [B, S, width] -> cross_k, cross_v [B, heads, S, head]."""
    return _model(
        "cross_kv",
        _heads("encoded", "cross_k") + _heads("encoded", "cross_v"),
        [_floats("encoded", "B", "S", WIDTH)],
        [_floats(name, "B", HEADS, "S", HEAD) for name in ("cross_k", "cross_v")],
        [_weight(f"w_{name}", WIDTH, WIDTH) for name in ("cross_k", "cross_v")],
    )


def step() -> onnx.ModelProto:
    """ids [B, 1], the caches -> logits [B, 1, words] and the caches, one longer."""
    names = ("q", "k", "v", "cross_q")
    return _model(
        "step",
        [
            helper.make_node("Gather", ["table", "ids"], ["x"]),
            *_heads("x", "q"),
            *_heads("x", "k"),
            *_heads("x", "v"),
            helper.make_node("Concat", ["past_k", "k"], ["present_k"], axis=2),
            helper.make_node("Concat", ["past_v", "v"], ["present_v"], axis=2),
            *_attention("q", "present_k", "present_v", "own"),
            helper.make_node("Add", ["x", "own"], ["y"]),
            *_heads("y", "cross_q"),
            *_attention("cross_q", "cross_k", "cross_v", "other"),
            helper.make_node("Add", ["y", "other"], ["z"]),
            helper.make_node("MatMul", ["z", "w_out"], ["logits"]),
        ],
        [
            _ints("ids", "B", 1),
            *(_floats(name, "B", HEADS, "S", HEAD) for name in ("cross_k", "cross_v")),
            *(_floats(name, "B", HEADS, "P", HEAD) for name in ("past_k", "past_v")),
        ],
        [
            _floats("logits", "B", 1, WORDS),
            *(_floats(name, "B", HEADS, "P1", HEAD) for name in ("present_k", "present_v")),
        ],
        [
            _weight("table", WORDS, WIDTH),
            *(_weight(f"w_{name}", WIDTH, WIDTH) for name in names),
            _weight("w_out", WIDTH, WORDS),
        ],
    )
