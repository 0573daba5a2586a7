# ===----------------------------------------------------------------------===#
#
# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Minima, maxima and sums over rows of every kind of length, whole tensors and trailing
dimensions, on vectors of every width: exact but for the order of float sums."""

import lowbit
import numpy as np
import pytest
from onnx import TensorProto, helper
from targets import compile_or_skip

TARGETS = ["x86-64", "x86-64-v3", "x86-64-v4"]
SIZES = [1, 2, 15, 16, 17, 63, 64, 100, 129, 3072]
REDUCTIONS = {"whole": None, "trailing": (1, 2), "row": (2,), "column": (1,)}


def make_model() -> bytes:
    """Every reduction of a float `x + shift` and of an integer `n`."""
    nodes = [helper.make_node("Add", ["x", "shift"], ["shifted"])]
    constants, outputs = [], []
    for name, axes in REDUCTIONS.items():
        operands = []
        if axes:
            operands = [f"axes_{name}"]
            constants.append(helper.make_tensor(operands[0], TensorProto.INT64, [len(axes)], axes))
        for operator in ("Min", "Max", "Sum"):
            for source, element in (("shifted", TensorProto.FLOAT), ("n", TensorProto.INT32)):
                result = f"{operator}_{name}_{source}"
                nodes.append(
                    helper.make_node(f"Reduce{operator}", [source, *operands], [result], keepdims=0)
                )
                rank = 3 - len(axes or (0, 1, 2))
                dims = [f"{result}_{i}" for i in range(rank)]
                outputs.append(helper.make_tensor_value_info(result, element, dims))
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, ["a", "b", "c"]),
        helper.make_tensor_value_info("shift", TensorProto.FLOAT, ["c"]),
        helper.make_tensor_value_info("n", TensorProto.INT32, ["a", "b", "c"]),
    ]
    graph = helper.make_graph(nodes, "reductions", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    return model.SerializeToString()


@pytest.fixture(scope="module", params=TARGETS)
def models(request, tmp_path_factory):
    """The model for one and for two threads."""
    path = tmp_path_factory.mktemp("reductions") / "model.so"
    model = compile_or_skip(make_model(), request.param)
    model.save(path)
    return [model, lowbit.load(path, threads=2)]


def extreme(operator: str, x: np.ndarray, axes: tuple[int, ...] | None) -> np.ndarray:
    """A minimum or maximum by which -0.0 is less than 0.0 and NaN wins."""
    if operator == "Max":
        return -extreme("Min", -x, axes)
    result = np.asarray(np.min(x, axis=axes))
    negative = np.any((x == 0) & np.signbit(x), axis=axes)
    return np.where(result == 0, np.where(negative, np.float32(-0.0), np.float32(0)), result)


def check(models, x: np.ndarray, shift: np.ndarray, n: np.ndarray) -> None:
    feeds = {"x": x, "shift": shift, "n": n}
    got, again = (model.run(feeds) for model in models)
    with np.errstate(all="ignore"):
        shifted = x + shift
    for key, value in got.items():
        assert value.tobytes() == again[key].tobytes(), f"{key} depends on threads"
    for name, axes in REDUCTIONS.items():
        for operator in ("Min", "Max", "Sum"):
            key = f"{operator}_{name}"
            function = {"Min": np.min, "Max": np.max, "Sum": np.sum}[operator]
            options = {"dtype": np.int32} if operator == "Sum" else {}
            expected = function(n, axis=axes, **options)
            np.testing.assert_array_equal(got[f"{key}_n"], expected, key)
            actual = got[f"{key}_shifted"]
            if operator == "Sum":
                with np.errstate(all="ignore"):
                    expected = np.sum(shifted.astype(np.float64), axis=axes)
                np.testing.assert_allclose(actual, expected, 1e-4, 1e-3, err_msg=key)
                continue
            expected = extreme(operator, shifted, axes)
            np.testing.assert_array_equal(actual, expected, key)
            real = ~np.isnan(expected)
            np.testing.assert_array_equal(np.signbit(actual)[real], np.signbit(expected)[real], key)


def random_operands(shape: tuple[int, ...], seed: int):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape).astype(np.float32)
    shift = rng.standard_normal(shape[-1]).astype(np.float32)
    return x, shift, rng.integers(-1000, 1000, shape).astype(np.int32)


@pytest.mark.parametrize("size", SIZES)
def test_sizes(models, size):
    for leading in ((1, 1), (2, 3), (1, 17)):
        check(models, *random_operands((*leading, size), size))


@pytest.mark.parametrize("size", [1, 15, 16, 17, 100])
def test_special_values(models, size):
    for special in (np.nan, np.inf, -np.inf):
        x, shift, n = random_operands((2, 3, size), size)
        x[1, 2, size - 1] = special
        check(models, x, shift, n)
    # Zeros of both signs; -0.0 + -0.0 is -0.0.
    x, shift, n = random_operands((2, 3, size), size)
    shift[:] = -0.0
    x[:] = np.where(x > 0.5, np.float32(0), np.float32(-0.0))
    check(models, x, shift, n)
    x[:] = np.float32(-0.0)
    check(models, x, shift, n)
