# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What users are told to type works.

Runs the blocks of docs/GettingStarted.md and of the README in order, and the tests that
docs/WritingTests.md and the README show, with the configuration that the former shows.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from documents import BUILD, blocks
from lowbit.models import bit

LLVM_TOOLS = "/usr/lib/llvm-22/bin"


def environment() -> dict[str, str]:
    folders = [BUILD / "bin", Path(sys.executable).parent, LLVM_TOOLS, os.environ["PATH"]]
    path = os.pathsep.join(map(str, folders))
    return {**os.environ, "PATH": path, "PYTHONPATH": str(BUILD / "python")}


def run_blocks(document: str, namespace: dict[str, object]) -> int:
    """Runs a document's blocks of Python and shell in the current folder; how many there are."""
    steps = blocks(document, "python|sh")
    for language, text in steps:
        if language == "python":
            exec(compile(text, document, "exec"), namespace)
        else:
            subprocess.run(["bash", "-euo", "pipefail", "-c", text], check=True, env=environment())
    return len(steps)


def test_getting_started(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_blocks("docs/GettingStarted.md", {}) >= 6


def test_readme(tmp_path, monkeypatch):
    """With what its readers have: a model, a batch, a file of IR, and the source tree."""
    monkeypatch.chdir(tmp_path)
    parameters = bit.BiTParameters.random(bit.PRESETS["tiny"], seed=3)
    bit.save_model(bit.build_model(parameters, token_type_input=False), "bert.onnx")
    batch = {"ids": np.array([[2, 17, 45, 3]]), "mask": np.ones((1, 4), np.int64)}
    for name, array in batch.items():
        np.save(f"{name}.npy", array)
    (tmp_path / "model.mlir").write_text("func.func private @main(tensor<4x!lowbit.levels<0, 1>>)")
    (tmp_path / "build").symlink_to(BUILD)
    assert run_blocks("README.md", batch) >= 3
    assert (tmp_path / "out" / "logits.npy").exists()


def test_writing_tests(tmp_path):
    configuration = blocks("docs/WritingTests.md", "python")[0][1]
    (tmp_path / "lit.cfg.py").write_text(configuration)
    tests = blocks("docs/WritingTests.md", "mlir") + blocks("README.md", "mlir")
    assert len(tests) >= 6
    for number, (_, text) in enumerate(tests):
        assert text.startswith("// RUN: ")
        (tmp_path / f"block{number}.mlir").write_text(text)
    lit = [str(Path(sys.executable).with_name("lit")), "-v", str(tmp_path)]
    done = subprocess.run(lit, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
