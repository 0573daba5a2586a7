# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs that keep state in between, such as the keys and values of past tokens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from lowbit import _lowbit
from lowbit._arrays import checked
from lowbit._errors import InputError

if TYPE_CHECKING:
    from lowbit._model import Entry


class Session:
    """The state of one batch of sequences. Made by `Model.session` and `Program.session`.

        session = program.session()
        session.start({"input_ids": ids, "attention_mask": mask})  # runs the encoder
        logits = session.step({"decoder_input_ids": tokens})["logits"]
        session.reorder([0, 0, 2])  # the beams that go on

    State never passes through Python: outputs of one run are the inputs of the next.
    docs/Generation.md tells which. One thread at a time may use a session; another one gets
    an InputError. The GIL is released while the models run.
    """

    def __init__(self, session: _lowbit.Session, entries: Sequence[Entry]) -> None:
        self._session = session
        self._entries = entries
        self._specs = {spec.name: spec for entry in entries for spec in entry.inputs}

    def start(self, inputs: Mapping[str, npt.ArrayLike]) -> dict[str, npt.NDArray[Any]]:
        """Forgets the last sequences and runs every entry but the step on new ones.

        inputs -- arrays for the inputs of these entries. Those that are states, such as a
            mask that the step takes too, are kept for the steps.

        Returns the outputs that are no states. Raises InputError and RunError; the session
        is then as after `reset`.
        """
        return self._session.start(self._checked(inputs))

    def step(self, inputs: Mapping[str, npt.ArrayLike]) -> dict[str, npt.NDArray[Any]]:
        """Runs the step on `inputs` and the states, and keeps its outputs that are states.

        Growing caches start empty, fixed ones with zeros. Returns the other outputs. Raises
        InputError, for example when a state is missing or lengths disagree, and RunError;
        the states are then as before.
        """
        return self._session.step(self._checked(inputs))

    def run(self, entry: str, inputs: Mapping[str, npt.ArrayLike]) -> dict[str, npt.NDArray[Any]]:
        """Runs any entry in the way of `step`."""
        if all(entry != known.name for known in self._entries):
            names = ", ".join(known.name for known in self._entries)
            raise InputError(f"no entry '{entry}'; the entries are {names}")
        return self._session.run(entry, self._checked(inputs))

    def reorder(self, rows: Iterable[int]) -> None:
        """Makes sequence `i` what sequence `rows[i]` was, in every state.

        Rows may be repeated, left out, and be more or fewer than before. Raises InputError
        for a row that there is not.
        """
        self._session.reorder([int(row) for row in rows])

    def fork(self) -> Session:
        """A second session with the same states; memory is shared until one changes it."""
        return Session(self._session.fork(), self._entries)

    def reset(self) -> None:
        """Forgets all states, and keeps their memory for the next start."""
        self._session.reset()

    def state(self, name: str) -> npt.NDArray[Any]:
        """A copy of a state. Raises InputError when there is none or it is not set."""
        return self._session.get_state(name)

    def set_state(self, states: Mapping[str, npt.ArrayLike]) -> None:
        """Sets states to copies of arrays."""
        self._session.set_state(self._checked(states))

    @property
    def states(self) -> list[str]:
        """The names of all states, set or not."""
        return self._session.states

    @property
    def steps(self) -> int:
        """How many steps have been made since the last start."""
        return self._session.steps

    @property
    def memory(self) -> int:
        """The bytes that the states occupy, room to grow included."""
        return self._session.memory

    def _checked(self, inputs: Mapping[str, npt.ArrayLike]) -> dict[str, npt.NDArray[Any]]:
        unknown = [name for name in inputs if name not in self._specs]
        if unknown:
            names = ", ".join(self._specs)
            raise InputError(f"unknown input '{unknown[0]}'; the inputs are {names}")
        return {
            name: checked(name, self._specs[name].dtype, value) for name, value in inputs.items()
        }
