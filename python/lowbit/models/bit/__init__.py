# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""BiT (binary BERT) as ONNX, with numpy and onnx alone.

    from lowbit.models import bit
    config = bit.PRESETS["tiny"].with_bits(1, 1)
    parameters = bit.BiTParameters.random(config, seed=0)
    bit.save_model(bit.build_model(parameters), "bit.onnx")
    expected = bit.BiTReference(parameters).run(ids, mask).outputs["logits"]

The same from a shell: `python -m lowbit.models.bit --config tiny --bits 1 1 -o bit.onnx`.
"""

from ..checking import Comparison
from ..serialization import save_model
from ..sites import ReferenceResult, Site, site_value_to_codes
from .checking import compare
from .config import PRESETS, BiTConfig
from .graph import build_model
from .parameters import BiTParameters, parameter_shapes
from .reference import BiTReference

__all__ = [
    "PRESETS",
    "BiTConfig",
    "BiTParameters",
    "BiTReference",
    "Comparison",
    "ReferenceResult",
    "Site",
    "build_model",
    "compare",
    "parameter_shapes",
    "save_model",
    "site_value_to_codes",
]
