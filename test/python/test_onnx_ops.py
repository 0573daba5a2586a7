# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every operator, compiled alone, against ONNX's reference implementation.

Each case runs twice: with fixed shapes, and with every dimension of its inputs
unknown, so that broadcasting, views and bounds are decided in the run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import lowbit
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

OPSET = 23

# Operands whose shape settles the rank of the result or the number of bounds.
SETTLES_RANK = {
    "ConstantOfShape": (0,),
    "GatherND": (1,),
    "Pad": (1,),
    "ScatterND": (1,),
    "Slice": (1, 2),
}


@dataclass(frozen=True)
class Const:
    """An operand that is an initializer."""

    array: np.ndarray


@dataclass(frozen=True)
class Case:
    """One node; an operand is an input (array), a `Const` or left out (None)."""

    op: str
    operands: tuple[Any, ...]
    attributes: dict[str, Any] = field(default_factory=dict)
    outputs: int = 1
    note: str = ""
    expected: np.ndarray | None = None  # where the reference implementation cannot

    @property
    def id(self) -> str:
        shapes = []
        for operand in self.operands:
            array = operand.array if isinstance(operand, Const) else operand
            shapes.append("none" if array is None else "x".join(map(str, array.shape)) or "scalar")
        return "-".join(filter(None, (self.op, "_".join(shapes), self.note)))

    def feeds(self) -> dict[str, np.ndarray]:
        return {
            f"x{i}": operand
            for i, operand in enumerate(self.operands)
            if isinstance(operand, np.ndarray)
        }


def make_model(case: Case, shape_of: Any, outputs: list[onnx.ValueInfoProto]) -> onnx.ModelProto:
    """The model of a case; `shape_of(i, array)` gives the declared shape of input i."""
    names, inputs, initializers = [], [], []
    for i, operand in enumerate(case.operands):
        names.append("" if operand is None else f"x{i}")
        if isinstance(operand, Const):
            initializers.append(numpy_helper.from_array(operand.array, f"x{i}"))
        elif operand is not None:
            element = helper.np_dtype_to_tensor_dtype(operand.dtype)
            settles_rank = i in SETTLES_RANK.get(case.op, ())
            shape = operand.shape if settles_rank else shape_of(i, operand)
            inputs.append(helper.make_tensor_value_info(f"x{i}", element, shape))
    results = [value.name for value in outputs]
    node = helper.make_node(case.op, names, results, name="the_node", **case.attributes)
    graph = helper.make_graph([node], "case", inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)


def reference(case: Case) -> list[np.ndarray]:
    """What ONNX's reference implementation computes."""
    if case.expected is not None:
        return [case.expected]
    outputs = [
        helper.make_tensor_value_info(f"y{i}", TensorProto.UNDEFINED, None)
        for i in range(case.outputs)
    ]
    model = make_model(case, lambda i, array: None, outputs)
    with np.errstate(all="ignore"):
        results = [np.asarray(y) for y in ReferenceEvaluator(model).run(None, case.feeds())]
    if case.op == "Sign" and results[0].dtype.kind == "f":  # ONNX does not say, 0 here
        results[0] = np.where(np.isnan(results[0]), 0, results[0])
    return results


def build(case: Case, dims: str) -> onnx.ModelProto:
    """The model of a case: `dims` is "fixed", "own" (every dimension has a name of
    its own) or "shared" (dimensions of one size have one name)."""
    outputs = [
        helper.make_tensor_value_info(
            f"y{i}",
            helper.np_dtype_to_tensor_dtype(value.dtype),
            value.shape if dims == "fixed" else [f"r{i}_{j}" for j in range(value.ndim)],
        )
        for i, value in enumerate(reference(case))
    ]
    shape_of = {
        "fixed": lambda i, array: array.shape,
        "own": lambda i, array: [f"d{i}_{j}" for j in range(array.ndim)],
        "shared": lambda i, array: [f"n{size}" for size in array.shape],
    }[dims]
    return make_model(case, shape_of, outputs)


rng = np.random.default_rng(7)


