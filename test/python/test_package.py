# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The public API: compile, load, run, save, and every way to use them wrongly."""

from __future__ import annotations

import gc
import json
import threading
from pathlib import Path

import lowbit
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper


def small_model() -> onnx.ModelProto:
    """y[batch, 3] = x[batch, 4] @ w, n[batch, 2] = rows of a table."""
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((4, 3)).astype(np.float32)
    table = np.arange(20, dtype=np.float32).reshape(10, 2)
    return helper.make_model(
        helper.make_graph(
            [
                helper.make_node("MatMul", ["x", "w"], ["y"], name="product"),
                helper.make_node("Gather", ["table", "ids"], ["rows"], name="lookup"),
            ],
            "small",
            [
                helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4]),
                helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch"]),
            ],
            [
                helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 3]),
                helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["batch", 2]),
            ],
            [
                onnx.numpy_helper.from_array(weight, "w"),
                onnx.numpy_helper.from_array(table, "table"),
            ],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )


@pytest.fixture(scope="module")
def exported() -> onnx.ModelProto:
    return small_model()


@pytest.fixture(scope="module")
def model(exported) -> lowbit.Model:
    return lowbit.compile(exported)


@pytest.fixture
def feeds():
    x = np.random.default_rng(1).standard_normal((5, 4)).astype(np.float32)
    return {"x": x, "ids": np.arange(5)}


def test_signature(model):
    assert model.input_names == ["x", "ids"]
    assert model.output_names == ["y", "rows"]
    assert model.inputs[0] == lowbit.TensorSpec("x", np.dtype(np.float32), ("batch", 4))
    assert model.inputs[1] == lowbit.TensorSpec("ids", np.dtype(np.int64), ("batch",))
    assert model.outputs[0] == lowbit.TensorSpec("y", np.dtype(np.float32), ("batch", 3))
    assert "x: float32[batch, 4]" in repr(model)
    assert model.threads == 1
    assert model.target == "native"


def test_run(exported, model, feeds):
    weight = onnx.numpy_helper.to_array(exported.graph.initializer[0])
    outputs = model.run(feeds)
    assert list(outputs) == ["y", "rows"]
    np.testing.assert_allclose(outputs["y"], feeds["x"] @ weight, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(outputs["rows"], np.arange(10).reshape(5, 2))
    assert outputs["y"].dtype == np.float32
    assert outputs["y"].flags.writeable


def test_all_ways_to_give_a_model(exported, feeds, tmp_path: Path):
    path = tmp_path / "small.onnx"
    path.write_bytes(exported.SerializeToString())
    results = [
        lowbit.compile(source).run(feeds)["y"]
        for source in (path, str(path), path.read_bytes(), exported)
    ]
    for other in results[1:]:
        np.testing.assert_array_equal(results[0], other)


def test_any_layout_and_any_array_like(model, feeds):
    expected = model.run(feeds)["y"]
    wide = np.zeros((10, 8), np.float32)
    wide[::2, ::2] = feeds["x"]
    for x in (np.asfortranarray(feeds["x"]), wide[::2, ::2]):
        np.testing.assert_array_equal(model.run({"x": x, "ids": feeds["ids"]})["y"], expected)
    unaligned = np.frombuffer(b"\0" + feeds["x"].tobytes(), np.uint8)[1:].view(np.float32)
    got = model.run({"x": unaligned.reshape(5, 4), "ids": [0, 1, 2, 3, 4]})["y"]
    np.testing.assert_array_equal(got, expected)


def test_save_and_load(model, feeds, tmp_path: Path):
    path = tmp_path / "small.so"
    model.save(path)
    model.save(path)  # over itself
    assert [entry.name for entry in tmp_path.iterdir()] == ["small.so"]
    loaded = lowbit.load(path, threads=2)
    assert loaded.threads == 2
    assert loaded.inputs == model.inputs
    assert loaded.report == model.report
    expected = model.run(feeds)["y"]
    np.testing.assert_array_equal(loaded.run(feeds)["y"], expected)
    path.unlink()
    loaded.save(path)
    np.testing.assert_array_equal(lowbit.load(path).run(feeds)["y"], expected)


def test_outputs_outlive_the_model(exported, model, feeds):
    expected = model.run(feeds)["y"].copy()
    other = lowbit.compile(exported)
    kept = other.run(feeds)["y"]
    del other
    gc.collect()
    np.testing.assert_array_equal(kept, expected)


def test_concurrent_runs(model, feeds):
    expected = model.run(feeds)["y"]
    failures = []

    def work() -> None:
        for _ in range(50):
            if not np.array_equal(model.run(feeds)["y"], expected):
                failures.append("differs")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_report(exported, tmp_path: Path):
    compiled = lowbit.compile(exported, report=tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text()) == compiled.report
    assert compiled.report


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": None}, "missing input 'x'; the inputs are x, ids"),
        ({"mask": np.zeros(3)}, "unknown input 'mask'"),
        ({"ids": np.zeros(5, np.int32)}, r"'ids': expected int64, got int32; .*numpy.int64"),
        ({"x": np.zeros((5, 4))}, "'x': expected float32, got float64"),
        ({"x": np.zeros((5, 3), np.float32)}, "'x'"),
        ({"x": np.zeros((5, 4, 1), np.float32)}, "'x'"),
        ({"ids": np.zeros(4, np.int64)}, "batch"),
    ],
)
def test_inputs_that_do_not_fit(model, feeds, change, message):
    feeds = {name: value for name, value in {**feeds, **change}.items() if value is not None}
    with pytest.raises(lowbit.InputError, match=message) as caught:
        model.run(feeds)
    assert isinstance(caught.value, ValueError)
    assert caught.value.diagnostic == str(caught.value)


