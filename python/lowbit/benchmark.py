# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Timing models beside each other.

Competitors take turns, run by run, so that all of them meet the same clock speed and
the same neighbours; the minimum tells what the code can do, the median what it did.

As a command, `lowbit-bench --calibrate` or `python -m lowbit.benchmark --calibrate`, it
measures the rows of the kernel table on this machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
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
    pause: float = 0.0,
) -> dict[str, Timing]:
    """Runs all competitors in turn, `rounds` times, after `warmup` rounds that do not count.

    pause -- seconds between two runs: threads of one competitor may wait for work in a loop for
        a while, and take cores from the next.
    """
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for index in range(warmup + rounds):
        for name, run in runs.items():
            if pause:
                time.sleep(pause)
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


def main(arguments: Sequence[str] | None = None) -> int:
    """The command `lowbit-bench`; returns its exit status."""
    parser = argparse.ArgumentParser(prog="lowbit-bench", description="Measure kernels.")
    parser.add_argument(
        "--calibrate",
        action="store_true",
        required=True,
        help="measure every row of the kernel table that this machine can run, as JSON",
    )
    parser.add_argument(
        "-o", "--output", type=Path, help="the file to write (default: standard output)"
    )
    parser.add_argument(
        "--rows",
        type=int,
        nargs="+",
        default=[1, 8, 128],
        metavar="M",
        help="rows of the left side (default: 1 8 128)",
    )
    parser.add_argument(
        "--rounds", type=int, default=60, metavar="N", help="runs that count (default: 60)"
    )
    options = parser.parse_args(arguments)
    if min(options.rows) < 1 or options.rounds < 1:
        parser.error("--rows and --rounds take positive numbers")
    # The compiler is loaded only for the command.
    from lowbit.calibration import calibrate

    text = json.dumps(calibrate(options.rows, options.rounds), indent=1) + "\n"
    if options.output:
        options.output.write_text(text)
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
