# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The option `top`: the largest logits and where they are, bit for bit those of the whole."""

from __future__ import annotations

import lowbit
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from targets import compile_for_each

TARGETS = ["x86-64", "x86-64-v3", "x86-64-v4", "native"]


def output_layer(table: np.ndarray, bias: np.ndarray | None = None) -> onnx.ModelProto:
    """logits = x [batch, sequence, K] times a table [N, K], as tied embeddings are."""
    n, k = table.shape
    weights = [numpy_helper.from_array(table, "embeddings")]
    nodes = [
        helper.make_node("Transpose", ["embeddings"], ["w"], perm=[1, 0]),
        helper.make_node("MatMul", ["x", "w"], ["logits" if bias is None else "product"]),
    ]
    if bias is not None:
        weights.append(numpy_helper.from_array(bias[None], "bias"))
        nodes.append(helper.make_node("Add", ["product", "bias"], ["logits"]))
    return make_model(nodes, weights, ["batch", "sequence", k], ["batch", "sequence", n])


def make_model(nodes, weights, rows, logits) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "output_layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, rows)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, logits)],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def expected_top(logits: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k largest of each row, NaN first, of equal ones the first."""
    numbers = np.where(np.isnan(logits), 0, -logits)
    indices = np.lexsort((numbers, ~np.isnan(logits)), axis=-1)[..., :k]
    return np.take_along_axis(logits, indices, -1), indices


def check(model: onnx.ModelProto, x: np.ndarray, counts=(1, 5), targets=("native",)) -> None:
    """With the option, outputs are those that numpy selects without it."""
    whole = list(compile_for_each(model, targets))
    for count in counts:
        selected = compile_for_each(model, targets, top={"logits": count})
        for one, two in zip(whole, selected, strict=True):
            logits = one.run({"x": x})["logits"]
            got = two.run({"x": x})
            values, indices = expected_top(logits, count)
            np.testing.assert_array_equal(got["logits_indices"], indices)
            np.testing.assert_array_equal(
                got["logits_values"].view(np.int32), values.view(np.int32)
            )


@pytest.mark.parametrize("k, n", [(1, 40), (37, 1100), (64, 64), (100, 2051), (768, 300)])
@pytest.mark.parametrize("has_bias", [False, True])
def test_random_tables(k, n, has_bias):
    rng = np.random.default_rng(k)
    table = rng.standard_normal((n, k)).astype(np.float32)
    bias = rng.standard_normal(n).astype(np.float32) if has_bias else None
    x = rng.standard_normal((3, 5, k)).astype(np.float32)
    check(output_layer(table, bias), x, targets=[*TARGETS, "x86-64-v3,+avxvnni"])


def test_ties_and_hard_tables():
    """Equal and zero rows, rows of very different sizes, outliers, a bias that decides."""
    rng = np.random.default_rng(1)
    n, k = 1000, 53
    table = rng.standard_normal((n, k)).astype(np.float32)
    table[[3, 400, 999]] = table[50]
    table[[5, 700]] = 0
    table[600:700] *= np.float32(1e-30)
    table[700:750] *= np.float32(1e-41)
    table[750:760] *= np.float32(1e12)
    table[800:900, 7] *= 100
    x = rng.standard_normal((4, 8, k)).astype(np.float32)
    x[0, 0] = 0
    x[0, 1] = np.float32(1e-42)
    x[0, 2, 5:] = 0
    x[0, 3] *= np.float32(1e-25)
    x[0, 4] *= np.float32(1e10)
    x[0, 5, 7] *= 1000
    x[0, 6] = table[50]
    x[0, 7] = -0.0
    check(output_layer(table), x, counts=(1, 5, 1000), targets=TARGETS)
    bias = np.where(np.arange(n) % 3 == 0, np.float32(-np.inf), np.float32(40) / (1 + np.arange(n)))
    check(output_layer(table, bias.astype(np.float32)), x, counts=(4, 1000))


def test_what_bounds_do_not_cover():
    """NaN, infinities and sums that overflow: what the whole product gives."""
    rng = np.random.default_rng(2)
    n, k = 200, 40
    table = rng.standard_normal((n, k)).astype(np.float32)
    x = rng.standard_normal((1, 8, k)).astype(np.float32)
    x[0, 0, 3] = np.nan
    x[0, 1, 3] = np.inf
    x[0, 2, 3] = -np.inf
    x[0, 3, 2:4] = np.inf, -np.inf
    x[0, 4] *= np.float32(1e30)
    x[0, 5] *= np.float32(3e37)
    x[0, 6] *= np.float32(1e18)
    check(output_layer(table), x, targets=TARGETS)
    table[7, 3], table[60, 3], table[100] = np.nan, np.inf, table[100] * np.float32(1e30)
    check(output_layer(table, np.zeros(n, np.float32)), x, targets=TARGETS)
    bias = np.zeros(n, np.float32)
    bias[11] = np.nan
    check(output_layer(table, bias), x)