def real(*shape: int, low: float = -3, high: float = 3) -> np.ndarray:
    return rng.uniform(low, high, shape).astype(np.float32)


def whole(*shape: int, low: int = -9, high: int = 9, dtype=np.int64) -> np.ndarray:
    return rng.integers(low, high, shape).astype(dtype)


def boolean(*shape: int) -> np.ndarray:
    return rng.integers(0, 2, shape).astype(bool)


def ints(*values: int) -> Const:
    return Const(np.array(values, np.int64))


def scalar(value: float, dtype=np.float32) -> Const:
    return Const(np.array(value, dtype))


special = np.array([0.0, -0.0, 1.5, 2.5, -2.5, 0.5, -0.5, np.inf, -np.inf, np.nan], np.float32)
finite = special[:7]


def elementwise_cases() -> list[Case]:
    cases = []
    for op in ("Abs", "Ceil", "Floor", "Neg", "Relu", "Round"):
        cases += [Case(op, (real(3, 5),)), Case(op, (special,), note="special")]
    for op in ("Cos", "Erf", "Exp", "Sigmoid", "Sign", "Sin", "Tanh"):
        cases += [Case(op, (real(3, 5),)), Case(op, (finite,), note="special")]
    for op in ("Log", "Reciprocal", "Sqrt"):
        cases.append(Case(op, (real(2, 7, low=0.1),)))
    cases += [
        Case("Abs", (whole(4),), note="integer"),
        Case("Neg", (whole(3, 3, dtype=np.int32),), note="integer"),
        Case("Sign", (whole(5, low=-2, high=2),), note="integer"),
        Case("Not", (boolean(2, 3),)),
        Case("IsNaN", (np.array([1.0, np.nan, -np.nan, np.inf, 0.0], np.float32),)),
        Case("Identity", (real(2, 3),)),
        Case("Gelu", (real(4, 6),)),
        Case("Gelu", (real(4, 6),), {"approximate": "tanh"}),
        Case("Exp", (real(2, 0, 3),), note="empty"),
        Case("Exp", (real(),)),
    ]
    shapes = [
        ((2, 3), (2, 3)),
        ((2, 3), (3,)),
        ((2, 1, 4), (3, 1)),
        ((1, 1), (2, 3)),
        ((5,), ()),
        ((1,), ()),
        ((2, 0), (1,)),
        ((2, 3, 1), (2, 1, 4)),
    ]
    for a, b in shapes:
        cases.append(Case("Add", (real(*a), real(*b))))
        cases.append(Case("Mul", (whole(*b), whole(*a)), note="integer"))
    a, b = (2, 1, 4), (3, 1)
    for op in (
        "Sub",
        "Div",
        "Max",
        "Min",
        "Equal",
        "Greater",
        "GreaterOrEqual",
        "Less",
        "LessOrEqual",
    ):
        cases.append(Case(op, (real(*a), real(*b))))
        cases.append(Case(op, (whole(*a), whole(*b, low=1)), note="integer"))
    for op in ("And", "Or", "Xor", "Equal"):
        cases.append(Case(op, (boolean(*a), boolean(*b)), note="bool"))
    cases += [
        Case("Max", (special, special[::-1].copy()), note="special"),
        Case("Min", (special, special[::-1].copy()), note="special"),
        Case("Max", (real(3), real(3), real(2, 1)), note="three"),
        Case("Equal", (special, special), note="special"),
        Case(
            "Div",
            (whole(6, low=-20, high=20), Const(np.array([3, -3, 7, -1, 2, -2]))),
            note="signs",
        ),
        Case(
            "Div",
            (np.array([7, 200, 255], np.uint8), np.array([2, 3, 255], np.uint8)),
            note="uint8",
        ),
        Case("Less", (np.array([7, 200], np.uint8), np.array([200, 7], np.uint8)), note="uint8"),
        Case("Pow", (real(2, 3), scalar(2.0)), note="square"),
        Case("Pow", (real(2, 3), scalar(3, np.int64)), note="cube"),
        Case("Pow", (real(2, 3, low=0.1), scalar(0.5))),
        Case("Pow", (real(2, 3, low=0.1), real(3))),
        Case("Pow", (whole(4, low=0), scalar(3, np.int64)), note="integer"),
        Case("Clip", (real(3, 4), scalar(-1), scalar(1))),
        Case("Clip", (real(3, 4), None, scalar(0.5)), note="max"),
        Case("Clip", (real(3, 4), scalar(0.5)), note="min"),
        Case(
            "Clip", (real(3, 4), np.array(-1, np.float32), np.array(1, np.float32)), note="runtime"
        ),
        Case("Clip", (whole(3, 4), scalar(-2, np.int64), scalar(2, np.int64)), note="integer"),
        Case("Where", (boolean(2, 1), real(2, 3), real(3))),
        Case("Where", (boolean(2, 3), whole(1), whole(2, 1)), note="integer"),
        Case("Where", (boolean(2, 3), real(2, 3), scalar(-np.inf))),
    ]
    types = (np.float32, np.float64, np.int64, np.int32, np.int8, np.uint8, np.bool_)
    values = np.array([0, 1, 2, 3, 100, 127])
    for source in types:
        for target in types:
            if source != target:
                to = helper.np_dtype_to_tensor_dtype(np.dtype(target))
                note = f"{np.dtype(source)}-{np.dtype(target)}"
                cases.append(Case("Cast", (values.astype(source),), {"to": to}, note=note))
    to = int(TensorProto.INT64)
    cases.append(
        Case("Cast", (np.array([1.9, -1.9, -0.5], np.float32),), {"to": to}, note="truncates")
    )
    cases.append(Case("Cast", (special,), {"to": int(TensorProto.BOOL)}, note="special"))
    return cases


