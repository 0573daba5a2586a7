# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measuring the rows of the kernel table on this machine.

A row is measured in programs of one product `[m, K] x [K, N]` with constant one-bit weights,
compiled for the least target that has the row, since LLVM would use what a better one has. What
does not depend on N (packing the left side, starting a run) drops out of the difference between
two programs with different N, and what is left is divided by the multiply-accumulates that
differ. Results are what `lib/Kernels/KernelCosts.def` holds; nothing reads them at run time.
"""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lowbit import CompileError, Model, __version__, compile
from lowbit._machine import describe_machine, installed_versions
from lowbit.benchmark import Run, interleaved

#: From the least to what this machine has.
TARGETS = ("x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4", "native")

#: K, and the two N whose difference counts.
SIZE, COLUMNS = 768, (768, 2304)

#: Left sides by what they are called: of one bit, of four bits, which lookups are for, and
#: floats.
LEFT_SIDES = {"-1, 1": (-1, 1), "0 ... 15": tuple(range(16)), "f32": ()}


def _levels(levels: Sequence[int]) -> str:
    return f"!lowbit.levels<{', '.join(map(str, levels))}>"


_SIGNS = _levels(LEFT_SIDES["-1, 1"])


@dataclass(frozen=True)
class KernelTiming:
    """One row of the kernel table, measured."""

    kernel: str
    #: The least target that has the row.
    target: str
    #: The left side: one of `LEFT_SIDES`.
    lhs: str
    #: What the compiler expects, in the same unit.
    expected: int
    #: Picoseconds per 1024 multiply-accumulates, by the rows of the left side.
    picoseconds: dict[int, float]


def product_text(lhs: str, columns: int, size: int = SIZE) -> str:
    """MLIR of a function from x `f32 [m, size]` to y, the product of x, or of its levels, and
    constant weights -1 and 1 `[columns, size]`; `lhs` is one of `LEFT_SIDES`."""
    signs = np.random.default_rng(0).integers(0, 2, (columns, size), np.int8) * 2 - 1
    weights = signs.astype(np.int8).tobytes().hex()
    levels = LEFT_SIDES[lhs]
    sums = f"tensor<?x{columns}x{'i32' if levels else 'f32'}>"
    rhs = f"tensor<{columns}x{size}x{_SIGNS}>"
    x = f"tensor<?x{size}xf32>"
    left, quantizer = ("%x", x), ""
    if levels:
        left = ("%q", f"tensor<?x{size}x{_levels(levels)}>")
        step = len(levels) == 2
        scale, scale_type = ("", "") if step else (", scale %s", ", tensor<f32>")
        rounding = "step" if step else "half_even"
        quantizer = f"""
  %s = arith.constant dense<1.0> : tensor<f32>
  %e = tensor.empty(%m) : {left[1]}
  %q = lowbit.quantize ins(%x{scale} : {x}{scale_type}) outs(%e : {left[1]})
    {{rounding = #lowbit.rounding<{rounding}>}} -> {left[1]}"""
    return f"""
func.func @main(%x: {x} {{onnx.name = "x", onnx.dims = ["m", ""]}})
    -> ({sums} {{onnx.name = "y", onnx.dims = ["m", ""]}}) {{
  %zero = arith.constant 0 : index
  %m = tensor.dim %x, %zero : {x}{quantizer}
  %w = lowbit.constant dense<"0x{weights}"> : tensor<{columns}x{size}xi8> -> {rhs}
  %i = tensor.empty(%m) : {sums}
  %y = lowbit.matmul ins({left[0]}, %w : {left[1]}, {rhs}) outs(%i : {sums})
    {{transpose_rhs}} -> {sums} loc("product")
  return %y : {sums}
}}
"""


def measure_kernels(
    rows: Sequence[int] = (1, 8, 128),
    columns: tuple[int, int] = COLUMNS,
    rounds: int = 60,
    kernels: Sequence[str] | None = None,
) -> list[KernelTiming]:
    """Measures every row of the kernel table that this machine can run, or the given ones.

    rows -- how many rows the left side has (m).
    columns -- the two N, the lesser one first.
    rounds -- runs of each program that count; the fastest is taken.

    Raises ValueError for a kernel that this machine or the table does not have, and
    CompileError.
    """
    if not 0 < columns[0] < columns[1]:
        raise ValueError(f"expected two numbers of columns that ascend, got {columns}")
    with tempfile.TemporaryDirectory() as folder:
        return _measure(Path(folder), rows, columns, rounds, kernels)


def _measure(
    folder: Path,
    rows: Sequence[int],
    columns: tuple[int, int],
    rounds: int,
    kernels: Sequence[str] | None,
) -> list[KernelTiming]:
    programs: dict[tuple[str, int], Path] = {}
    for lhs in LEFT_SIDES:
        for count in columns:
            path = folder / f"{len(programs)}.mlir"
            path.write_text(product_text(lhs, count))
            programs[lhs, count] = path
    found: dict[str, tuple[str, str, int]] = {}
    for lhs in LEFT_SIDES:
        for target in TARGETS:
            for kernel, cost in _applicable(programs[lhs, columns[0]], target).items():
                if ("lookup" in kernel) == (lhs == "0 ... 15"):
                    found.setdefault(kernel, (target, lhs, cost))
    missing = [kernel for kernel in kernels or () if kernel not in found]
    if missing:
        raise ValueError(f"no kernel {missing[0]!r} on this machine; it has {', '.join(found)}")
    chosen = {name: found[name] for name in kernels or found}
    runs: dict[str, Run] = {}
    for kernel, (target, lhs, _) in chosen.items():
        for count in columns:
            model = compile(programs[lhs, count], target=target, kernel=kernel)
            runs[f"{kernel} {count}"] = model.run
    picoseconds: dict[str, dict[int, float]] = {kernel: {} for kernel in chosen}
    for m in rows:
        floats = np.random.default_rng(m).standard_normal((m, SIZE)).astype(np.float32)
        feeds: Mapping[str, npt.ArrayLike] = {"x": floats}
        best = {name: t.minimum for name, t in interleaved(runs, feeds, rounds, 3).items()}
        macs = m * SIZE * (columns[1] - columns[0])
        for kernel in chosen:
            seconds = best[f"{kernel} {columns[1]}"] - best[f"{kernel} {columns[0]}"]
            picoseconds[kernel][m] = round(seconds * 1e12 / (macs / 1024), 1)
    return [
        KernelTiming(kernel, target, lhs, cost, picoseconds[kernel])
        for kernel, (target, lhs, cost) in chosen.items()
    ]


def _applicable(program: Path, target: str) -> dict[str, int]:
    """The kernels that apply to the product of a program, with what the compiler expects of
    them; none for a target that this machine is not."""
    try:
        model: Model = compile(program, target=target)
    except CompileError as error:
        if "not this machine" in str(error):
            return {}
        raise
    (selection,) = model.report["selections"]
    return {row["kernel"]: row["cost"] for row in selection["rows"] if row["reason"] is None}


def calibrate(rows: Sequence[int] = (1, 8, 128), rounds: int = 60) -> dict[str, Any]:
    """All kernels of this machine as a record that can be written as JSON: the machine,
    versions, sizes, and for each kernel its `cost` (at the most rows) beside `expected`."""
    timings = measure_kernels(rows, rounds=rounds)
    return {
        "unit": "picoseconds per 1024 multiply-accumulates of one pair of planes",
        "machine": describe_machine(),
        "versions": {
            "lowbit": __version__,
            "python": platform.python_version(),
            **installed_versions("numpy"),
        },
        "size": SIZE,
        "columns": list(COLUMNS),
        "rounds": rounds,
        "kernels": [
            {
                "kernel": timing.kernel,
                "target": timing.target,
                "lhs": timing.lhs,
                "cost": round(timing.picoseconds[max(rows)]),
                "expected": timing.expected,
                "picoseconds": {str(m): value for m, value in timing.picoseconds.items()},
            }
            for timing in timings
        ],
    }
