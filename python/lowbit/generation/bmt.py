# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The beam search of binarized machine translation.

It keeps running and finished sequences apart, divides scores by a brevity penalty, and returns
what stands last. Finished sequences ascend and running ones descend, so the last running one is
the worst: the test for the end looks at it, and it is the answer where nothing ended in time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from lowbit.generation.decoder import FloatArray, IntArray, Steps, log_softmax, top

T = TypeVar("T", bound=np.generic)

#: Added to scores of what must not be chosen.
EXCLUDED = np.float32(-1e7)


@dataclass(frozen=True)
class BMTBeams:
    """All beams: sequences `[batch, beams, max_length]`, the start token first and zeros
    behind the end, and their scores `[batch, beams]`. The answer stands last."""

    sequences: IntArray
    scores: FloatArray


def bmt_beam_search(
    steps: Steps,
    inputs: Mapping[str, npt.ArrayLike],
    beam_size: int = 4,
    alpha: float = 0.6,
    start_token: int = 0,
    eos_token: int = 2,
    max_length: int = 256,
) -> BMTBeams:
    """Searches with the brevity penalty `((5 + length) / 6) ** alpha`."""
    if beam_size < 1 or max_length < 2:
        raise ValueError(f"beam_size is {beam_size} and max_length {max_length}")

    def penalty(length: int) -> np.float32:
        return np.float32(np.float32((5 + length) / 6) ** np.float32(alpha))

    batch = steps.start(inputs)
    steps.reorder(np.repeat(np.arange(batch), beam_size))
    shape = (batch, beam_size)
    live: IntArray = np.full((*shape, max_length), 0, np.int64)
    live[:, :, 0] = start_token
    finished = live.copy()
    live_scores: FloatArray = np.full(shape, EXCLUDED, np.float32)
    live_scores[:, 0] = 0
    finished_scores: FloatArray = np.full(shape, EXCLUDED, np.float32)
    is_finished: npt.NDArray[np.bool_] = np.zeros(shape, np.bool_)

    def pick(array: npt.NDArray[T], rows: npt.NDArray[np.intp]) -> npt.NDArray[T]:
        return array[np.arange(batch)[:, None], rows]

    for index in range(max_length - 1):
        best_live = live_scores[:, -1:] / penalty(max_length)
        worst = finished_scores.min(axis=1, keepdims=True)
        if (np.where(is_finished, worst, EXCLUDED) > best_live).all():
            break
        logits = steps.step(live[:, :, index].reshape(-1))
        scores: FloatArray = log_softmax(logits).reshape(*shape, -1) + live_scores[:, :, None]
        vocabulary = scores.shape[-1]
        flat: FloatArray = scores.reshape(batch, -1).astype(np.float32)
        chosen = top(flat, 2 * beam_size)
        beams, tokens = np.divmod(chosen, vocabulary)
        sequences = pick(live, beams)
        sequences[:, :, index + 1] = tokens
        ends: npt.NDArray[np.bool_] = np.asarray(tokens == eos_token)
        values = pick(flat, chosen)

        going = np.where(ends, values + EXCLUDED, values).astype(np.float32)
        keep = top(going, beam_size)
        live = pick(sequences, keep)
        live_scores = pick(going, keep)
        offsets = np.arange(batch)[:, None] * beam_size
        steps.reorder((offsets + pick(beams, keep)).reshape(-1))

        ended = values / penalty(index + 1)
        ended = np.where(ends, ended, ended + EXCLUDED).astype(np.float32)
        all_scores = np.concatenate([finished_scores, ended], axis=1)
        keep = top(all_scores, beam_size)[:, ::-1]
        finished = pick(np.concatenate([finished, sequences], axis=1), keep)
        finished_scores = pick(all_scores, keep)
        is_finished = pick(np.concatenate([is_finished, ends], axis=1), keep)

    some: npt.NDArray[np.bool_] = np.asarray(is_finished.any(axis=1))
    return BMTBeams(
        np.where(some[:, None, None], finished, live),
        np.where(some[:, None], finished_scores, live_scores),
    )
