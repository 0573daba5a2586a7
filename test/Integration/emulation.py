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


def run_for_amx(
    model: Path, inputs: Mapping[str, np.ndarray], folder: Path, kernel: str | None = None
) -> dict[str, np.ndarray]:
    """The outputs of a model that is compiled for AMX; skips the test where the CPU lacks other
    features of the target."""
    artifact = folder / "amx.so"
    command = [BUILD / "bin" / "lowbit-compile", model, "-o", artifact, f"--target={AMX_TARGET}"]
    subprocess.run([*command, *([f"--kernel={kernel}"] if kernel else [])], check=True)
    environment = dict(os.environ)
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
        environment["LD_PRELOAD"] = str(EMULATION)
        _pretend(artifact)
    run = [BUILD / "bin" / "lowbit-run", artifact, "--output-dir", folder / "outputs"]
    for name, array in inputs.items():
        np.save(folder / f"{name}.npy", array)
        run += ["--input", f"{name}={folder / name}.npy"]
    (folder / "outputs").mkdir(exist_ok=True)
    subprocess.run(run, check=True, env=environment, stdout=subprocess.DEVNULL)
    return {path.stem: np.load(path) for path in (folder / "outputs").glob("*.npy")}


def _pretend(artifact: Path) -> None:
    """Renames the features of AMX in the list that is checked when the artifact is loaded."""
    content = artifact.read_bytes()
    for name, other in ((b"amx-int8", b"sse4.1"), (b"amx-tile", b"ssse3")):
        assert name + b"\0" in content
        content = content.replace(name + b"\0", other.ljust(len(name), b"\0") + b"\0")
    artifact.write_bytes(content)
