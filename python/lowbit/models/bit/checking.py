# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Judges another implementation of a BiT model by the exact-integer reference."""

from __future__ import annotations

from collections.abc import Mapping

import numpy.typing as npt

from ..arithmetic import FloatArray
from ..checking import Comparison, compare_runs, forced_inputs
from .parameters import BiTParameters
from .reference import BiTReference


def compare(
    parameters: BiTParameters,
    feeds: Mapping[str, npt.ArrayLike],
    got: Mapping[str, FloatArray],
) -> Comparison:
    """Compares the outputs `got` of a model built with `expose_sites` for the inputs `feeds`.

    Raises KeyError when a site's outputs are missing.
    """
    reference = BiTReference(parameters)
    inputs = (feeds["input_ids"], feeds.get("attention_mask"), feeds.get("token_type_ids"))
    free = reference.run(*inputs)
    forced = reference.run(*inputs, forced=forced_inputs(free, got))
    return compare_runs(free, forced, got)
