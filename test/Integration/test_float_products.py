# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Float products with a constant right side, as output layers are, and with one matrix for each
head, as attention in floats has them."""

from __future__ import annotations

from pathlib import Path

import lowbit
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from targets import compile_for_each, compile_or_skip


def product(table: np.ndarray, transposed: bool) -> onnx.ModelProto:
    """y = x table of x `[batch, sequence, K]`; `transposed` has the table as embeddings are."""
    k, n = table.shape
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    initializer = numpy_helper.from_array(table.T.copy() if transposed else table, "w")
    if transposed:
        initializer.name = "embeddings"
        nodes.insert(0, helper.make_node("Transpose", ["embeddings"], ["w"], perm=[1, 0]))
    return helper.make_model(
        helper.make_graph(
            nodes,
            "product",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", "sequence", k])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", "sequence", n])],
            [initializer],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
    )


def graph(nodes, inputs: dict[str, list], outputs: dict[str, list], **constants) -> onnx.ModelProto:
    """A model of `nodes` on float inputs and outputs of these shapes."""

    def describe(shapes: dict[str, list]):
        return [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in shapes.items()
        ]

    return helper.make_model(
        helper.make_graph(
            nodes,
            "products",
            describe(inputs),
            describe(outputs),
            [numpy_helper.from_array(value, name) for name, value in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
    )


def random(rng, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("k, n", [(1, 40), (37, 1100), (64, 3), (257, 515), (300, 2048)])
def test_rows_do_not_change_each_other(k, n, transposed):
    """The result is right, and that of a row bit for bit the same in every batch."""
    rng = np.random.default_rng(k)
    table = rng.standard_normal((k, n)).astype(np.float32)
    x = rng.standard_normal((17, 5, k)).astype(np.float32)
    model = product(table, transposed)
    for compiled in compile_for_each(model, ["x86-64", "x86-64-v3", "x86-64-v4"]):
        whole = compiled.run({"x": x})["y"]
        np.testing.assert_allclose(whole, x @ table, rtol=1e-4, atol=1e-4)
        for batch in (0, 1, 2, 3, 4, 5, 7, 8, 17):
            part = compiled.run({"x": x[:batch, :1]})["y"]
            np.testing.assert_array_equal(part, whole[:batch, :1])


@pytest.mark.parametrize("target", ["x86-64", "x86-64-v3", "x86-64-v4"])
def test_known_rows(target):
    """As many rows as the model says; every row is that of a model of one row."""
    rng = np.random.default_rng(1)
    table, bias, x = random(rng, 70, 97), random(rng, 97), random(rng, 17, 70)

    def gemm(count: int) -> onnx.ModelProto:
        node = helper.make_node("Gemm", ["x", "w", "c"], ["y"], transB=1)
        return graph([node], {"x": [count, 70]}, {"y": [count, 97]}, w=table.T.copy(), c=bias)

    one = compile_or_skip(gemm(1), target)
    alone = np.concatenate([one.run({"x": row[None]})["y"] for row in x])
    np.testing.assert_allclose(alone, x @ table + bias, rtol=1e-4, atol=1e-4)
    for rows in (2, 3, 4, 5, 7, 8, 17):
        whole = lowbit.compile(gemm(rows), target=target).run({"x": x[:rows]})["y"]
        np.testing.assert_array_equal(whole, alone[:rows])


def test_vector():
    """A left side without rows."""
    rng = np.random.default_rng(0)
    table, x = random(rng, 70, 97), random(rng, 70)
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    compiled = lowbit.compile(graph([node], {"x": [70]}, {"y": [97]}, w=table))
    np.testing.assert_allclose(compiled.run({"x": x})["y"], x @ table, rtol=1e-4, atol=1e-4)


def test_rows_of_slices():
    """Rows that are parts of tensors: the first tokens of sentences, columns of a result."""
    rng = np.random.default_rng(0)
    first, second = random(rng, 48, 64), random(rng, 48, 96)
    nodes = [
        helper.make_node("Slice", ["x", "begin", "end", "axis"], ["tokens"]),
        helper.make_node("MatMul", ["tokens", "first"], ["a"]),
        helper.make_node("MatMul", ["tokens", "second"], ["b"]),
        helper.make_node("Concat", ["a", "b"], ["y"], axis=2),
    ]
    model = graph(
        nodes,
        {"x": ["batch", "sequence", 48]},
        {"y": ["batch", 2, 160]},
        first=first,
        second=second,
        begin=np.array([0]),
        end=np.array([2]),
        axis=np.array([1]),
    )
    x = random(rng, 9, 5, 48)
    expected = np.concatenate([x[:, :2] @ first, x[:, :2] @ second], axis=2)
    for compiled in compile_for_each(model, ["x86-64", "x86-64-v3", "x86-64-v4"]):
        np.testing.assert_allclose(compiled.run({"x": x})["y"], expected, rtol=1e-4, atol=1e-4)


def test_table_that_others_read():
    """A table that is looked up as well stays as it is."""
    rng = np.random.default_rng(0)
    table, x = random(rng, 70, 97), random(rng, 5, 70)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["product"]),
        helper.make_node("Mul", ["z", "w"], ["scaled"]),
    ]
    model = graph(
        nodes, {"x": [5, 70], "z": [1]}, {"product": [5, 97], "scaled": [70, 97]}, w=table
    )
    result = lowbit.compile(model).run({"x": x, "z": np.array([3.0], np.float32)})
    np.testing.assert_allclose(result["product"], x @ table, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(result["scaled"], 3 * table)


def test_threads_do_not_change_sums(tmp_path):
    rng = np.random.default_rng(0)
    table = rng.standard_normal((50, 5000)).astype(np.float32)
    x = rng.standard_normal((3, 30, 50)).astype(np.float32)
    model = lowbit.compile(product(table, transposed=False))
    model.save(tmp_path / "product.so")
    two = lowbit.load(tmp_path / "product.so", threads=2)
    np.testing.assert_array_equal(two.run({"x": x})["y"], model.run({"x": x})["y"])


@pytest.mark.parametrize("size, columns", [(64, None), (24, 40), (7, 3), (130, 257)])
def test_matrices_of_heads(size, columns):
    """With a scale of the left side, that of attention; columns are known or not. The sums of a
    row do not depend on other rows or matrices."""
    rng = np.random.default_rng(size)
    nodes = [
        helper.make_node("Div", ["q", "scale"], ["scaled"]),
        helper.make_node("MatMul", ["scaled", "k"], ["y"]),
    ]
    inputs = {"q": ["batch", 3, "rows", size], "k": ["batch", 3, size, columns or "columns"]}
    outputs = {"y": ["batch", 3, "rows", columns or "columns"]}
    model = graph(nodes, inputs, outputs, scale=np.float32(np.sqrt(size)))
    for compiled in compile_for_each(model, ["x86-64", "x86-64-v3", "x86-64-v4"]):
        for batch, rows in ((2, 70), (1, 1), (2, 3)):
            q, k = random(rng, batch, 3, rows, size), random(rng, batch, 3, size, columns or 37)
            whole = compiled.run({"q": q, "k": k})["y"]
            np.testing.assert_allclose(whole, q / np.sqrt(size) @ k, rtol=1e-4, atol=1e-4)
            part = compiled.run({"q": q[-1:, :, -1:].copy(), "k": k[-1:]})["y"]
            np.testing.assert_array_equal(part, whole[-1:, :, -1:])


def size_of(model: lowbit.Model, folder: Path) -> int:
    """Bytes of the artifact."""
    model.save(folder / "product.so")
    return (folder / "product.so").stat().st_size


@pytest.mark.parametrize("k, n", [(37, 1100), (100, 2051)])
def test_tables_as_bf16(tmp_path, k, n):
    """Half as large, and wrong by what the rounding of each number allows."""
    rng = np.random.default_rng(k)
    table, x = random(rng, k, n), random(rng, 5, 1, k)
    model = product(table, transposed=True)
    exact, rounded = (lowbit.compile(model, tables=tables) for tables in ("f32", "bf16"))
    assert size_of(rounded, tmp_path) < size_of(exact, tmp_path) - 2 * k * n + 4096
    got = rounded.run({"x": x})["y"]
    bound = 2.0**-9 * (np.abs(x) @ np.abs(table))
    error = np.abs(got - x @ table)
    assert (error <= bound + 1e-4).all() and error.max() > bound.max() / 100
    bits = table.view(np.uint32)
    nearest = ((bits + 0x7FFF + (bits >> 16 & 1)) & np.uint32(0xFFFF0000)).view(np.float32)
    np.testing.assert_allclose(got, x @ nearest, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("k, n", [(37, 1100), (100, 2051)])
def test_tables_as_int8(tmp_path, k, n):
    """A quarter as large; a column has the levels that docs/Kernels.md tells."""
    rng = np.random.default_rng(k)
    table = random(rng, k, n)
    table[:, 5] = 0
    model = product(table, transposed=True)
    exact, rounded = (lowbit.compile(model, tables=tables) for tables in ("f32", "int8"))
    assert size_of(rounded, tmp_path) < size_of(exact, tmp_path) - 3 * k * n + 4 * n + 4096
    scales = np.abs(table).max(axis=0) / np.float32(127)
    codes = np.round(table / np.where(scales == 0, 1, scales))
    for rows in (1, 2, 5, 11):
        x = random(rng, rows, 1, k)
        got = rounded.run({"x": x})["y"]
        np.testing.assert_allclose(got, (x @ codes) * scales, rtol=1e-4, atol=1e-4)
        error, bound = np.abs(got - x @ table), np.abs(x).sum(axis=-1, keepdims=True) * scales / 2
        assert (error <= bound + 1e-4).all() and error.max() > bound.max() / 100


def test_unknown_tables():
    with pytest.raises(lowbit.CompileError, match="unknown type 'int4' of tables"):
        lowbit.compile(product(np.ones((2, 40), np.float32), False), tables="int4")
