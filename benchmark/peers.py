# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Other engines as functions that run a model, for benchmarks."""

from __future__ import annotations

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


def openvino(path: Path, precision: str, threads: int) -> Run | None:
    """OpenVINO on the CPU with `precision` f32 or bf16; None when it is not installed."""
    try:
        import openvino as ov
    except ImportError:
        return None
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
    with float operators (`signs`), 8-bit integers (`int8`) and floats (`float`)."""
    rng = np.random.default_rng(seed)
    signs = np.where(rng.standard_normal((size, columns)) > 0, 0.02, -0.02).astype(np.float32)
    bytes_ = rng.integers(-127, 128, (size, columns)).astype(np.int8)

    def model(nodes: list[Any], dtypes: tuple[int, int], constants: dict[str, Any]) -> Any:
        ends = [
            helper.make_tensor_value_info(name, dtype, ["m", extent])
            for name, dtype, extent in zip("xy", dtypes, (size, columns), strict=True)
        ]
        initializers = [numpy_helper.from_array(v, name) for name, v in constants.items()]
        graph = helper.make_graph(nodes, "product", ends[:1], ends[1:], initializers)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)

    f32 = (TensorProto.FLOAT, TensorProto.FLOAT)
    quantized = [
        helper.make_node("Sign", ["x"], ["s"]),
        helper.make_node("Mul", ["s", "scale"], ["q"]),
        helper.make_node("MatMul", ["q", "w"], ["y"]),
    ]
    return {
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
