# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""BMT (binarized machine translation) as ONNX, with numpy and onnx alone.

    from lowbit.models import bmt
    parameters = bmt.BMTParameters.random(bmt.PRESETS["tiny"], seed=0)
    models = {part: bmt.build_model(parameters, part) for part in bmt.SESSION_PARTS}
    program = lowbit.compile(models)
    beams = lowbit.generation.bmt_beam_search(Decoder(program), {"src": ids})

The same from a shell: `python -m lowbit.models.bmt --config tiny -o DIR`.
"""

from ..checking import Comparison
from ..serialization import save_model
from ..sites import ReferenceResult, Site, site_value_to_codes
from .checking import compare
from .config import PRESETS, BMTConfig
from .graph import build_model
from .inputs import random_inputs
from .parameters import BMTParameters, parameter_shapes
from .parts import PARTS, SESSION_PARTS, Part
from .reference import BMTReference

__all__ = [
    "PARTS",
    "PRESETS",
    "SESSION_PARTS",
    "BMTConfig",
    "BMTParameters",
    "BMTReference",
    "Comparison",
    "Part",
    "ReferenceResult",
    "Site",
    "build_model",
    "compare",
    "parameter_shapes",
    "random_inputs",
    "save_model",
    "site_value_to_codes",
]
