# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Float products with a constant right side, as output layers are."""

from __future__ import annotations

import lowbit
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from targets import compile_for_each


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


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("k, n", [(1, 40), (37, 1100), (64, 3), (100, 2051)])
def test_rows_do_not_change_each_other(k, n, transposed):
    """The result is right, and that of a row bit for bit the same in every batch."""
    rng = np.random.default_rng(k)
    table = rng.standard_normal((k, n)).astype(np.float32)
    x = rng.standard_normal((17, 5, k)).astype(np.float32)
    model = product(table, transposed)
    for compiled in compile_for_each(model, ["x86-64", "x86-64-v3", "x86-64-v4"]):
        whole = compiled.run({"x": x})["y"]
        np.testing.assert_allclose(whole, x @ table, rtol=1e-4, atol=1e-4)
        for batch in (1, 2, 3, 4, 5, 7, 8):
            part = compiled.run({"x": x[:batch, :1]})["y"]
            np.testing.assert_array_equal(part, whole[:batch, :1])


def test_threads_do_not_change_sums():
    rng = np.random.default_rng(0)
    table = rng.standard_normal((50, 5000)).astype(np.float32)
    x = rng.standard_normal((3, 30, 50)).astype(np.float32)
    model = product(table, transposed=False)
    alone = lowbit.compile(model).run({"x": x})["y"]
    np.testing.assert_array_equal(lowbit.compile(model, threads=2).run({"x": x})["y"], alone)
