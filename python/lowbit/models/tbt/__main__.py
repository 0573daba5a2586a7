# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Command line: writes the graphs of a TBT model as ONNX.

python -m lowbit.models.tbt --config base --bits 2 2 -o DIR
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from ..commandline import add_parameter_source, add_sequence_form, exit_status, given, write_parts
from . import PARTS, PRESETS, SESSION_PARTS, TBTParameters, build_model

_SIZES = (
    "vocab_size",
    "hidden_size",
    "encoder_layers",
    "decoder_layers",
    "num_heads",
    "ffn_size",
    "max_positions",
)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lowbit.models.tbt", description="Write the graphs of a TBT model as ONNX."
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help="the folder to write PART.onnx into"
    )
    parser.add_argument(
        "--parts",
        nargs="+",
        choices=PARTS,
        default=SESSION_PARTS,
        help="graphs to write (default: those of a session, encoder cross_kv decoder_step)",
    )
    parser.add_argument(
        "--config", choices=sorted(PRESETS), default="tiny", help="named sizes (default: tiny)"
    )
    parser.add_argument(
        "--bits",
        type=int,
        nargs=2,
        metavar=("W", "A"),
        default=(1, 1),
        help="bits of weights (1, 2) and activations (1, 2, 8)",
    )
    add_parameter_source(parser)
    sizes = parser.add_argument_group("sizes that replace those of --config")
    for field in _SIZES:
        sizes.add_argument(f"--{field.replace('_', '-')}", type=int, metavar="N")
    add_sequence_form(parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    args = _parser().parse_args(arguments)

    def write() -> None:
        config = replace(
            PRESETS[args.config],
            weight_bits=args.bits[0],
            activation_bits=args.bits[1],
            **given(args, _SIZES),
        )
        if args.checkpoint is not None:
            parameters = TBTParameters.from_file(config, args.checkpoint)
        else:
            parameters = TBTParameters.random(config, args.seed)
        write_parts(args, partial(build_model, parameters))

    return exit_status(write)


if __name__ == "__main__":
    sys.exit(main())
