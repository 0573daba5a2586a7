# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the sizes of every model must fulfil."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Sizes(Protocol):
    """The sizes that all models have."""

    @property
    def hidden_size(self) -> int: ...
    @property
    def num_heads(self) -> int: ...
    @property
    def head_size(self) -> int: ...


def check_sizes(config: Sizes, names: Sequence[str]) -> None:
    """Raises ValueError unless the named sizes are positive and heads share the width evenly."""
    for name in names:
        if getattr(config, name) < 1:
            raise ValueError(f"{name} must be at least 1, got {getattr(config, name)}")
    if config.hidden_size % config.num_heads:
        raise ValueError(
            f"hidden_size {config.hidden_size} is not a multiple of num_heads {config.num_heads}"
        )
