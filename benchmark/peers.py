# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Other engines as functions that run a model, for benchmarks."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from lowbit.benchmark import Run, onnxruntime
from onnx import TensorProto, helper, numpy_helper


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


def matmul_models(size: int, columns: int, seed: int = 0) -> dict[str, onnx.ModelProto]:
    """One product `[m, size] x [size, columns]` as engines want it: two-level signs written
    with float operators (`signs`), 8-bit integers (`int8`), floats (`float`) and floats by
    weights of 4 bits in blocks of 32 (`int4`)."""
    rng = np.random.default_rng(seed)
    signs = np.where(rng.standard_normal((size, columns)) > 0, 0.02, -0.02).astype(np.float32)
    bytes_ = rng.integers(-127, 128, (size, columns)).astype(np.int8)

    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]

    def model(nodes: list[Any], dtypes: tuple[int, int], constants: dict[str, Any]) -> Any:
        ends = [
            helper.make_tensor_value_info(name, dtype, ["m", extent])
            for name, dtype, extent in zip("xy", dtypes, (size, columns), strict=True)
        ]
        initializers = [numpy_helper.from_array(v, name) for name, v in constants.items()]
        graph = helper.make_graph(nodes, "product", ends[:1], ends[1:], initializers)
        return helper.make_model(graph, opset_imports=opsets, ir_version=9)

    f32 = (TensorProto.FLOAT, TensorProto.FLOAT)
    quantized = [
        helper.make_node("Sign", ["x"], ["s"]),
        helper.make_node("Mul", ["s", "scale"], ["q"]),
        helper.make_node("MatMul", ["q", "w"], ["y"]),
    ]
    blocks = -(-size // 32)
    four = helper.make_node(
        "MatMulNBits",
        ["x", "w", "scales"],
        ["y"],
        domain="com.microsoft",
        K=size,
        N=columns,
        bits=4,
        block_size=32,
    )
    nibbles = rng.integers(0, 256, (columns, blocks, 16)).astype(np.uint8)
    return {
        "int4": model([four], f32, {"w": nibbles, "scales": np.full(columns * blocks, 0.02, "f4")}),
        "signs": model(quantized, f32, {"w": signs, "scale": np.float32(0.7)}),
        "float": model([helper.make_node("MatMul", ["x", "w"], ["y"])], f32, {"w": signs}),
        "int8": model(
            [helper.make_node("MatMulInteger", ["x", "w"], ["y"])],
            (TensorProto.UINT8, TensorProto.INT32),
            {"w": bytes_},
        ),
    }


def runtime(model: onnx.ModelProto, threads: int = 1) -> Run:
    """ONNX Runtime on a model in memory."""
    return onnxruntime(model.SerializeToString(), threads)
