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
from pathlib import Path

from . import PARTS, PRESETS, SESSION_PARTS, BMTParameters, build_model, save_model

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
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--seed", type=int, default=0, help="seed of random parameters (default: 0)"
    )
    source.add_argument(
        "--checkpoint", type=Path, help="parameters from a .safetensors, .npz or torch file"
    )
    sizes = parser.add_argument_group("sizes and tables that replace those of --config")
    for field in _SIZES:
        sizes.add_argument(f"--{field.replace('_', '-')}", type=int, metavar="N")
    for field, text in _SWITCHES.items():
        flag = f"--{field.replace('_', '-')}"
        sizes.add_argument(flag, action=argparse.BooleanOptionalAction, help=text)
    form = parser.add_argument_group("form of the graphs")
    form.add_argument("--opset", type=int, default=17, help="13 to 17 (default: 17)")
    for name in ("batch", "source", "target"):
        form.add_argument(
            f"--{name}", type=int, metavar="N", help="a fixed extent (default: dynamic)"
        )
    form.add_argument(
        "--no-folding",
        action="store_true",
        help="without constant folding: the embedding is stored once",
    )
    form.add_argument("--expose-hidden", action="store_true", help="hidden states as outputs")
    form.add_argument(
        "--expose-sites", action="store_true", help="input and value of every quantizer as outputs"
    )
    form.add_argument("--external-data", action="store_true", help="weights in PART.onnx.data")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    args = _parser().parse_args(arguments)
    changes = {
        name: value
        for name in (*_SIZES, *_SWITCHES, "activation_bits")
        if (value := getattr(args, name)) is not None
    }
    try:
        config = replace(PRESETS[args.config], **changes)
        if args.checkpoint is not None:
            parameters = BMTParameters.from_file(config, args.checkpoint)
        else:
            parameters = BMTParameters.random(config, args.seed)
        args.output.mkdir(parents=True, exist_ok=True)
        for part in args.parts:
            model = build_model(
                parameters,
                part,
                args.opset,
                "batch" if args.batch is None else args.batch,
                "src" if args.source is None else args.source,
                "tgt" if args.target is None else args.target,
                fold_constants=not args.no_folding,
                expose_hidden=args.expose_hidden,
                expose_sites=args.expose_sites,
            )
            path = args.output / f"{part}.onnx"
            save_model(model, path, external_data=args.external_data or None)
    except (OSError, ValueError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
