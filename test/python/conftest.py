# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the tests of the Python package share."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lowbit.models import bit, bmt, tbt

SMALL = {"vocab_size": 120, "hidden_size": 48, "ffn_size": 80, "max_positions": 40}


@pytest.fixture(scope="session")
def small_config() -> bit.BiTConfig:
    """Two layers, 48 wide, three heads of 16."""
    return replace(bit.PRESETS["tiny"], num_heads=3, **SMALL)


@pytest.fixture(scope="session")
def small_tbt_config() -> tbt.TBTConfig:
    """One encoder and two decoder layers, 48 wide, three heads of 16."""
    return replace(tbt.PRESETS["tiny"], encoder_layers=1, **SMALL)


@pytest.fixture(scope="session")
def small_bmt_config() -> bmt.BMTConfig:
    """One encoder and two decoder layers, 48 wide, three heads of 16."""
    return replace(bmt.PRESETS["tiny"], encoder_layers=1, **SMALL)
