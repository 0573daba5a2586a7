# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Sequences of tokens from a compiled encoder and decoder.

    program = lowbit.compile(["encoder.onnx", "decoder_step.onnx"])
    config = GenerationConfig(decoder_start_token_id=2, eos_token_id=2, num_beams=4)
    tokens = generate(program, {"input_ids": ids, "attention_mask": mask}, config)

`generate` searches greedily or with beams, in the sense of Hugging Face's `generate`, or as
the decoder of BMT does (`strategy="bmt"`). `stream` gives the tokens of a greedy search as
they come.
"""

from lowbit.generation.bmt import BMTBeams, bmt_beam_search
from lowbit.generation.config import GenerationConfig
from lowbit.generation.decoder import Decoder, Steps, TopLogits
from lowbit.generation.search import beam_search, generate, greedy_search, stream

__all__ = [
    "BMTBeams",
    "Decoder",
    "GenerationConfig",
    "Steps",
    "TopLogits",
    "beam_search",
    "bmt_beam_search",
    "generate",
    "greedy_search",
    "stream",
]
