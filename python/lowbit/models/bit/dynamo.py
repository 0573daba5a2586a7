# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The form that torch.onnx.export writes with dynamo=True.

Values are named after their operators, constants are initializers, axes are
inputs. The optimizer folds what is small or fixed: expanded shifts and biases and
gathered positions become whole tensors when the shape is static, and the norm's
epsilon of 1e-12 disappears because it is taken for zero.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arithmetic import FloatArray
from ..emitter import Dim
from .form import Form, expanded
from .parameters import BiTParameters


class DynamoForm(Form):
    """Dynamo's spelling; opset 18 and later."""

    ir_version = 10
    keeps_norm_epsilon = False

    def __init__(self, parameters: BiTParameters, opset: int, batch: Dim, sequence: Dim) -> None:
        super().__init__(parameters, opset, batch, sequence)
        self._counts: Counter[str] = Counter()
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._sizes: dict[int, str] = {}

    def _fresh(self, stem: str) -> str:
        count = self._counts[stem]
        self._counts[stem] += 1
        return f"{stem}_{count}" if count else stem

    def op(self, scope: str, op_type: str, inputs: Sequence[str], **attributes: Any) -> str:
        output = self._fresh(op_type.lower())
        return self.emitter.node(op_type, inputs, output, f"node_{output}", attributes)

    def constant(
        self, scope: str, value: npt.ArrayLike, dtype: type[np.generic] = np.float32
    ) -> str:
        array = np.asarray(value, dtype)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = self.emitter.initializer(self._fresh("val"), array)
        return self._constants[key]

    def scale(self, name: str, scope: str, user: str) -> str:
        return self.emitter.initializer(
            self._fresh("where"), np.asarray(self.parameters.alpha(name))
        )

    def quantized_weight(self, scope: str, name: str, per_row: bool) -> str:
        array, weight = self.parameters[name], self.parameter(name)
        if per_row:
            axes = self.constant(scope, [1], np.int64)
            total = self.op(scope, "ReduceL1", [weight, axes], keepdims=1, noop_with_empty_axes=0)
        else:
            flat = self.op(
                scope, "Reshape", [weight, self.constant(scope, [-1], np.int64)], allowzero=0
            )
            total = self.op(scope, "ReduceL1", [flat], keepdims=0, noop_with_empty_axes=0)
        scale = self.op(
            scope, "Div", [total, self.constant(scope, array.shape[1] if per_row else array.size)]
        )
        mean = self.op(scope, "ReduceMean", [weight], keepdims=1, noop_with_empty_axes=0)
        centred = self.op(scope, "Sub", [weight, self.op(scope, "Squeeze", [mean])])
        sign = self.op(scope, "Sign", [centred])
        shape = self.constant(scope, list(array.shape), np.int64)
        return self.op(scope, "Mul", [sign, self.op(scope, "Expand", [scale, shape])])

    def add_move(self, scope: str, x: str, name: str, dims: Sequence[Dim]) -> str:
        return self._add_vector(scope, x, name, dims)

    def add_bias(self, scope: str, x: str, name: str, dims: Sequence[Dim]) -> str:
        return self._add_vector(scope, x, name, dims)

    def _add_vector(self, scope: str, x: str, name: str, dims: Sequence[Dim]) -> str:
        if not any(isinstance(dim, str) for dim in dims):
            vector = self._folded("expand", expanded(self.parameters[name], dims))
        else:
            vector = self.op(scope, "Expand", [self.parameter(name), self._shape(scope, dims)])
        return self.op(scope, "Add", [x, vector])

    def _folded(self, stem: str, array: FloatArray) -> str:
        return self.emitter.initializer(self._fresh(stem), array)

    def position_embeddings(self, scope: str, ids: str) -> str:
        table = "bert.embeddings.position_embeddings.weight"
        dims = (self.batch, self.sequence)
        if isinstance(self.batch, int) and isinstance(self.sequence, int):
            rows = self.parameters[table][: self.sequence]
            return self._folded("embedding", expanded(rows, (*dims, self.config.hidden_size)))
        length = self._size(scope, 1)
        start, step = self.constant(scope, 0, np.int64), self.constant(scope, 1, np.int64)
        positions = self.op(scope, "Range", [start, length, step])
        positions = self.op(scope, "Unsqueeze", [positions, self.constant(scope, [0], np.int64)])
        positions = self.op(scope, "Expand", [positions, self._shape(scope, dims)])
        return self.op(scope, "Gather", [self.parameter(table), positions], axis=0)

    def zero_types(self, scope: str, ids: str) -> str:
        zero = self.constant(scope, 0, np.int64)
        return self.op(scope, "Expand", [zero, self._shape(scope, (self.batch, self.sequence))])

    def mask_bias(self, scope: str, mask: str) -> str:
        wide = self.op(scope, "Unsqueeze", [mask, self.constant(scope, [1, 2], np.int64)])
        absent = self.op(
            scope, "Sub", [self.constant(scope, 1.0), self.op(scope, "Cast", [wide], to=1)]
        )
        return self.op(scope, "Mul", [absent, self.constant(scope, -10000.0)])

    def reshape(self, scope: str, x: str, dims: Sequence[Dim]) -> str:
        return self.op(scope, "Reshape", [x, self._shape(scope, dims)], allowzero=1)

    def reduce_last(self, scope: str, op_type: str, x: str) -> str:
        axes = self.constant(scope, [-1], np.int64)
        return self.op(scope, op_type, [x, axes], keepdims=1, noop_with_empty_axes=0)

    def reduce_all(self, scope: str, op_type: str, x: str) -> str:
        return self.op(scope, op_type, [x], keepdims=0, noop_with_empty_axes=0)

    def pooler_matmul(self, scope: str, x: str, weight: str) -> str:
        return self.op(scope, "Gemm", [x, weight], alpha=1.0, beta=1.0, transA=0, transB=1)

    def activation(self, scope: str, x: str) -> str:
        if self.config.is_float and self.config.activation == "gelu" and self.opset >= 20:
            return self.op(scope, "Gelu", [x], approximate="none")
        return super().activation(scope, x)

    def _size(self, scope: str, axis: int) -> str:
        """Extent `axis` of the token ids as a scalar; asked for once per graph."""
        if axis not in self._sizes:
            part = self.op(scope, "Shape", ["input_ids"], start=axis, end=axis + 1)
            self._sizes[axis] = self.op(scope, "Squeeze", [part])
        return self._sizes[axis]

    def _shape(self, scope: str, dims: Sequence[Dim]) -> str:
        """The shape `dims`, of which the first two may be batch and sequence."""
        if not any(isinstance(dim, str) for dim in dims):
            return self.constant(scope, list(dims), np.int64)
        row = self.constant(scope, [-1], np.int64)
        parts = [
            self.op(scope, "Reshape", [self._size(scope, axis), row], allowzero=0)
            if isinstance(dim, str)
            else self.constant(scope, [dim], np.int64)
            for axis, dim in enumerate(dims)
        ]
        return self.op(scope, "Concat", parts, axis=0)