def reduction_cases() -> list[Case]:
    cases = []
    for op in (
        "ReduceL1",
        "ReduceL2",
        "ReduceMax",
        "ReduceMean",
        "ReduceMin",
        "ReduceProd",
        "ReduceSum",
    ):
        cases += [
            Case(op, (real(3, 4, 5), ints(-1))),
            Case(op, (real(3, 4, 5), ints(0, 2)), {"keepdims": 0}),
            Case(op, (real(3, 4),)),
            Case(op, (real(3, 4),), {"keepdims": 0}, note="all"),
        ]
    cases += [
        Case("ReduceSum", (whole(3, 4), ints(1)), note="integer"),
        Case("ReduceMax", (whole(3, 4), ints(0)), note="integer"),
        Case("ReduceMin", (whole(3, 4, dtype=np.int32), ints(0)), note="integer"),
        Case("ReduceSum", (real(3, 0), ints(1)), note="empty"),
        Case("ReduceSum", (real(3, 4), ints()), {"noop_with_empty_axes": 1}, note="noop"),
        Case("ReduceMax", (np.array([[1, np.nan], [2, 3]], np.float32), ints(1)), note="nan"),
    ]
    for attributes in ({}, {"exclusive": 1}, {"reverse": 1}, {"exclusive": 1, "reverse": 1}):
        note = "-".join(attributes)
        cases.append(Case("CumSum", (real(3, 6), scalar(1, np.int64)), attributes, note=note))
        cases.append(Case("CumSum", (whole(5), scalar(0, np.int64)), attributes, note=note))
    cases += [
        Case("CumSum", (real(2, 3, 4), scalar(-2, np.int64))),
        Case("Softmax", (real(2, 3, 7),)),
        Case("Softmax", (real(2, 3, 7),), {"axis": 1}),
        Case("Softmax", (real(5),), {"axis": 0}),
        Case("Softmax", (real(2, 0, 3),), {"axis": 1}, note="empty"),
        Case("LayerNormalization", (real(2, 3, 8), real(8), real(8)), {"epsilon": 1e-6}),
        Case("LayerNormalization", (real(2, 3, 8), Const(real(8)), Const(real(8)))),
        Case("LayerNormalization", (real(2, 3, 8), real(8))),
        Case("LayerNormalization", (real(2, 3, 4), real(3, 4), real(3, 4)), {"axis": 1}),
        Case("RMSNormalization", (real(2, 3, 8), real(8))),
        Case("RMSNormalization", (real(2, 3, 4), real(3, 4)), {"axis": -2}),
    ]
    return cases


