# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Passes and operations explain themselves in TableGen."""

import re

import tree

DEFINITION = re.compile(r"^def\s+(\w+)\s*:?\s*(.*)$")


def definitions(path):
    """(name, header line, body) of each `def` at the start of a line of a .td file."""
    text = "\n".join(tree.lines(path))
    starts = [
        match.start() for match in re.finditer(r"^(?:def|class|multiclass|defm)\b", text, re.M)
    ]
    for begin, end in zip(starts, [*starts[1:], len(text)], strict=False):
        body = text[begin:end]
        if match := DEFINITION.match(body.splitlines()[0]):
            yield match.group(1), body


def test_every_pass_has_summary_and_description():
    wrong = []
    for path in tree.files(".td"):
        for name, body in definitions(path):
            if not re.search(r":\s*(Interface)?Pass<\s*\"", body):
                continue
            # Summaries stand beside upstream's, which are sentences, in `lowbit-opt --help`.
            for fact, start in (("summary", "[A-Z@`]"), ("description", r"\S")):
                if not re.search(rf"let {fact} = (\[\{{|\")\s*{start}", body):
                    wrong.append(f"{path}: pass {name} has no {fact}, or not one like the others")
    assert not wrong, "\n" + "\n".join(wrong)


def test_every_lowbit_op_has_summary_description_and_example():
    wrong = []
    for path in tree.files(".td", under=("include/lowbit/Dialect/Lowbit/IR",)):
        for name, body in definitions(path):
            if not re.search(r"def\s+\w+Op\b", body):
                continue
            for fact in ("summary", "description"):
                if f"let {fact} =" not in body:
                    wrong.append(f"{path}: op {name} has no {fact}")
            if "```mlir" not in body:
                wrong.append(f"{path}: op {name} has no example")
    assert not wrong, "\n" + "\n".join(wrong)
