# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arrays as the runtime takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lowbit._errors import InputError


def checked(name: str, dtype: np.dtype[Any], value: npt.ArrayLike) -> npt.NDArray[Any]:
    """`value` as a contiguous, aligned array of the input's element type."""
    array = np.asarray(value)
    if array.dtype != dtype:
        raise InputError(
            f"input '{name}': expected {dtype}, got {array.dtype};"
            f" convert it with .astype(numpy.{dtype.name})"
        )
    return np.require(array, requirements=["C", "A"])