def matmul_cases() -> list[Case]:
    shapes = [
        ((3, 5), (5, 4)),
        ((2, 3, 5), (5, 4)),
        ((2, 3, 5), (2, 5, 4)),
        ((2, 1, 3, 5), (6, 5, 4)),
        ((5,), (5, 4)),
        ((3, 5), (5,)),
        ((5,), (5,)),
        ((2, 3, 5), (5,)),
        ((3, 0), (0, 4)),
        ((0, 5), (5, 4)),
        ((1, 3, 1), (2, 1, 4)),
        ((17, 33), (33, 65)),
    ]
    einsums = [
        ("abc,cde->abde", (real(2, 3, 4), real(4, 5, 6))),
        ("abcd,cde->abe", (real(2, 3, 4, 5), Const(real(4, 5, 6)))),
        ("bqhd,bkhd->bhqk", (real(2, 3, 4, 5), real(2, 6, 4, 5))),
        ("bkhd,bhqk->bhdq", (real(2, 6, 4, 5), real(2, 4, 3, 6))),
        ("bijc,bcd->djib", (real(2, 3, 4, 5), real(2, 5, 6))),
        ("...ij, ...jk", (real(2, 1, 3, 4), real(5, 4, 6))),
        ("ba,cb->c", (real(3, 4), real(5, 3))),
        ("ab,c->cab", (real(2, 3), real(4))),
        ("i,i", (real(4), real(4))),
        ("ij->", (real(3, 4),)),
        ("ab,bc,bd->da", (real(2, 3), real(3, 4), real(3, 5))),
    ]
    cases = [Case("MatMul", (real(*a), real(*b))) for a, b in shapes]
    cases += [
        Case("MatMul", (real(2, 3, 33), Const(real(33, 40))), note="constant"),
        Case("MatMul", (whole(3, 5), whole(5, 4)), note="integer"),
        Case("Gemm", (real(3, 5), real(5, 4))),
        Case("Gemm", (real(3, 5), real(5, 4), real(4))),
        Case("Gemm", (real(5, 3), real(5, 4), real(3, 1)), {"transA": 1, "alpha": 0.5}),
        Case("Gemm", (real(3, 5), Const(real(4, 5)), Const(real(4))), {"transB": 1}),
        Case("Gemm", (real(3, 5), real(4, 5), real(1, 4)), {"transB": 1, "beta": 2.0}),
        Case("Gemm", (real(3, 5), real(5, 4), real()), note="scalar"),
        *(Case("Einsum", inputs, {"equation": equation}) for equation, inputs in einsums),
        Case("Attention", (real(2, 4, 5, 8), real(2, 4, 7, 8), real(2, 4, 7, 6))),
        Case("Attention", (real(2, 4, 5, 8), real(2, 4, 7, 8), real(2, 4, 7, 8), real(2, 1, 5, 7))),
        Case(
            "Attention",
            (real(2, 4, 5, 8), real(2, 4, 7, 8), real(2, 4, 7, 8), boolean(5, 7)),
            note="bool",
        ),
        Case(
            "Attention",
            (real(2, 4, 5, 8), real(2, 4, 5, 8), real(2, 4, 5, 8)),
            {"is_causal": 1, "scale": 0.3},
        ),
        Case("Attention", (real(1, 4, 5, 8), real(1, 4, 5, 8), real(1, 4, 5, 8)), {"softcap": 2.0}),
        Case(
            "Attention",
            (real(2, 5, 32), real(2, 7, 16), real(2, 7, 16)),
            {"q_num_heads": 4, "kv_num_heads": 2},
            note="grouped",
        ),
    ]
    return cases


