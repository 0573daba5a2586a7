# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Time of a decoder step by the length of its cache, beside ONNX Runtime.

python benchmark/decoder_steps.py ENCODER.onnx... STEP.onnx [--batch 1 4] [--length 16 128 512]

The last model is the step, the others start the session. Integer inputs of the step with a
last dimension of 1 are tokens; those of the start are sentences of `--source` tokens or, when
their name holds `mask`, ones. `reorder` is the time to let every sequence follow another. ONNX
Runtime gets its last outputs back as inputs, which it does not copy.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import lowbit
import numpy as np

Feeds = dict[str, np.ndarray[Any, Any]]


def random_feeds(specs: list[lowbit.TensorSpec], batch: int, source: int) -> Feeds:
    """Tokens and masks for the integer inputs."""
    rng = np.random.default_rng(0)
    feeds = {}
    for spec in specs:
        if spec.dtype.kind != "i" or len(spec.shape) != 2:
            raise SystemExit(f"decoder_steps.py: cannot make up input '{spec.name}'")
        shape = (batch, 1 if spec.shape[1] == 1 else source)
        values = np.ones(shape) if "mask" in spec.name else rng.integers(3, 100, shape)
        feeds[spec.name] = values.astype(spec.dtype)
    return feeds


def start_inputs(program: lowbit.Program, step: str) -> list[lowbit.TensorSpec]:
    """What no entry but the caller gives before the first step."""
    made = {spec.state for entry in program.values() for spec in entry.outputs}
    specs = {
        spec.name: spec
        for name, entry in program.items()
        if name != step
        for spec in entry.inputs
        if spec.state is None or spec.state not in made
    }
    return list(specs.values())


def onnxruntime_step(
    path: Path, session: lowbit.Session, step: lowbit.Entry, tokens: Feeds, threads: int
) -> Callable[[], None]:
    """One step with the states that `session` has now, and the outputs as the next ones."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    runtime = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    feeds = {
        s.name: session.state(s.state) for s in step.inputs if s.state and s.name not in tokens
    }
    taken = {value.name for value in runtime.get_inputs()}
    feeds = {name: ort.OrtValue.ortvalue_from_numpy(value) for name, value in feeds.items()}
    for name, value in tokens.items():
        feeds[name] = ort.OrtValue.ortvalue_from_numpy(value)
    feeds = {name: value for name, value in feeds.items() if name in taken}
    states = {spec.name: spec.state for spec in step.outputs if spec.state}

    def run() -> None:
        outputs = runtime.run_with_ort_values(step.output_names, feeds)
        for name, value in zip(step.output_names, outputs):
            if name in states:
                feeds[states[name]] = value

    return run


def median_time(call: Callable[[], Any], rounds: int) -> float:
    """Milliseconds."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--batch", nargs="+", type=int, default=[1, 4])
    parser.add_argument("--length", nargs="+", type=int, default=[16, 64, 128, 256, 512])
    parser.add_argument("--source", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--onnxruntime", action="store_true", help="measure it too")
    args = parser.parse_args()

    # Exporters often call every file model.onnx.
    names = [f"start{i}" for i in range(len(args.models) - 1)] + ["step"]
    program = lowbit.compile(dict(zip(names, args.models)), threads=args.threads)
    print("batch  length  step ms  reorder ms" + ("  ORT ms" if args.onnxruntime else ""))
    for batch in args.batch:
        measure_batch(program, batch, args)


def measure_batch(program: lowbit.Program, batch: int, args: argparse.Namespace) -> None:
    """One line for each length of the cache."""
    step = program["step"]
    session = program.session("step")
    session.start(random_feeds(start_inputs(program, "step"), batch, args.source))
    ids = random_feeds([spec for spec in step.inputs if spec.state is None], batch, args.source)
    around = [(row + 1) % batch for row in range(batch)]
    for length in sorted(args.length):
        while session.steps < length:
            session.step(ids)
        fork = session.fork()
        fork.step(ids)  # takes memory of its own
        times = [
            median_time(partial(fork.step, ids), args.rounds),
            median_time(partial(fork.reorder, around), args.rounds),
        ]
        if args.onnxruntime:
            run = onnxruntime_step(args.models[-1], session, step, ids, args.threads)
            times.append(median_time(run, args.rounds))
        columns = "".join(f"{value:{width}.3f}" for value, width in zip(times, (9, 12, 8)))
        print(f"{batch:5}{length:8}{columns}", flush=True)


if __name__ == "__main__":
    main()
