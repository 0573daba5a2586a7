# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models for CPUs with more instructions than this one: they run in a process in which the
emulator (test/Emulation) executes what is missing."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Set
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from documents import BUILD

#: What CPUs with AMX have in common.
AMX_TARGET = "amx"
#: The features whose instructions the emulator executes.
EMULATED = frozenset(
    {
        "amx-int8",
        "amx-tile",
        "avx512bitalg",
        "avx512vbmi",
        "avx512vnni",
        "avx512vpopcntdq",
        "avxvnni",
        "gfni",
    }
)
EMULATOR = BUILD / "test" / "Emulation" / "lowbit-emulation.so"


def run_emulated(script: Path, *arguments: str | Path) -> subprocess.Popen[bytes]:
    """Starts a Python script in a process with the emulator, and with pipes."""
    assert EMULATOR.exists(), EMULATOR
    return subprocess.Popen(
        [sys.executable, script, *arguments],
        env={**os.environ, "LD_PRELOAD": str(EMULATOR), "PYTHONPATH": str(BUILD / "python")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


@lru_cache(maxsize=1)
def runner() -> subprocess.Popen[bytes]:
    """The process that runs artifacts. It ends with this one, when its input does."""
    return run_emulated(Path(__file__).with_name("emulated_runs.py"))


class EmulatedModel:
    """A model of a target with features, `lacking`, that this machine does not have."""

    def __init__(
        self,
        model: Any,
        target: str,
        lacking: Set[str],
        kernel: str | None = None,
        top: Mapping[str, int] | None = None,
    ) -> None:
        self.target = target
        self._folder = tempfile.TemporaryDirectory()
        self._artifact = Path(self._folder.name) / "model.so"
        if not isinstance(model, os.PathLike | str):
            path = Path(self._folder.name) / "model.onnx"
            path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
            model = path
        command = [BUILD / "bin" / "lowbit-compile", model, "-o", self._artifact]
        command += [f"--target={target}", *([f"--kernel={kernel}"] if kernel else [])]
        command += [f"--top={output}:{count}" for output, count in (top or {}).items()]
        subprocess.run(command, check=True)
        pretend(self._artifact, lacking)

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        process = runner()
        assert process.stdin and process.stdout
        try:
            pickle.dump((str(self._artifact), dict(inputs)), process.stdin)
            process.stdin.flush()
            reply = pickle.load(process.stdout)
        except (EOFError, BrokenPipeError) as error:
            runner.cache_clear()
            raise RuntimeError(f"the emulation ended with {process.wait()}") from error
        if isinstance(reply, Exception):
            raise reply
        return reply


def pretend(artifact: Path, lacking: Set[str]) -> None:
    """Renames features in the list that is checked when the artifact is loaded."""
    content = artifact.read_bytes()
    for name in lacking:
        text = b"\0" + name.encode() + b"\0"
        assert text in content, name
        content = content.replace(text, b"\0sse2".ljust(len(text), b"\0"))
    artifact.write_bytes(content)
