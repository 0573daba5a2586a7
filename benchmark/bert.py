# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Latency of BiT models beside ONNX Runtime, over bits, sequence lengths and threads.

python benchmark/bert.py [--config base] [--bits 1 2 8] [--sequence 16 128 512] [--threads 1]

The rivals run the float BERT of the same sizes: in float32, and quantized to 8 bits by
ONNX Runtime's dynamic quantization. Every line is one input shape; the competitors take
turns on it. `--json FILE` keeps every single time.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import lowbit
import numpy as np
from lowbit.benchmark import Run, Timing, interleaved, onnxruntime
from lowbit.models import bit


def rivals(config: bit.BiTConfig, threads: int, folder: Path) -> dict[str, Run]:
    """ONNX Runtime on the float model and on its 8-bit quantization."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    floats = replace(config.with_bits(32, 32), activation="gelu")
    path, eight = folder / "float.onnx", folder / "int8.onnx"
    bit.save_model(bit.build_model(bit.BiTParameters.random(floats, seed=0)), path)
    quantize_dynamic(path, eight, weight_type=QuantType.QInt8)
    return {"float": onnxruntime(str(path), threads), "int8": onnxruntime(str(eight), threads)}


def lowbit_model(config: bit.BiTConfig, bits: int, args: argparse.Namespace, folder: Path) -> Run:
    """The model with one-bit weights and `bits`-bit activations."""
    path = folder / f"w1a{bits}.onnx"
    parameters = bit.BiTParameters.random(config.with_bits(1, bits), seed=0)
    bit.save_model(bit.build_model(parameters, fold_constants=False), path)
    model = lowbit.compile(path, target=args.target, threads=args.threads, kernel=args.kernel)
    path.unlink()
    return model.run


def measure(
    runs: dict[str, Run], config: bit.BiTConfig, length: int, args: argparse.Namespace
) -> dict[str, Timing]:
    """Times all competitors on one input shape."""
    rng = np.random.default_rng(0)
    ids = rng.integers(0, config.vocab_size, (args.batch, length))
    feeds = {
        "input_ids": ids,
        "attention_mask": np.ones_like(ids),
        "token_type_ids": np.zeros_like(ids),
    }
    return interleaved(runs, feeds, rounds=args.rounds)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--config", choices=sorted(bit.PRESETS), default="base")
    parser.add_argument("--bits", type=int, nargs="+", default=[1], help="bits of activations")
    parser.add_argument("--sequence", type=int, nargs="+", default=[16, 64, 128, 256, 512])
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--target", default="native")
    parser.add_argument("--kernel", help="a row of the kernel table")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--no-rivals", action="store_true", help="time lowbit alone")
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    config = bit.PRESETS[args.config]

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        runs = {f"W1A{bits}": lowbit_model(config, bits, args, folder) for bits in args.bits}
        if not args.no_rivals:
            runs |= rivals(config, args.threads, folder)
        print(f"{args.config}, batch {args.batch}, {args.threads} threads; minimum (median) in ms")
        print("sequence" + "".join(f"{name:>18}" for name in runs))
        kept: dict[int, dict[str, Timing]] = {}
        for length in args.sequence:
            if length > config.max_positions:
                continue
            kept[length] = measure(runs, config, length, args)
            cells = (f"{t.minimum * 1e3:.2f} ({t.median * 1e3:.2f})" for t in kept[length].values())
            print(f"{length:>8}" + "".join(f"{cell:>18}" for cell in cells), flush=True)
    if args.json is not None:
        seconds = {
            length: {name: timing.seconds for name, timing in timings.items()}
            for length, timings in kept.items()
        }
        args.json.write_text(
            json.dumps({"arguments": str(args), "seconds": seconds}, indent=2) + "\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
