# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How exporters spell a BiT model: what both forms share.

A form turns the pieces of the network (a weight quantizer, a shifted input, a
norm) into the nodes that an exporter writes for them. `torchscript.py` and
`dynamo.py` hold the two spellings; `graph.py` strings the pieces together.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from ..arithmetic import FloatArray
from ..emitter import Dim, GraphEmitter
from .config import BiTConfig
from .parameters import BiTParameters
from .quantizers import level_range


class Form(ABC):
    """One exporter's spelling of a model with the given parameters."""

    producer = "pytorch"
    ir_version = 8

    def __init__(self, parameters: BiTParameters, opset: int, batch: Dim, sequence: Dim) -> None:
        self.parameters = parameters
        self.config: BiTConfig = parameters.config
        self.emitter = GraphEmitter(opset)
        self.opset = opset
        self.batch = batch
        self.sequence = sequence
        self.dynamic = isinstance(batch, str) or isinstance(sequence, str)

    # Names and constants.

    @abstractmethod
    def op(self, scope: str, op_type: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Appends a node of the module `scope` and returns the name of its output."""

    @abstractmethod
    def constant(
        self, scope: str, value: npt.ArrayLike, dtype: type[np.generic] = np.float32
    ) -> str:
        """A small constant written in the code of `scope`."""

    def parameter(self, name: str) -> str:
        """A parameter under its own name."""
        return self.emitter.initializer(name, self.parameters[name])

    def model(self) -> onnx.ModelProto:
        """The finished model."""
        return self.emitter.model(self.producer, self.ir_version)

    # Pieces of the network.

    @abstractmethod
    def scale(self, name: str, scope: str, user: str) -> str:
        """The learned scale `name` after its guard; `user` is the type of its first user."""

    @abstractmethod
    def quantized_weight(self, scope: str, name: str, per_row: bool) -> str:
        """The fake-quantized weight [rows, columns]: sign(W - mean(W)) * mean|W|."""

    @abstractmethod
    def add_move(self, scope: str, x: str, name: str, dims: Sequence[Dim]) -> str:
        """x of shape `dims` + the learned shift `name`."""

    @abstractmethod
    def add_bias(self, scope: str, x: str, name: str, dims: Sequence[Dim]) -> str:
        """x of shape `dims` + the bias `name` of a quantized linear layer."""

    @abstractmethod
    def position_embeddings(self, scope: str, ids: str) -> str:
        """Rows of the position table for the positions of `ids`."""

    @abstractmethod
    def zero_types(self, scope: str, ids: str) -> str:
        """Token types where the caller gives none: zeros of the shape of `ids`."""

    @abstractmethod
    def mask_bias(self, scope: str, mask: str) -> str:
        """(1 - mask) * -10000 as [batch, 1, 1, sequence]."""

    @abstractmethod
    def reshape(self, scope: str, x: str, dims: Sequence[Dim]) -> str:
        """x as `dims`; the first two are batch and sequence and agree with those of `x`."""

    @abstractmethod
    def reduce_last(self, scope: str, op_type: str, x: str) -> str:
        """A reduction of the last axis that keeps it."""

    @abstractmethod
    def reduce_all(self, scope: str, op_type: str, x: str) -> str:
        """A reduction of all axes to a scalar."""

    @abstractmethod
    def pooler_matmul(self, scope: str, x: str, weight: str) -> str:
        """x [batch, columns] times the transpose of `weight` [rows, columns]."""

    #: Whether the epsilon 1e-12 of a decomposed norm survives the export.
    keeps_norm_epsilon = True

    def float_weight(self, scope: str, name: str) -> str:
        """The transpose [columns, rows] of a float weight."""
        return self.op(scope, "Transpose", [self.parameter(name)], perm=[1, 0])

    def matmul_transposed(self, scope: str, x: str, weight: str) -> str:
        """x [..., columns] times the transpose of `weight` [rows, columns]."""
        return self.op(scope, "MatMul", [x, self.op(scope, "Transpose", [weight], perm=[1, 0])])

    def quantize(self, scope: str, x: str, name: str, signed: bool) -> str:
        """The elastic quantizer of `x` with the scale parameter `name`."""
        bits = self.config.activation_bits
        if signed and bits == 1:
            sign = self.op(scope, "Sign", [x])
            return self.op(scope, "Mul", [sign, self.scale(name, scope, "Mul")])
        minimum = None
        if not signed and bits > 1:
            minimum = self.reduce_all(scope, "ReduceMin", x)
            x = self.op(scope, "Sub", [x, minimum])
        alpha = self.scale(name, scope, "Div")
        rounded = self.op(scope, "Round", [self.op(scope, "Div", [x, alpha])])
        low, high = level_range(bits, signed)
        bounds = [self.constant(scope, float(low)), self.constant(scope, float(high))]
        scaled = self.op(scope, "Mul", [self.op(scope, "Clip", [rounded, *bounds]), alpha])
        return scaled if minimum is None else self.op(scope, "Add", [scaled, minimum])

    def norm(self, scope: str, x: str) -> str:
        """LayerNorm: one operator in the float model where the opset has it, else by hand."""
        prefix = scope.replace("/", ".")
        weight, bias = self.parameter(f"{prefix}.weight"), self.parameter(f"{prefix}.bias")
        if self.config.is_float and self.opset >= 17:
            return self.op(scope, "LayerNormalization", [x, weight, bias], axis=-1, epsilon=1e-12)
        centred = self.op(scope, "Sub", [x, self.reduce_last(scope, "ReduceMean", x)])
        square = self.op(scope, "Pow", [centred, self.constant(scope, 2.0)])
        variance = self.reduce_last(scope, "ReduceMean", square)
        if self.keeps_norm_epsilon:
            variance = self.op(scope, "Add", [variance, self.constant(scope, 1e-12)])
        unit = self.op(scope, "Div", [centred, self.op(scope, "Sqrt", [variance])])
        return self.op(scope, "Add", [self.op(scope, "Mul", [weight, unit]), bias])

    def activation(self, scope: str, x: str) -> str:
        """ReLU, or GELU as x * 0.5 * (1 + erf(x / sqrt(2)))."""
        if self.config.activation == "relu":
            return self.op(scope, "Relu", [x])
        half = self.op(scope, "Mul", [x, self.constant(scope, 0.5)])
        erf = self.op(
            scope, "Erf", [self.op(scope, "Div", [x, self.constant(scope, math.sqrt(2))])]
        )
        return self.op(
            scope, "Mul", [half, self.op(scope, "Add", [erf, self.constant(scope, 1.0)])]
        )


def expanded(vector: FloatArray, dims: Sequence[Dim]) -> FloatArray:
    """`vector` repeated to fixed `dims`, as constant folding leaves it."""
    shape = [dim for dim in dims if isinstance(dim, int)]
    return np.ascontiguousarray(np.broadcast_to(vector, shape))
