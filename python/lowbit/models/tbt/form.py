# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How torch.onnx.export with dynamo=False spells the pieces of a TBT model.

Weights are float initializers behind their quantizer and the residue (q - W) + W of its
straight-through estimator; nothing of that is folded. Folding leaves the guarded scales,
the expanded biases and a transposed copy of the embedding for the output layer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..arithmetic import MIN_ALPHA
from ..emitter import GraphEmitter
from ..torchscript import Extent, TorchScriptSpelling
from .config import TBTConfig
from .parameters import POSITION_OFFSET, SHARED, TBTParameters
from .quantizers import RANGE_EPSILON, TERNARY_FACTOR, level_range

_INT64, _FLOAT, _BOOL = 7, 1, 9


class TorchScriptForm(TorchScriptSpelling):
    """TorchScript's spelling; opsets 13 to 17."""

    def __init__(self, parameters: TBTParameters, opset: int, fold_constants: bool) -> None:
        self.parameters = parameters
        self.config: TBTConfig = parameters.config
        self.emitter = GraphEmitter(opset)
        self.opset = opset
        self.fold_constants = fold_constants
        self.start_spelling()
        self._bounds: dict[float, str] = {}

    def parameter(self, name: str) -> str:
        """A parameter under its own name."""
        return self.emitter.initializer(name, self.parameters[name])

    # Weights.

    def quantized_weight(self, scope: str, name: str) -> str:
        """The fake-quantized weight [rows, columns] (Q14, Q15) with its residue."""
        weight = self.parameter(name)
        magnitude = self.op(scope, "Abs", [weight])
        scale = self.op(scope, "ReduceMean", [magnitude], axes=[1], keepdims=1)
        if self.config.weight_bits == 1:
            levels = self.op(scope, "Sign", [self.op(scope, "Div", [weight, scale])])
        else:
            scale = self.op(scope, "Mul", [scale, self.constant(scope, TERNARY_FACTOR)])
            ratio = self.op(scope, "Div", [weight, scale])
            bounds = [self.constant(scope, -1.0), self.constant(scope, 1.0)]
            levels = self.op(scope, "Round", [self.op(scope, "Clip", [ratio, *bounds])])
        quantized = self.op(scope, "Mul", [scale, levels])
        return self.op(scope, "Add", [self.op(scope, "Sub", [quantized, weight]), weight])

    def linear(self, scope: str, name: str, x: str) -> str:
        """The quantized `x` times the weight of `name`, and its bias."""
        weight = self.quantized_weight(scope, f"{name}.weight")
        product = self.matmul_transposed(scope, x, weight)
        bias = f"{name}.bias"
        if self.fold_constants:
            row = self.folded("Expand", self.parameters[bias].reshape(1, -1))
        else:
            row = self.unsqueeze(scope, self.parameter(bias), [0])
        return self.add_row(scope, product, row)

    def matmul_transposed(self, scope: str, x: str, weight: str) -> str:
        """`x` [..., columns] times the transpose of `weight` [rows, columns]."""
        return self.op(scope, "MatMul", [x, self.op(scope, "Transpose", [weight], perm=[1, 0])])

    def output_layer(self, x: str) -> str:
        """Logits from the last hidden states, with the embedding unquantized."""
        scope = "lm_head"
        if self.fold_constants:
            table = np.ascontiguousarray(self.parameters[SHARED].T)
            logits = self.op(scope, "MatMul", [x, self.folded("MatMul", table)])
        else:
            logits = self.matmul_transposed(scope, x, self.parameter(SHARED))
        return self.op(scope, "Add", [logits, self.parameter("final_logits_bias")])

    # Activations.

    def quantize(self, scope: str, x: str, name: str, signed: bool) -> str:
        """The quantizer of `x` with the parameter `name`."""
        if self.config.learns_scales:
            return self._elastic(scope, x, name, signed)
        return self._symmetric(scope, x, name) if signed else self._asymmetric(scope, x, name)

    def _elastic(self, scope: str, x: str, name: str, signed: bool) -> str:
        bits = self.config.activation_bits
        if signed and bits == 1:
            sign = self.op(scope, "Sign", [x])
            return self.op(scope, "Mul", [sign, self._scale(scope, name, "Mul")])
        minimum = None
        if not signed and bits > 1:
            minimum = self.op(scope, "ReduceMin", [x], keepdims=0)
            x = self.op(scope, "Sub", [x, minimum])
        alpha = self._scale(scope, name, "Div")
        rounded = self.op(scope, "Round", [self.op(scope, "Div", [x, alpha])])
        bounds = [self.constant(scope, float(level)) for level in level_range(bits, signed)]
        scaled = self.op(scope, "Mul", [self.op(scope, "Clip", [rounded, *bounds]), alpha])
        return scaled if minimum is None else self.op(scope, "Add", [scaled, minimum])

    def _scale(self, scope: str, name: str, user: str) -> str:
        if self.fold_constants:
            return self.folded(user, np.asarray(self.parameters.alpha(name)))
        alpha, least = self.parameter(name), self.constant(scope, MIN_ALPHA)
        return self.op(scope, "Where", [self.op(scope, "Greater", [alpha, least]), alpha, least])

    def _symmetric(self, scope: str, x: str, name: str) -> str:
        bounds = [self._bound(scope, name, index, "Clip") for index in (0, 1)]
        x = self.op(scope, "Clip", [x, *bounds])
        largest = self.op(scope, "ReduceMax", [self.op(scope, "Abs", [x])], keepdims=0)
        largest = self.op(scope, "Expand", [largest, self.op(scope, "Shape", [x])])
        inverse = self.op(scope, "Reciprocal", [largest])
        factor = self.op(scope, "Mul", [inverse, self.constant(scope, 127.0)])
        rounded = self.op(scope, "Round", [self.op(scope, "Mul", [x, factor])])
        return self.op(scope, "Div", [rounded, factor])

    def _asymmetric(self, scope: str, x: str, name: str) -> str:
        below = self.op(scope, "Less", [x, self._bound(scope, name, 1, "Less")])
        x = self.op(scope, "Where", [below, x, self._bound(scope, name, 1, "Where")])
        above = self.op(scope, "Greater", [x, self._bound(scope, name, 0, "Greater")])
        x = self.op(scope, "Where", [above, x, self._bound(scope, name, 0, "Where")])
        ends = [self.op(scope, f"Reduce{end}", [x], keepdims=0) for end in ("Max", "Min")]
        extent = self.op(scope, "Sub", ends)
        minimum = self.op(scope, "ReduceMin", [x], keepdims=0)

        def divisor() -> str:
            return self.op(scope, "Add", [extent, self.constant(scope, RANGE_EPSILON)])

        unit = self.op(scope, "Div", [self.op(scope, "Sub", [x, minimum]), divisor()])
        rounded = self.op(
            scope, "Round", [self.op(scope, "Mul", [unit, self.constant(scope, 255.0)])]
        )
        unit = self.op(scope, "Div", [rounded, self.constant(scope, 255.0)])
        return self.op(scope, "Add", [self.op(scope, "Mul", [unit, divisor()]), minimum])

    def _bound(self, scope: str, name: str, index: int, user: str) -> str:
        """A bound of the clipping. Folded ones are shared, through an Identity for each use."""
        if not self.fold_constants:
            place = self.constant(scope, index, np.int64)
            return self.op(scope, "Gather", [self.parameter(name), place], axis=0)
        bound = self.parameters[name][index]
        if bound not in self._bounds:
            self._bounds[bound] = self.folded(user, np.asarray(bound))
            return self._bounds[bound]
        return self.op(scope, "Identity", [self._bounds[bound]])

    # Shapes, norms, masks and positions.

    def times(self, scope: str, extent: Extent, factor: int) -> Extent:
        """`extent` * `factor`."""
        if isinstance(extent, int):
            return extent * factor
        return self.op(scope, "Mul", [extent, self.constant(scope, factor, np.int64)])

    def norm(self, scope: str, name: str, x: str) -> str:
        """LayerNorm of the last axis."""
        weight, bias = self.parameter(f"{name}.weight"), self.parameter(f"{name}.bias")
        return self.layer_norm(scope, x, weight, bias, 1e-5)

    def gelu(self, scope: str, x: str) -> str:
        """x * (1 + erf(x / sqrt(2))) * 0.5."""
        ratio = self.op(scope, "Div", [x, self.constant(scope, math.sqrt(2))])
        tail = self.op(scope, "Add", [self.op(scope, "Erf", [ratio]), self.constant(scope, 1.0)])
        return self.op(scope, "Mul", [self.op(scope, "Mul", [x, tail]), self.constant(scope, 0.5)])

    def positions(self, scope: str, table: str, first: str | None, length: Extent) -> str:
        """Rows of the position table for `length` tokens, the first at `first` (or at 0)."""
        if first is None and isinstance(length, int):
            rows = self.parameters[table][POSITION_OFFSET : POSITION_OFFSET + length]
            return self.folded("Add", np.ascontiguousarray(rows))
        start = self.constant(scope, 0, np.int64) if first is None else first
        if first is not None:
            more = length if isinstance(length, str) else self.constant(scope, length, np.int64)
            length = self.op(scope, "Add", [first, more])
        end = self.op(scope, "Cast", [str(length)], to=_INT64)
        numbers = self.op(scope, "Range", [start, end, self.constant(scope, 1, np.int64)])
        offset = self.constant(scope, POSITION_OFFSET, np.int64)
        rows_ = self.op(scope, "Add", [numbers, offset])
        return self.op(scope, "Gather", [self.parameter(table), rows_])

    def padding_bias(self, scope: str, mask: str, extents: Sequence[Extent]) -> str:
        """0 for tokens and the least float for padding, expanded to [batch, 1, rows, columns]."""
        wide = self.unsqueeze(scope, self.unsqueeze(scope, mask, [1]), [2])
        if any(isinstance(extent, str) for extent in extents):
            shape = self.reshape(scope, self.shape(scope, extents), [-1])
            wide = self.expand_to(scope, wide, shape, len(extents))
        else:
            wide = self.op(scope, "Expand", [wide, self.shape(scope, extents)])
        present = self.op(scope, "Cast", [wide], to=_FLOAT)
        absent = self.op(scope, "Sub", [self.constant(scope, 1.0), present])
        is_absent = self.op(scope, "Cast", [absent], to=_BOOL)
        least = self.constant(scope, np.finfo(np.float32).min)
        return self.op(scope, "Where", [is_absent, least, absent])

    def causal_bias(self, scope: str, batch: Extent, length: Extent) -> str:
        """0 up to the own position and -infinity behind it, [batch or 1, 1, length, length]."""
        if isinstance(length, int):
            bias = np.triu(np.full((length, length), -np.inf, np.float32), 1)
            return self.folded("Add", bias[None, None])
        from onnx import numpy_helper

        minus_infinity = numpy_helper.from_array(np.array([-np.inf], np.float32))
        full = self.op(
            scope, "ConstantOfShape", [self.shape(scope, [length, length])], value=minus_infinity
        )
        start, step = self.constant(scope, 0, np.int64), self.constant(scope, 1, np.int64)
        numbers = self.op(scope, "Range", [start, length, step])
        following = self.op(scope, "Add", [numbers, self.constant(scope, 1, np.int64)])
        following = self.reshape(scope, following, [length, 1])
        visible = self.op(scope, "Less", [numbers, following])
        bias_ = self.op(scope, "Where", [visible, self.constant(scope, 0.0), full])
        wide = self.unsqueeze(scope, self.unsqueeze(scope, bias_, [0]), [1])
        shape = self.reshape(scope, self.shape(scope, [batch, 1, length, length]), [-1])
        return self.op(scope, "Cast", [self.expand_to(scope, wide, shape, 4)], to=_FLOAT)
