# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Judges another implementation of a BMT model by the exact-integer reference."""

from __future__ import annotations

from collections.abc import Mapping

import numpy.typing as npt

from ..arithmetic import FloatArray
from ..checking import Comparison, compare_runs, forced_inputs
from .parameters import BMTParameters
from .parts import Part
from .reference import BMTReference


def compare(
    parameters: BMTParameters,
    part: Part,
    feeds: Mapping[str, npt.ArrayLike],
    got: Mapping[str, FloatArray],
) -> Comparison:
    """Compares the outputs `got` of a graph built with `expose_sites` for the inputs `feeds`.

    Raises KeyError when an input or a site's outputs are missing.
    """
    reference = BMTReference(parameters)
    free = reference.run(part, feeds)
    forced = reference.run(part, feeds, forced=forced_inputs(free, got))
    return compare_runs(free, forced, got)
