# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Running code for AMX, on CPUs without it by emulation (test/Emulation/amx.c)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from documents import BUILD
from lowbit._machine import describe_machine

#: What CPUs with AMX have in common.
AMX_TARGET = "amx"
EMULATION = BUILD / "test" / "Emulation" / "lowbit-amx-emulation.so"


class AMXModel:
    """A model that is compiled for AMX; skips the test where the CPU lacks other features of the
    target."""

    def __init__(self, model: Path, folder: Path, kernel: str | None = None) -> None:
        self.folder, self.artifact = folder, folder / "amx.so"
        self.environment = dict(os.environ)
        command = [BUILD / "bin" / "lowbit-compile", model, "-o", self.artifact]
        command += [f"--target={AMX_TARGET}", *([f"--kernel={kernel}"] if kernel else [])]
        subprocess.run(command, check=True)
        features = describe_machine()["features"]
        if "amx_int8" not in features:
            needed = {
                "avx512_bitalg",
                "avx512_vnni",
                "avx512_vpopcntdq",
                "avx512bw",
                "avx512vbmi",
                "avx_vnni",
                "gfni",
            }
            if lacks := needed.difference(features):
                pytest.skip(f"this machine lacks {', '.join(sorted(lacks))}")
            self.environment["LD_PRELOAD"] = str(EMULATION)
            _pretend(self.artifact)

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        outputs = self.folder / "outputs"
        run = [BUILD / "bin" / "lowbit-run", self.artifact, "--output-dir", outputs]
        for name, array in inputs.items():
            np.save(self.folder / f"{name}.npy", array)
            run += ["--input", f"{name}={self.folder / name}.npy"]
        outputs.mkdir(exist_ok=True)
        subprocess.run(run, check=True, env=self.environment, stdout=subprocess.DEVNULL)
        return {path.stem: np.load(path) for path in outputs.glob("*.npy")}


def _pretend(artifact: Path) -> None:
    """Renames the features of AMX in the list that is checked when the artifact is loaded."""
    content = artifact.read_bytes()
    for name, other in ((b"amx-int8", b"sse4.1"), (b"amx-tile", b"ssse3")):
        assert name + b"\0" in content
        content = content.replace(name + b"\0", other.ljust(len(name), b"\0") + b"\0")
    artifact.write_bytes(content)
