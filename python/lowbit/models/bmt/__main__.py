# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Command line: writes the graphs of a BMT model as ONNX.

python -m lowbit.models.bmt --config base --activation-bits 32 -o DIR
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from ..commandline import add_parameter_source, add_sequence_form, exit_status, given, write_parts
from . import PARTS, PRESETS, SESSION_PARTS, BMTParameters, build_model

_SIZES = (
    "vocab_size",
    "hidden_size",
    "encoder_layers",
    "decoder_layers",
    "num_heads",
    "ffn_size",
    "max_positions",
)
_SWITCHES = {
    "share_embeddings": "one embedding for source and target",
    "logits_via_embedding": "the embedding of the target as output layer",
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lowbit.models.bmt", description="Write the graphs of a BMT model as ONNX."
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help="the folder to write PART.onnx into"
    )
    parser.add_argument(
        "--parts",
        nargs="+",
        choices=PARTS,
        default=SESSION_PARTS,
        help="graphs to write (default: those of a session, encoder step)",
    )
    parser.add_argument(
        "--config", choices=sorted(PRESETS), default="tiny", help="named sizes (default: tiny)"
    )
    parser.add_argument(
        "--activation-bits",
        type=int,
        choices=(1, 32),
        help="1 (W1A1, the default) or 32 (W1A32); weights are binary",
    )
    add_parameter_source(parser)
    sizes = parser.add_argument_group("sizes and tables that replace those of --config")
    for field in _SIZES:
        sizes.add_argument(f"--{field.replace('_', '-')}", type=int, metavar="N")
    for field, text in _SWITCHES.items():
        flag = f"--{field.replace('_', '-')}"
        sizes.add_argument(flag, action=argparse.BooleanOptionalAction, help=text)
    add_sequence_form(parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    args = _parser().parse_args(arguments)

    def write() -> None:
        changes = given(args, (*_SIZES, *_SWITCHES, "activation_bits"))
        config = replace(PRESETS[args.config], **changes)
        if args.checkpoint is not None:
            parameters = BMTParameters.from_file(config, args.checkpoint)
        else:
            parameters = BMTParameters.random(config, args.seed)
        write_parts(args, partial(build_model, parameters))

    return exit_status(write)


if __name__ == "__main__":
    sys.exit(main())
