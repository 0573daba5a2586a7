# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Quantizer sites: what a reference records where activations become codes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from .arithmetic import Codes, FloatArray

#: Called with a site's name, its input and whether its codes are signed; gives the scale.
ScaleSource = Callable[[str, FloatArray, bool], np.float32]


@dataclass(frozen=True)
class Site:
    """One activation quantizer in one run, named after its scale parameter where it has one."""

    name: str
    signed: bool
    input: FloatArray
    """The tensor that the model arrives with, before it is replaced by a forced one."""
    codes: FloatArray
    """Codes of the forced input where one was given, else of `input`."""
    scale: np.float32 | FloatArray
    """One number, or [..., 1] where every row has its own."""
    offset: np.float32
    levels: tuple[int, int]
    """Smallest and largest code."""
    is_sign: bool
    """Whether the code is the sign of the input; what zero gives is up to the model."""

    @classmethod
    def of(cls, name: str, signed: bool, x: FloatArray, codes: Codes) -> Site:
        """The site `name` with the input `x` and the codes that its quantizer gave."""
        return cls(
            name, signed, x, codes.codes, codes.scale, codes.offset, codes.levels, codes.is_sign
        )


@dataclass
class ReferenceResult:
    """Outputs by name, and the quantizer sites in order of execution."""

    outputs: dict[str, FloatArray] = field(default_factory=dict)
    sites: list[Site] = field(default_factory=list)


def site_value_to_codes(
    value: FloatArray, scale: np.float32 | FloatArray, offset: np.float32
) -> FloatArray:
    """The integer codes behind an exposed `SITE.value`, given the site's scale and offset."""
    codes: FloatArray = np.round((value - offset) / scale)
    return codes
