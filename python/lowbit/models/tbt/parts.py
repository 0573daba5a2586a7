# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The graphs that a TBT model is exported as, and how their inputs and outputs are called.

Names follow the pairing of docs/Generation.md: what one graph calls `present_X` is what
another takes as `past_X`, and `last_hidden_state` is `encoder_hidden_states`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, get_args

from .config import TBTConfig

#: encoder -- source tokens to hidden states.
#: cross_kv -- hidden states to the keys and values of the cross-attentions.
#: decoder_step -- one target token, with the keys and values of the tokens before it.
#: seq2seq -- source and target tokens to the logits of all target positions.
Part = Literal["encoder", "cross_kv", "decoder_step", "seq2seq"]

PARTS: tuple[Part, ...] = get_args(Part)

#: What a session needs: `seq2seq` is the whole model in one graph.
SESSION_PARTS: tuple[Part, ...] = ("encoder", "cross_kv", "decoder_step")


def cache_names(config: TBTConfig, kind: Literal["self", "cross"]) -> Iterator[tuple[int, str]]:
    """The layer and the name, without `past_` or `present_`, of each key and value cache."""
    for index in range(config.decoder_layers):
        for tensor in ("k", "v"):
            yield index, f"{kind}_{tensor}{index}"