def movement_cases() -> list[Case]:
    x = real(4, 5, 6)
    big = np.iinfo(np.int64).max
    cases = [
        Case("Transpose", (real(2, 3, 4),)),
        Case("Transpose", (real(2, 3, 4),), {"perm": [0, 2, 1]}),
        Case("Transpose", (real(2, 1, 4),), {"perm": [1, 0, 2]}, note="unit"),
        Case("Transpose", (boolean(2, 3),), note="bool"),
        Case("Transpose", (Const(real(20, 30)),), note="constant"),
        Case("Concat", (real(2, 3), real(2, 4)), {"axis": 1}),
        Case("Concat", (real(2, 3), real(1, 3), real(4, 3)), {"axis": -2}),
        Case("Concat", (real(2, 0), real(2, 3)), {"axis": 1}, note="empty"),
        Case("Concat", (whole(2), whole(3)), {"axis": 0}, note="integer"),
        Case("Reshape", (real(2, 3, 4), ints(6, 4))),
        Case("Reshape", (real(2, 3, 4), ints(0, -1))),
        Case("Reshape", (real(2, 6), ints(3, 4))),
        Case("Reshape", (real(2, 3, 4), ints(0, 0, 2, 2)), note="split"),
        Case("Reshape", (real(2, 3, 4), ints(-1)), note="flat"),
        Case("Reshape", (real(1, 1), ints()), note="scalar"),
        Case("Reshape", (real(), ints(1, 1)), note="scalar"),
        Case("Reshape", (real(2, 0, 3), ints(0, 6, 0)), {"allowzero": 1}, note="empty"),
        Case("Reshape", (real(0, 3), ints(3, 0)), {"allowzero": 1}, note="empty"),
        Case("Flatten", (real(2, 3, 4),)),
        Case("Flatten", (real(2, 3, 4),), {"axis": 0}),
        Case("Flatten", (real(2, 3, 4),), {"axis": -1}),
        Case("Squeeze", (real(2, 1, 3, 1), ints(1, -1))),
        Case("Unsqueeze", (real(2, 3), ints(0, -1))),
        Case("Unsqueeze", (real(), ints(0))),
        Case("Expand", (real(3, 1), ints(2, 1, 4))),
        Case("Expand", (real(3), ints(2, 3))),
        Case("Expand", (real(2, 3), ints(1, 1)), note="keeps"),
        Case("Expand", (real(), ints(2, 3))),
        Case("Expand", (boolean(1, 1, 4), ints(2, 3, 4)), note="bool"),
        Case("Slice", (x, ints(1), ints(3))),
        Case("Slice", (x, ints(1, -4), ints(big, -1), ints(0, 2))),
        Case("Slice", (x, ints(0, 0), ints(4, big), ints(-3, -1), ints(2, 3)), note="steps"),
        Case("Slice", (x, ints(-1, -1), ints(-big, 0), ints(1, 2), ints(-1, -2)), note="backwards"),
        Case("Slice", (x, ints(3), ints(1), ints(0)), note="empty"),
        Case("Slice", (x, ints(-100), ints(100), ints(1)), note="clamped"),
        Case("Slice", (x, ints(100), ints(-100), ints(1), ints(-1)), note="clamped"),
        Case("Slice", (x, np.array([1]), np.array([-1]), ints(1)), note="runtime"),
        Case(
            "Slice",
            (x, np.array([-2, 4]), np.array([-100, 0]), ints(1, 2), ints(-1, -3)),
            note="runtime",
        ),
        Case("Split", (real(6, 4),), {"num_outputs": 3}, outputs=3),
        Case("Split", (real(7, 4),), {"num_outputs": 3}, outputs=3, note="rest"),
        Case("Split", (real(2, 7), ints(2, 0, 5)), {"axis": -1}, outputs=3),
        Case("Pad", (real(2, 3), ints(1, 0, 0, 2))),
        Case("Pad", (real(2, 3), ints(1, 0, 0, 2), scalar(-1.5))),
        Case(
            "Pad",
            (x[0], ints(-1, 2, 0, -2)),
            note="cuts",
            expected=np.pad(x[0][1:, :-2], ((0, 0), (2, 0))),
        ),
        Case("Pad", (real(2, 3), np.array([1, 0, 0, 2])), note="runtime"),
        Case("Trilu", (real(4, 5),)),
        Case("Trilu", (real(2, 4, 4), scalar(1, np.int64)), {"upper": 0}),
        Case("Trilu", (real(4, 4), scalar(-1, np.int64))),
    ]
    return cases


