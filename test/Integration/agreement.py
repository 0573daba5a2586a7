# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How the outputs of a compiled model are judged."""

from __future__ import annotations

from dataclasses import dataclass

from lowbit.models import bit
from lowbit.models.checking import Comparison

#: Near misses of a code boundary that float operators may decide either way.
NATURAL_TIE = 4e-7


@dataclass(frozen=True)
class Agreement:
    """Judges outputs of a BiT model that was built with `expose_sites`."""

    parameters: bit.BiTParameters

    def check(self, feeds, got, tolerance: float = 2e-5) -> None:
        """No code differs where the input is given, and whole runs part only at a tie."""
        check_comparison(bit.compare(self.parameters, feeds, got), tolerance)


def check_comparison(result: Comparison, tolerance: float = 2e-5) -> None:
    """No code differs where the input is given, and whole runs part only at a tie."""
    wrong = {site.name: site.differing for site in result.sites if site.differing}
    assert not wrong, f"codes that differ, by site: {wrong}"
    far = {site.name: site.input_error for site in result.sites if site.input_error > 2e-6}
    assert not far, f"site inputs away from the reference, by site: {far}"
    assert result.output_error <= tolerance
    first = result.first_difference
    assert first is None or first.margin <= NATURAL_TIE, first
