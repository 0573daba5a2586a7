# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How torch.onnx.export with dynamo=False (TorchScript) names and spells things.

Nodes are named after their modules, constants are nodes, shapes are computed with
Shape, Gather and Concat; folded constants are anonymous initializers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import numpy_helper

from .emitter import GraphEmitter

#: An extent of a shape in a graph: a number, or the name of a scalar that holds it.
Extent = int | str


class TorchScriptSpelling:
    """Nodes and constants in one graph; for forms that hold `emitter` and `opset`."""

    emitter: GraphEmitter
    opset: int
    ir_version: int

    def start_spelling(self) -> None:
        """Starts counting the nodes of each module."""
        self._counts: Counter[str] = Counter()
        self._anonymous = 900
        #: What the exporter of the time of the opset wrote.
        self.ir_version = 7 if self.opset < 15 else 8

    def op(self, scope: str, op_type: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Appends a node of the module `scope` and returns the name of its output."""
        stem = f"/{scope}/{op_type}"
        count = self._counts[stem]
        self._counts[stem] += 1
        name = f"{stem}_{count}" if count else stem
        return self.emitter.node(op_type, inputs, f"{name}_output_0", name, attributes)

    def constant(
        self, scope: str, value: npt.ArrayLike, dtype: type[np.generic] = np.float32
    ) -> str:
        """A constant written in the code of `scope`."""
        return self.op(
            scope, "Constant", [], value=numpy_helper.from_array(np.asarray(value, dtype))
        )

    def folded(self, user: str, array: npt.NDArray[Any]) -> str:
        """A constant that folding left for a node of type `user`."""
        self._anonymous += 1
        return self.emitter.initializer(f"onnx::{user}_{self._anonymous}", array)

    def size(self, scope: str, x: str, axis: int) -> str:
        """Extent `axis` of `x` as a scalar."""
        shape, index = self.op(scope, "Shape", [x]), self.constant(scope, axis, np.int64)
        return self.op(scope, "Gather", [shape, index], axis=0)

    def unsqueeze(self, scope: str, x: str, axes: list[int]) -> str:
        """`x` with new axes of extent 1."""
        if self.opset < 13:
            return self.op(scope, "Unsqueeze", [x], axes=axes)
        return self.op(scope, "Unsqueeze", [x, self.constant(scope, axes, np.int64)])

    def shape(self, scope: str, extents: Sequence[Extent]) -> str:
        """A shape as a one-dimensional tensor."""
        if not any(isinstance(extent, str) for extent in extents):
            return self.constant(scope, list(extents), np.int64)
        parts = [
            self.unsqueeze(scope, extent, [0])
            if isinstance(extent, str)
            else self.constant(scope, [extent], np.int64)
            for extent in extents
        ]
        return self.op(scope, "Concat", parts, axis=0)

    def reshape(self, scope: str, x: str, dims: Sequence[Extent]) -> str:
        """`x` with another shape."""
        attributes = {"allowzero": 0} if self.opset >= 14 else {}
        return self.op(scope, "Reshape", [x, self.shape(scope, dims)], **attributes)

    def layer_norm(self, scope: str, x: str, weight: str, bias: str, epsilon: float) -> str:
        """LayerNorm of the last axis: one operator where the opset has it."""
        if self.opset >= 17:
            inputs = [x, weight, bias]
            return self.op(scope, "LayerNormalization", inputs, axis=-1, epsilon=epsilon)
        mean = self.op(scope, "ReduceMean", [x], axes=[-1], keepdims=1)
        centred = self.op(scope, "Sub", [x, mean])
        square = self.op(scope, "Pow", [centred, self.constant(scope, 2.0)])
        variance = self.op(scope, "ReduceMean", [square], axes=[-1], keepdims=1)
        variance = self.op(scope, "Add", [variance, self.constant(scope, epsilon)])
        unit = self.op(scope, "Div", [centred, self.op(scope, "Sqrt", [variance])])
        return self.op(scope, "Add", [self.op(scope, "Mul", [unit, weight]), bias])

    def expand_to(self, scope: str, x: str, shape: str, rank: int) -> str:
        """`expand` to a shape in which -1 would mean 1."""
        one = numpy_helper.from_array(np.array([1], np.int64))
        ones = self.op(
            scope, "ConstantOfShape", [self.constant(scope, [rank], np.int64)], value=one
        )
        unset = self.op(scope, "Mul", [ones, self.constant(scope, -1, np.int64)])
        chosen = self.op(scope, "Where", [self.op(scope, "Equal", [shape, unset]), ones, shape])
        return self.op(scope, "Expand", [x, chosen])

    def add_row(self, scope: str, x: str, row: str) -> str:
        """`x` + `row`, which is expanded to the shape of `x` first."""
        shape = self.op(scope, "Shape", [x])
        return self.op(scope, "Add", [x, self.op(scope, "Expand", [row, shape])])
