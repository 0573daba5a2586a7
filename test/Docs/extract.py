# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Prints one code block of a document, so that lit can run what users read.

usage: extract.py DOCUMENT LANGUAGE [N]     (the N-th block of that language, from 1)
"""

import re
import sys
from pathlib import Path


def blocks(document: Path, language: str) -> list[str]:
    text = document.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


if __name__ == "__main__":
    name, language, *number = sys.argv[1:]
    found = blocks(Path(name), language)
    index = int(number[0]) if number else 1
    if not 1 <= index <= len(found):
        sys.exit(f"{name} has {len(found)} blocks of {language}, no block {index}")
    sys.stdout.write(found[index - 1])
