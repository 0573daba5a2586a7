# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiling models, and loading what was compiled."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from lowbit import _lowbit
from lowbit._errors import CompileError, LoadError
from lowbit._model import Model, Program

if TYPE_CHECKING:
    import onnx

    Source = str | os.PathLike[str] | bytes | onnx.ModelProto
    Sources = Mapping[str, Source] | list[str] | list[Path] | tuple[str | os.PathLike[str], ...]

#: protobuf writes no message of 2 GiB or more.
_MESSAGE_LIMIT = 2_000_000_000


@overload
def compile(
    model: Source,
    target: str = ...,
    threads: int = ...,
    kernel: str | None = ...,
    tables: Literal["f32", "bf16", "int8"] = ...,
    report: str | os.PathLike[str] | None = ...,
    states: Mapping[str, str] | None = ...,
    top: Mapping[str, int] | None = ...,
    pack_states: bool = ...,
) -> Model: ...
@overload
def compile(
    model: Sources,
    target: str = ...,
    threads: int = ...,
    kernel: str | None = ...,
    tables: Literal["f32", "bf16", "int8"] = ...,
    report: str | os.PathLike[str] | None = ...,
    states: Mapping[str, str] | None = ...,
    top: Mapping[str, int] | None = ...,
    pack_states: bool = ...,
) -> Program: ...
def compile(
    model: Source | Sources,
    target: str = "native",
    threads: int = 1,
    kernel: str | None = None,
    tables: Literal["f32", "bf16", "int8"] = "f32",
    report: str | os.PathLike[str] | None = None,
    states: Mapping[str, str] | None = None,
    top: Mapping[str, int] | None = None,
    pack_states: bool = False,
) -> Model | Program:
    """Compiles an ONNX model to a `Model`, or several to one `Program`.

    model -- a path, the bytes of a file, or an `onnx.ModelProto`. Weights in external
        files are found beside the path; bytes cannot refer to any. A list of paths, or a
        mapping from names to models, makes a program with an entry for each; in a list
        the stems of the files are the names.
    target -- `native`, `x86-64`, `x86-64-v2`, `x86-64-v3`, `x86-64-v4` or `amx`, with
        `,+feature` and `,-feature` behind it.
    threads -- how many threads one run may use, the calling one included; 0 for all cores.
    kernel -- a row of the kernel table to use wherever it applies.
    tables -- how constant right sides of float products (a decoder's output layer) are
        stored: `bf16` is half as large and fast to read, and changes each number by 2^-9
        of it at most; `int8` is a quarter as large, and changes each number by 1/254 of
        the largest magnitude of its column at most.
    report -- a file to write the compile report to, as JSON.
    states -- inputs that a session takes from outputs, as `{"input": "output"}`, beyond
        the pairs that names tell (docs/Generation.md).
    top -- outputs of which only the largest elements of each row are wanted, as
        `{"logits": 5}`. Two outputs take the place of `logits`: `logits_values` and
        `logits_indices`, `[..., 5]`, float32 and int64, in descending order, the first of
        equal ones first. It must be a product of float rows with a constant table
        (docs/Generation.md).
    pack_states -- whether sessions keep codes in place of numbers in states that one
        quantizer of few bits reads, caches of keys and values (docs/Generation.md). Such
        inputs and outputs become packed words, int64.

    The GIL is released meanwhile. Raises CompileError with the compiler's
    diagnostics, ValueError and OSError.
    """
    _check_threads(threads)
    named: list[tuple[str, Any]]
    is_program = True
    if isinstance(model, Mapping):
        named = list(model.items())
    elif isinstance(model, (list, tuple)):
        named = [("", path) for path in model]
        if not all(isinstance(path, (str, os.PathLike)) for path in model):
            raise TypeError("a list of models holds paths; give others names, {name: model}")
    else:
        named = [("", model)]
        is_program = False
    if not named:
        raise ValueError("no models to compile")
    with ExitStack() as stack:
        sources = [(name, *_source(value, stack)) for name, value in named]
        artifact = _lowbit.compile_models(
            sources,
            target,
            kernel or "",
            tables,
            list((states or {}).items()),
            list((top or {}).items()),
            pack_states,
        )
    try:
        loaded = _lowbit.Loaded.from_bytes(artifact, threads)
    except LoadError as error:
        hint = "lowbit-compile writes artifacts for other machines"
        raise CompileError(f"the target is not this machine: {error}; {hint}") from error
    compiled = Program(artifact, loaded) if is_program else Model(artifact, loaded)
    if report is not None:
        Path(report).write_text(json.dumps(compiled.report, indent=2) + "\n")
    return compiled


def load(path: str | os.PathLike[str], threads: int = 1) -> Model | Program:
    """Loads an artifact that `save` or lowbit-compile wrote: a `Model`, or a `Program` of
    several models.

    An artifact is native code: load only files that you would also execute.
    threads -- as for `compile`.

    Raises LoadError when the file is no artifact, or needs another version or a CPU
    feature that this machine lacks, ValueError and OSError.
    """
    _check_threads(threads)
    artifact = Path(path).read_bytes()
    loaded = _lowbit.Loaded.from_file(os.fspath(path), threads)
    return Model(artifact, loaded) if len(loaded.entries) == 1 else Program(artifact, loaded)


def _check_threads(threads: int) -> None:
    if threads < 0:
        raise ValueError(f"threads must be 0 (all cores) or more, got {threads}")


def _source(model: Any, stack: ExitStack) -> tuple[str | None, bytes | None]:
    """A model as a path or bytes; temporary files live as long as `stack`."""
    if isinstance(model, (str, os.PathLike)):
        # An empty path is a missing file, not a model in memory.
        return os.fspath(model) or ".", None
    if isinstance(model, bytes):
        return None, model
    if not hasattr(model, "SerializeToString"):
        raise TypeError(f"expected a path, bytes or onnx.ModelProto, got {type(model).__name__}")
    size = sum(len(tensor.raw_data) for tensor in model.graph.initializer)
    if size < _MESSAGE_LIMIT:
        return None, model.SerializeToString()
    # One message cannot hold the model: its weights go into a file of their own.
    import onnx

    path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "model.onnx"
    copy = onnx.ModelProto()
    copy.CopyFrom(model)  # saving moves the weights out of the message
    onnx.save_model(copy, str(path), save_as_external_data=True, location="weights")
    return str(path), None
