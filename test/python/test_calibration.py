# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Calibration measures the products that it says, with the kernels that it says."""

from __future__ import annotations

import json
from pathlib import Path

import lowbit
import numpy as np
import pytest
from lowbit import calibration
from lowbit.benchmark import main
from lowbit.calibration import LEFT_SIDES, measure_kernels, product_text


@pytest.fixture(autouse=True)
def few_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks for kernels on the lowest level and on this machine's. Every left side is compiled
    for each, and test_kernels.py has the kernels of all levels."""
    monkeypatch.setattr(calibration, "TARGETS", (calibration.TARGETS[0], "native"))


@pytest.mark.parametrize("lhs", LEFT_SIDES)
def test_program_is_a_product_with_signs(lhs: str, tmp_path: Path):
    path = tmp_path / "product.mlir"
    path.write_text(product_text(lhs, columns=40, size=96))
    model = lowbit.compile(path)
    rng = np.random.default_rng(0)
    weights = (rng.integers(0, 2, (40, 96), np.int8) * 2 - 1).astype(np.float32)
    x = np.round(rng.standard_normal((5, 96)) * 8).astype(np.float32)
    left = {"-1, 1": np.where(x >= 0, 1, -1), "0 ... 15": np.clip(x, 0, 15), "f32": x}[lhs]
    np.testing.assert_array_equal(model.run({"x": x})["y"], left @ weights.T)


def test_a_row_is_measured_for_the_least_target_that_has_it():
    (timing,) = measure_kernels((1, 3), columns=(8, 64), rounds=1, kernels=["generic-popcount"])
    assert timing.kernel == "generic-popcount" and timing.target == "x86-64"
    assert timing.lhs == "-1, 1" and timing.expected > 0
    assert list(timing.picoseconds) == [1, 3]


def test_what_cannot_be_measured():
    with pytest.raises(ValueError, match=r"no kernel 'abacus' .* generic-popcount"):
        measure_kernels(columns=(8, 64), kernels=["abacus"])
    with pytest.raises(ValueError, match="columns that ascend"):
        measure_kernels(columns=(64, 8))


def test_command_writes_a_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "kernels.json"
    assert main(["--calibrate", "--rows", "2", "--rounds", "1", "-o", str(path)]) == 0
    record = json.loads(path.read_text())
    assert record["machine"]["cpu"] and record["machine"]["date"]
    assert record["versions"]["lowbit"] == lowbit.__version__
    kernels = {entry["kernel"]: entry for entry in record["kernels"]}
    assert {"generic-popcount", "generic-float"} <= set(kernels)
    assert all(list(entry["picoseconds"]) == ["2"] for entry in kernels.values())
    for wrong in ([], ["--calibrate", "--rows", "0"]):
        with pytest.raises(SystemExit):
            main(wrong)
    assert "positive numbers" in capsys.readouterr().err