def test_equal_logits_of_all_rows():
    """All rows are candidates; the first come first."""
    row = np.random.default_rng(6).standard_normal((1, 16)).astype(np.float32)
    check(output_layer(np.repeat(row, 700, axis=0)), row[None])


@pytest.mark.parametrize("transposed", [0, 1])
def test_gemm(transposed):
    rng = np.random.default_rng(3)
    table = rng.standard_normal((90, 24) if transposed else (24, 90)).astype(np.float32)
    bias = rng.standard_normal(90).astype(np.float32)
    weights = [numpy_helper.from_array(table, "w"), numpy_helper.from_array(bias, "b")]
    node = helper.make_node("Gemm", ["x", "w", "b"], ["logits"], transB=transposed)
    x = rng.standard_normal((6, 24)).astype(np.float32)
    check(make_model([node], weights, ["batch", 24], ["batch", 90]), x)


def test_rows_and_threads_do_not_change_results(tmp_path):
    rng = np.random.default_rng(4)
    model = output_layer(rng.standard_normal((5000, 50)).astype(np.float32))
    x = rng.standard_normal((3, 5, 50)).astype(np.float32)
    one = lowbit.compile(model, top={"logits": 3})
    one.save(tmp_path / "model.so")
    two = lowbit.load(tmp_path / "model.so", threads=2)
    whole = one.run({"x": x})
    for name, value in whole.items():
        np.testing.assert_array_equal(two.run({"x": x})[name], value)
        np.testing.assert_array_equal(one.run({"x": x[:1, :1]})[name], value[:1, :1])


def test_signature_and_report():
    table = np.random.default_rng(5).standard_normal((300, 32)).astype(np.float32)
    model = lowbit.compile(output_layer(table), top={"logits": 3})
    assert [(o.name, o.dtype.name, o.shape) for o in model.outputs] == [
        ("logits_values", "float32", ("batch", "sequence", 3)),
        ("logits_indices", "int64", ("batch", "sequence", 3)),
    ]
    (product,) = model.report["matmuls"]
    assert (product["kernel"], product["k"], product["n"]) == ("screen", 32, 300)
    # The floats of the table, its codes and four bounds for each of their rows.
    assert product["weight_bytes"] == 300 * 32 * 4 + 320 * (32 + 16)


def test_tied_embeddings_are_stored_once(tmp_path):
    """Ids are looked up in the table that the output is a product with."""
    table = np.random.default_rng(8).standard_normal((4096, 128)).astype(np.float32)
    model = output_layer(table)
    model.graph.node.insert(0, helper.make_node("Gather", ["embeddings", "ids"], ["x"]))
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "sequence"])
    model.graph.input[0].CopyFrom(ids)
    compiled = lowbit.compile(model, top={"logits": 1})
    compiled.save(tmp_path / "model.so")
    # Floats and codes.
    assert (tmp_path / "model.so").stat().st_size < 1.4 * table.nbytes
    got = compiled.run({"ids": np.array([[5, 4000]])})["logits_indices"]
    np.testing.assert_array_equal(got[..., 0], (table[[5, 4000]] @ table.T).argmax(-1)[None])


def test_errors():
    table = np.random.default_rng(7).standard_normal((40, 8)).astype(np.float32)
    model = output_layer(table)

    def fail(match, model=model, **top):
        with pytest.raises(lowbit.CompileError, match=match):
            lowbit.compile(model, top=top)

    fail("no output is named 'scores', there are logits", scores=1)
    fail("expected 1 to 40 elements of output 'logits'.* got 41", logits=41)
    fail("expected 1 to 40 elements of output 'logits'.* got 0", logits=0)
    relu = output_layer(table)
    relu.graph.node[-1].output[0] = "product"
    relu.graph.node.append(helper.make_node("Relu", ["product"], ["logits"]))
    fail("cannot be selected: it is made by .*Relu", relu, logits=1)
    several = output_layer(table, np.ones(40, np.float32))
    several.graph.node[-1].input[1] = "product"
    fail("cannot be selected: it is a sum of other things", several, logits=1)
    # Levels have kernels of their own.
    fail("cannot be selected: it is made by", output_layer(np.sign(table)), logits=1)
