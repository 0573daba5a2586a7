# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Greedy and beam search with the meaning of Hugging Face's `generate`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from lowbit._model import Model, Program
from lowbit.generation.bmt import bmt_beam_search
from lowbit.generation.config import GenerationConfig
from lowbit.generation.decoder import Decoder, IntArray, Steps, log_softmax, top
from lowbit.generation.processors import choose, process


def generate(
    model: Model | Program | Steps,
    inputs: Mapping[str, npt.ArrayLike],
    config: GenerationConfig,
    strategy: Literal["auto", "bmt"] = "auto",
) -> IntArray:
    """Tokens `[batch, length]`, the start token first, padded behind the end.

    model -- a compiled program, or anything with the methods of `Steps`.
    inputs -- what starts it, such as the ids and the mask of the encoder; sentences of
        different lengths are padded as the model wants it.
    strategy -- `auto`: greedy with one beam, else beam search; `bmt`: `bmt_beam_search`.

    Raises InputError for inputs that do not fit, and RunError.
    """
    steps = Decoder(model) if isinstance(model, Model | Program) else model
    if strategy == "bmt":
        beams = bmt_beam_search(
            steps,
            inputs,
            beam_size=config.num_beams,
            alpha=config.length_penalty,
            start_token=config.decoder_start_token_id,
            eos_token=config.eos_token_id,
            max_length=config.max_length,
        )
        return beams.sequences[:, -1].astype(np.int64)
    if strategy != "auto":
        raise ValueError(f"strategy is {strategy!r}, expected 'auto' or 'bmt'")
    search = greedy_search if config.num_beams == 1 else beam_search
    return search(steps, inputs, config)


def stream(
    model: Model | Program | Steps,
    inputs: Mapping[str, npt.ArrayLike],
    config: GenerationConfig,
) -> Iterator[IntArray]:
    """The tokens `[batch]` of a greedy search, step by step; ended sequences give padding."""
    if config.num_beams != 1:
        raise ValueError("beams change what they said before; stream needs num_beams=1")
    steps = Decoder(model) if isinstance(model, Model | Program) else model
    count = steps.start(inputs)
    sequences = np.full((count, 1), config.decoder_start_token_id, np.int64)
    running = np.ones(count, bool)
    while running.any() and sequences.shape[1] < config.max_length:
        tokens = np.where(running, _greedy(steps, config, sequences, running), config.pad_token_id)
        running &= tokens != config.eos_token_id
        sequences = np.concatenate([sequences, tokens[:, None]], axis=1)
        yield tokens


def _greedy(
    steps: Steps, config: GenerationConfig, sequences: IntArray, running: npt.NDArray[np.bool_]
) -> IntArray:
    """The most likely tokens `[N]` behind `sequences [N, L]`, those that are running."""
    if isinstance(steps, Decoder) and steps.top is not None:
        return choose(config, sequences, steps.step_top(sequences[:, -1]), running)
    scores = process(config, sequences, steps.step(sequences[:, -1]))
    return np.asarray(scores.argmax(axis=-1), np.int64)


def greedy_search(
    steps: Steps, inputs: Mapping[str, npt.ArrayLike], config: GenerationConfig
) -> IntArray:
    """The most likely token at every step; returns `[batch, length]`."""
    columns = list(stream(steps, inputs, config))
    start = np.full(len(columns[0]), config.decoder_start_token_id, np.int64)
    return np.stack([start, *columns], axis=1)


@dataclass
class _Hypotheses:
    """The best finished sequences of one sentence."""

    config: GenerationConfig
    found: list[tuple[float, list[int]]] = field(default_factory=list)
    done: bool = False

    def add(self, sequence: list[int], score: float, length: int) -> None:
        value = score / float(length) ** self.config.length_penalty
        if len(self.found) == self.config.num_beams:
            worst = min(range(len(self.found)), key=lambda i: self.found[i][0])
            if value <= self.found[worst][0]:
                return
            del self.found[worst]
        self.found.append((value, sequence))

    def check(self, best: float, length: int) -> None:
        """Whether no running sequence, the best of which scores `best`, is awaited."""
        config = self.config
        if self.done or len(self.found) < config.num_beams:
            return
        if config.early_stopping is True:
            self.done = True
            return
        if config.early_stopping == "never" and config.length_penalty > 0:
            length = config.max_length - 1
        attainable = best / float(length) ** config.length_penalty
        self.done = min(value for value, _ in self.found) >= attainable


def beam_search(
    steps: Steps, inputs: Mapping[str, npt.ArrayLike], config: GenerationConfig
) -> IntArray:
    """The best of `num_beams` sequences for each sentence; returns `[batch, length]`."""
    beams, eos = config.num_beams, config.eos_token_id
    batch = steps.start(inputs)
    steps.reorder(np.repeat(np.arange(batch), beams))
    sequences = np.full((batch * beams, 1), config.decoder_start_token_id, np.int64)
    # All beams are the same at first: only one of them may be continued.
    running = np.full((batch, beams), -1e9, np.float32)
    running[:, 0] = 0
    sentences = [_Hypotheses(config) for _ in range(batch)]

    while not all(s.done for s in sentences) and sequences.shape[1] < config.max_length:
        scores = process(config, sequences, log_softmax(steps.step(sequences[:, -1])))
        vocabulary = scores.shape[1]
        scores = (scores + running.reshape(-1, 1)).reshape(batch, beams * vocabulary)
        # Even if every beam ends, as many are left to go on.
        chosen = top(scores, 2 * beams)
        length = sequences.shape[1]  # of what is generated, the new token included
        rows = np.zeros((batch, beams), np.int64)
        tokens = np.full((batch, beams), config.pad_token_id, np.int64)
        following = np.zeros((batch, beams), np.float32)
        for i, sentence in enumerate(sentences):
            rows[i] = i * beams
            if sentence.done:
                continue
            taken = 0
            for rank, candidate in enumerate(chosen[i]):
                beam, token = divmod(int(candidate), vocabulary)
                row, score = i * beams + beam, float(scores[i, candidate])
                if token == eos:
                    # Worse than as many others: it would not be kept.
                    if rank < beams:
                        sentence.add(sequences[row].tolist(), score, length)
                    continue
                rows[i, taken], tokens[i, taken], following[i, taken] = row, token, score
                taken += 1
                if taken == beams:
                    break
            sentence.check(float(scores[i].max()), length)
        order = rows.reshape(-1)
        sequences = np.concatenate([sequences[order], tokens.reshape(-1, 1)], axis=1)
        running = following
        steps.reorder(order)

    for i, sentence in enumerate(sentences):
        if sentence.done:
            continue
        for beam in range(beams):
            row = sequences[i * beams + beam].tolist()
            sentence.add(row, float(running[i, beam]), len(row) - 1)
    best = [max(sentence.found, key=lambda item: item[0])[1] for sentence in sentences]
    width = min(max(map(len, best)) + 1, config.max_length)
    result = np.full((batch, width), config.pad_token_id, np.int64)
    for row, sequence in zip(result, best, strict=True):
        row[: len(sequence)] = sequence
        if len(sequence) < width:
            row[len(sequence)] = eos
    return result
