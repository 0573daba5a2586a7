# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Keeps the layers of docs/Architecture.md.

Each folder of the tree belongs to a part, and ALLOWED lists, for each part, the
parts whose headers it may include. Third-party libraries with one owner (protobuf,
lld, the dynamic loader) are checked the same way.
"""

import re
from pathlib import Path

import pytest
import tree

# The longest prefix of a path below include/lowbit/ or lib/ names its part.
PARTS = {
    "Constants": "Constants",
    "Dialect/Lowbit/IR": "LowbitIR",
    "Dialect/ONNX/IR": "ONNXIR",
    "Target": "Target",
    "Math": "Math",
    "Kernels": "Kernels",
    "Dialect/Lowbit/Transforms": "LowbitTransforms",
    "Dialect/ONNX/Transforms": "ONNXTransforms",
    "Conversion/Passes": "Conversion",
    "Conversion/ONNXToLowbit": "ONNXToLowbit",
    "Conversion/ONNXToLinalg": "ONNXToLinalg",
    "Conversion/LowbitToLinalg": "LowbitToLinalg",
    "Conversion/LowbitToVector": "LowbitToVector",
    "Conversion/ToArtifact": "ToArtifact",
    "Import": "Import",
    "Pipelines": "Pipelines",
    "Compiler": "Compiler",
    "Runtime": "Runtime",
    "CAPI": "CAPI",
    "InitAll": "InitAll",
}

FACTS = {"Constants", "Target"}
ALLOWED = {
    # Layer 0 and 1: facts and the two dialects, strangers to each other.
    "Constants": set(),
    "LowbitIR": {"Constants"},
    "ONNXIR": {"Constants"},
    # Layer 2: what a machine can do, and kernels for it.
    "Target": set(),
    "Math": {"Target"},
    "Kernels": FACTS | {"LowbitIR"},
    # Layer 3: passes. Only ONNXToLowbit sees both dialects.
    "LowbitTransforms": FACTS | {"Kernels", "LowbitIR", "Math"},
    "ONNXTransforms": FACTS | {"ONNXIR"},
    "Conversion": set(),
    "ONNXToLowbit": FACTS | {"Conversion", "LowbitIR", "ONNXIR"},
    "ONNXToLinalg": FACTS | {"Conversion", "ONNXIR"},
    "LowbitToLinalg": FACTS | {"Conversion", "LowbitIR"},
    "LowbitToVector": FACTS | {"Conversion", "Kernels", "LowbitIR"},
    # States of a session hold levels.
    "ToArtifact": FACTS | {"Conversion", "LowbitIR", "Math"},
    "Import": {"Constants", "ONNXIR"},
}
# Layer 4 and 5 see everything below; layer 6 everything.
ALLOWED["Pipelines"] = set(ALLOWED) - {"Import"}
ALLOWED["InitAll"] = set(ALLOWED) | {"Pipelines"}
ALLOWED["Compiler"] = set(ALLOWED) | {"Pipelines"}
ALLOWED["Runtime"] = set()
ALLOWED["CAPI"] = set(ALLOWED)
LAYER_6 = ("tools", "python", "test", "benchmark")

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]')
CPP = (".h", ".cpp", ".c", ".td", ".inc")


def part_of(path: str) -> str | None:
    """The part of a path below include/lowbit/ or lib/; None when none claims it."""
    prefixes = [prefix for prefix in PARTS if path.startswith(prefix)]
    return PARTS[max(prefixes, key=len)] if prefixes else None


def own_part(path: Path) -> str | None:
    name = path.as_posix()
    if name.startswith(LAYER_6) or name.startswith("include/lowbit-c/"):
        return None
    for root in ("include/lowbit/", "lib/"):
        if name.startswith(root):
            part = part_of(name.removeprefix(root))
            assert part, f"{name}: belongs to no part; add its folder to PARTS"
            return part
    return None


def includes(path: Path) -> list[tuple[int, str]]:
    found = []
    for number, line in enumerate(tree.lines(path), 1):
        if match := INCLUDE.match(line) or re.match(r'^\s*include "([^"]+)"', line):
            found.append((number, match.group(1)))
    return found


SOURCES = [path for path in tree.files(*CPP)]


def test_folders_include_only_what_their_layer_allows():
    wrong = []
    for path in SOURCES:
        part = own_part(path)
        if part is None:
            continue
        for number, include in includes(path):
            if not include.startswith("lowbit/"):
                continue
            other = part_of(include.removeprefix("lowbit/"))
            if other is None:
                wrong.append(f"{path}:{number}: {include} belongs to no part")
            elif other != part and other not in ALLOWED[part]:
                wrong.append(f"{path}:{number}: {part} may not include {include} ({other})")
    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.parametrize(
    ("library", "header", "parts"),
    [
        ("protobuf", r"(google/protobuf/|.*\.pb\.h$)", {"Import"}),
        ("lld", r"lld/", {"Compiler"}),
        ("the dynamic loader", r"dlfcn\.h$", {"Runtime"}),
    ],
)
def test_library_has_one_owner(library, header, parts):
    wrong = [
        f"{path}:{number}: only {', '.join(sorted(parts))} may use {library}, found {include}"
        for path in SOURCES
        if (part := own_part(path)) is not None and part not in parts
        for number, include in includes(path)
        if re.match(header, include)
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_runtime_uses_no_compiler_headers():
    """The runtime is linked where no LLVM is: standard library and system only."""
    wrong = [
        f"{path}:{number}: {include}"
        for path in SOURCES
        if path.as_posix().startswith(
            (
                "lib/Runtime/",
                "include/lowbit/Runtime/",
                "include/lowbit-c/Runtime.h",
                "include/lowbit-c/Artifact.h",
            )
        )
        for number, include in includes(path)
        if include.startswith(("mlir", "llvm", "clang", "lld"))
        or (include.startswith("lowbit/") and not include.startswith("lowbit/Runtime/"))
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_c_headers_include_only_c_headers():
    allowed = re.compile(r"(std\w+|inttypes)\.h$|lowbit-c/|mlir-c/")
    wrong = [
        f"{path}:{number}: {include}"
        for path in tree.files(".h", under=("include/lowbit-c",))
        for number, include in includes(path)
        if not allowed.match(include)
    ]
    assert not wrong, "\n" + "\n".join(wrong)