def test_values_that_the_model_refuses(model, feeds):
    feeds["ids"] = np.array([0, 1, 2, 3, 10])
    with pytest.raises(lowbit.RunError, match="lookup"):
        model.run(feeds)


@pytest.mark.parametrize("dtype", ["uint8", "uint32", "uint64"])
def test_unsigned_integers_stay_unsigned(dtype):
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    model = helper.make_model(
        helper.make_graph(
            [
                helper.make_node("Add", ["x", "x"], ["y"]),
                helper.make_node("Cast", ["y"], ["z"], to=1),
            ],
            "unsigned",
            [helper.make_tensor_value_info("x", kind, [2])],
            [
                helper.make_tensor_value_info("y", kind, [2]),
                helper.make_tensor_value_info("z", TensorProto.FLOAT, [2]),
            ],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    x = np.array([1, np.iinfo(dtype).max // 3], dtype)
    got = lowbit.compile(model).run({"x": x})
    assert got["y"].dtype == np.dtype(dtype)
    np.testing.assert_array_equal(got["y"], x + x)
    np.testing.assert_array_equal(got["z"], (x + x).astype(np.float32))
    with pytest.raises(ValueError, match=f"expected {dtype}, got int16"):
        lowbit.compile(model).run({"x": x.astype(np.int16)})


def test_unsupported_operators_are_all_named():
    model = small_model()
    for name in ("Foo", "Bar"):
        model.graph.node.append(
            helper.make_node(name, ["x"], [name], name=f"the_{name}", domain="d")
        )
    model.opset_import.append(helper.make_opsetid("d", 1))
    with pytest.raises(lowbit.CompileError, match="the_Foo") as caught:
        lowbit.compile(model)
    assert "the_Bar" in caught.value.diagnostic


@pytest.mark.parametrize("data", [b"", b"not a model", b"\x08\x08\x12"])
def test_bytes_that_are_no_model(data):
    with pytest.raises(lowbit.CompileError):
        lowbit.compile(data)


def test_wrong_arguments(exported, tmp_path: Path):
    with pytest.raises(lowbit.CompileError, match=r"none\.onnx"):
        lowbit.compile(tmp_path / "none.onnx")
    with pytest.raises(lowbit.CompileError, match="pentium"):
        lowbit.compile(exported, target="pentium")
    with pytest.raises(
        lowbit.CompileError, match=r"'no_such_kernel', known are .*generic-popcount"
    ):
        lowbit.compile(exported, kernel="no_such_kernel")
    with pytest.raises(ValueError, match="threads"):
        lowbit.compile(exported, threads=-1)
    with pytest.raises(TypeError, match=r"expected a path, bytes or onnx\.ModelProto, got int"):
        lowbit.compile(3)  # type: ignore[arg-type]


def test_files_that_are_no_artifact(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        lowbit.load(tmp_path / "none.so")
    (tmp_path / "text.so").write_text("hello")
    with pytest.raises(lowbit.LoadError, match=r"text\.so"):
        lowbit.load(tmp_path / "text.so")
