# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""State dicts of trained models: reading files, and fitting names and shapes."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .arithmetic import FloatArray


def read_state_dict(path: str | Path) -> Mapping[str, Any]:
    """The arrays of a `.safetensors` file, a numpy `.npz` or a torch checkpoint.

    Torch checkpoints are read with `weights_only=True` and need torch; safetensors
    files need the package `safetensors`. Raises ImportError that names the missing
    package, OSError and ValueError.
    """
    path = Path(path)
    if path.suffix == ".npz":
        with np.load(path) as archive:
            return dict(archive)
    if path.suffix == ".safetensors":
        load: Callable[[str], Mapping[str, Any]] = _import("safetensors.numpy", path).load_file
        return load(str(path))
    torch = _import("torch", path)
    state: Mapping[str, Any] = torch.load(str(path), map_location="cpu", weights_only=True)
    nested: Mapping[str, Any] = state.get("state_dict", state)
    return nested


def without_wrappers(state: Mapping[str, Any]) -> dict[str, Any]:
    """`state` without the prefix that data-parallel training adds to names."""
    return {name.removeprefix("module."): value for name, value in state.items()}


def fit_state_dict(
    shapes: Mapping[str, tuple[int, ...]], state: Mapping[str, Any]
) -> dict[str, FloatArray]:
    """`state` (numpy arrays or torch tensors) as float32 arrays of the expected `shapes`.

    Scalars may have any rank. Raises ValueError that lists all missing and unexpected
    names, and every shape that does not fit.
    """
    problems = []
    if missing := sorted(shapes.keys() - state.keys()):
        problems.append("missing: " + ", ".join(missing))
    if unexpected := sorted(state.keys() - shapes.keys()):
        problems.append("unexpected: " + ", ".join(unexpected))
    tensors: dict[str, FloatArray] = {}
    for name in (name for name in shapes if name in state):
        array = to_numpy(state[name])
        if shapes[name] == () and array.size == 1:
            array = array.reshape(())
        if array.shape != shapes[name]:
            problems.append(f"{name}: expected shape {shapes[name]}, got {array.shape}")
        tensors[name] = array
    if problems:
        raise ValueError("the state dict does not fit the configuration; " + "; ".join(problems))
    return tensors


def to_numpy(value: Any) -> FloatArray:
    """A numpy array or torch tensor as a contiguous float32 array."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().float().numpy()
    return np.ascontiguousarray(value, dtype=np.float32).reshape(np.shape(value))


def _import(module: str, path: Path) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.split(".")[0]
        raise ImportError(f"reading {path} needs the package '{package}'") from error
