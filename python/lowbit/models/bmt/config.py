# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a BMT model looks like: its sizes, its bits and which tables it shares.

BMT (binarized machine translation) is a transformer with a norm in front of every block
whose projections and feed-forward layers are binary. Bounds are found at run time, per
token, and each binary product is followed by a norm. Embeddings, attention and the output
layer are float.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..sizes import check_sizes


@dataclass(frozen=True)
class BMTConfig:
    """Sizes and quantization of a BMT model.

    Raises ValueError when the values contradict each other.
    """

    vocab_size: int = 32000
    hidden_size: int = 512
    encoder_layers: int = 6
    decoder_layers: int = 6
    num_heads: int = 8
    ffn_size: int = 2048
    max_positions: int = 512
    activation_bits: int = 1
    """1 (W1A1) or 32: binary weights with float activations (W1A32)."""
    share_embeddings: bool = False
    """Whether source and target tokens have one embedding."""
    logits_via_embedding: bool = False
    """Whether the output layer is the target's embedding over sqrt(hidden_size), without a bias."""

    def __post_init__(self) -> None:
        if self.hidden_size < 4:  # positions divide by hidden_size // 2 - 1
            raise ValueError(f"hidden_size must be at least 4, got {self.hidden_size}")
        names = (
            "vocab_size",
            "encoder_layers",
            "decoder_layers",
            "num_heads",
            "ffn_size",
            "max_positions",
        )
        check_sizes(self, names)
        if self.activation_bits not in (1, 32):
            raise ValueError(f"activation_bits must be 1 or 32, got {self.activation_bits}")

    @property
    def head_size(self) -> int:
        """Width of one attention head."""
        return self.hidden_size // self.num_heads

    @property
    def quantizes_activations(self) -> bool:
        """Whether the products are of bits on both sides."""
        return self.activation_bits == 1


#: Named sizes, for the command line and for tests: Transformer-base, and a small one.
PRESETS: dict[str, BMTConfig] = {
    "base": BMTConfig(share_embeddings=True, logits_via_embedding=True),
    "tiny": BMTConfig(
        vocab_size=500,
        hidden_size=96,
        encoder_layers=2,
        decoder_layers=2,
        num_heads=3,
        ffn_size=192,
        max_positions=64,
    ),
}
