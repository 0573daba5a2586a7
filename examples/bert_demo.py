# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A binary BERT-base from ONNX to a table of sizes, times and differences.

    make demo          or:  python examples/bert_demo.py [--config base] [--output FOLDER]

Writes a BiT BERT-base with one-bit weights and activations as ONNX, compiles it, runs
it on English sentences, compares every quantized value with the exact-integer reference,
and times it beside ONNX Runtime. The parameters are random: the demo shows size, speed
and agreement, and says nothing about language.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import lowbit
import numpy as np
from lowbit.benchmark import Run, interleaved, onnxruntime
from lowbit.models import bit

TEXT = Path(__file__).with_name("demo_text.txt")
SENTENCES = (
    "The rabbit took a watch out of its pocket and hurried on.",
    "It was the best of books.",
    "Some years ago, having little money and nothing to interest him on shore, a young man "
    "from the neighbourhood thought that he would sail about and see the world.",
    "A nation so conceived can long endure.",
)
ROUNDS = 15


@dataclass(frozen=True)
class Compiled:
    """What compiling one model took."""

    path: Path
    seconds: float
    peak_bytes: int


def compile_to(model: Path, artifact: Path) -> Compiled:
    """Compiles in a process of its own, so that its memory can be measured."""
    start = time.perf_counter()
    lowbit.compile(model).save(artifact)
    seconds = time.perf_counter() - start
    return Compiled(artifact, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


@contextlib.contextmanager
def step(text: str) -> Iterator[None]:
    """Prints what is being done, with a running clock on a terminal, and how long it took."""
    start = time.perf_counter()
    done = threading.Event()

    def tick() -> None:
        while not done.wait(0.5):
            print(f"\r  {text} ... {time.perf_counter() - start:.0f} s", end="", flush=True)

    live = sys.stdout.isatty()
    print(f"  {text} ...", end="", flush=True)
    ticker = threading.Thread(target=tick, daemon=True)
    if live:
        ticker.start()
    try:
        yield
    finally:
        done.set()
        if live:
            ticker.join()
            print(f"\r  {text} ...", end="")
    print(f" {time.perf_counter() - start:.1f} s", flush=True)


def tokenize(config: bit.BiTConfig) -> dict[str, np.ndarray[Any, Any]]:
    """The sentences as padded WordPiece tokens, of a vocabulary made from `demo_text.txt`."""
    from tokenizers import BertWordPieceTokenizer

    tokenizer = BertWordPieceTokenizer(lowercase=True)
    size = min(2000, config.vocab_size)
    tokenizer.train([str(TEXT)], vocab_size=size, min_frequency=1, show_progress=False)
    tokenizer.enable_padding()
    tokenizer.enable_truncation(config.max_positions)
    encoded = tokenizer.encode_batch(list(SENTENCES))
    return {
        "input_ids": np.array([entry.ids for entry in encoded]),
        "attention_mask": np.array([entry.attention_mask for entry in encoded]),
        "token_type_ids": np.array([entry.type_ids for entry in encoded]),
    }


def megabytes(size: float) -> str:
    return f"{size / 1e6:.1f} MB"


def print_table(rows: list[tuple[str, str, str]]) -> None:
    widths = [max(len(row[i]) for row in rows) for i in range(2)]
    for name, value, note in rows:
        print(f"  {name:<{widths[0]}}  {value:>{widths[1]}}  {note}".rstrip())


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--config", choices=sorted(bit.PRESETS), default="base")
    parser.add_argument("--sequence", type=int, default=128, help="tokens of the timed input")
    parser.add_argument("--output", type=Path, default=Path("build/demo"), help="folder for files")
    return parser.parse_args()


def main() -> int:
    args = parse_arguments()
    config = bit.PRESETS[args.config]
    args.output.mkdir(parents=True, exist_ok=True)
    model, artifact = args.output / "bit.onnx", args.output / "bit.so"
    probe, probe_artifact = args.output / "bit-sites.onnx", args.output / "bit-sites.so"

    print(
        f"BiT BERT, {config.num_layers} layers, {config.hidden_size} wide, W1A1, random parameters"
    )
    with step("write the model as ONNX"):
        parameters = bit.BiTParameters.random(config, seed=0)
        bit.save_model(bit.build_model(parameters, fold_constants=False), model)
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        with step("compile it"):
            compiled = pool.submit(compile_to, model, artifact).result()
        with step("compile it again with every quantizer's values as outputs"):
            bit.save_model(
                bit.build_model(parameters, fold_constants=False, expose_sites=True), probe
            )
            pool.submit(compile_to, probe, probe_artifact).result()
    with step("run English sentences and compare with the exact-integer reference"):
        feeds = tokenize(config)
        got = lowbit.load(probe_artifact).run(feeds)
        compared = bit.compare(parameters, feeds, got)
        binary = lowbit.load(artifact)
        logits = binary.run(feeds)["logits"]
        same = float(np.abs(logits - got["logits"]).max())
    with step("load the float model and the fake-quantized one into ONNX Runtime"):
        floats = replace(config.with_bits(32, 32), activation="gelu")
        float_model = bit.build_model(bit.BiTParameters.random(floats, seed=0))
        float_size = float_model.ByteSize()
        runs: dict[str, Run] = {
            "lowbit": binary.run,
            "float": onnxruntime(float_model.SerializeToString()),
            "fake": onnxruntime(str(model)),
        }
        del float_model
    with step(f"time {ROUNDS} runs of each at sequence {args.sequence} on one thread"):
        length = min(args.sequence, config.max_positions)
        ids = np.random.default_rng(1).integers(1, config.vocab_size, (1, length))
        ones = np.ones_like(ids)
        timed = {"input_ids": ids, "attention_mask": ones, "token_type_ids": ones - 1}
        timings = interleaved(runs, timed, ROUNDS)
    probe.unlink()
    probe_artifact.unlink()

    matmuls = binary.report["summary"]
    ours = timings["lowbit"].minimum
    size, artifact_size = model.stat().st_size, artifact.stat().st_size
    tokens = feeds["attention_mask"].sum(axis=1)

    def latency(name: str) -> tuple[str, str]:
        timing = timings[name]
        ratio = "" if name == "lowbit" else f", {timing.minimum / ours:.1f} times as long"
        return f"{timing.minimum * 1e3:.1f} ms", f"median {timing.median * 1e3:.1f} ms{ratio}"

    print()
    print_table(
        [
            ("model file, ONNX", megabytes(size), f"float model: {megabytes(float_size)}"),
            (
                "artifact, shared library",
                megabytes(artifact_size),
                f"{size / artifact_size:.0f} times smaller",
            ),
            (
                "compile time",
                f"{compiled.seconds:.1f} s",
                f"peak memory {compiled.peak_bytes / 1e9:.1f} GB",
            ),
            (
                "binary matmuls",
                f"{matmuls['quantized']} of {matmuls['matmuls']}",
                "the others are float in the model",
            ),
            ("", "", ""),
            (f"latency, sequence {length}, 1 thread", "minimum", ""),
            ("  lowbit", *latency("lowbit")),
            ("  ONNX Runtime, float BERT", *latency("float")),
            ("  ONNX Runtime, the same ONNX file", *latency("fake")),
            ("", "", ""),
            (f"{len(tokens)} sentences of {tokens.min()} to {tokens.max()} tokens", "", ""),
            (
                "  codes that differ from the formula",
                f"{compared.differing}",
                f"of {compared.decisions:,} at {len(compared.sites)} sites",
            ),
            (
                "  largest difference at a site",
                f"{compared.input_error:.1e}",
                "relative to the site's largest value",
            ),
            ("  largest difference of an output", f"{compared.output_error:.1e}", ""),
            (
                "  with and without the extra outputs",
                f"{same:.1e}",
                "largest difference of the logits",
            ),
        ]
    )
    print(f"\n  {model} and {artifact} are kept.")
    return 0 if compared.differing == 0 else 1


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    sys.exit(main())
