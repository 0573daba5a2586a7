# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiling for targets that this machine may be unable to run."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import lowbit
import pytest
from emulation import EMULATED, EmulatedModel

SMALLEST_PROGRAM = """
func.func @main(%x: tensor<1xf32> {onnx.name = "x"}) -> (tensor<1xf32> {onnx.name = "y"}) {
  return %x : tensor<1xf32>
}
"""


@lru_cache
def lacking(target: str) -> frozenset[str]:
    """The features of a target that this machine does not have."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "smallest.mlir"
        path.write_text(SMALLEST_PROGRAM)
        try:
            lowbit.compile(path, target=target)
        except lowbit.CompileError as error:
            names = re.search("artifact needs (.*), which this CPU lacks", str(error))
            if not names:
                raise
            return frozenset(re.split(", | and ", names[1]))
    return frozenset()


def compile_anywhere(model, target: str, **options) -> Any:
    """The compiled model or program, emulated where the machine lacks what the target has; None
    where it lacks what is not emulated, as programs and their sessions are not."""
    if not lacking(target):
        return lowbit.compile(model, target=target, **options)
    if not lacking(target) <= EMULATED or isinstance(model, Mapping):
        return None
    return EmulatedModel(model, target, lacking(target), **options)


def compile_or_skip(model, target: str, **options) -> Any:
    """The compiled model or program; skips the test where the machine cannot run it."""
    compiled = compile_anywhere(model, target, **options)
    if compiled is None:
        pytest.skip(f"this machine lacks {', '.join(sorted(lacking(target)))}")
    return compiled


def compile_for_each(model, targets: Sequence[str], **options) -> Iterator[Any]:
    """The model for each target that this machine can run; all can run the low ones."""
    for target in targets:
        compiled = compile_anywhere(model, target, **options)
        if compiled is not None:
            yield compiled
        else:
            assert target not in ("x86-64", "native"), lacking(target)
