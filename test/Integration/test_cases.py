# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reference cases outside the tree: folders with a model, inputs and outputs.

Runs when LOWBIT_CASES names their parent folder. A case holds `model.onnx`,
`meta.json`, and for a model that must run `inputs.npz` with the outputs that
`meta.json` names; `expect` in `meta.json` says that a file must be refused. Each
case runs in a process of its own, with limits on time and memory. A case that needs
operators which lowbit does not have is skipped, and the reason names them.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = os.environ.get("LOWBIT_CASES")
CASES = sorted(model.parent for model in Path(FOLDER).glob("*/model.onnx")) if FOLDER else []

#: How RUNNER ends when the model was refused, and when a run of it was.
NOT_COMPILED, NOT_RUN = 10, 11
UNSUPPORTED = r"unsupported operator '(.*?)' of domain '(.*?)'"

RUNNER = """
import pathlib, sys
import lowbit, numpy as np
case, out = map(pathlib.Path, sys.argv[1:])
try:
    model = lowbit.compile(case / "model.onnx")
except lowbit.Error as error:
    print(error)
    sys.exit(10)
try:
    for inputs in sorted(case.glob("inputs*.npz")):
        feeds = dict(np.load(inputs))
        result = model.run({name: feeds[name] for name in model.input_names if name in feeds})
        np.savez(out / inputs.name.replace("inputs", "outputs"), **result)
except lowbit.Error as error:
    print(error)
    sys.exit(11)
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
    assert done.returncode in (0, NOT_COMPILED, NOT_RUN), f"crash: {done.stdout}{done.stderr}"
    missing = dict.fromkeys(re.findall(UNSUPPORTED, done.stdout))
    if missing and done.returncode == NOT_COMPILED:
        pytest.skip("needs " + ", ".join(f"{domain} {name}" for name, domain in missing))
    expect = meta.get("expect", "accept")
    if expect.startswith("reject"):
        assert done.returncode, "accepted"
        return
    if "accept-or" in expect:
        return
    # Such a case gives the model inputs that break its rules.
    status = NOT_RUN if meta.get("phase") == "runtime" else 0
    assert done.returncode == status, done.stdout
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
