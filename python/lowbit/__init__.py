# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""lowbit: a compiler for binary and low-bit transformers.

    import lowbit

    model = lowbit.compile("bert.onnx", target="native", threads=1)
    outputs = model.run({"input_ids": ids, "attention_mask": mask})
    model.save("bert.so")
    model = lowbit.load("bert.so")

Several models become one program, and a session keeps state between their runs:

    program = lowbit.compile(["encoder.onnx", "decoder_step.onnx"])
    session = program.session()
    session.start({"input_ids": ids, "attention_mask": mask})
    logits = session.step({"decoder_input_ids": tokens})["logits"]

`lowbit.models.bit` and `lowbit.models.tbt` build binary BERT and binary and ternary BART models as
ONNX to try this with.
"""

from lowbit._compile import compile, load
from lowbit._errors import CompileError, Error, InputError, LoadError, RunError
from lowbit._lowbit import __version__
from lowbit._model import Entry, Model, Program, TensorSpec
from lowbit._session import Session

__all__ = [
    "CompileError",
    "Entry",
    "Error",
    "InputError",
    "LoadError",
    "Model",
    "Program",
    "RunError",
    "Session",
    "TensorSpec",
    "__version__",
    "compile",
    "load",
]
