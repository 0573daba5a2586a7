# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Judges another implementation of a model by its exact-integer reference.

Deep binary networks are discontinuous: one code on the other side of its boundary
moves the logits by O(1). So each quantizer site is judged by itself first, with the
input that the implementation had there (no tolerance for codes); only then are whole
runs compared, naming the first site that differs and how near to its boundary it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .arithmetic import FloatArray
from .sites import ReferenceResult, Site, site_value_to_codes


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
    """What a comparison found."""

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


def compare_runs(
    free: ReferenceResult, forced: ReferenceResult, got: Mapping[str, FloatArray]
) -> Comparison:
    """Compares the outputs `got` of a model whose sites are outputs with two reference runs.

    free -- the reference by itself.
    forced -- the reference with the inputs of `got` at every site (`forced_inputs`).

    Raises KeyError when a site's outputs are missing.
    """
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
    return Comparison(sites, max(errors, default=0.0), _first_difference(free, forced))


def forced_inputs(free: ReferenceResult, got: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """The input that `got` had at each site of a reference run; KeyError when one is missing."""
    return {site.name: got[f"{site.name}.input"] for site in free.sites}


def _first_difference(free: ReferenceResult, other: ReferenceResult) -> FirstDifference | None:
    for mine, theirs in zip(free.sites, other.sites):
        differs = mine.codes != theirs.codes
        if differs.any():
            distance = _boundary_distance(mine)[differs]
            margin = _relative(distance, mine.input)
            return FirstDifference(mine.name, int(np.count_nonzero(differs)), margin)
    return None


def _boundary_distance(site: Site) -> FloatArray:
    """How far each input is from the nearest value at which its code changes."""
    x = site.input.astype(np.float64) - site.offset
    if site.is_sign:
        return np.abs(x).astype(np.float32)
    low, high = site.levels
    position = np.clip(np.floor(x / site.scale), low, high - 1) + 0.5
    return np.abs(x - position * site.scale).astype(np.float32)


def _relative(difference: FloatArray, magnitude: FloatArray) -> float:
    largest = float(np.abs(magnitude).max(initial=0))
    return float(np.abs(difference).max(initial=0)) / max(largest, 1e-30)
