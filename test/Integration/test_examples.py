# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The demonstrations in examples/ with models that are small enough for a test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import lowbit
import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

pytest.importorskip("onnxruntime")
pytest.importorskip("tokenizers")


def run_example(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    package = Path(lowbit.__file__).parents[1]
    return subprocess.run(
        [sys.executable, EXAMPLES / name, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_summarize_tiny(tmp_path):
    """The default length fits a model with fewer positions."""
    result = run_example("summarize.py", "--config", "tiny", "--tokens", 4, "--output", tmp_path)
    assert result.returncode == 0, result.stderr
    assert "BART, tiny, W1A1" in result.stdout


@pytest.mark.parametrize("option, count", [("--length", 65), ("--length", 2), ("--tokens", 65)])
def test_summarize_names_lengths_that_do_not_fit(option, count, tmp_path):
    result = run_example(
        "summarize.py", "--config", "tiny", option, count, "--output", tmp_path / "models"
    )
    assert result.returncode == 2
    assert f"{option} is {count}, expected" in result.stderr
    assert "64, the positions of the model 'tiny'" in result.stderr
    assert not (tmp_path / "models").exists()
