# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What `cmake --install` writes is complete.

Installs the build, runs the tools, and builds a CMake project on the installed package: its
sources are the programs of docs/CAPI.md and the snippet of the README.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from documents import BUILD, ROOT, blocks
from lowbit.models import bit

PROJECT = Path(__file__).with_name("Inputs") / "installed"
TOOLS = ("compile", "lsp-server", "opt", "run", "translate")

PARTS = """
#include "lowbit/InitAll.h"
#include "mlir/Parser/Parser.h"

static constexpr const char *kSource = R"mlir(
func.func @matmul(%a: tensor<4x96x!lowbit.levels<-1, 1>>, %w: tensor<8x96x!lowbit.levels<-1, 1>>)
    -> tensor<4x8xi32> {
  %e = tensor.empty() : tensor<4x8xi32>
  %0 = lowbit.matmul ins(%a, %w : tensor<4x96x!lowbit.levels<-1, 1>>,
                                  tensor<8x96x!lowbit.levels<-1, 1>>)
         outs(%e : tensor<4x8xi32>) {transpose_rhs} -> tensor<4x8xi32>
  return %0 : tensor<4x8xi32>
}
)mlir";

int main() {
@SNIPPET@
  auto module = mlir::parseSourceString<mlir::ModuleOp>(kSource, &context);
  if (!module || mlir::failed(pm.run(*module)))
    return 1;
  module->print(llvm::outs());
}
"""


def run(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not where it was installed: a prefix may be moved."""
    first = tmp_path_factory.mktemp("install") / "first"
    run("cmake", "--install", BUILD, "--prefix", first)
    return Path(shutil.move(first, first.with_name("moved")))


def compilers() -> list[str]:
    cache = (BUILD / "CMakeCache.txt").read_text(encoding="utf-8")
    return [
        f"-D{name}={value}"
        for name, value in re.findall(r"^(CMAKE_(?:C|CXX)_COMPILER):\w+=(.*)$", cache, re.M)
    ]


@pytest.mark.parametrize("tool", TOOLS)
def test_tools_find_their_libraries(tool, prefix):
    assert "USAGE" in run(prefix / "bin" / f"lowbit-{tool}", "--help").upper()


def test_nothing_points_to_the_source_tree(prefix):
    for package in (prefix / "lib/cmake/lowbit").iterdir():
        assert str(ROOT) not in package.read_text(encoding="utf-8"), package.name
    assert not list(prefix.rglob("*.py")) + list(prefix.rglob("_lowbit*"))


def test_project_on_the_installed_package(prefix, tmp_path):
    source, build = tmp_path / "source", tmp_path / "build"
    shutil.copytree(PROJECT, source)
    programs = [text for _, text in blocks("docs/CAPI.md", "c")]
    (source / "run.c").write_text(next(text for text in programs if "lowbitModelRun" in text))
    (source / "compile.c").write_text(
        next(text for text in programs if "lowbitCompileFile" in text)
    )
    (snippet,) = (text for _, text in blocks("README.md", "cpp"))
    (source / "parts.cpp").write_text(PARTS.replace("@SNIPPET@", snippet))
    run("cmake", "-G", "Ninja", "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}",
        *compilers())  # fmt: skip
    run("cmake", "--build", build)

    # The program's token ids are those of BERT.
    config = replace(bit.PRESETS["tiny"], vocab_size=30522)
    parameters = bit.BiTParameters.random(config, seed=5)
    exported = bit.build_model(parameters, token_type_input=False)
    (tmp_path / "bert.onnx").write_bytes(exported.SerializeToString())
    run(build / "compile", cwd=tmp_path)
    logits = run(build / "run", cwd=tmp_path)
    assert len(logits.split()) == 2
    assert run(build / "run-static", cwd=tmp_path) == logits
    ir = run(build / "parts")
    assert "memref" in ir and "lowbit.matmul" not in ir
