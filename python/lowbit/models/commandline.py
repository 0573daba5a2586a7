# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the command lines that write models share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import onnx

from .serialization import save_model


def add_parameter_source(parser: argparse.ArgumentParser) -> None:
    """Adds `--seed` and `--checkpoint`, one of which may be given."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--seed", type=int, default=0, help="seed of random parameters (default: 0)"
    )
    source.add_argument(
        "--checkpoint", type=Path, help="parameters from a .safetensors, .npz or torch file"
    )


def given(args: argparse.Namespace, names: Iterable[str]) -> dict[str, Any]:
    """The options among `names` that have a value."""
    return {name: value for name in names if (value := getattr(args, name)) is not None}


def add_sequence_form(parser: argparse.ArgumentParser) -> None:
    """Adds the form of the graphs of a sequence-to-sequence model."""
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


def write_parts(args: argparse.Namespace, build: Callable[..., onnx.ModelProto]) -> None:
    """Writes `args.parts` into the folder `args.output`; `build` takes the part and the form."""
    args.output.mkdir(parents=True, exist_ok=True)
    for part in args.parts:
        model = build(
            part,
            args.opset,
            **given(args, ("batch", "source", "target")),
            fold_constants=not args.no_folding,
            expose_hidden=args.expose_hidden,
            expose_sites=args.expose_sites,
        )
        path = args.output / f"{part}.onnx"
        save_model(model, path, external_data=args.external_data or None)


def exit_status(write: Callable[[], None]) -> int:
    """The exit status of `write`; what is wrong with files or options is printed."""
    try:
        write()
    except (OSError, ValueError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0
