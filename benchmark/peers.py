# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Other engines as functions that run a model, for benchmarks."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import onnx
from lowbit.benchmark import Run, interleaved, onnxruntime

#: Engines that a report lacks: what they were to run, their name, and the reason.
Missing = dict[tuple[str, str], str]


def seconds_of(
    runs: Mapping[str, Run], feeds: Mapping[str, Any], rounds: int, pause: float = 0.0
) -> dict[str, list[float]]:
    """Every time of every run, which take turns."""
    times = interleaved(runs, feeds, rounds, pause=pause)
    return {name: list(t.seconds) for name, t in times.items()}


class Competitors(dict[str, Run]):
    """Runs by name. A peer that cannot be set up here is left out, with the reason in `missing`,
    which the measurements of one report share.

    task -- what they all run, in words.
    """

    def __init__(self, task: str, missing: Missing) -> None:
        super().__init__()
        self.task, self.missing = task, missing

    def add(self, name: str, make: Callable[[], Run]) -> None:
        """Adds what `make` returns."""
        # An engine may refuse a machine or a model in ways of its own, and the others go on.
        try:
            self[name] = make()
        except Exception as error:
            first = (str(error).strip() or "no reason given").splitlines()[0]
            self.missing[self.task, name] = f"{type(error).__name__}: {first}"
            print(f"  missing: {name}: {first}", file=sys.stderr, flush=True)


@cache
def eight_bit(path: Path, folder: Path) -> Path:
    """ONNX Runtime's dynamic quantization of a float model to 8 bits."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantized = folder / f"{path.stem}-int8.onnx"
    quantize_dynamic(path, quantized, weight_type=QuantType.QInt8)
    return quantized


def openvino_eight_bit(path: Path, samples: Sequence[Mapping[str, Any]], folder: Path) -> Path:
    """NNCF's 8-bit quantization of weights and activations, calibrated with `samples`, unless
    `folder` has it already."""
    import nncf
    import openvino as ov

    output = folder / f"{path.stem}-nncf.xml"
    if output.exists():
        return output
    nncf.set_log_level(logging.ERROR)
    quantized = nncf.quantize(
        ov.Core().read_model(str(path)),
        nncf.Dataset(list(samples)),
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(samples),
    )
    ov.save_model(quantized, str(output), compress_to_fp16=False)
    return output


@cache
def openvino_weights(path: Path, folder: Path, bits: int, table: bool) -> Path:
    """NNCF's compression of the weights of a float model to 8 bits, or to 4 in groups of 128.

    table -- whether the output table gets 4 bits too, and all weights one scale a row, which is
        faster and coarser; by default it keeps 8.
    """
    import nncf
    import openvino as ov

    nncf.set_log_level(logging.ERROR)
    mode = nncf.CompressWeightsMode.INT8_SYM if bits == 8 else nncf.CompressWeightsMode.INT4_SYM
    four = {"ratio": 1.0, "group_size": -1 if table else 128, "all_layers": table}
    model = ov.Core().read_model(str(path))
    compressed = nncf.compress_weights(model, mode=mode, **(four if bits == 4 else {}))
    output = folder / f"{path.stem}-weights{bits}{'-table' if table else ''}.xml"
    ov.save_model(compressed, str(output), compress_to_fp16=False)
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


def openvino_settings(precision: str, threads: int) -> dict[str, Any]:
    """What a model is compiled with; `precision`, f32 or bf16, is for what is not quantized."""
    return {
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": precision,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
    }


def openvino(path: Path, precision: str, threads: int) -> Run:
    """OpenVINO on the CPU."""
    import openvino as ov

    model = ov.Core().compile_model(str(path), "CPU", openvino_settings(precision, threads))
    names = [port.get_any_name() for port in model.inputs]
    request = model.create_infer_request()
    return lambda feeds: request.infer({name: feeds[name] for name in names})


def add_onnxruntime(runs: Competitors, floats: Path, folder: Path, threads: int) -> None:
    """ONNX Runtime on a float model, as it is and in 8 bits."""
    runs.add("ONNX Runtime, f32", lambda: onnxruntime(str(floats), threads))
    runs.add("ONNX Runtime, int8", lambda: onnxruntime(str(eight_bit(floats, folder)), threads))


def add_openvino(
    runs: Competitors, floats: Path, folder: Path, sample: Mapping[str, Any], threads: int
) -> None:
    """OpenVINO on a float model, as it is, in bf16, and in 8 bits that `sample` calibrates."""
    for precision in ("f32", "bf16"):
        runs.add(f"OpenVINO, {precision}", partial(openvino, floats, precision, threads))

    def calibrated() -> Run:
        return openvino(openvino_eight_bit(floats, [sample] * 4, folder), "f32", threads)

    runs.add("OpenVINO, int8", calibrated)


def openvino_step(
    path: Path, precision: str, feeds: Mapping[str, Any], grown: Mapping[str, str], threads: int
) -> Run:
    """OpenVINO on a step whose caches it keeps itself, one thread.

    feeds -- every input as it is before the first step.
    grown -- the input that each output of a step is the next value of.
    """
    import openvino as ov
    from openvino._offline_transformations import apply_make_stateful_transformation

    core = ov.Core()
    model = core.read_model(str(path))
    apply_make_stateful_transformation(model, {x: name for name, x in grown.items()})
    compiled = core.compile_model(model, "CPU", openvino_settings(precision, threads))
    request = compiled.create_infer_request()
    # A variable is called by its input and its output.
    starts = {x + name: feeds[x] for name, x in grown.items()}
    for variable in request.query_state():
        variable.state = ov.Tensor(starts[variable.name])
    for port in compiled.inputs:
        (name,) = port.get_names() & feeds.keys()
        request.set_tensor(port, ov.Tensor(feeds[name]))
    return lambda _: request.infer()
