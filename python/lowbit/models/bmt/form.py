# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How torch.onnx.export with dynamo=False spells the pieces of a BMT model.

Weights are float initializers [in, out] behind their quantizer, which is not folded.
Masks are built from the tokens, and replace scores where they are false.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..arithmetic import FloatArray
from ..emitter import GraphEmitter
from ..torchscript import Extent, TorchScriptSpelling
from .config import BMTConfig
from .parameters import BMTParameters
from .quantizers import BOUND_EPSILON, CLIP_LIMIT

_INT64, _FLOAT = 7, 1

#: Added to variances.
NORM_EPSILON = 1e-6

#: The score of a masked key.
MASKED = np.finfo(np.float32).min


def position_table(config: BMTConfig) -> FloatArray:
    """The fixed positions [max_positions, hidden]: all sines, then all cosines.

    Angles are position * 10000^(-i / (hidden // 2 - 1)); an odd last column is zero.
    """
    half = config.hidden_size // 2
    rates = np.exp(-math.log(10000.0) / (half - 1) * np.arange(half))
    angles = np.arange(config.max_positions)[:, None] * rates
    table = np.zeros((config.max_positions, config.hidden_size), np.float32)
    table[:, :half], table[:, half : 2 * half] = np.sin(angles), np.cos(angles)
    return table


