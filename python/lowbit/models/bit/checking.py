# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Judges another implementation of a BiT model by the exact-integer reference.

Deep binary networks are discontinuous: one code on the other side of its boundary
moves the logits by O(1). So each quantizer site is judged by itself first, with the
input that the implementation had there (no tolerance for codes); only then are whole
runs compared, naming the first site that differs and how near to its boundary it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .graph import site_value_to_codes
from .parameters import BiTParameters
from .quantizers import FloatArray, level_range
from .reference import BiTReference, ReferenceResult, Site


@dataclass(frozen=True)
class SiteCheck:
    """One quantizer site, given the input that the implementation had there."""

    name: str
    decisions: int
    differing: int
    """Codes that are not those of the formula."""
    input_error: float
    """Largest difference of the input from the reference's, relative to the largest magnitude."""


@dataclass(frozen=True)
class FirstDifference:
    """The first site at which two whole runs have different codes."""

    name: str
    differing: int
    margin: float
    """How far the inputs of those codes are from a boundary, relative to the largest magnitude."""


@dataclass(frozen=True)
class Comparison:
    """What `compare` found."""

    sites: list[SiteCheck]
    output_error: float
    """Largest difference of an output from the reference that had the same site inputs."""
    first_difference: FirstDifference | None
    """Against a reference that ran by itself; None when all codes are equal."""

    @property
    def decisions(self) -> int:
        """How many values were quantized."""
        return sum(site.decisions for site in self.sites)

    @property
    def differing(self) -> int:
        """How many codes are not those of the formula."""
        return sum(site.differing for site in self.sites)

    @property
    def input_error(self) -> float:
        """The worst of all sites."""
        return max((site.input_error for site in self.sites), default=0.0)


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
    forced = reference.run(*inputs, forced={s.name: got[f"{s.name}.input"] for s in free.sites})
    sites = []
    for site in forced.sites:
        codes = site_value_to_codes(got[f"{site.name}.value"], site.scale, site.offset)
        error = _relative(got[f"{site.name}.input"] - site.input, site.input)
        differing = int(np.count_nonzero(codes != site.codes))
        sites.append(SiteCheck(site.name, site.codes.size, differing, error))
    errors = [
        float(np.abs(got[name] - value).max())
        for name, value in forced.outputs.items()
        if name in got
    ]
    bits = parameters.config.activation_bits
    return Comparison(sites, max(errors, default=0.0), _first_difference(free, forced, bits))


def _first_difference(
    free: ReferenceResult, other: ReferenceResult, bits: int
) -> FirstDifference | None:
    for mine, theirs in zip(free.sites, other.sites):
        differs = mine.codes != theirs.codes
        if differs.any():
            distance = _boundary_distance(mine, bits)[differs]
            margin = _relative(distance, mine.input)
            return FirstDifference(mine.name, int(np.count_nonzero(differs)), margin)
    return None


def _boundary_distance(site: Site, bits: int) -> FloatArray:
    """How far each input is from the nearest value at which its code changes."""
    x = site.input.astype(np.float64) - site.offset
    if site.signed and bits == 1:
        return np.abs(x).astype(np.float32)
    low, high = level_range(bits, site.signed)
    position = np.clip(np.floor(x / site.scale), low, high - 1) + 0.5
    return np.abs(x - position * site.scale).astype(np.float32)


def _relative(difference: FloatArray, magnitude: FloatArray) -> float:
    largest = float(np.abs(magnitude).max(initial=0))
    return float(np.abs(difference).max(initial=0)) / max(largest, 1e-30)
