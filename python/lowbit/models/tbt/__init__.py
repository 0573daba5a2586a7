# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""TBT (binary and ternary BART and mBART) as ONNX, with numpy and onnx alone.

    from lowbit.models import tbt
    config = tbt.PRESETS["tiny"].with_bits(2, 2)
    parameters = tbt.TBTParameters.random(config, seed=0)
    models = {part: tbt.build_model(parameters, part) for part in tbt.SESSION_PARTS}
    session = lowbit.compile(models).session()
    session.start({"input_ids": ids, "attention_mask": mask})
    logits = session.step({"decoder_input_ids": tokens})["logits"]

The same from a shell: `python -m lowbit.models.tbt --config tiny --bits 2 2 -o DIR`.
"""

from ..checking import Comparison
from ..serialization import save_model
from ..sites import ReferenceResult, Site, site_value_to_codes
from .checking import compare
from .config import PRESETS, TBTConfig
from .graph import build_model
from .inputs import random_inputs
from .parameters import TBTParameters, parameter_shapes
from .parts import PARTS, SESSION_PARTS, Part
from .reference import TBTReference

__all__ = [
    "PARTS",
    "PRESETS",
    "SESSION_PARTS",
    "Comparison",
    "Part",
    "ReferenceResult",
    "Site",
    "TBTConfig",
    "TBTParameters",
    "TBTReference",
    "build_model",
    "compare",
    "parameter_shapes",
    "random_inputs",
    "save_model",
    "site_value_to_codes",
]
