# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiling for targets that this machine may be unable to run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import lowbit
import pytest


def compile_or_skip(model, target: str, **options) -> Any:
    """The compiled model or program; skips the test where the machine lacks what the target has."""
    try:
        return lowbit.compile(model, target=target, **options)
    except lowbit.CompileError as error:
        if "the target is not this machine" in str(error):
            pytest.skip(f"this machine cannot run {target}")
        raise


def compile_for_each(model, targets: Sequence[str], **options) -> Iterator[lowbit.Model]:
    """The model for each target that this machine has; all have the low ones."""
    for target in targets:
        try:
            yield lowbit.compile(model, target=target, **options)
        except lowbit.CompileError as error:
            assert target in ("x86-64-v3", "x86-64-v4"), error
