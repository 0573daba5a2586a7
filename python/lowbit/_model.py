# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiling, loading and running models."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lowbit import _lowbit
from lowbit._errors import CompileError, InputError, LoadError

if TYPE_CHECKING:
    import onnx

#: protobuf writes no message of 2 GiB or more.
_MESSAGE_LIMIT = 2_000_000_000


@dataclass(frozen=True)
class TensorSpec:
    """Name, element type and shape of an input or output."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int | str | None, ...]
    """An extent, a symbol's name, or None; equal symbols have equal extents in one run."""


class Model:
    """A compiled model, loaded and ready to run. Made by `compile` and `load`.

    May be used from several threads at once.
    """

    def __init__(self, artifact: bytes, loaded: _lowbit.Loaded) -> None:
        self._artifact = artifact
        self._loaded = loaded
        self._inputs = tuple(map(_spec, self._loaded.inputs))
        self._outputs = tuple(map(_spec, self._loaded.outputs))
        self._by_name = {spec.name: spec for spec in self._inputs}

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

    @property
    def report(self) -> dict[str, Any]:
        """The compile report: every matmul with its levels, kernel and size."""
        text = self._loaded.report
        report: dict[str, Any] = {} if text is None else json.loads(text)
        return report

    @property
    def target(self) -> str:
        """The target that the model was compiled for."""
        return self._loaded.target

    @property
    def features(self) -> list[str]:
        """The CPU features that the code needs, in LLVM's spelling."""
        return self._loaded.features

    @property
    def threads(self) -> int:
        """How many threads one run may use."""
        return self._loaded.threads

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
        arrays = {name: _checked(spec, inputs[name]) for name, spec in self._by_name.items()}
        return self._loaded.run(arrays)

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

    def __repr__(self) -> str:
        def text(spec: TensorSpec) -> str:
            dims = ", ".join("?" if dim is None else str(dim) for dim in spec.shape)
            return f"{spec.name}: {spec.dtype}[{dims}]"

        inputs, outputs = (", ".join(map(text, specs)) for specs in (self._inputs, self._outputs))
        return f"<lowbit.Model ({inputs}) -> ({outputs}) for {self.target}>"


def compile(
    model: str | os.PathLike[str] | bytes | onnx.ModelProto,
    target: str = "native",
    threads: int = 1,
    kernel: str | None = None,
    report: str | os.PathLike[str] | None = None,
) -> Model:
    """Compiles an ONNX model.

    model -- a path, the bytes of a file, or an `onnx.ModelProto`. Weights in external
        files are found beside the path; bytes cannot refer to any.
    target -- `native`, `x86-64`, `x86-64-v2`, `x86-64-v3` or `x86-64-v4`, with
        `,+feature` and `,-feature` behind it.
    threads -- how many threads one run may use, the calling one included; 0 for all cores.
    kernel -- a row of the kernel table to use wherever it applies.
    report -- a file to write the compile report to, as JSON.

    The GIL is released meanwhile. Raises CompileError with the compiler's
    diagnostics, ValueError and OSError.
    """
    if threads < 0:
        raise ValueError(f"threads must be 0 (all cores) or more, got {threads}")
    if isinstance(model, (str, os.PathLike)):
        artifact = _lowbit.compile_file(os.fspath(model), target, kernel or "")
    elif isinstance(model, bytes):
        artifact = _lowbit.compile_bytes(model, target, kernel or "")
    elif hasattr(model, "SerializeToString"):
        artifact = _compile_proto(model, target, kernel or "")
    else:
        raise TypeError(f"expected a path, bytes or onnx.ModelProto, got {type(model).__name__}")
    try:
        compiled = Model(artifact, _lowbit.Loaded.from_bytes(artifact, threads))
    except LoadError as error:
        hint = "lowbit-compile writes artifacts for other machines"
        raise CompileError(f"the target is not this machine: {error}; {hint}") from error
    if report is not None:
        Path(report).write_text(json.dumps(compiled.report, indent=2) + "\n")
    return compiled


def load(path: str | os.PathLike[str], threads: int = 1) -> Model:
    """Loads an artifact that `Model.save` or lowbit-compile wrote.

    An artifact is native code: load only files that you would also execute.
    threads -- as for `compile`.

    Raises LoadError when the file is no artifact, or needs another version or a CPU
    feature that this machine lacks, ValueError and OSError.
    """
    if threads < 0:
        raise ValueError(f"threads must be 0 (all cores) or more, got {threads}")
    artifact = Path(path).read_bytes()
    return Model(artifact, _lowbit.Loaded.from_file(os.fspath(path), threads))


def _compile_proto(model: onnx.ModelProto, target: str, kernel: str) -> bytes:
    """Goes through a file with external weights where one message cannot hold the model."""
    size = sum(len(tensor.raw_data) for tensor in model.graph.initializer)
    if size < _MESSAGE_LIMIT:
        return _lowbit.compile_bytes(model.SerializeToString(), target, kernel)
    import onnx

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        copy = onnx.ModelProto()
        copy.CopyFrom(model)  # saving moves the weights out of the message
        onnx.save_model(copy, str(path), save_as_external_data=True, location="weights")
        return _lowbit.compile_file(str(path), target, kernel)


def _spec(raw: tuple[str, str, tuple[int | str | None, ...]]) -> TensorSpec:
    name, dtype, shape = raw
    return TensorSpec(name, np.dtype(dtype), shape)


def _checked(spec: TensorSpec, value: npt.ArrayLike) -> npt.NDArray[Any]:
    """`value` as a contiguous, aligned array of the input's element type."""
    array = np.asarray(value)
    if array.dtype != spec.dtype:
        raise InputError(
            f"input '{spec.name}': expected {spec.dtype}, got {array.dtype};"
            f" convert it with .astype(numpy.{spec.dtype.name})"
        )
    return np.require(array, requirements=["C", "A"])
