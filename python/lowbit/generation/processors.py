# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Changes of scores before the next token is chosen, in the order of Hugging Face's."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lowbit._errors import InputError
from lowbit.generation.config import GenerationConfig
from lowbit.generation.decoder import FloatArray, IntArray, TopLogits


def process(config: GenerationConfig, sequences: IntArray, scores: FloatArray) -> FloatArray:
    """Scores `[N, V]` of the tokens after `sequences [N, L]`; those that must not come get
    -inf."""
    scores = scores.copy()
    length = sequences.shape[1]
    if config.no_repeat_ngram_size:
        for row, sequence in zip(scores, sequences, strict=True):
            row[_repeating(sequence.tolist(), config.no_repeat_ngram_size)] = -np.inf
    if length < config.min_length:
        scores[:, config.eos_token_id] = -np.inf
    forced = _forced(config, length)
    return scores if forced is None else _force(scores, forced)


def choose(
    config: GenerationConfig,
    sequences: IntArray,
    top: TopLogits,
    running: npt.NDArray[np.bool_],
) -> IntArray:
    """The tokens `[N]` that `process` leaves the greatest scores, from the largest logits;
    padding behind sequences that are not running.

    Raises InputError when none of a running sequence's may come next.
    """
    length = sequences.shape[1]
    forced = _forced(config, length)
    if forced is not None:
        return np.full(len(sequences), forced, np.int64)
    tokens: IntArray = np.full(len(sequences), config.pad_token_id, np.int64)
    for row in np.flatnonzero(running).tolist():
        sequence = sequences[row]
        banned = set()
        if config.no_repeat_ngram_size:
            banned.update(_repeating(sequence.tolist(), config.no_repeat_ngram_size))
        if length < config.min_length:
            banned.add(config.eos_token_id)
        allowed = [token for token in top.tokens[row].tolist() if token not in banned]
        if not allowed:
            raise InputError(
                f"none of the {top.tokens.shape[1]} largest logits of sequence {row} may come "
                f"at place {length}, as {len(banned)} tokens are banned there; compile the "
                "step with a greater number of logits in 'top', or without it"
            )
        tokens[row] = allowed[0]
    return tokens


def _forced(config: GenerationConfig, length: int) -> int | None:
    """The only token that may come behind `length` ones."""
    if config.forced_eos_token_id is not None and length == config.max_length - 1:
        return config.forced_eos_token_id
    return config.forced_bos_token_id if length == 1 else None


def _force(scores: FloatArray, token: int) -> FloatArray:
    forced = np.full_like(scores, -np.inf)
    forced[:, token] = 0
    return forced


def _repeating(sequence: list[int], size: int) -> list[int]:
    """The tokens that would complete an n-gram of `size` that the sequence has already."""
    if len(sequence) + 1 < size:
        return []
    prefix = sequence[len(sequence) - size + 1 :]
    return [
        sequence[i + size - 1]
        for i in range(len(sequence) - size + 1)
        if sequence[i : i + size - 1] == prefix
    ]
