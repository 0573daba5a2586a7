# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Adds up what the test suites wrote and ends with "N passed, N failed".

usage: summary.py RESULTS_DIR FILE...

A FILE is lit's JSON (`lit -o`) or pytest's JUnit XML. A file that is
missing, unreadable or without a single test counts as one failure: a suite that did
not run did not pass. Exit status 0 only when nothing failed.
"""

import json
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

# lit's result codes by what they mean here; any other code is a failure.
LIT_PASSED = {"PASS", "XFAIL", "FLAKYPASS"}
LIT_SKIPPED = {"UNSUPPORTED", "SKIPPED", "EXCLUDED"}


@dataclass
class Suite:
    """Counts of one result file and the names of what failed."""

    name: str
    passed: int = 0
    skipped: int = 0
    failures: list[str] = field(default_factory=list)

    def total(self) -> int:
        return self.passed + self.skipped + len(self.failures)


def read_lit(path: Path, suite: Suite) -> None:
    for test in json.loads(path.read_text())["tests"]:
        if test["code"] in LIT_PASSED:
            suite.passed += 1
        elif test["code"] in LIT_SKIPPED:
            suite.skipped += 1
        else:
            suite.failures.append(f"{test['name']} ({test['code']})")


def read_junit(path: Path, suite: Suite) -> None:
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = "::".join(filter(None, (case.get("classname"), case.get("name"))))
        if case.find("failure") is not None or case.find("error") is not None:
            suite.failures.append(name)
        elif case.find("skipped") is not None:
            suite.skipped += 1
        else:
            suite.passed += 1


def read(path: Path) -> Suite:
    suite = Suite(path.stem)
    try:
        (read_lit if path.suffix == ".json" else read_junit)(path, suite)
    except (OSError, ValueError, KeyError, ElementTree.ParseError) as error:
        suite.failures.append(f"{path.name} could not be read: {error}")
    if suite.total() == 0:
        suite.failures.append(f"{path.name} holds no test")
    return suite


def main(results: str, *files: str) -> int:
    suites = [read(Path(results) / name) for name in files]
    print("\n== summary")
    for suite in suites:
        for failure in suite.failures:
            print(f"FAILED {suite.name}: {failure}")
    for suite in suites:
        print(
            f"{suite.name:>8}: {suite.passed} passed, {len(suite.failures)} failed, "
            f"{suite.skipped} skipped"
        )
    print(f"{sum(suite.skipped for suite in suites)} skipped")
    failed = sum(len(suite.failures) for suite in suites)
    print(f"{sum(suite.passed for suite in suites)} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
