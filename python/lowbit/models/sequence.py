# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the builders of sequence-to-sequence models share: a graph of one of several parts."""

from __future__ import annotations

from collections.abc import Sequence

import onnx

from .emitter import Dim
from .sizes import Sizes
from .torchscript import Extent, TorchScriptSpelling


def check_request(part: str, parts: Sequence[str], opset: int, limit: int, **extents: Dim) -> None:
    """Raises ValueError for an unknown part, an opset that is not 13 to 17, or a fixed extent
    that is longer than the `limit` positions."""
    if part not in parts:
        raise ValueError(f"part must be one of {', '.join(parts)}, got {part!r}")
    if not 13 <= opset <= 17:
        raise ValueError(f"opset must be 13 to 17, got {opset}")
    for name, extent in extents.items():
        if isinstance(extent, int) and extent > limit:
            raise ValueError(f"{name} {extent} is longer than max_positions {limit}")


class SequenceGraph:
    """Inputs, outputs and extents of a graph; builders add the network."""

    def __init__(
        self,
        spelling: TorchScriptSpelling,
        sizes: Sizes,
        batch: Dim,
        source: Dim,
        target: Dim,
        expose_hidden: bool,
        expose_sites: bool,
    ) -> None:
        self._spelling = spelling
        self._sizes = sizes
        self.batch, self.source, self.target = batch, source, target
        self.expose_hidden = expose_hidden
        self.expose_sites = expose_sites
        self.outputs: list[tuple[str, str, Sequence[Dim]]] = []
        self.exposed: list[tuple[str, str, Sequence[Dim]]] = []

    def finish(self) -> onnx.ModelProto:
        """The model; an exposed value that is an output already is not made one again."""
        outputs = {value for value, _, _ in self.outputs}
        for value, name, dims in self.outputs + [e for e in self.exposed if e[0] not in outputs]:
            self._spelling.emitter.add_output(value, name, dims)
        return self._spelling.emitter.model("pytorch", self._spelling.ir_version)

    def input(self, name: str, dims: Sequence[Dim]) -> str:
        """A float32 input."""
        return self._spelling.emitter.add_input(name, dims, onnx.TensorProto.FLOAT)

    def cache_dims(self, length: Dim) -> Sequence[Dim]:
        """The dimensions of the keys or values of `length` tokens."""
        return (self.batch, self._sizes.num_heads, length, self._sizes.head_size)

    def extent(self, scope: str, x: str, axis: int, dim: Dim) -> Extent:
        """Extent `axis` of `x`, which `dim` describes."""
        return dim if isinstance(dim, int) else self._spelling.size(scope, x, axis)

    def expose(self, scope: str, name: str, value: str, length: Dim) -> None:
        """Makes hidden states an output, where they are asked for."""
        if self.expose_hidden:
            value = self._spelling.op(scope, "Identity", [value])
            self.exposed.append((value, name, (self.batch, length, self._sizes.hidden_size)))

    def expose_site(self, scope: str, name: str, x: str, value: str, dims: Sequence[Dim]) -> None:
        """Makes what a quantizer gets and gives outputs, where they are asked for."""
        if self.expose_sites:
            identity = self._spelling.op(scope, "Identity", [x])
            self.exposed += [(identity, f"{name}.input", dims), (value, f"{name}.value", dims)]
