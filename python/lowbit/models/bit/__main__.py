# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Command line: writes a BiT model as ONNX.

python -m lowbit.models.bit --config base --bits 1 1 -o bit.onnx
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..commandline import add_parameter_source, exit_status, given
from . import PRESETS, BiTParameters, build_model, save_model


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lowbit.models.bit", description="Write a BiT model as ONNX."
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="the file to write")
    parser.add_argument(
        "--config", choices=sorted(PRESETS), default="tiny", help="named sizes (default: tiny)"
    )
    parser.add_argument(
        "--bits",
        type=int,
        nargs=2,
        metavar=("W", "A"),
        default=(1, 1),
        help="bits of weights (1, 32) and activations (1 to 8, 32); 32 32 is the float BERT",
    )
    add_parameter_source(parser)
    sizes = parser.add_argument_group("sizes that replace those of --config")
    for field in (
        "vocab_size",
        "hidden_size",
        "num_layers",
        "num_heads",
        "ffn_size",
        "max_positions",
        "num_labels",
    ):
        sizes.add_argument(f"--{field.replace('_', '-')}", type=int, metavar="N")
    parser.add_argument("--activation", choices=("relu", "gelu"))
    parser.add_argument("--task", choices=("classification", "question_answering", "encoder"))
    parser.add_argument("--rowwise", action="store_true", help="one weight scale per output row")
    parser.add_argument(
        "--float-attention", action="store_true", help="leave the attention probabilities float"
    )
    parser.add_argument(
        "--symmetric",
        action="store_true",
        help="signed quantizers for probabilities and the second feed-forward layer",
    )
    form = parser.add_argument_group("form of the graph")
    form.add_argument("--form", choices=("torchscript", "dynamo"), default="torchscript")
    form.add_argument("--opset", type=int, help="default: 17 for torchscript, 20 for dynamo")
    form.add_argument("--batch", type=int, metavar="N", help="fixed batch (default: dynamic)")
    form.add_argument(
        "--sequence", type=int, metavar="N", help="fixed sequence length (default: dynamic)"
    )
    form.add_argument("--no-token-types", action="store_true", help="no input token_type_ids")
    form.add_argument(
        "--no-folding",
        action="store_true",
        help="torchscript without constant folding: half the size",
    )
    form.add_argument(
        "--expose-hidden", action="store_true", help="hidden states and attention scores as outputs"
    )
    form.add_argument(
        "--expose-sites", action="store_true", help="input and value of every quantizer as outputs"
    )
    form.add_argument("--external-data", action="store_true", help="weights in <output>.data")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    args = _parser().parse_args(arguments)
    names = (
        "vocab_size",
        "hidden_size",
        "num_layers",
        "num_heads",
        "ffn_size",
        "max_positions",
        "num_labels",
        "activation",
        "task",
    )

    def write() -> None:
        config = replace(
            PRESETS[args.config],
            weight_bits=args.bits[0],
            activation_bits=args.bits[1],
            weight_layerwise=not args.rowwise,
            quantize_attention=not args.float_attention,
            symmetric_ffn_attention=args.symmetric,
            **given(args, names),
        )
        if args.checkpoint is not None:
            parameters = BiTParameters.from_file(config, args.checkpoint)
        else:
            parameters = BiTParameters.random(config, args.seed)
        model = build_model(
            parameters,
            args.form,
            args.opset,
            "batch" if args.batch is None else args.batch,
            "sequence" if args.sequence is None else args.sequence,
            token_type_input=not args.no_token_types,
            fold_constants=not args.no_folding,
            expose_hidden=args.expose_hidden,
            expose_sites=args.expose_sites,
        )
        save_model(model, args.output, external_data=args.external_data or None)

    return exit_status(write)


if __name__ == "__main__":
    sys.exit(main())
