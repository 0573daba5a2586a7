# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random inputs for the graphs of a TBT model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arithmetic import FloatArray
from .config import TBTConfig
from .parts import Part


def random_inputs(
    config: TBTConfig,
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

    def floats(*shape: int) -> FloatArray:
        return rng.standard_normal(shape, np.float32)

    mask = (np.arange(width) < np.array(sources)[:, None]).astype(np.int64)
    if part == "cross_kv":
        return {"encoder_hidden_states": floats(batch, width, config.hidden_size)}
    source = {"input_ids": rng.integers(1, config.vocab_size, mask.shape), "attention_mask": mask}
    if part == "encoder":
        return source
    ids = rng.integers(1, config.vocab_size, (batch, target))
    if part == "seq2seq":
        own = np.ones_like(ids)
        own[1::2, target - target // 3 :] = 0
        return {**source, "decoder_input_ids": ids, "decoder_attention_mask": own}
    feeds: dict[str, npt.NDArray[Any]] = {"decoder_input_ids": ids[:, :1], "attention_mask": mask}
    for index in range(config.decoder_layers):
        for kind, length in (("self", past), ("cross", width)):
            for tensor in "kv":
                shape = (batch, config.num_heads, length, config.head_size)
                feeds[f"past_{kind}_{tensor}{index}"] = floats(*shape)
    return feeds
