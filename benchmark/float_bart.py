# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The float BART that engines without binary weights run: TBT's graphs with no quantizers."""

from __future__ import annotations

import numpy as np
import onnx
from lowbit.models.tbt.form import TorchScriptForm
from lowbit.models.tbt.graph import GraphBuilder
from lowbit.models.tbt.parameters import TBTParameters
from lowbit.models.tbt.parts import Part


class FloatForm(TorchScriptForm):
    """Weights and activations as they are; linear layers as an exporter folds them."""

    def quantized_weight(self, scope: str, name: str) -> str:
        return self.parameter(name)

    def linear(self, scope: str, name: str, x: str) -> str:
        weight = np.ascontiguousarray(self.parameters[f"{name}.weight"].T)
        product = self.op(scope, "MatMul", [x, self.folded("MatMul", weight)])
        return self.op(scope, "Add", [product, self.parameter(f"{name}.bias")])

    def quantize(self, scope: str, x: str, name: str, signed: bool) -> str:
        return x


def build(parameters: TBTParameters, part: Part) -> onnx.ModelProto:
    """One graph of `tbt.build_model` in floats, with symbolic extents."""
    form = FloatForm(parameters, opset=17, fold_constants=True)
    builder = GraphBuilder(form, "batch", "src", "tgt", expose_hidden=False, expose_sites=False)
    return builder.build(part)
