# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Lookups in packed tables against numpy: kernels on every level of instructions, and the
definition of what is packed."""

from __future__ import annotations

import lowbit
import numpy as np
import pytest
from definition import transform
from targets import compile_for_each
from test_kernels import levels_type

TARGETS = ["x86-64", "x86-64-v3", "x86-64-v4", "native"]
LEVELS = [
    (-1, 1),
    (0, 1),
    (-1, 0, 1),
    (-2, -1, 0, 1),
    (-3, -1, 1),
    tuple(range(-2, 3)),
    tuple(range(-8, 8)),
    tuple(range(-8, 9)),
    tuple(range(256)),
]


def lookup(table: np.ndarray, levels, scale: np.ndarray) -> str:
    """`@main` with ids of any batch and length."""
    rows, size = table.shape
    stored, result = f"tensor<{rows}x{size}x{levels_type(levels)}>", f"tensor<?x?x{size}xf32>"
    data = table.astype(np.uint8 if levels[-1] > 127 else np.int8).tobytes().hex().upper()
    factor = "x".join([*map(str, scale.shape), "f32"])
    return f"""
func.func @main(%ids: tensor<?x?xi64> {{onnx.name = "ids"}}) -> ({result} {{onnx.name = "y"}}) {{
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %batch = tensor.dim %ids, %zero : tensor<?x?xi64>
  %length = tensor.dim %ids, %one : tensor<?x?xi64>
  %table = lowbit.constant dense<"0x{data}"> : tensor<{rows}x{size}xi8> -> {stored}
  %scale = arith.constant dense<"0x{scale.tobytes().hex().upper()}"> : tensor<{factor}>
  %e = tensor.empty(%batch, %length) : {result}
  %y = lowbit.lookup ins(%table, %ids, %scale : {stored}, tensor<?x?xi64>, tensor<{factor}>)
         outs(%e : {result}) -> {result}
  return %y : {result}
}}
"""


def check(folder, table: np.ndarray, levels, scale: np.ndarray, ids) -> str:
    """Runs the lookup with each array of `ids`; returns it packed."""
    source = lookup(table, levels, scale)
    path, definition = folder / "lookup.mlir", folder / "definition.mlir"
    path.write_text(source)
    packed = transform(source, "lowbit-pack")
    definition.write_text(transform(packed, "convert-lowbit-to-linalg"))
    factors = np.broadcast_to(scale, len(table))
    for model in [
        *compile_for_each(path, TARGETS),
        lowbit.compile(definition, target="x86-64"),
    ]:
        for some in ids:
            expected = table[some].astype(np.float32) * factors[some][..., None]
            got = model.run({"ids": some})["y"]
            # Bits: 0 and -0 are not the same.
            np.testing.assert_array_equal(got.view(np.uint32), expected.view(np.uint32))
    return packed


@pytest.mark.parametrize("levels", LEVELS, ids=lambda levels: f"{levels[0]}to{levels[-1]}")
@pytest.mark.parametrize("size", [1, 6, 63, 154, 200])
def test_levels(tmp_path, levels, size):
    rng = np.random.default_rng([size, len(levels)])
    table = rng.choice(levels, (9, size))
    scale = rng.standard_normal(9 if size % 2 else ()).astype(np.float32)
    ids = [rng.integers(0, 9, shape) for shape in ((2, 17), (1, 1), (0, 3))]
    assert "digits" in check(tmp_path, table, levels, np.array(scale), ids)


@pytest.mark.parametrize("zeros", [0, 1, 2, 7, 15, 16, 300])
def test_zeros_among_signs(tmp_path, zeros):
    """Few zeros are listed: 8 bytes for each, where that takes a quarter of the 5 bytes that
    a row of two levels saves."""
    rng = np.random.default_rng(zeros)
    table = rng.choice([-1, 1], (100, 70))
    table.reshape(-1)[rng.choice(table.size, zeros, replace=False)] = 0
    scale = np.abs(rng.standard_normal(100)).astype(np.float32)
    # The row of a padding token has the scale 0.
    table[17] = scale[17] = 0
    packed = check(tmp_path, table, (-1, 0, 1), scale, [np.arange(100).reshape(4, 25)])
    listed = np.count_nonzero(table == 0) - 70
    assert (" zeros(" in packed) == (0 < listed <= 15)
    assert ("#lowbit.packing<<-1, 1>, digits>" in packed) == (listed <= 15)


@pytest.mark.parametrize("row", [0, 1, 99])
def test_zeros_of_first_and_last_rows(tmp_path, row):
    rng = np.random.default_rng(row)
    table = rng.choice([-1, 1], (100, 40))
    table[[row, 50], 39] = table[row, 0] = 0
    scale = np.array(0.25, np.float32)
    packed = check(tmp_path, table, (-1, 0, 1), scale, [np.arange(100)[None], np.array([[row]])])
    assert " zeros(" in packed
