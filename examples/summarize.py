# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Generates with a binary and a ternary BART-base, beside ONNX Runtime on the same files.

    make demo-summarize     or:  python examples/summarize.py [--config base] [--bits 2 2]

Writes the encoder, the keys and values of the cross-attention and a decoder step as ONNX,
compiles them into one program, and generates greedily for a few articles. The parameters are
random unless --checkpoint names some: the demo shows size and speed, and says nothing about
language. ONNX Runtime adds up floats where lowbit adds up integers, so a sign near zero may
turn, and in a random model one sign changes all that follows.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lowbit
import numpy as np
import numpy.typing as npt
from lowbit.generation import Decoder, GenerationConfig, Steps, generate
from lowbit.models import tbt

TEXT = Path(__file__).with_name("demo_text.txt")


@contextlib.contextmanager
def progress(what: str) -> Iterator[None]:
    """Says what is done, and how long it took."""
    print(f"  {what} ...", end="", flush=True)
    start = time.perf_counter()
    yield
    print(f" {time.perf_counter() - start:.1f} s", flush=True)


def tokenize(text: str, size: int, count: int, length: int) -> npt.NDArray[np.int64]:
    """`count` pieces of a text as tokens of a byte-pair encoding that is learned from it."""
    from tokenizers import ByteLevelBPETokenizer

    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(
        text.splitlines(), vocab_size=size, special_tokens=["<s>", "<pad>", "</s>", "<unk>"]
    )
    ids = tokenizer.encode(text).ids
    ids = np.resize(ids, count * (length - 2)).reshape(count, length - 2)
    return np.pad(np.pad(ids, [(0, 0), (1, 0)]), [(0, 0), (0, 1)], constant_values=2)


class OnnxRuntime:
    """The same graphs in ONNX Runtime, with caches as arrays."""

    def __init__(self, paths: Mapping[str, Path]) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.sessions = {
            part: ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            for part, path in paths.items()
        }
        self.state: dict[str, Any] = {}

    def _run(self, part: str, feeds: Mapping[str, Any]) -> dict[str, Any]:
        session = self.sessions[part]
        known = {**self.state, **feeds}
        outputs = session.run(None, {x.name: known[x.name] for x in session.get_inputs()})
        return dict(zip((x.name for x in session.get_outputs()), outputs, strict=True))

    def start(self, inputs: Mapping[str, npt.ArrayLike]) -> int:
        self.state = dict(inputs)
        encoded = self._run("encoder", {})
        self.state["encoder_hidden_states"] = encoded.popitem()[1]
        self.state |= {
            name.replace("present", "past"): x for name, x in self._run("cross_kv", {}).items()
        }
        count = len(self.state["input_ids"])
        for x in self.sessions["decoder_step"].get_inputs():
            if x.name not in self.state and x.name.startswith("past"):
                heads, size = x.shape[1], x.shape[3]
                self.state[x.name] = np.zeros((count, heads, 0, size), np.float32)
        return count

    def step(self, tokens: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        outputs = self._run("decoder_step", {"decoder_input_ids": tokens[:, None]})
        for name, x in outputs.items():
            if name.startswith("present"):
                self.state[name.replace("present", "past")] = x
        return np.asarray(outputs["logits"][:, -1], np.float32)

    def reorder(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> None:
        self.state = {name: np.asarray(x)[rows] for name, x in self.state.items()}


@dataclass(frozen=True)
class Generated:
    tokens: npt.NDArray[np.int64]
    seconds: float


def timed(steps: Steps, ids: npt.NDArray[np.int64], config: GenerationConfig) -> Generated:
    """One sentence after the other; the best of two rounds."""
    best = float("inf")
    for _ in range(2):
        start = time.perf_counter()
        rows = [
            generate(steps, {"input_ids": row[None], "attention_mask": row[None] * 0 + 1}, config)
            for row in ids
        ]
        best = min(best, time.perf_counter() - start)
    width = max(row.shape[1] for row in rows)
    padded = [np.pad(r, [(0, 0), (0, width - r.shape[1])], constant_values=1) for r in rows]
    return Generated(np.concatenate(padded), best)


def run(args: argparse.Namespace, bits: tuple[int, int]) -> None:
    """One model, from its parameters to a table."""
    name = f"W{bits[0]}A{bits[1]}"
    print(f"BART, {args.config}, {name}")
    config = tbt.PRESETS[args.config].with_bits(*bits)
    folder = args.output / name.lower()
    folder.mkdir(parents=True, exist_ok=True)
    paths = {part: folder / f"{part}.onnx" for part in tbt.SESSION_PARTS}
    with progress("write the graphs as ONNX"):
        if args.checkpoint:
            parameters = tbt.TBTParameters.from_file(config, args.checkpoint)
        else:
            parameters = tbt.TBTParameters.random(config, seed=0)
        for part, path in paths.items():
            tbt.save_model(tbt.build_model(parameters, part), path)
    artifact = folder / "model.so"
    with progress("compile them into one program"):
        program = lowbit.compile(paths)
        program.save(artifact)
    text = args.text.read_text(encoding="utf-8")
    ids = tokenize(text, min(config.vocab_size, 8000), args.articles, args.length)
    settings = GenerationConfig(2, 2, max_length=args.tokens, min_length=args.tokens)
    with progress("generate with lowbit"):
        ours = timed(Decoder(program), ids, settings)
    with progress("generate with ONNX Runtime"):
        theirs = timed(OnnxRuntime(paths), ids, settings)
    made = len(ids) * (args.tokens - 1)
    width = min(ours.tokens.shape[1], theirs.tokens.shape[1])
    equal = float((ours.tokens[:, :width] == theirs.tokens[:, :width]).mean())
    size = sum(path.stat().st_size for path in paths.values())
    print(f"""
    ONNX files                {size / 2**20:8.1f} MiB
    artifact                  {artifact.stat().st_size / 2**20:8.1f} MiB
    lowbit                    {made / ours.seconds:8.1f} tokens/s, encoder included, 1 thread
    ONNX Runtime, same files  {made / theirs.seconds:8.1f} tokens/s
    tokens that are equal     {100 * equal:8.1f} %
""")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--config", choices=sorted(tbt.PRESETS), default="base")
    parser.add_argument("--bits", type=int, nargs=2, metavar=("W", "A"), help="one model only")
    parser.add_argument("--checkpoint", type=Path, help="parameters instead of random ones")
    parser.add_argument("--text", type=Path, default=TEXT)
    parser.add_argument("--articles", type=int, default=3)
    parser.add_argument("--length", type=int, default=96, help="tokens of an article")
    parser.add_argument("--tokens", type=int, default=32, help="tokens to generate")
    parser.add_argument("--output", type=Path, default=Path("summarize"))
    args = parser.parse_args()
    for bits in [tuple(args.bits)] if args.bits else [(2, 2), (1, 1)]:
        run(args, bits)
    return 0


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    sys.exit(main())
