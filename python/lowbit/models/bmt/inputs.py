# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random inputs for the graphs of a BMT model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .config import BMTConfig
from .parts import Part, cache_names


def random_inputs(
    config: BMTConfig,
    part: Part,
    sources: Sequence[int],
    target: int = 6,
    past: int = 5,
    seed: int = 0,
) -> dict[str, npt.NDArray[Any]]:
    """Inputs of `part` for source sentences of the given lengths, padded to the longest.

    target -- number of target tokens; every second sentence has a third of them padded.
    past -- number of tokens in the caches of a step.
    """
    rng = np.random.default_rng(seed)
    batch, width = len(sources), max(sources)
    is_token = np.arange(width) < np.array(sources)[:, None]
    source = rng.integers(1, config.vocab_size, is_token.shape) * is_token
    if part == "encoder":
        return {"src": source}
    ids = rng.integers(1, config.vocab_size, (batch, target))
    if part == "seq2seq":
        ids[1::2, target - target // 3 :] = 0
        return {"src": source, "tgt": ids}
    feeds: dict[str, npt.NDArray[Any]] = {"ids": ids[:, :1], "src": source}
    lengths = dict.fromkeys(cache_names(config, "cross"), width)
    lengths |= dict.fromkeys(cache_names(config, "past"), past)
    for name, length in lengths.items():
        shape = (batch, config.num_heads, length, config.head_size)
        feeds[name] = rng.standard_normal(shape, np.float32)
    return feeds
