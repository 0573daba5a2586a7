# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""lowbit: a compiler for binary and low-bit transformers.

    import lowbit

    model = lowbit.compile("bert.onnx", target="native", threads=1)
    outputs = model.run({"input_ids": ids, "attention_mask": mask})
    model.save("bert.so")
    model = lowbit.load("bert.so")

`lowbit.models.bit` builds binary BERT models as ONNX to try this with.
"""

from lowbit._errors import CompileError, Error, InputError, LoadError, RunError
from lowbit._lowbit import __version__
from lowbit._model import Model, TensorSpec, compile, load

__all__ = [
    "CompileError",
    "Error",
    "InputError",
    "LoadError",
    "Model",
    "RunError",
    "TensorSpec",
    "__version__",
    "compile",
    "load",
]
