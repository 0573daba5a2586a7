# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The files of the source tree, for the lint tests beside this file."""

import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Folders with sources that people write; build folders and environments are none.
SOURCE_FOLDERS = (
    ".ci",
    "benchmark",
    "cmake",
    "docs",
    "examples",
    "include",
    "lib",
    "python",
    "scripts",
    "test",
    "tools",
)


def files(*suffixes: str, under: tuple[str, ...] = SOURCE_FOLDERS) -> Iterator[Path]:
    """Paths relative to ROOT of all files with one of the suffixes, sorted."""
    for folder in under:
        for directory, subdirectories, names in os.walk(ROOT / folder):
            subdirectories[:] = sorted(
                name for name in subdirectories if not name.startswith((".", "__"))
            )
            for name in sorted(names):
                path = Path(directory, name).relative_to(ROOT)
                if path.suffix in suffixes or name in suffixes:
                    yield path


def lines(path: Path) -> list[str]:
    return (ROOT / path).read_text(encoding="utf-8").splitlines()
