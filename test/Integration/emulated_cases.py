# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Calls functions for test_emulation.py: `emulated_cases.py LIBRARY BLOCKS` calls `case0`, `case1`,
… of a library with each block of `BLOCKS[0]`, `BLOCKS[1]`, …, in two threads, and writes the
blocks back."""

from __future__ import annotations

import ctypes
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np


def main(library: str, path: str) -> None:
    functions, blocks = ctypes.CDLL(library), np.load(path)

    def call(case: int) -> None:
        function = functions[f"case{case}"]
        for block in blocks[case]:
            function(ctypes.c_void_p(block.ctypes.data))

    with ThreadPoolExecutor(2) as executor:
        list(executor.map(call, range(len(blocks))))
    np.save(path, blocks)


if __name__ == "__main__":
    main(*sys.argv[1:])
