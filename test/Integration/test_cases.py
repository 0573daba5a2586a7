# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reference cases outside the tree: folders with a model, inputs and outputs.

Runs when LOWBIT_CASES names their parent folder. A case holds `model.onnx`,
`meta.json`, and for a model that must run `inputs.npz` with the outputs that
`meta.json` names; `expect` in `meta.json` says that a file must be refused. Each
case runs in a process of its own, with limits on time and memory.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

GLOBS = ("bit_*", "enc_fp32_*", "hostile_*")
FOLDER = Path(os.environ.get("LOWBIT_CASES", ""))
CASES = (
    sorted(case for glob in GLOBS for case in FOLDER.glob(glob) if (case / "model.onnx").exists())
    if os.environ.get("LOWBIT_CASES")
    else []
)
REFUSED = 10

RUNNER = """
import pathlib, sys
import lowbit, numpy as np
case, out = map(pathlib.Path, sys.argv[1:])
try:
    model = lowbit.compile(case / "model.onnx")
    for inputs in sorted(case.glob("inputs*.npz")):
        feeds = dict(np.load(inputs))
        result = model.run({name: feeds[name] for name in model.input_names if name in feeds})
        np.savez(out / inputs.name.replace("inputs", "outputs"), **result)
except lowbit.Error as error:
    print(error)
    sys.exit(10)
"""


def run_case(case: Path, out: Path) -> subprocess.CompletedProcess[str]:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))

    return subprocess.run(
        [sys.executable, "-c", RUNNER, case, out],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=180,
        preexec_fn=limit,
    )


@pytest.mark.skipif(not CASES, reason="LOWBIT_CASES names no folder of cases")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Path, tmp_path: Path):
    meta = json.loads((case / "meta.json").read_text())
    rule = meta.get("compare", {})
    if rule.get("mode") == "skip":
        pytest.skip("the case asks for no comparison")
    done = run_case(case, tmp_path)
    assert done.returncode in (0, REFUSED), f"crash: {done.stdout}{done.stderr}"
    refused = done.returncode == REFUSED
    if "expect" in meta:
        allowed = "either" if "accept-or" in meta["expect"] else meta["expect"].split("-")[0]
        assert allowed == "either" or (allowed == "reject") == refused, done.stdout
        return
    assert not refused, done.stdout
    for second in ("", "2"):
        got = tmp_path / f"outputs{second}.npz"
        expected = case / ("outputs2.npz" if second else rule.get("reference", "outputs.npz"))
        if not got.exists() or not expected.exists() or (second and rule.get("second") is False):
            continue
        compare(dict(np.load(expected)), dict(np.load(got)), rule)


def compare(expected, got, rule) -> None:
    for name, value in expected.items():
        assert got[name].shape == value.shape, name
        if value.dtype.kind != "f":
            np.testing.assert_array_equal(got[name], value, err_msg=name)
        elif rule.get("mode", "allclose") == "allclose":
            np.testing.assert_allclose(
                got[name], value, rtol=rule["rtol"], atol=rule["atol"], err_msg=name
            )
        else:
            x, y = got[name].ravel().astype(float), value.ravel().astype(float)
            assert np.median(np.abs(x - y)) <= rule["median_atol"], name
            assert x @ y / (np.linalg.norm(x) * np.linalg.norm(y) + 1e-300) >= rule["min_cos"], name
