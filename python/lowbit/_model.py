# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Loaded artifacts: a model, or a program of several models."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lowbit import _lowbit
from lowbit._arrays import checked
from lowbit._errors import InputError
from lowbit._session import Session


@dataclass(frozen=True)
class TensorSpec:
    """Name, element type and shape of an input or output."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int | str | None, ...]
    """An extent, a symbol's name, or None; equal symbols have equal extents in one run."""
    state: str | None = None
    """The state of a `Session` that the input is taken from or that the output becomes."""


class Entry:
    """One model of an artifact: its signature, and runs without state.

    May be used from several threads at once.
    """

    def __init__(self, entry: _lowbit.Entry) -> None:
        self._entry = entry
        self._inputs = tuple(map(_spec, entry.inputs))
        self._outputs = tuple(map(_spec, entry.outputs))
        self._by_name = {spec.name: spec for spec in self._inputs}

    @property
    def name(self) -> str:
        """The name of the entry: by default the stem of the model's file."""
        return self._entry.name

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """What `run` takes."""
        return self._inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """What `run` gives."""
        return self._outputs

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs, in the order of the graph."""
        return [spec.name for spec in self._inputs]

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs, in the order of the graph."""
        return [spec.name for spec in self._outputs]

    def run(self, inputs: Mapping[str, npt.ArrayLike]) -> dict[str, npt.NDArray[Any]]:
        """Runs the model and returns its outputs by name.

        inputs -- an array for every input, of exactly its element type and of a shape
            that fits its spec. Contiguous arrays are read in place, others copied.

        The returned arrays own their memory; they outlive the model and later runs.
        The GIL is released meanwhile. Raises InputError for inputs that do not fit
        (it is a ValueError too), RunError when the model refuses their values, and
        MemoryError.
        """
        unknown = [name for name in inputs if name not in self._by_name]
        missing = [name for name in self._by_name if name not in inputs]
        if unknown or missing:
            parts = [f"unknown input '{name}'" for name in unknown]
            parts += [f"missing input '{name}'" for name in missing]
            raise InputError(f"{', '.join(parts)}; the inputs are {', '.join(self._by_name)}")
        return self._entry.run(
            {name: checked(name, spec.dtype, inputs[name]) for name, spec in self._by_name.items()}
        )

    def _signature(self) -> str:
        def text(spec: TensorSpec) -> str:
            dims = ", ".join("?" if dim is None else str(dim) for dim in spec.shape)
            return f"{spec.name}: {spec.dtype}[{dims}]"

        inputs, outputs = (", ".join(map(text, specs)) for specs in (self._inputs, self._outputs))
        return f"({inputs}) -> ({outputs})"

    def __repr__(self) -> str:
        return f"<lowbit.Entry {self.name} {self._signature()}>"


class _Artifact:
    """What models and programs have in common."""

    _artifact: bytes
    _loaded: _lowbit.Loaded
    _entries: dict[str, Entry]

    @property
    def report(self) -> dict[str, Any]:
        """The compile report: every matmul with its levels, kernel and size.

        That of a program has a list `entries` of the reports of its models.
        """
        text = self._loaded.report
        report: dict[str, Any] = {} if text is None else json.loads(text)
        return report

    @property
    def target(self) -> str:
        """The target that the artifact was compiled for."""
        return self._loaded.target

    @property
    def features(self) -> list[str]:
        """The CPU features that the code needs, in LLVM's spelling."""
        return self._loaded.features

    @property
    def threads(self) -> int:
        """How many threads one run may use."""
        return self._loaded.threads

    def session(self, step: str | None = None) -> Session:
        """A new `Session`, which keeps state from run to run.

        step -- the entry that `Session.step` runs; by default the only one with an output
            that becomes one of its own inputs, such as `present_k` and `past_k`.

        Raises InputError when there is no such entry, or more than one.
        """
        return Session(_lowbit.Session(self._loaded, step), list(self._entries.values()))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the artifact, a shared library, to `path`.

        The file appears under its name when it is complete. Raises OSError.
        """
        path = Path(path)
        descriptor, temporary = tempfile.mkstemp(prefix=path.name, dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(self._artifact)
            Path(temporary).chmod(0o755)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


class Model(_Artifact, Entry):
    """A compiled model, loaded and ready to run. Made by `compile` and `load`.

    May be used from several threads at once.
    """

    def __init__(self, artifact: bytes, loaded: _lowbit.Loaded) -> None:
        super().__init__(loaded.entries[0])
        self._artifact = artifact
        self._loaded = loaded
        self._entries = {self.name: self}

    def __repr__(self) -> str:
        return f"<lowbit.Model {self._signature()} for {self.target}>"


class Program(_Artifact, Mapping[str, Entry]):
    """Several compiled models in one artifact: a mapping from names to entries.

    Made by `compile` and `load`. Weights that the models share are in memory once.
    May be used from several threads at once.
    """

    def __init__(self, artifact: bytes, loaded: _lowbit.Loaded) -> None:
        self._artifact = artifact
        self._loaded = loaded
        self._entries = {entry.name: Entry(entry) for entry in loaded.entries}

    @property
    def entries(self) -> dict[str, Entry]:
        """The models by name, in the order in which they were compiled."""
        return dict(self._entries)

    def __getitem__(self, name: str) -> Entry:
        try:
            return self._entries[name]
        except KeyError:
            names = ", ".join(self._entries)
            raise KeyError(f"no entry '{name}'; the entries are {names}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"<lowbit.Program {', '.join(self._entries)} for {self.target}>"


def _spec(raw: tuple[str, str, tuple[int | str | None, ...], str | None]) -> TensorSpec:
    name, dtype, shape, state = raw
    return TensorSpec(name, np.dtype(dtype), shape, state)
