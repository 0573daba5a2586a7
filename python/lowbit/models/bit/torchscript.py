# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The form that torch.onnx.export writes with dynamo=False (TorchScript).

Nodes are named after their modules, constants are nodes, shapes are computed with
Shape, Gather and Concat. Constant folding flattens weights into second copies for
ReduceL1, folds row-wise scales and the guards of the learned scales.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..arithmetic import MIN_ALPHA
from ..emitter import Dim
from ..torchscript import TorchScriptSpelling
from .form import Form
from .parameters import BiTParameters
from .quantizers import weight_scale


class TorchScriptForm(TorchScriptSpelling, Form):
    """TorchScript's spelling; opsets 11 to 17."""

    def __init__(
        self, parameters: BiTParameters, opset: int, batch: Dim, sequence: Dim, fold_constants: bool
    ) -> None:
        super().__init__(parameters, opset, batch, sequence)
        self.fold_constants = fold_constants
        self.start_spelling()

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
        return self.op(scope, "Mul", [sign, self._expand_as(scope, scale, array.shape)])

    def _expand_as(self, scope: str, x: str, dims: Sequence[int]) -> str:
        return self.expand_to(scope, x, self.constant(scope, list(dims), np.int64), len(dims))

    def add_move(self, scope: str, x: str, name: str, dims: Sequence[Dim]) -> str:
        return self.add_row(f"{scope}/move", x, self.parameter(name))

    def add_bias(self, scope: str, x: str, name: str, dims: Sequence[Dim]) -> str:
        if self.fold_constants:
            bias = self.folded("Expand", self.parameters[name].reshape(1, -1))
        else:
            bias = self.unsqueeze(scope, self.parameter(name), [0])
        return self.add_row(scope, x, bias)

    def position_embeddings(self, scope: str, ids: str) -> str:
        if isinstance(self.sequence, int):
            positions = self.constant(scope, np.arange(self.sequence)[None], np.int64)
        else:
            length = self.op(scope, "Cast", [self.size(scope, ids, 1)], to=7)
            start, step = self.constant(scope, 0, np.int64), self.constant(scope, 1, np.int64)
            positions = self.unsqueeze(scope, self.op(scope, "Range", [start, length, step]), [0])
        positions = self.op(scope, "Expand", [positions, self.op(scope, "Shape", [ids])])
        table = self.parameter("bert.embeddings.position_embeddings.weight")
        return self.op(f"{scope}/position_embeddings", "Gather", [table, positions])

    def zero_types(self, scope: str, ids: str) -> str:
        from onnx import numpy_helper

        zero = numpy_helper.from_array(np.array([0], np.int64))
        return self.op(scope, "ConstantOfShape", [self.op(scope, "Shape", [ids])], value=zero)

    def mask_bias(self, scope: str, mask: str) -> str:
        wide = self.unsqueeze(scope, self.unsqueeze(scope, mask, [1]), [2])
        absent = self.op(
            scope, "Sub", [self.constant(scope, 1.0), self.op(scope, "Cast", [wide], to=1)]
        )
        return self.op(scope, "Mul", [absent, self.constant(scope, -10000.0)])

    def reshape(self, scope: str, x: str, dims: Sequence[Dim]) -> str:
        extents = [
            self.size(scope, x, axis) if isinstance(dim, str) else dim
            for axis, dim in enumerate(dims)
        ]
        return self.op(scope, "Reshape", [x, self.shape(scope, extents)])

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
