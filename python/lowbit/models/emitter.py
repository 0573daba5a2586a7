# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Nodes, initializers and graph inputs and outputs, collected into a ModelProto."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

#: A dimension of a graph input or output: fixed, or the name of a symbol.
Dim = int | str


class GraphEmitter:
    """Collects one ONNX graph; the forms decide names and spelling."""

    def __init__(self, opset: int) -> None:
        self.opset = opset
        self.nodes: list[onnx.NodeProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []
        self._initializers: dict[str, onnx.TensorProto] = {}

    def node(
        self,
        op_type: str,
        inputs: Sequence[str],
        output: str,
        name: str,
        attributes: dict[str, Any],
    ) -> str:
        """Appends a node with one output and returns the output's name."""
        self.nodes.append(helper.make_node(op_type, inputs, [output], name=name, **attributes))
        return output

    def initializer(self, name: str, array: np.ndarray[Any, Any]) -> str:
        """Adds an initializer unless one of that name is there; returns the name."""
        if name not in self._initializers:
            self._initializers[name] = numpy_helper.from_array(array, name)
        return name

    def add_input(self, name: str, dims: Sequence[Dim], dtype: int = onnx.TensorProto.INT64) -> str:
        """Adds a graph input, int64 or of another ONNX type."""
        self.inputs.append(helper.make_tensor_value_info(name, dtype, list(dims)))
        return name

    def add_output(self, value: str, name: str, dims: Sequence[Dim]) -> None:
        """Makes the float32 `value` a graph output called `name`, renaming it where it is used."""
        for node in self.nodes:
            for names in (node.input, node.output):
                for i, current in enumerate(names):
                    if current == value:
                        names[i] = name
        for output in self.outputs:
            if output.name == value:
                raise ValueError(f"{value} is an output already")
        self.outputs.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, list(dims)))

    def model(self, producer: str, ir_version: int) -> onnx.ModelProto:
        """The finished model."""
        graph = helper.make_graph(self.nodes, "main_graph", self.inputs, self.outputs)
        graph.initializer.extend(self._initializers.values())
        return helper.make_model(
            graph,
            producer_name=producer,
            ir_version=ir_version,
            opset_imports=[helper.make_opsetid("", self.opset)],
        )
