# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Other engines as functions that run a model, for benchmarks."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from lowbit.benchmark import Run, onnxruntime


class Competitors(dict[str, Run]):
    """Runs by name. A peer that cannot be set up here is left out, with the reason in `missing`,
    a dictionary that the measurements of one report share."""

    def __init__(self, missing: dict[str, str], runs: Mapping[str, Run] | None = None) -> None:
        super().__init__(runs or {})
        self.missing = missing

    def add(self, name: str, make: Callable[[], Run]) -> None:
        """Adds what `make` returns."""
        # An engine may refuse a machine or a model in ways of its own, and the others go on.
        try:
            self[name] = make()
        except Exception as error:
            first = (str(error).strip() or "no reason given").splitlines()[0]
            self.missing[name] = f"{type(error).__name__}: {first}"
            print(f"  missing: {name}: {self.missing[name]}", file=sys.stderr, flush=True)


def eight_bit(path: Path, folder: Path) -> Path:
    """ONNX Runtime's dynamic quantization of a float model to 8 bits."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantized = folder / f"{path.stem}-int8.onnx"
    quantize_dynamic(path, quantized, weight_type=QuantType.QInt8)
    return quantized


def openvino_eight_bit(path: Path, samples: Sequence[Mapping[str, Any]], folder: Path) -> Path:
    """NNCF's 8-bit quantization of weights and activations, calibrated with `samples`."""
    import nncf
    import openvino as ov

    nncf.set_log_level(logging.ERROR)
    quantized = nncf.quantize(
        ov.Core().read_model(str(path)),
        nncf.Dataset(list(samples)),
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(samples),
    )
    output = folder / f"{path.stem}-nncf.xml"
    ov.save_model(quantized, str(output), compress_to_fp16=False)
    return output


def iree(path: Path, folder: Path) -> Run:
    """IREE on one CPU thread; extents are those that the file fixes."""
    import iree.runtime as rt

    mlir, program, parameters = (
        folder / f"iree{end}" for end in (".mlir", ".vmfb", "_params.irpa")
    )
    tools = Path(sys.executable).parent
    options = ["--externalize-params", "--opset-version", "17"]
    subprocess.run([tools / "iree-import-onnx", path, "-o", mlir, *options], check=True)
    target = [
        "--iree-hal-target-device=local",
        "--iree-hal-local-target-device-backends=llvm-cpu",
        "--iree-llvmcpu-target-cpu=host",
        "--iree-opt-data-tiling",
    ]
    subprocess.run([tools / "iree-compile", mlir, "-o", program, *target], check=True)
    index = rt.ParameterIndex()
    index.load(str(parameters))
    config = rt.Config("local-sync")
    context = rt.SystemContext(
        vm_modules=[
            rt.create_io_parameters_module(
                config.vm_instance, index.create_provider(scope="model")
            ),
            rt.create_hal_module(config.vm_instance, config.device),
            rt.VmModule.mmap(config.vm_instance, str(program)),
        ],
        config=config,
    )
    function = context.modules["module"]["main_graph"]
    names = [x.name for x in onnx.load(str(path), load_external_data=False).graph.input]
    return lambda feeds: function(*(feeds[name] for name in names)).to_host()


def openvino(path: Path, precision: str, threads: int) -> Run:
    """OpenVINO on the CPU with `precision` f32 or bf16 for what is not quantized."""
    import openvino as ov

    core = ov.Core()
    settings: dict[str, Any] = {
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": precision,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
    }
    model = core.compile_model(str(path), "CPU", settings)
    names = [port.get_any_name() for port in model.inputs]
    request = model.create_infer_request()
    return lambda feeds: request.infer({name: feeds[name] for name in names})
