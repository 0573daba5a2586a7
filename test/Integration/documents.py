# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reads what the documents show, and says which build is tested."""

from __future__ import annotations

import re
from pathlib import Path

import lowbit

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(lowbit.__file__).absolute().parents[2]


def blocks(document: str, languages: str) -> list[tuple[str, str]]:
    """(language, text) of the fenced blocks in one of the languages, `python|sh`."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(rf"^```({languages})\n(.*?)^```$", text, re.M | re.S)
