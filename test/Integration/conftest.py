# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the tests that compile and run whole models share."""

from __future__ import annotations

import numpy as np
import pytest
from lowbit.models import bit


@pytest.fixture
def sentences():
    """Makes padded token batches: `sentences(config, [17, 9])` is a batch of two."""

    def make(config: bit.BiTConfig, lengths: list[int], width: int | None = None, seed: int = 7):
        rng = np.random.default_rng(seed)
        shape = (len(lengths), width or max(lengths))
        ids = rng.integers(1, config.vocab_size, shape)
        types = rng.integers(0, config.type_vocab_size, shape)
        mask = (np.arange(shape[1]) < np.array(lengths)[:, None]).astype(np.int64)
        return {"input_ids": ids * mask, "attention_mask": mask, "token_type_ids": types}

    return make
