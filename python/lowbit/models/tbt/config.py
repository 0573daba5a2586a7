# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a TBT model looks like: its sizes, its bits and whether it is a BART or an mBART.

TBT (ternary and binary transformers) is a BART whose linear layers and embeddings hold
one- or two-bit weights and whose activations are quantized, with a learned scale per
site at one and two bits and by their range at eight.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..sizes import check_sizes


@dataclass(frozen=True)
class TBTConfig:
    """Sizes and quantization of a TBT model.

    Raises ValueError when the values contradict each other.
    """

    vocab_size: int = 50265
    hidden_size: int = 768
    encoder_layers: int = 6
    decoder_layers: int = 6
    num_heads: int = 12
    ffn_size: int = 3072
    max_positions: int = 1024
    weight_bits: int = 1
    """1 (binary) or 2 (ternary)."""
    activation_bits: int = 1
    """1 (binary), 2 (ternary) or 8."""
    pre_norm: bool = False
    """mBART: blocks normalise their input, and a last norm follows the layers; BART's
    normalise the sum with their input."""
    scale_embedding: bool = False
    """Whether token embeddings are multiplied by sqrt(hidden_size), as in mBART."""
    clip_value: float = 2.5
    """Largest magnitude of an activation at eight bits."""

    def __post_init__(self) -> None:
        names = (
            "vocab_size",
            "hidden_size",
            "encoder_layers",
            "decoder_layers",
            "num_heads",
            "ffn_size",
            "max_positions",
        )
        check_sizes(self, names)
        if self.weight_bits not in (1, 2):
            raise ValueError(f"weight_bits must be 1 or 2, got {self.weight_bits}")
        if self.activation_bits not in (1, 2, 8):
            raise ValueError(f"activation_bits must be 1, 2 or 8, got {self.activation_bits}")
        if not self.clip_value > 0:
            raise ValueError(f"clip_value must be positive, got {self.clip_value}")

    @property
    def head_size(self) -> int:
        """Width of one attention head."""
        return self.hidden_size // self.num_heads

    @property
    def learns_scales(self) -> bool:
        """Whether the sites have learned scales; eight bits take theirs from each tensor."""
        return self.activation_bits < 8

    def with_bits(self, weight_bits: int, activation_bits: int) -> TBTConfig:
        """The same network with other bits."""
        return replace(self, weight_bits=weight_bits, activation_bits=activation_bits)


_TINY = TBTConfig(
    vocab_size=500,
    hidden_size=96,
    encoder_layers=2,
    decoder_layers=2,
    num_heads=3,
    ffn_size=192,
    max_positions=64,
)

#: Named sizes, for the command line and for tests: BART-base, mBART-large, and small ones.
PRESETS: dict[str, TBTConfig] = {
    "base": TBTConfig(),
    "mbart": TBTConfig(
        vocab_size=250027,
        hidden_size=1024,
        encoder_layers=12,
        decoder_layers=12,
        num_heads=16,
        ffn_size=4096,
        pre_norm=True,
        scale_embedding=True,
    ),
    "tiny": _TINY,
    "mbart-tiny": replace(_TINY, pre_norm=True, scale_embedding=True),
}
