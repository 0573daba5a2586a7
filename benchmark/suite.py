# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""All measurements of docs/Performance.md, in one run, as JSON.

python benchmark/suite.py [--quick] -o results.json      (or: make bench)

Competitors take turns, run by run; every time is kept. A line of a table is one input shape.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import bart
import ggml_product
import lowbit
import numpy as np
import peers
import products
from lowbit._machine import describe_machine, installed_versions
from lowbit.benchmark import onnxruntime
from lowbit.models import bit
from peers import Competitors, Missing, seconds_of

BERT = "BERT-base"
HERE = Path(__file__).resolve().parent


def machine() -> dict[str, Any]:
    """The CPU, and the most binary products one core does in a nanosecond."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "peak"
        source = HERE / "popcount_peak.c"
        subprocess.run(
            ["clang-22", "-O3", "-march=native", str(source), "-o", str(program)], check=True
        )
        peak = float(subprocess.run([program], capture_output=True, check=True).stdout)
    versions = installed_versions(
        "lowbit", "onnxruntime", "openvino", "nncf", "iree-base-runtime", "ctranslate2",
        "ggml-python", "onnx", "numpy",
    )  # fmt: skip
    return {**describe_machine(), "popcount_peak": peak, "versions": versions}


def tokens(config: bit.BiTConfig, batch: int, length: int) -> dict[str, np.ndarray[Any, Any]]:
    ids = np.random.default_rng(0).integers(0, config.vocab_size, (batch, length))
    return {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": ids * 0}


def compile_model(
    config: bit.BiTConfig, bits: int, folder: Path
) -> tuple[Path, Path, dict[str, float]]:
    """One BiT model: its ONNX file, its artifact, and what compiling took."""
    source, artifact = folder / f"w1a{bits}.onnx", folder / f"w1a{bits}.so"
    parameters = bit.BiTParameters.random(config.with_bits(1, bits), seed=0)
    bit.save_model(bit.build_model(parameters, fold_constants=False), source)
    start = time.perf_counter()
    lowbit.compile(source).save(artifact)
    return source, artifact, {"compile_seconds": time.perf_counter() - start}


def first_answer(artifact: Path, config: bit.BiTConfig, folder: Path) -> dict[str, float]:
    """Seconds to load and answer once in a new process, and its peak memory in bytes."""
    command = ["lowbit-run", str(artifact)]
    for name, array in tokens(config, 1, 128).items():
        np.save(folder / f"{name}.npy", array)
        command += ["--input", f"{name}={folder / name}.npy"]
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        best = min(best, time.perf_counter() - start)
    text = subprocess.run([*command, "--repeat", "1"], check=True, capture_output=True, text=True)
    memory = re.search(r"peak memory: ([\d.]+) MiB", text.stdout + text.stderr)
    assert memory, "lowbit-run --repeat prints its peak memory"
    return {"first_answer_seconds": best, "peak_bytes": float(memory[1]) * 2**20}


def measure_models(quick: bool, rounds: int, folder: Path, missing: Missing) -> dict[str, Any]:
    config = bit.PRESETS["base"]
    floats = folder / "float.onnx"
    plain = replace(config.with_bits(32, 32), activation="gelu")
    bit.save_model(bit.build_model(bit.BiTParameters.random(plain, seed=0)), floats)

    sizes, artifacts = {}, {}
    for bits in (1,) if quick else (1, 2, 4, 8, 32):
        print(f"  compile W1A{bits}", flush=True)
        source, artifact, facts = compile_model(config, bits, folder)
        artifacts[bits] = artifact
        facts |= {"onnx_bytes": source.stat().st_size, "artifact_bytes": artifact.stat().st_size}
        if bits == 1:
            fake = source
            facts |= first_answer(artifact, config, folder)
        else:
            source.unlink()
        sizes[f"W1A{bits}"] = facts

    known = folder / "fixed.onnx"
    parameters = bit.BiTParameters.random(plain, seed=0)
    bit.save_model(bit.build_model(parameters, batch=1, sequence=128), known)
    fixed = Competitors(BERT, missing)
    fixed.add("IREE, f32", partial(peers.iree, known, folder))

    lines = []
    shapes = [(1, 128, 1)] if quick else [
        (1, 1, 1), (1, 8, 1), (1, 32, 1), (1, 127, 1), (1, 128, 1), (1, 384, 1), (8, 128, 1),
        (1, 128, 2),
    ]  # fmt: skip
    for threads in sorted({t for _, _, t in shapes}):
        runs = Competitors(BERT, missing)
        for bits, path in artifacts.items():
            runs[f"lowbit W1A{bits}"] = lowbit.load(path, threads=threads).run
        peers.add_onnxruntime(runs, floats, folder, threads)
        runs.add("ONNX Runtime, same file", partial(onnxruntime, str(fake), threads))
        peers.add_openvino(runs, floats, folder, tokens(config, 1, 128), threads)
        for batch, length, count in shapes:
            if count != threads:
                continue
            print(f"  batch {batch}, sequence {length}, threads {threads}", flush=True)
            # IREE wants extents that are known.
            own = fixed if (batch, length, threads) == (1, 128, 1) else {}
            feeds = tokens(config, batch, length)
            pause = 0.05 if threads > 1 else 0.0
            seconds = seconds_of(runs | own, feeds, rounds if batch == 1 else 3, pause)
            lines.append({"batch": batch, "length": length, "threads": threads, "seconds": seconds})
    return {"sizes": sizes, "latency": lines}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--quick", action="store_true", help="one model and one shape")
    parser.add_argument("--rounds", type=int, default=21)
    args = parser.parse_args()
    results: dict[str, Any] = {"machine": machine()}
    missing: Missing = {}
    print("products", flush=True)
    results["products"] = products.measure(args.rounds, missing)
    if any(name.startswith("ggml") for line in results["products"] for name in line["seconds"]):
        results["machine"]["ggml"] = ggml_product.describe()
    print("models", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        results |= measure_models(args.quick, args.rounds, Path(folder), missing)
    print("sequences", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        results |= bart.measure(args.quick, args.rounds, Path(folder), missing)
    results["missing"] = [[*key, reason] for key, reason in missing.items()]
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.write_text(json.dumps(results, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
