# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Rules for every source file: licence header, length, plain spelling rules."""

import re

import tree

SPDX = "SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception"
CPP = (".h", ".cpp", ".c")
CODE = (*CPP, ".td", ".py", ".pyi")

MAX_LINES = 500
# Files that are longer, each with the reason why one file is better than two.
LONG_FILES: dict[str, str] = {
    "test/Import/Inputs/models.py": "one table of small models",
}


def test_files_open_with_the_licence():
    scripts = [path for path in tree.files("setup", "configure", "check", "lint", "run")]
    missing = [
        str(path)
        for path in [*tree.files(*CODE), *scripts]
        if SPDX not in "\n".join(tree.lines(path)[:12]) and tree.lines(path)
    ]
    assert not missing, "no licence header:\n" + "\n".join(missing)


def test_files_are_short():
    lengths = {path.as_posix(): len(tree.lines(path)) for path in tree.files(*CODE)}
    long = [
        f"{path}: {length} lines"
        for path, length in lengths.items()
        if length > MAX_LINES and path not in LONG_FILES
    ]
    assert not long, f"longer than {MAX_LINES} lines, and no reason in LONG_FILES:\n" + "\n".join(
        long
    )
    stale = [path for path in LONG_FILES if lengths.get(path, 0) <= MAX_LINES]
    assert not stale, f"no longer long, remove from LONG_FILES: {stale}"


def matches(pattern: str, *suffixes: str) -> list[str]:
    expression = re.compile(pattern)
    return [
        f"{path}:{number}: {line.strip()}"
        for path in tree.files(*suffixes)
        if path.parts[:2] != ("test", "lint")
        for number, line in enumerate(tree.lines(path), 1)
        if expression.search(line)
    ]


def test_no_using_namespace_std():
    assert not matches(r"using\s+namespace\s+std\b", *CPP)


def test_headers_open_no_namespace():
    assert not matches(r"^\s*using\s+namespace\b", ".h")


def test_no_notes_to_self():
    assert not matches(r"\b(TODO|FIXME|XXX|HACK)\b", *CODE, ".mlir", ".md", ".txt", ".cmake")


def test_no_exceptions_and_no_global_options_in_compiler_code():
    """Code that touches MLIR has no exceptions; options belong to passes and pipelines."""
    found = [
        line
        for line in matches(r"\b(try\s*\{|throw\b|catch\s*\()", *CPP)
        if line.startswith(("lib/", "include/", "tools/"))
        and not line.startswith(("lib/Runtime/", "tools/lowbit-run/"))
        and not re.search(r":\d+: (//|\*)", line)
    ]
    assert not found, "\n" + "\n".join(found)
    options = [
        line
        for line in matches(r"^\s*(static\s+)?(llvm::)?cl::opt\b", *CPP)
        if line.startswith("lib/")
    ]
    assert not options, "\n" + "\n".join(options)
