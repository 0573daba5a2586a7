# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Inputs of the graphs of TBT models, for tests."""

from __future__ import annotations

import numpy as np
from lowbit.models import tbt


def feeds_for(
    config: tbt.TBTConfig,
    part: tbt.Part,
    sources: list[int],
    target: int = 6,
    past: int = 5,
    seed: int = 7,
) -> dict[str, np.ndarray]:
    """Random inputs of `part` for source sentences of the given lengths, padded.

    `target` is the number of target tokens, of which every second sentence has two
    thirds; `past` the number of tokens in the caches of a step.
    """
    rng = np.random.default_rng(seed)
    batch, width = len(sources), max(sources)

    def floats(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape).astype(np.float32)

    mask = (np.arange(width) < np.array(sources)[:, None]).astype(np.int64)
    if part == "cross_kv":
        return {"encoder_hidden_states": floats(batch, width, config.hidden_size)}
    source = {"input_ids": rng.integers(1, config.vocab_size, mask.shape), "attention_mask": mask}
    if part == "encoder":
        return source
    ids = rng.integers(1, config.vocab_size, (batch, target))
    if part == "seq2seq":
        own = np.ones_like(ids)
        own[1::2, (2 * target + 2) // 3 :] = 0
        return {**source, "decoder_input_ids": ids, "decoder_attention_mask": own}
    feeds = {"decoder_input_ids": ids[:, :1], "attention_mask": mask}
    for index in range(config.decoder_layers):
        for kind, length in (("self", past), ("cross", width)):
            for tensor in "kv":
                shape = (batch, config.num_heads, length, config.head_size)
                feeds[f"past_{kind}_{tensor}{index}"] = floats(*shape)
    return feeds
