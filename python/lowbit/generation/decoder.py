# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One step of a decoder as a function of tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from lowbit._errors import InputError
from lowbit._model import Entry, Model, Program

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TopLogits:
    """The largest logits of each sequence, `[N, k]`, in descending order, and their tokens
    `[N, k]`."""

    values: FloatArray
    tokens: IntArray


class Steps(Protocol):
    """What a search needs of a model."""

    def start(self, inputs: Mapping[str, npt.ArrayLike]) -> int:
        """Begins new sequences and returns how many there are."""

    def step(self, tokens: IntArray) -> FloatArray:
        """Appends one token to each sequence: `[N]` to logits `[N, V]`."""

    def reorder(self, rows: Sequence[int] | IntArray) -> None:
        """Makes sequence `i` what sequence `rows[i]` was."""


class Decoder:
    """The steps of a compiled program.

    program -- encoder and decoder step, or the step alone.
    step -- the entry that is the step; by default the one with a growing or fixed cache.
    tokens, logits -- the step's input and output; by default its only input of integers and
        its only output of floats that are no states.

    A step that was compiled with `top={logits: k}` gives the outputs `<logits>_values` and
    `<logits>_indices` in place of logits: `top` is then k, and `step_top` takes the place of
    `step`.

    Raises InputError when an entry, input or output cannot be told.
    """

    def __init__(
        self,
        program: Model | Program,
        step: str | None = None,
        tokens: str | None = None,
        logits: str | None = None,
    ) -> None:
        self._session = program.session(step)
        entry = _find_step(program, step)
        self._entry = entry
        self._tokens = tokens or _only(
            [x.name for x in entry.inputs if x.state is None and x.dtype.kind in "iu"],
            f"an input of tokens of entry '{entry.name}'",
        )
        outputs = {x.name: x for x in entry.outputs if x.state is None}
        self.top: int | None = None
        """How many logits a step gives; None: all."""
        if logits not in outputs:
            pair = _selected(list(outputs), logits)
            if pair is not None:
                logits = pair
                self.top = int(outputs[f"{pair}_values"].shape[-1] or 0)
        self._logits = logits or _only(
            [x.name for x in outputs.values() if x.dtype.kind == "f"],
            f"an output of logits of entry '{entry.name}'",
        )
        self._dtype = next(x.dtype for x in entry.inputs if x.name == self._tokens)
        self._started = False
        self._sequences = 0

    def start(self, inputs: Mapping[str, npt.ArrayLike]) -> int:
        """Runs the other entries on `inputs`; see `Session.start`."""
        self._session.start(inputs)
        self._sequences = max((len(np.asarray(x)) for x in inputs.values()), default=1)
        self._started = True
        return self._sequences

    def step(self, tokens: IntArray) -> FloatArray:
        """Logits of the next token; raises InputError before `start`, and for a step that
        gives the largest only."""
        if self.top is not None:
            raise InputError(
                f"entry '{self._entry.name}' gives its {self.top} largest logits only, enough "
                "for a greedy search; compile it without 'top' for searches that need all"
            )
        return np.asarray(_last(self._run(tokens)[self._logits]), np.float32)

    def step_top(self, tokens: IntArray) -> TopLogits:
        """The largest logits of the next token, of a step that gives them; raises InputError
        before `start`, and for a step that gives all."""
        if self.top is None:
            raise InputError(
                f"entry '{self._entry.name}' gives all logits; compile it with "
                f"top={{'{self._logits}': k}} for the largest"
            )
        outputs = self._run(tokens)
        return TopLogits(
            np.asarray(_last(outputs[f"{self._logits}_values"]), np.float32),
            np.asarray(_last(outputs[f"{self._logits}_indices"]), np.int64),
        )

    def _run(self, tokens: IntArray) -> dict[str, npt.NDArray[Any]]:
        if not self._started:
            raise InputError("a step before the start of a sequence")
        return self._session.step({self._tokens: np.asarray(tokens, self._dtype)[:, None]})

    def reorder(self, rows: Sequence[int] | IntArray) -> None:
        """See `Session.reorder`."""
        self._session.reorder([int(row) for row in rows])


def _find_step(program: Model | Program, step: str | None) -> Entry:
    if isinstance(program, Model):
        return program
    if step is not None:
        return program[step]
    entries = [
        entry
        for entry in program.entries.values()
        if {x.state for x in entry.inputs if x.state} & {x.state for x in entry.outputs if x.state}
    ]
    if len(entries) != 1:
        names = ", ".join(program.entries)
        raise InputError(f"cannot tell which entry is the step: {names}; name it")
    return entries[0]


def _selected(names: list[str], logits: str | None) -> str | None:
    """The output that `<name>_values` and `<name>_indices` stand for."""
    found = [
        name.removesuffix("_values")
        for name in names
        if name.endswith("_values") and f"{name.removesuffix('_values')}_indices" in names
    ]
    if logits is not None:
        return logits if logits in found else None
    return found[0] if len(found) == 1 else None


def _last(logits: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """`[N, V]` of the last position of `[N, T, V]`."""
    return logits[:, -1] if logits.ndim == 3 else logits


def _only(names: list[str], what: str) -> str:
    if len(names) != 1:
        found = ", ".join(names) or "none"
        raise InputError(f"expected {what}, found {found}; name it")
    return names[0]


def log_softmax(logits: FloatArray) -> FloatArray:
    """Along the last dimension, in float32."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    result: FloatArray = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


def top(values: FloatArray, count: int) -> npt.NDArray[np.intp]:
    """The positions of the greatest `count` values of each row, greatest first; the first of
    equal ones comes first."""
    if count < values.shape[-1]:
        # Candidates first: sorting the whole vocabulary would take most of the time.
        limit = -np.partition(-values, count - 1, axis=-1)[:, count - 1 : count]
        rows = [np.flatnonzero(row >= bound) for row, bound in zip(values, limit, strict=True)]
    else:
        rows = [np.arange(values.shape[-1])] * len(values)
    return np.stack(
        [
            found[np.argsort(-row[found], kind="stable")[:count]]
            for row, found in zip(values, rows, strict=True)
        ]
    )
