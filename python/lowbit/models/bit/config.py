# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a BiT model looks like: its sizes, its bits and its task.

BiT (binary BERT) is a BERT whose linear layers hold one-bit weights and whose
activations are quantized with a learned scale per site. With 32 bits for weights
and activations the same configuration describes the plain float BERT.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

from ..sizes import check_sizes

Activation = Literal["relu", "gelu"]
Task = Literal["classification", "question_answering", "encoder"]


@dataclass(frozen=True)
class BiTConfig:
    """Sizes and quantization of a BiT model.

    Raises ValueError when the values contradict each other.
    """

    vocab_size: int = 30522
    hidden_size: int = 768
    num_layers: int = 12
    num_heads: int = 12
    ffn_size: int = 3072
    max_positions: int = 512
    type_vocab_size: int = 2
    activation: Activation = "relu"
    """Between the two linear layers of the feed-forward block; the published models use ReLU."""
    weight_bits: int = 1
    """1, or 32 for float weights (only together with 32 activation bits)."""
    activation_bits: int = 1
    """1 to 8, or 32 for float activations."""
    weight_layerwise: bool = True
    """One scale per weight matrix; otherwise one per output row."""
    embedding_layerwise: bool = False
    """One scale for the word embedding table; otherwise one per token."""
    quantize_attention: bool = True
    """Whether the attention probabilities are quantized; the values always are."""
    symmetric_ffn_attention: bool = False
    """Signed quantizers for the probabilities and the input of the second feed-forward layer."""
    task: Task = "classification"
    num_labels: int = 2
    """Width of the classification head; `question_answering` always has 2 (start and end)."""

    def __post_init__(self) -> None:
        names = (
            "vocab_size",
            "hidden_size",
            "num_layers",
            "num_heads",
            "ffn_size",
            "max_positions",
            "type_vocab_size",
            "num_labels",
        )
        check_sizes(self, names)
        if self.weight_bits not in (1, 32):
            raise ValueError(f"weight_bits must be 1 or 32, got {self.weight_bits}")
        if self.activation_bits != 32 and not 1 <= self.activation_bits <= 8:
            raise ValueError(f"activation_bits must be 1 to 8, or 32, got {self.activation_bits}")
        if self.weight_bits == 32 and self.activation_bits != 32:
            raise ValueError(
                "32-bit weights need 32-bit activations: BiT defines no other combination"
            )
        if self.activation not in ("relu", "gelu"):
            raise ValueError(f"activation must be 'relu' or 'gelu', got {self.activation!r}")
        if self.task not in ("classification", "question_answering", "encoder"):
            raise ValueError(f"unknown task {self.task!r}; known: {', '.join(get_args(Task))}")

    @property
    def head_size(self) -> int:
        """Width of one attention head."""
        return self.hidden_size // self.num_heads

    @property
    def is_float(self) -> bool:
        """Whether this is the plain float BERT."""
        return self.weight_bits == 32

    @property
    def quantizes_activations(self) -> bool:
        """Whether activations are quantized at all."""
        return self.activation_bits < 32

    def with_bits(self, weight_bits: int, activation_bits: int) -> BiTConfig:
        """The same network with other bits."""
        return replace(self, weight_bits=weight_bits, activation_bits=activation_bits)


#: Named sizes, for the command line and for tests.
PRESETS: dict[str, BiTConfig] = {
    "base": BiTConfig(),
    "small": BiTConfig(hidden_size=512, num_layers=4, num_heads=8, ffn_size=2048),
    "mini": BiTConfig(hidden_size=256, num_layers=4, num_heads=4, ffn_size=1024),
    "tiny": BiTConfig(
        vocab_size=500, hidden_size=128, num_layers=2, num_heads=4, ffn_size=256, max_positions=64
    ),
}
