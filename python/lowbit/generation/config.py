# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a search is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class GenerationConfig:
    """The settings of a search, with the names and the meaning of Hugging Face's.

    Lengths count tokens of the decoder, the start token included.
    """

    decoder_start_token_id: int
    eos_token_id: int
    pad_token_id: int = 1
    max_length: int = 128
    min_length: int = 0
    """No end token before the sequence has this length."""
    num_beams: int = 1
    """1 is a greedy search."""
    length_penalty: float = 1.0
    """A finished sequence scores its log-probability over its length to this power."""
    early_stopping: bool | Literal["never"] = False
    """Whether a sentence is done with `num_beams` finished sequences (True), when no running
    one is likely to get better (False), or when none can (`"never"`)."""
    no_repeat_ngram_size: int = 0
    forced_bos_token_id: int | None = None
    """The token after the start token."""
    forced_eos_token_id: int | None = None
    """The token in the last place of `max_length`."""

    def __post_init__(self) -> None:
        if self.num_beams < 1:
            raise ValueError(f"num_beams is {self.num_beams}, expected 1 or more")
        if self.max_length < 2:
            raise ValueError(f"max_length is {self.max_length}, expected 2 or more")
        if self.min_length > self.max_length:
            raise ValueError(
                f"min_length is {self.min_length}, more than max_length, {self.max_length}"
            )
        if self.no_repeat_ngram_size < 0:
            raise ValueError(f"no_repeat_ngram_size is {self.no_repeat_ngram_size}")
        if self.early_stopping not in (True, False, "never"):
            raise ValueError(
                f"early_stopping is {self.early_stopping!r}, expected True, False or 'never'"
            )
