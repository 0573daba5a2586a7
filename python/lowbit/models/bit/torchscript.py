# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The form that torch.onnx.export writes with dynamo=False (TorchScript).

Nodes are named after their modules, constants are nodes, shapes are computed with
Shape, Gather and Concat. Constant folding flattens weights into second copies for
ReduceL1, folds row-wise scales and the guards of the learned scales.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .emitter import Dim
from .form import Form
from .parameters import BiTParameters
from .quantizers import MIN_ALPHA, FloatArray, weight_scale


class TorchScriptForm(Form):
    """TorchScript's spelling; opsets 11 to 17."""

    def __init__(
        self, parameters: BiTParameters, opset: int, batch: Dim, sequence: Dim, fold_constants: bool
    ) -> None:
        super().__init__(parameters, opset, batch, sequence)
        self.fold_constants = fold_constants
        self.ir_version = 7 if opset < 15 else 8
        self._counts: Counter[str] = Counter()
        self._anonymous = 900

    def op(self, scope: str, op_type: str, inputs: Sequence[str], **attributes: Any) -> str:
        stem = f"/{scope}/{op_type}"
        count = self._counts[stem]
        self._counts[stem] += 1
        name = f"{stem}_{count}" if count else stem
        return self.emitter.node(op_type, inputs, f"{name}_output_0", name, attributes)

    def constant(
        self, scope: str, value: npt.ArrayLike, dtype: type[np.generic] = np.float32
    ) -> str:
        from onnx import numpy_helper

        return self.op(
            scope, "Constant", [], value=numpy_helper.from_array(np.asarray(value, dtype))
        )

    def folded(self, user: str, array: FloatArray) -> str:
        """A constant that folding left for a node of type `user`."""
        self._anonymous += 1
        return self.emitter.initializer(f"onnx::{user}_{self._anonymous}", array)

    def scale(self, name: str, scope: str, user: str) -> str:
        if self.fold_constants:
            return self.folded(user, np.asarray(self.parameters.alpha(name)))
        alpha, least = self.parameter(name), self.constant(scope, MIN_ALPHA)
        return self.op(scope, "Where", [self.op(scope, "Greater", [alpha, least]), alpha, least])

    def quantized_weight(self, scope: str, name: str, per_row: bool) -> str:
        array, weight = self.parameters[name], self.parameter(name)
        if not per_row:
            if self.fold_constants:
                flat = self.folded("ReduceL1", array.reshape(-1))
            else:
                flat = self.op(scope, "Reshape", [weight, self.constant(scope, [-1], np.int64)])
            total = self.op(scope, "ReduceL1", [flat], keepdims=0)
            scale = self.op(scope, "Div", [total, self.constant(scope, array.size)])
        elif self.fold_constants:
            scale = self.folded("Expand", weight_scale(array, per_row=True))
        else:
            total = self.op(scope, "ReduceL1", [weight], axes=[1], keepdims=1)
            scale = self.op(scope, "Div", [total, self.constant(scope, array.shape[1])])
        mean = self.op(scope, "ReduceMean", [weight], keepdims=0)
        sign = self.op(scope, "Sign", [self.op(scope, "Sub", [weight, mean])])
        return self.op(scope, "Mul", [sign, self._expand_to(scope, scale, array.shape)])

    def _expand_to(self, scope: str, x: str, dims: Sequence[int]) -> str:
        """`expand_as`: a dimension of -1 in the constant shape would mean 1."""
        from onnx import numpy_helper

        shape = self.constant(scope, list(dims), np.int64)
        one = numpy_helper.from_array(np.array([1], np.int64))
        ones = self.op(
            scope, "ConstantOfShape", [self.constant(scope, [len(dims)], np.int64)], value=one
        )
        unset = self.op(scope, "Mul", [ones, self.constant(scope, -1, np.int64)])
        chosen = self.op(scope, "Where", [self.op(scope, "Equal", [shape, unset]), ones, shape])
        return self.op(scope, "Expand", [x, chosen])

    def add_move(self, scope: str, x: str, name: str, dims: Sequence[Dim]) -> str:
        shape = self.op(f"{scope}/move", "Shape", [x])
        return self.op(
            f"{scope}/move",
            "Add",
            [x, self.op(f"{scope}/move", "Expand", [self.parameter(name), shape])],
        )

    def add_bias(self, scope: str, x: str, name: str, dims: Sequence[Dim]) -> str:
        if self.fold_constants:
            bias = self.folded("Expand", self.parameters[name].reshape(1, -1))
        else:
            bias = self._unsqueeze(scope, self.parameter(name), [0])
        shape = self.op(scope, "Shape", [x])
        return self.op(scope, "Add", [x, self.op(scope, "Expand", [bias, shape])])

    def position_embeddings(self, scope: str, ids: str) -> str:
        if isinstance(self.sequence, int):
            positions = self.constant(scope, np.arange(self.sequence)[None], np.int64)
        else:
            length = self.op(scope, "Cast", [self._dim(scope, ids, 1)], to=7)
            start, step = self.constant(scope, 0, np.int64), self.constant(scope, 1, np.int64)
            positions = self._unsqueeze(scope, self.op(scope, "Range", [start, length, step]), [0])
        positions = self.op(scope, "Expand", [positions, self.op(scope, "Shape", [ids])])
        table = self.parameter("bert.embeddings.position_embeddings.weight")
        return self.op(f"{scope}/position_embeddings", "Gather", [table, positions])

    def zero_types(self, scope: str, ids: str) -> str:
        from onnx import numpy_helper

        zero = numpy_helper.from_array(np.array([0], np.int64))
        return self.op(scope, "ConstantOfShape", [self.op(scope, "Shape", [ids])], value=zero)

    def mask_bias(self, scope: str, mask: str) -> str:
        wide = self._unsqueeze(scope, self._unsqueeze(scope, mask, [1]), [2])
        absent = self.op(
            scope, "Sub", [self.constant(scope, 1.0), self.op(scope, "Cast", [wide], to=1)]
        )
        return self.op(scope, "Mul", [absent, self.constant(scope, -10000.0)])

    def reshape(self, scope: str, x: str, dims: Sequence[Dim]) -> str:
        if not any(isinstance(dim, str) for dim in dims):
            return self.op(scope, "Reshape", [x, self.constant(scope, list(dims), np.int64)])
        parts = [
            self._unsqueeze(scope, self._dim(scope, x, axis), [0])
            if isinstance(dim, str)
            else self.constant(scope, [dim], np.int64)
            for axis, dim in enumerate(dims)
        ]
        return self.op(scope, "Reshape", [x, self.op(scope, "Concat", parts, axis=0)])

    def reduce_last(self, scope: str, op_type: str, x: str) -> str:
        return self.op(scope, op_type, [x], axes=[-1], keepdims=1)

    def reduce_all(self, scope: str, op_type: str, x: str) -> str:
        return self.op(scope, op_type, [x], keepdims=0)

    def pooler_matmul(self, scope: str, x: str, weight: str) -> str:
        return self.matmul_transposed(scope, x, weight)

    def float_weight(self, scope: str, name: str) -> str:
        if not self.fold_constants:
            return super().float_weight(scope, name)
        return self.folded("MatMul", np.ascontiguousarray(self.parameters[name].T))

    def _dim(self, scope: str, x: str, axis: int) -> str:
        return self.op(
            scope,
            "Gather",
            [self.op(scope, "Shape", [x]), self.constant(scope, axis, np.int64)],
            axis=0,
        )

    def _unsqueeze(self, scope: str, x: str, axes: list[int]) -> str:
        if self.opset < 13:
            return self.op(scope, "Unsqueeze", [x], axes=axes)
        return self.op(scope, "Unsqueeze", [x, self.constant(scope, axes, np.int64)])
