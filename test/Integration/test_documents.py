# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What users are told to type works.

Runs the blocks of docs/GettingStarted.md in order, and the tests that docs/WritingTests.md
and the README show, with the configuration that the former shows.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import lowbit

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(lowbit.__file__).absolute().parents[2]


LLVM_TOOLS = "/usr/lib/llvm-22/bin"


def blocks(document: str, languages: str) -> list[tuple[str, str]]:
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(rf"^```({languages})\n(.*?)^```$", text, re.M | re.S)


def environment() -> dict[str, str]:
    folders = [BUILD / "bin", Path(sys.executable).parent, LLVM_TOOLS, os.environ["PATH"]]
    path = os.pathsep.join(map(str, folders))
    return {**os.environ, "PATH": path, "PYTHONPATH": str(BUILD / "python")}


def test_getting_started(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {}
    steps = blocks("docs/GettingStarted.md", "python|sh")
    assert len(steps) >= 6
    for language, text in steps:
        if language == "python":
            exec(compile(text, "GettingStarted.md", "exec"), namespace)
        else:
            subprocess.run(["bash", "-euo", "pipefail", "-c", text], check=True, env=environment())


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
