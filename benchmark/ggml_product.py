# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""ggml's product of floats and weights of few bits, on one thread of its CPU backend.

The weights lie where ggml would put those of a model: in the first of its special buffers
(repacked, or as AMX tiles) that takes the product, else in a plain one. A run is one call: it
quantizes the floats to 8 bits, multiplies and gives floats, from and to memory that stays.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np
from lowbit.benchmark import Run

FloatArray = np.ndarray[Any, np.dtype[np.float32]]

#: Weight types by how they store -s, 0 and s, with the error of the product to expect: exact up to
#: the activations' 8 bits, but for Q4_0, whose largest level is 7/8 of what it stands for.
TOLERANCES = {"TQ2_0": 0.01, "TQ1_0": 0.01, "Q1_0": 0.01, "Q4_0": 0.15}

#: Instructions that decide which kernels ggml was built with.
_FEATURES = ("avx2", "avx_vnni", "avx512", "avx512_vbmi", "avx512_vnni", "avx512_bf16", "amx_int8")


def describe() -> dict[str, Any]:
    """ggml's version, and the instructions that this build of it uses."""
    import ggml

    return {
        "version": ggml.ggml_version().decode(),
        "instructions": [x for x in _FEATURES if getattr(ggml, f"ggml_cpu_has_{x}")()],
    }


def product(kind: str, weights: FloatArray, x: FloatArray) -> Run:
    """`x` [rows, size] times the transpose of `weights` [columns, size], stored as `kind`.

    The run ignores its argument and returns a view of the result [rows, columns]. Raises
    RuntimeError where ggml's result is not the product.
    """
    import ggml

    ggml.ggml_log_set(_silent(), None)
    dtype = getattr(ggml, f"GGML_TYPE_{kind}")
    (columns, size), rows = weights.shape, len(x)
    backend = ggml.ggml_backend_cpu_init()
    ggml.ggml_backend_cpu_set_n_threads(backend, 1)

    constant, context = _context(ggml), _context(ggml)
    w = ggml.ggml_new_tensor_2d(constant, dtype, size, columns)
    a = ggml.ggml_new_tensor_2d(context, ggml.GGML_TYPE_F32, size, rows)
    y = ggml.ggml_mul_mat(context, w, a)
    graph = ggml.ggml_new_graph(context)
    ggml.ggml_build_forward_expand(graph, y)

    buffer = _weight_buffer(ggml, backend, w, y)
    ggml.ggml_backend_alloc_ctx_tensors_from_buft(constant, buffer)
    ggml.ggml_backend_alloc_ctx_tensors(context, backend)
    packed = _quantized(ggml, dtype, weights)
    ggml.ggml_backend_tensor_set(w, packed, 0, len(packed))
    ggml.ggml_backend_tensor_set(a, x.ctypes.data, 0, x.nbytes)
    address = ctypes.cast(y.contents.data, ctypes.POINTER(ctypes.c_float))
    result = np.ctypeslib.as_array(address, (rows, columns))

    def run(_: Any) -> FloatArray:
        ggml.ggml_backend_graph_compute(backend, graph)
        return result

    expected = x @ weights.T
    error = np.linalg.norm(run(None) - expected) / np.linalg.norm(expected)
    if not error < TOLERANCES[kind]:
        raise RuntimeError(f"ggml's product with {kind} is off by {error:.3f}")
    return run


@cache
def _silent() -> Any:
    """A receiver of ggml's messages, which tell of every repacking."""
    import ggml

    return ggml.ggml_log_callback(lambda level, text, user_data: None)


def _context(ggml: Any) -> Any:
    """Room for the descriptions of tensors and a graph; their data lie in buffers."""
    size = 8 * ggml.ggml_tensor_overhead() + ggml.ggml_graph_overhead()
    return ggml.ggml_init(ggml.ggml_init_params(mem_size=size, mem_buffer=None, no_alloc=True))


def _quantized(ggml: Any, dtype: int, weights: FloatArray) -> ctypes.Array[ctypes.c_char]:
    columns, size = weights.shape
    packed = (ctypes.c_char * (columns * ggml.ggml_row_size(dtype, size)))()
    weights = np.ascontiguousarray(weights)
    floats = weights.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
    ggml.ggml_quantize_chunk(dtype, floats, ctypes.addressof(packed), 0, columns, size, None)
    return packed


def _weight_buffer(ggml: Any, backend: Any, w: Any, y: Any) -> Any:
    """The type of buffer for the weights `w` of the product `y`."""
    device = ggml.ggml_backend_get_device(backend)
    address = ggml.ggml_backend_reg_get_proc_address(
        ggml.ggml_backend_cpu_reg(), b"ggml_backend_dev_get_extra_bufts"
    )
    extra = ctypes.CFUNCTYPE(ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p)(address)
    for buffer in extra(device):
        if buffer is None:
            break
        # Whether a product is supported depends on the buffer that its weights lie in.
        probe = ggml.ggml_backend_buft_alloc_buffer(buffer, 0)
        w.contents.buffer = probe
        supported = ggml.ggml_backend_dev_supports_op(device, y)
        w.contents.buffer = None
        ggml.ggml_backend_buffer_free(probe)
        if supported:
            return buffer
    return ggml.ggml_backend_get_default_buffer_type(backend)
