# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Truth values in the epilogue of a product: they lie in bytes, and are read as vectors."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from lowbit.models.emitter import GraphEmitter
from targets import compile_for_each

TARGETS = ["x86-64", "x86-64-v3", "native"]


@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("shape", ["rows and columns", "columns", "rows"])
@pytest.mark.parametrize("rows, size, columns", [(7, 40, 7), (5, 70, 64), (33, 64, 135)])
def test_masked(tmp_path, rows, size, columns, shape, constant):
    """`where(mask, sign(x) @ sign(w), fill)`, whose products are exact."""
    rng = np.random.default_rng(rows)
    extents = {"rows and columns": (rows, columns), "columns": (columns,), "rows": (rows, 1)}[shape]
    x = rng.normal(size=(rows, size)).astype(np.float32)
    weight = np.sign(rng.normal(size=(size, columns))).astype(np.float32)
    mask = rng.integers(0, 2, extents).astype(np.bool_)

    emitter = GraphEmitter(17)
    emitter.add_input("x", [rows, size], onnx.TensorProto.FLOAT)
    feeds = {"x": x}
    if constant:
        emitter.initializer("mask", mask)
    else:
        emitter.add_input("mask", extents, onnx.TensorProto.BOOL)
        feeds["mask"] = mask
    sign = emitter.node("Sign", ["x"], "sign", "sign", {})
    emitter.initializer("weight", weight)
    product = emitter.node("MatMul", [sign, "weight"], "product", "product", {})
    emitter.initializer("fill", np.array(-10000, np.float32))
    masked = emitter.node("Where", ["mask", product, "fill"], "masked", "where", {})
    emitter.add_output(masked, "y", [rows, columns])
    path = tmp_path / "model.onnx"
    onnx.save(emitter.model("lowbit", ir_version=8), path)

    expected = np.where(mask, np.sign(x) @ weight, np.float32(-10000))
    for model in compile_for_each(path, TARGETS):
        assert model.report["summary"]["quantized"] == 1
        np.testing.assert_array_equal(model.run(feeds)["y"], expected, model.target)
