# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs artifacts for emulation.py, in a process of its own: reads pickled paths and inputs, and
writes pickled outputs, or the exception of a run."""

from __future__ import annotations

import pickle
import sys
from functools import lru_cache

import lowbit

#: The registers of every thread are emulated.
THREADS = 2


@lru_cache(maxsize=4)
def load(path: str) -> lowbit.Model:
    return lowbit.load(path, threads=THREADS)


def main() -> None:
    requests, replies = sys.stdin.buffer, sys.stdout.buffer
    while True:
        try:
            path, inputs = pickle.load(requests)
        except EOFError:
            return
        try:
            reply = load(path).run(inputs)
        except Exception as error:
            reply = error
        pickle.dump(reply, replies)
        replies.flush()


if __name__ == "__main__":
    main()
