# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Timing models beside each other.

Competitors take turns, run by run, so that all of them meet the same clock speed and
the same neighbours; the minimum tells what the code can do, the median what it did.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

#: Runs a model on named inputs.
Run = Callable[[Mapping[str, npt.ArrayLike]], Any]


@dataclass(frozen=True)
class Timing:
    """Seconds of each run of one competitor, in order."""

    seconds: tuple[float, ...]

    @property
    def minimum(self) -> float:
        """The fastest run."""
        return min(self.seconds)

    @property
    def median(self) -> float:
        """The run in the middle."""
        return statistics.median(self.seconds)


def interleaved(
    runs: Mapping[str, Run],
    feeds: Mapping[str, npt.ArrayLike],
    rounds: int = 15,
    warmup: int = 2,
) -> dict[str, Timing]:
    """Runs all competitors in turn, `rounds` times, after `warmup` rounds that do not count."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for index in range(warmup + rounds):
        for name, run in runs.items():
            start = time.perf_counter()
            run(feeds)
            if index >= warmup:
                seconds[name].append(time.perf_counter() - start)
    return {name: Timing(tuple(values)) for name, values in seconds.items()}


def onnxruntime(model: str | bytes, threads: int = 1) -> Run:
    """ONNX Runtime on the CPU with every optimization; `model` is a path or a file's bytes.

    Raises ImportError without the package `onnxruntime`, and its errors.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]
    return lambda feeds: session.run(None, {name: feeds[name] for name in names})
