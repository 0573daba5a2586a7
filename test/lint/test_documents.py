# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The documents agree with the sources, and their links lead somewhere."""

import re
import tomllib

import tree

DOCUMENTS = sorted([*tree.ROOT.glob("*.md"), *(tree.ROOT / "docs").rglob("*.md")])


def document(name: str) -> str:
    return (tree.ROOT / "docs" / name).read_text(encoding="utf-8")


def source(name: str) -> str:
    return (tree.ROOT / name).read_text(encoding="utf-8")


def first_cells(text: str) -> list[str]:
    """The first cell of every row of every table, heads left out."""
    rows = re.findall(r"^\| ([^|]+?) \|.*\n(?!\| ---)", text, re.M)
    return [row for row in rows if not row.startswith("---")]


def test_operator_list_is_the_dialect():
    listed = [
        name for cell in first_cells(document("ONNXOperators.md")) for name in cell.split(", ")
    ]
    assert len(listed) == len(set(listed))
    operators = re.findall(
        r"^def ONNX_(\w+)Op\b",
        source("include/lowbit/Dialect/ONNX/IR/ONNXOps.td"),
        re.M,
    )
    assert sorted(listed) == sorted(operators)


def test_kernel_table_is_the_source():
    listed = re.findall(r"^\| `([\w-]+)` \| (.*?) \|", document("Kernels.md"), re.M)
    text = source("lib/Kernels/Registry.cpp")
    features = {
        name: re.findall(r'"([\w.-]+)"', body)
        for name, body in re.findall(r"(k\w+)\[\] = \{(.*?)\};", text, re.S)
    }
    rows = re.findall(r'\{"([\w-]+)",\s*(\{\}|k\w+),', text)
    expected = {name: features.get(need, []) for name, need in rows}
    documented = {
        name: [] if need == "nothing" else need.split() for name, need in listed if name in expected
    }
    assert documented == expected


def test_formulas_are_numbered_once_and_cited_correctly():
    defined = re.findall(r"\*\*\(Q(\d+)\)", document("Quantizers.md"))
    assert defined == [str(number) for number in range(1, len(defined) + 1)]
    wrong = [
        f"{path}:{number}: (Q{cited}) does not exist"
        for path in tree.files(".h", ".cpp", ".td", ".py", ".mlir", ".md")
        for number, line in enumerate(tree.lines(path), 1)
        for cited in re.findall(r"\(Q(\d+)\)", line)
        if cited not in defined and path.name != "test_documents.py"
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_passes_and_tools_that_documents_name_exist():
    passes = {
        name
        for path in tree.files(".td")
        for name in re.findall(r'Pass<\s*"([\w-]+)"', source(str(path)))
    }
    tools = {
        path.parts[1]
        for path in tree.files("CMakeLists.txt", under=("tools",))
        if len(path.parts) > 2
    }
    stages = {f"lowbit-stage-{stage}" for stage in ("onnx", "lowbit", "loops", "llvm")}
    fuzzers = set(re.findall(r"\((lowbit-[\w-]+)", source("test/Fuzz/CMakeLists.txt")))
    scripts = set(tomllib.loads(source("pyproject.toml"))["project"]["scripts"])
    known = passes | tools | stages | fuzzers | scripts | {"lowbit-c"}
    wrong = []
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        for name in re.findall(
            r"(?<![\w/.-])(?:lowbit|convert|onnx)-[a-z][\w-]*(?!\S*[<>.])", text
        ):
            if name not in known and not name.startswith("onnx-ml"):
                wrong.append(f"{path.relative_to(tree.ROOT)}: {name}")
    assert not wrong, "\n" + "\n".join(wrong)


def test_links_lead_somewhere():
    wrong = [
        f"{path.relative_to(tree.ROOT)}: {target}"
        for path in DOCUMENTS
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
        if not re.match(r"[a-z]+:", target) and not (path.parent / target).exists()
    ]
    assert not wrong, "\n" + "\n".join(wrong)
