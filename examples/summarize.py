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
import os
import sys
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from generation_demo import (
    TEXT,
    OnnxRuntime,
    build_program,
    learn_tokenizer,
    print_table,
    progress,
    timed,
)
from lowbit.generation import Decoder, GenerationConfig, Steps, generate
from lowbit.models import tbt

SPECIAL_TOKENS = ("<s>", "<pad>", "</s>", "<unk>")
#: Tokens of an article where the model has as many positions.
LENGTH = 96


def tokenize(text: str, size: int, count: int, length: int) -> npt.NDArray[np.int64]:
    """`count` pieces of a text as tokens of a byte-pair encoding that is learned from it."""
    ids = learn_tokenizer(text, size, SPECIAL_TOKENS).encode(text).ids
    ids = np.resize(ids, count * (length - 2)).reshape(count, length - 2)
    return np.pad(np.pad(ids, [(0, 0), (1, 0)]), [(0, 0), (0, 1)], constant_values=2)


def run(args: argparse.Namespace, bits: tuple[int, int]) -> None:
    """One model, from its parameters to a table."""
    name = f"W{bits[0]}A{bits[1]}"
    print(f"BART, {args.config}, {name}")
    config = tbt.PRESETS[args.config].with_bits(*bits)
    paths, artifact, program = build_program(
        tbt, tbt.TBTParameters, config, args.checkpoint, args.output / name.lower()
    )
    text = args.text.read_text(encoding="utf-8")
    ids = tokenize(text, min(config.vocab_size, 8000), args.articles, args.length)
    settings = GenerationConfig(2, 2, max_length=args.tokens, min_length=args.tokens)

    def search(steps: Steps, row: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return generate(steps, {"input_ids": row, "attention_mask": row * 0 + 1}, settings)

    with progress("generate with lowbit"):
        ours = timed(partial(search, Decoder(program)), ids)
    with progress("generate with ONNX Runtime"):
        theirs = timed(partial(search, OnnxRuntime(paths)), ids)
    print_table(ours, theirs, len(ids) * (args.tokens - 1), paths, artifact)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--config", choices=sorted(tbt.PRESETS), default="base")
    parser.add_argument("--bits", type=int, nargs=2, metavar=("W", "A"), help="one model only")
    parser.add_argument("--checkpoint", type=Path, help="parameters instead of random ones")
    parser.add_argument("--text", type=Path, default=TEXT)
    parser.add_argument("--articles", type=int, default=3)
    parser.add_argument(
        "--length", type=int, help=f"tokens of an article (default: {LENGTH}, or all positions)"
    )
    parser.add_argument("--tokens", type=int, default=32, help="tokens to generate")
    parser.add_argument("--output", type=Path, default=Path("summarize"))
    args = parser.parse_args()
    positions = tbt.PRESETS[args.config].max_positions
    if args.length is None:
        args.length = min(LENGTH, positions)
    # A piece of text between its two marks; a first token and what follows.
    for option, count, least in (("--length", args.length, 3), ("--tokens", args.tokens, 2)):
        if not least <= count <= positions:
            parser.error(
                f"{option} is {count}, expected {least} to {positions}, "
                f"the positions of the model '{args.config}'"
            )
    for bits in [tuple(args.bits)] if args.bits else [(2, 2), (1, 1)]:
        run(args, bits)
    return 0


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    sys.exit(main())
