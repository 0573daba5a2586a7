# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Single products for benchmark/suite.py: quantizing and packing the left side included.

Weights are constant. lowbit quantizes floats to one bit, or to eight as TBT does; ggml gets
floats too and quantizes them to eight bits; ONNX Runtime's 8-bit product gets integers.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import ggml_product
import lowbit
import numpy as np
import onnx
from lowbit.benchmark import Run, onnxruntime
from onnx import TensorProto, helper, numpy_helper
from peers import Competitors, Missing, seconds_of

#: [size, columns] of the right side, and the rows of the left one.
SHAPES = ((768, 768), (768, 3072), (3072, 768), (160, 96), (100, 100))
ROWS = (1, 8, 32, 128, 512)
#: Where activations of eight bits are measured, and the sizes that ggml's blocks divide.
EIGHT_BIT_ROWS, BLOCK = (1, 8, 128), 256
#: Models of `matmul_models` by the bits of weights and activations.
OWN = {"W1A1": "signs", "W1A8": "signs8", "W2A8": "ternary8"}

Array = np.ndarray[Any, Any]


def measure(rounds: int, missing: Missing) -> list[dict[str, Any]]:
    """Times of every shape, through the C ABI where the product is lowbit's."""
    lines = []
    for size, columns in SHAPES:
        models = matmul_models(size, columns)
        own = {name: lowbit.compile(models[m], threads=1).run for name, m in OWN.items()}
        for rows in ROWS:
            rng = np.random.default_rng(rows)
            floats = rng.standard_normal((rows, size)).astype(np.float32)
            whole = rng.integers(0, 256, (rows, size)).astype(np.uint8)
            eight = rows in EIGHT_BIT_ROWS and size % BLOCK == 0
            chosen = OWN if eight else ("W1A1",)
            runs = Competitors("products", missing)
            runs |= {f"lowbit {name}": bound(own[name], floats) for name in chosen}
            if eight:
                add_ggml(runs, models, floats)
            # Each engine gets the type it takes, turn by turn all the same.
            for name, x in (("int8", whole), ("4-bit weights", floats), ("f32", floats)):
                runs.add(f"ONNX Runtime, {name}", partial(onnxruntime_product, models[name], x))
            seconds = seconds_of(runs, {}, rounds * 10)
            lines.append({"rows": rows, "size": size, "columns": columns, "seconds": seconds})
            print(f"  {rows} x {size} x {columns}", flush=True)
    return lines


def add_ggml(runs: Competitors, models: dict[str, onnx.ModelProto], x: Array) -> None:
    """ggml with the weights of lowbit's products with eight-bit activations."""
    for kind in ggml_product.TOLERANCES:
        model = models[OWN["W1A8" if kind == "Q1_0" else "W2A8"]]
        (weights,) = (t for t in model.graph.initializer if t.name == "w")
        transposed = np.ascontiguousarray(numpy_helper.to_array(weights).T)
        runs.add(f"ggml {kind}", partial(ggml_product.product, kind, transposed, x))


def bound(run: Run, x: Array) -> Run:
    """The run on an input of its own."""
    return lambda _: run({"x": x})


def onnxruntime_product(model: onnx.ModelProto, x: Array) -> Run:
    """ONNX Runtime on a model in memory."""
    return bound(onnxruntime(model.SerializeToString(), 1), x)


def matmul_models(size: int, columns: int, seed: int = 0) -> dict[str, onnx.ModelProto]:
    """One product `[m, size] x [size, columns]` as engines want it, with activations and weights:

    signs -- of two levels, written with float operators
    signs8, ternary8 -- of eight bits by the largest magnitude (Q10), and two or three levels
    int8 -- of 8-bit integers
    4-bit weights -- of floats, and weights of 4 bits in blocks of 32
    f32 -- of floats
    """
    rng = np.random.default_rng(seed)
    signs = np.where(rng.standard_normal((size, columns)) > 0, 0.02, -0.02).astype(np.float32)
    ternary = (rng.integers(-1, 2, (size, columns)) * 0.02).astype(np.float32)
    bytes_ = rng.integers(-127, 128, (size, columns)).astype(np.int8)

    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]

    def model(nodes: list[Any], dtypes: tuple[int, int], constants: dict[str, Any]) -> Any:
        ends = [
            helper.make_tensor_value_info(name, dtype, ["m", extent])
            for name, dtype, extent in zip("xy", dtypes, (size, columns), strict=True)
        ]
        initializers = [numpy_helper.from_array(v, name) for name, v in constants.items()]
        graph = helper.make_graph(nodes, "product", ends[:1], ends[1:], initializers)
        return helper.make_model(graph, opset_imports=opsets, ir_version=9)

    f32 = (TensorProto.FLOAT, TensorProto.FLOAT)
    node = helper.make_node
    product = node("MatMul", ["q", "w"], ["y"])
    one_bit = [node("Sign", ["x"], ["s"]), node("Mul", ["s", "scale"], ["q"]), product]
    eight_bit = [
        node("Abs", ["x"], ["a"]),
        node("ReduceMax", ["a"], ["largest"], keepdims=0),
        node("Reciprocal", ["largest"], ["inverse"]),
        node("Mul", ["inverse", "levels"], ["factor"]),
        node("Mul", ["x", "factor"], ["s"]),
        node("Round", ["s"], ["r"]),
        node("Div", ["r", "factor"], ["q"]),
        product,
    ]
    blocks = -(-size // 32)
    four = node(
        "MatMulNBits",
        ["x", "w", "scales"],
        ["y"],
        domain="com.microsoft",
        K=size,
        N=columns,
        bits=4,
        block_size=32,
    )
    nibbles = rng.integers(0, 256, (columns, blocks, 16)).astype(np.uint8)
    scales = np.full(columns * blocks, 0.02, "f4")
    levels = np.float32(127)
    return {
        "signs": model(one_bit, f32, {"w": signs, "scale": np.float32(0.7)}),
        "signs8": model(eight_bit, f32, {"w": signs, "levels": levels}),
        "ternary8": model(eight_bit, f32, {"w": ternary, "levels": levels}),
        "int8": model(
            [node("MatMulInteger", ["x", "w"], ["y"])],
            (TensorProto.UINT8, TensorProto.INT32),
            {"w": bytes_},
        ),
        "4-bit weights": model([four], f32, {"w": nibbles, "scales": scales}),
        "f32": model([node("MatMul", ["x", "w"], ["y"])], f32, {"w": signs}),
    }