class TorchScriptForm(TorchScriptSpelling):
    """TorchScript's spelling; opsets 13 to 17."""

    def __init__(self, parameters: BMTParameters, opset: int, fold_constants: bool) -> None:
        self.parameters = parameters
        self.config: BMTConfig = parameters.config
        self.emitter = GraphEmitter(opset)
        self.opset = opset
        self.fold_constants = fold_constants
        self.start_spelling()
        self._positions = position_table(self.config)[None]

    def parameter(self, name: str) -> str:
        """A parameter under its own name."""
        return self.emitter.initializer(name, self.parameters[name])

    # Quantizers and layers.

    def binarize(self, scope: str, x: str, axis: int) -> str:
        """Minus or plus half of the bound max|x| + 2^-23 along `axis` (Q12)."""
        largest = self.op(scope, "ReduceMax", [self.op(scope, "Abs", [x])], axes=[axis], keepdims=1)
        bound = self.op(scope, "Add", [largest, self.constant(scope, BOUND_EPSILON)])
        inverse = self.op(scope, "Reciprocal", [bound])
        factor = self.op(scope, "Mul", [inverse, self.constant(scope, 1.0)])
        unit = self.op(scope, "Mul", [x, factor])
        limits = [self._clip_limit(scope, limit) for limit in (-CLIP_LIMIT, CLIP_LIMIT)]
        lower = self.op(scope, "Floor", [self.op(scope, "Clip", [unit, *limits])])
        middle = self.op(scope, "Add", [lower, self.constant(scope, 0.5)])
        return self.op(scope, "Div", [middle, factor])

    def _clip_limit(self, scope: str, value: np.float32) -> str:
        limit = self.constant(scope, value)
        return limit if self.fold_constants else self.op(scope, "Cast", [limit], to=_FLOAT)

    def linear(self, scope: str, name: str, x: str) -> str:
        """`x` times the binary kernel of `name`, and its bias where it has one."""
        kernel = self.binarize(f"{scope}/wq", self.parameter(f"{name}.kernel"), 0)
        product = self.op(scope, "MatMul", [x, kernel])
        bias = f"{name}.bias"
        if bias not in self.parameters.tensors:
            return product
        return self.op(scope, "Add", [product, self.parameter(bias)])

    def output_layer(self, embedding: str, x: str) -> str:
        """Logits of the normalized hidden states `x`, in float."""
        if not self.config.logits_via_embedding:
            scope = "decoder/logitdense"
            kernel = self.parameter("decoder.logitdense.kernel")
            product = self.op(scope, "MatMul", [x, kernel])
            return self.op(scope, "Add", [product, self.parameter("decoder.logitdense.bias")])
        if self.fold_constants:
            table = self.folded("MatMul", np.ascontiguousarray(self.parameters[embedding].T))
        else:
            table = self.op("decoder", "Transpose", [self.parameter(embedding)], perm=[1, 0])
        logits = self.op("decoder", "MatMul", [x, table])
        root = self.constant("decoder", math.sqrt(self.config.hidden_size))
        return self.op("decoder", "Div", [logits, root])

    def norm(self, scope: str, name: str, x: str) -> str:
        """LayerNorm of the last axis."""
        scale, bias = self.parameter(f"{name}.scale"), self.parameter(f"{name}.bias")
        return self.layer_norm(scope, x, scale, bias, NORM_EPSILON)

    # Tokens and positions.

    def shift_right(self, scope: str, ids: str) -> str:
        """Token 0 and all `ids` [batch, length] but the last."""
        from onnx import numpy_helper

        zero = numpy_helper.from_array(np.array([0], np.int64))
        count = self.constant(scope, [2], np.int64)
        rest = self.op(scope, "ConstantOfShape", [count], value=zero)
        reversed_pads = self.op(
            scope, "Concat", [self.constant(scope, [1, 0], np.int64), rest], axis=0
        )
        pairs = self.reshape(scope, reversed_pads, [-1, 2])
        ends = (-1, np.iinfo(np.int64).min + 1)
        pairs = self.op(scope, "Slice", [pairs, *self._slice(scope, *ends, axis=0, step=-1)])
        pads = self.reshape(scope, self.op(scope, "Transpose", [pairs], perm=[1, 0]), [-1])
        pads = self.op(scope, "Cast", [pads], to=_INT64)
        padded = self.op(scope, "Pad", [ids, pads, ""], mode="constant")
        return self.op(scope, "Slice", [padded, *self._slice(scope, 0, -1, axis=1)])

    def _slice(self, scope: str, start: int, end: int, axis: int, step: int = 1) -> list[str]:
        return [self.constant(scope, [value], np.int64) for value in (start, end, axis, step)]

    def positions(self, scope: str, first: str | None, length: Extent) -> str:
        """The positions of `length` tokens, the first at `first` (or at 0)."""
        if first is None and isinstance(length, int) and self.fold_constants:
            return self.folded("Add", np.ascontiguousarray(self._positions[:, :length]))
        table = self.emitter.initializer("positions", self._positions)
        if first is None:
            start, last = self.constant(scope, [0], np.int64), self._scalar(scope, length)
        else:
            start = self.unsqueeze(scope, first, [0])
            last = self.op(scope, "Add", [first, self._scalar(scope, length)])
        end = self.unsqueeze(scope, last, [0])
        axis, step = (self.constant(scope, [1], np.int64) for _ in range(2))
        return self.op(scope, "Slice", [table, start, end, axis, step])

    def _scalar(self, scope: str, extent: Extent) -> str:
        return self.constant(scope, extent, np.int64) if isinstance(extent, int) else extent

    # Masks.

    def is_token(self, scope: str, ids: str) -> str:
        """Which of `ids` are no padding."""
        return self.op(scope, "Greater", [ids, self.constant(scope, 0, np.int64)])

    def key_mask(self, scope: str, keys: str) -> str:
        """[batch, 1, 1, keys] of `keys` [batch, keys], for queries that are all tokens."""
        return self.unsqueeze(scope, self.unsqueeze(scope, keys, [1]), [2])

    def pair_mask(self, scope: str, queries: str, keys: str) -> str:
        """[batch, 1, queries, keys]: where both are tokens."""
        rows, columns = self.unsqueeze(scope, queries, [2]), self.unsqueeze(scope, keys, [1])
        return self.unsqueeze(scope, self.op(scope, "And", [rows, columns]), [1])

    def causal_mask(self, scope: str, length: Extent) -> str:
        """[1, 1, length, length]: true up to the own position."""
        if isinstance(length, int) and self.fold_constants:
            mask = np.tril(np.ones((length, length), np.bool_))
            return self.folded("And", mask[None, None])
        start, step = self.constant(scope, 0, np.int64), self.constant(scope, 1, np.int64)
        numbers = self.op(scope, "Range", [start, self._scalar(scope, length), step])
        rows, columns = (self.unsqueeze(scope, numbers, [axis]) for axis in (1, 0))
        visible = self.op(scope, "GreaterOrEqual", [rows, columns])
        return self.unsqueeze(scope, self.unsqueeze(scope, visible, [0]), [1])

    def both(self, scope: str, masks: Sequence[str]) -> str:
        """Where both masks are true."""
        return self.op(scope, "And", masks)

    def masked(self, scope: str, mask: str, scores: str) -> str:
        """`scores` where the mask is true, else the least float."""
        return self.op(scope, "Where", [mask, scores, self.constant(scope, MASKED)])