def index_cases() -> list[Case]:
    tuples = np.array([[[0, 1], [1, -1]], [[1, 0], [-2, 2]]])
    scattered = np.array([[[0, 2]], [[-1, 1]]])
    cases = [
        Case("Gather", (real(5, 4), np.array([[0, 4], [-1, -5]]))),
        Case("Gather", (real(3, 5, 4), np.array([1, 0, -1])), {"axis": 1}),
        Case("Gather", (real(3, 5), ints(2, 0)), {"axis": -1}, note="constant"),
        Case("Gather", (real(3, 5, 4), Const(np.array(0))), {"axis": 1}, note="one"),
        Case("Gather", (real(3, 5, 4), Const(np.array(-1))), {"axis": 1}, note="last"),
        Case("Gather", (real(3, 5, 4), np.array(2)), {"axis": 1}, note="one-runtime"),
        Case("Gather", (real(3, 5, 4), np.array([[-2]])), {"axis": 1}, note="one-runtime"),
        Case("Gather", (whole(6), np.array([1, 5, -6], np.int32)), note="integer"),
        Case("Gather", (Const(real(20, 8)), whole(2, 3, low=0, high=20)), note="table"),
        Case("Gather", (real(5, 4), np.zeros((0,), np.int64)), note="empty"),
        Case("GatherND", (real(2, 3, 4), tuples)),
        Case("GatherND", (real(2, 3, 4), np.array([[0, 1, 2], [-1, -1, -1]]))),
        Case("GatherND", (real(2, 3, 4), np.array([[1], [-3]])), {"batch_dims": 1}),
        Case("ScatterElements", (real(5, 4), np.array([[1, 0, -1, 2]]), real(1, 4))),
        Case("ScatterElements", (real(3, 4), np.array([[3, 0], [1, -1]]), real(2, 2)), {"axis": 1}),
        Case("ScatterElements", (real(2, 3, 2), scattered, real(2, 1, 2)), {"axis": -2}),
        Case("ScatterND", (real(5, 4), np.array([[1], [-1]]), real(2, 4))),
        Case("ScatterND", (real(3, 4), np.array([[0, 0], [2, -1]]), real(2))),
        Case("ScatterND", (real(2, 3, 4), tuples, real(2, 2, 4))),
        Case(
            "ConstantOfShape",
            (np.array([2, 3]),),
            {"value": numpy_helper.from_array(np.array([7], np.int64))},
        ),
        Case("ConstantOfShape", (np.array([2, 0]),)),
        Case("ConstantOfShape", (ints(),)),
        Case("Range", (np.array(2), np.array(11), np.array(3))),
        Case("Range", (np.array(5), np.array(-4), np.array(-2))),
        Case("Range", (np.array(5), np.array(2), np.array(1)), note="empty"),
        Case("Range", (scalar(0, np.int64), np.array(6), scalar(1, np.int64))),
        Case("Range", tuple(np.array(v, np.float32) for v in (0.5, 3.0, 0.7)), note="float"),
        Case("Shape", (real(2, 3, 4),)),
        Case("Shape", (real(2, 3, 4),), {"start": -2}),
        Case("Shape", (real(2, 3, 4),), {"start": 1, "end": -1}),
        Case("Size", (real(2, 3, 4),)),
    ]
    return cases


CASES = elementwise_cases() + reduction_cases() + matmul_cases() + movement_cases() + index_cases()


def check(case: Case, dims: str) -> None:
    model = lowbit.compile(build(case, dims).SerializeToString())
    got = model.run(case.feeds())
    for i, expected in enumerate(reference(case)):
        actual = got[f"y{i}"]
        assert actual.shape == expected.shape
        assert actual.dtype == expected.dtype
        np.testing.assert_allclose(actual, expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("dims", ["fixed", "own", "shared"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_operator(case: Case, dims: str):
    if dims != "fixed" and not any(array.ndim for array in case.feeds().values()):
        pytest.skip("has no dimensions to vary")
    check(case, dims)
