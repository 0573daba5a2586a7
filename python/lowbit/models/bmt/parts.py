# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The graphs that a BMT model is exported as, and how their inputs and outputs are called.

Names follow the pairing of docs/Generation.md: the encoder makes the `cross_kN` that the
step takes, and what the step calls `present_kN` it takes as `past_kN`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, get_args

from .config import BMTConfig

#: encoder -- source tokens to the keys and values of the cross-attentions.
#: step -- one target token, with the keys and values of the tokens before it.
#: seq2seq -- source and target tokens to the logits of all target positions.
Part = Literal["encoder", "step", "seq2seq"]

PARTS: tuple[Part, ...] = get_args(Part)

#: What a session needs: `seq2seq` is the whole model in one graph.
SESSION_PARTS: tuple[Part, ...] = ("encoder", "step")


def cache_names(config: BMTConfig, kind: Literal["cross", "past", "present"]) -> Iterator[str]:
    """The names of the keys and values of every decoder layer, in order of use."""
    for index in range(config.decoder_layers):
        for tensor in ("k", "v"):
            yield f"{kind}_{tensor}{index}"
