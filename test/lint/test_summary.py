# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The closing line of `make check` counts what ran, and nothing else passes."""

import json
import subprocess
import sys

import tree

JUNIT = """<testsuites><testsuite>
  <testcase classname="a" name="good"/>
  <testcase classname="a" name="bad"><failure/></testcase>
  <testcase classname="a" name="broken"><error/></testcase>
  <testcase classname="a" name="not here"><skipped/></testcase>
</testsuite></testsuites>"""


def summarise(folder, *files):
    result = subprocess.run(
        [sys.executable, tree.ROOT / "test/summary.py", folder, *files],
        capture_output=True,
        text=True,
        check=False,
    )
    return result.returncode, result.stdout.splitlines()


def write_lit(path, *codes):
    tests = [{"name": f"lowbit :: {code}", "code": code} for code in codes]
    path.write_text(json.dumps({"tests": tests}))


def test_all_passed(tmp_path):
    write_lit(tmp_path / "lit.json", "PASS", "XFAIL", "UNSUPPORTED")
    status, lines = summarise(tmp_path, "lit.json")
    assert status == 0
    assert lines[-2:] == ["1 skipped", "2 passed, 0 failed"]


def test_failures_of_every_kind_are_counted_and_named(tmp_path):
    write_lit(tmp_path / "lit.json", "PASS", "FAIL", "XPASS", "UNRESOLVED", "TIMEOUT")
    (tmp_path / "python.xml").write_text(JUNIT)
    status, lines = summarise(tmp_path, "lit.json", "python.xml")
    assert status == 1
    assert lines[-1] == "2 passed, 6 failed"
    assert "FAILED python: a::broken" in lines
    assert "FAILED lit: lowbit :: TIMEOUT (TIMEOUT)" in lines


def test_suite_that_did_not_run_is_a_failure(tmp_path):
    write_lit(tmp_path / "empty.json")
    (tmp_path / "cut.xml").write_text(JUNIT[:40])
    status, lines = summarise(tmp_path, "missing.json", "empty.json", "cut.xml")
    assert status == 1
    assert lines[-1] == "0 passed, 3 failed"
