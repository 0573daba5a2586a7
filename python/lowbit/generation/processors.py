# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Changes of scores before the next token is chosen, in the order of Hugging Face's."""

from __future__ import annotations

import numpy as np

from lowbit.generation.config import GenerationConfig
from lowbit.generation.decoder import FloatArray, IntArray


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
    if config.forced_bos_token_id is not None and length == 1:
        scores = _force(scores, config.forced_bos_token_id)
    if config.forced_eos_token_id is not None and length == config.max_length - 1:
        scores = _force(scores, config.forced_eos_token_id)
    return scores


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
