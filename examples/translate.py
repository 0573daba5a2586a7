# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Translates with binary Transformer-base models, beside ONNX Runtime on the same files.

    make demo-translate     or:  python examples/translate.py [--config base] [--activation-bits 1]

Writes the encoder and a decoder step of a BMT model as ONNX, compiles them into one program,
and translates a few sentences by BMT's beam search, with float and with binary activations.
The parameters are random unless --checkpoint names some (with --tokenizer for its tokens): the
demo shows size and speed, and says nothing about language. ONNX Runtime adds up floats where
lowbit adds up integers, so a sign near zero may turn, and in a random model one sign changes
all that follows.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

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
from lowbit.generation import Decoder, Steps, bmt_beam_search
from lowbit.models import bmt

#: Padding is 0, which also starts a translation, and the end is 2.
SPECIAL_TOKENS = ("<pad>", "<s>", "</s>", "<unk>")
END = 2

SENTENCES = (
    "The rabbit took a watch out of its pocket and hurried on.",
    "What is the use of a book without pictures or conversations?",
    "The hot day made her feel very sleepy.",
    "There was nothing so very remarkable in that.",
)


def read_tokenizer(path: Path | None, size: int) -> Any:
    """The tokenizer of a file, or one that is learned from the demo's text."""
    if path is None:
        return learn_tokenizer(TEXT.read_text(encoding="utf-8"), min(size, 8000), SPECIAL_TOKENS)
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(path))


def run(args: argparse.Namespace, bits: int) -> None:
    """One model, from its parameters to a table."""
    name = f"w1a{bits}"
    print(f"BMT, {args.config}, {name.upper()}, {args.beams} beams")
    config = replace(bmt.PRESETS[args.config], activation_bits=bits)
    paths, artifact, program = build_program(
        bmt, bmt.BMTParameters, config, args.checkpoint, args.output / name
    )
    tokenizer = read_tokenizer(args.tokenizer, config.vocab_size)
    sources = [[*tokenizer.encode(sentence).ids, END] for sentence in args.sentences]

    def search(steps: Steps, row: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        beams = bmt_beam_search(
            steps, {"src": row}, args.beams, eos_token=END, max_length=args.tokens
        )
        return beams.sequences[:, -1]

    with progress("translate with lowbit"):
        ours = timed(partial(search, Decoder(program)), sources)
    with progress("translate with ONNX Runtime"):
        theirs = timed(partial(search, OnnxRuntime(paths)), sources)
    if args.checkpoint:
        for sentence, row in zip(args.sentences, ours.tokens, strict=True):
            print(f"  {sentence}\n    {tokenizer.decode(row[row > END].tolist())}")
    print_table(ours, theirs, int((ours.tokens[:, 1:] > 0).sum()), paths, artifact)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sentences", nargs="*", default=SENTENCES, help="what to translate")
    parser.add_argument("--config", choices=sorted(bmt.PRESETS), default="base")
    parser.add_argument("--activation-bits", type=int, choices=(1, 32), help="one model only")
    parser.add_argument("--checkpoint", type=Path, help="parameters instead of random ones")
    parser.add_argument("--tokenizer", type=Path, help="a tokenizer.json instead of a learned one")
    parser.add_argument("--beams", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=32, help="most tokens of a translation")
    parser.add_argument("--output", type=Path, default=Path("translate"))
    args = parser.parse_args()
    for bits in [args.activation_bits] if args.activation_bits else [32, 1]:
        run(args, bits)
    return 0


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    sys.exit(main())
