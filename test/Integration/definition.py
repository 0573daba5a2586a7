# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Programs with kernels, against the definition of their operations: what
`convert-lowbit-to-linalg` makes of them, before and after packing and fusion."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import lowbit
import numpy as np
from documents import BUILD
from targets import compile_or_skip

Arrays = Mapping[str, np.ndarray]

CLEANUP = "canonicalize,cse"
#: What the stage `loops` does on tensors.
FUSION = (
    f"lowbit-pack{{kernel=KERNEL}},{CLEANUP},lowbit-fuse-epilogue,{CLEANUP},lowbit-fuse-norm,"
    f"lowbit-fuse-attention,lowbit-fuse-quantizers,{CLEANUP},lowbit-fuse-thresholds,"
    f"lowbit-fuse-inputs,{CLEANUP}"
)


@dataclass
class Forms:
    """A program as it is fused, and its outputs: by kernels, by the definition of what is
    written, and by the definition of what is fused."""

    fused: str
    kernels: Arrays
    definition: Arrays
    fused_definition: Arrays

    def check_equal(self, name: str, note: str = "") -> None:
        """Every element of an output is the same in all forms."""
        for other in (self.fused_definition, self.kernels):
            np.testing.assert_array_equal(other[name], self.definition[name], f"{name} {note}")


class FormsOfProgram:
    """Compiles a function `@main` in all forms; skips the test where the machine lacks what
    the target has and the emulator, too."""

    def __init__(self, source: str, folder: Path, target: str, kernel: str = "") -> None:
        path = folder / "program.mlir"
        path.write_text(source)
        self.model = compile_or_skip(path, target, kernel=kernel or None)
        self.definition = define(source)
        module = f'module attributes {{lowbit.target = "{target}"}} {{\n{source}}}\n'
        fused = transform(module, FUSION.replace("KERNEL", kernel))
        self.fused = re.sub(r" attributes \{lowbit\.target = [^}]*\}", "", fused, count=1)
        self.fused_definition = define(self.fused)

    def run(self, feeds: Arrays) -> Forms:
        models = (self.model, self.definition, self.fused_definition)
        return Forms(self.fused, *(model.run(feeds) for model in models))


@lru_cache(maxsize=16)
def define(source: str) -> lowbit.Model:
    """The definition of a program. Tests of several kernels ask for that of one program."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "definition.mlir"
        path.write_text(transform(source, "convert-lowbit-to-linalg"))
        return lowbit.compile(path, target="x86-64")


def transform(source: str, passes: str) -> str:
    """The module after passes of lowbit-opt."""
    command = [BUILD / "bin" / "lowbit-opt", f"--pass-pipeline=builtin.module({passes})"]
    result = subprocess.run(command, input=source, text=True, capture_output=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


def widest_gap(values: np.ndarray) -> float:
    """A number in the middle of the widest gap between the middle half of `values`: codes
    with this border do not depend on how the last bits of the values are rounded."""
    ordered = np.unique(values)
    some = ordered[ordered.size // 4 : ordered.size - ordered.size // 4]
    if some.size < 2:
        return float(ordered[-1] + 0.5)
    at = np.argmax(np.diff(some))
    return float(some[at] / 2 + some[at + 1] / 2)
