# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Products whose results are quantized and stay packed, by every kernel that this machine can
run: each word is that of the definition, its tail with the sum of the codes, too."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import pytest
from definition import FormsOfProgram
from test_kernels import CONSTANT_RHS, FLOAT, LHS, RHS, levels_type

#: Levels of the result, the rounding that makes them and the order of the words.
RESULTS = [
    ((-1, 1), "step", "rows"),
    ((-1, 0, 1), "sign", "rows"),
    (tuple(range(-128, 128)), "half_even", "bytes"),
    ((0, 1), "half_even", "rows"),
    ((-2, -1, 0, 1), "half_even", "rows"),
    ((-1, 0, 1), "sign", "bytes"),
    (tuple(range(-8, 8)), "half_even", "rows"),
    ((-2, -1, 0, 1), "half_even", "bytes"),
]

FORMS = ["thresholds", "thresholds", "float", "thresholds", "residual"]
ROWS = CONSTANT_RHS + FLOAT


def dense(array: np.ndarray) -> str:
    """A constant as text; every number is a float32 that prints exactly."""
    return f"dense<{array.tolist()}>"


@dataclass
class Program:
    """A function of several independent products with packed results."""

    arguments: list[str] = field(default_factory=list)
    body: list[str] = field(default_factory=list)
    results: list[tuple[str, str]] = field(default_factory=list)
    feeds: dict[str, np.ndarray] = field(default_factory=dict)

    def argument(self, name: str, array: np.ndarray) -> str:
        tensor = f"tensor<{'x'.join(map(str, array.shape))}xf32>"
        self.arguments.append(f'%{name}: {tensor} {{onnx.name = "{name}"}}')
        self.feeds[name] = array.astype(np.float32)
        return tensor

    def quantizer(self, levels, rounding: str) -> tuple[str, str]:
        """The text of a scale and of its type, where the rounding has one."""
        if rounding != "half_even":
            return "", ""
        name = f"%s{len(self.body)}"
        self.body.append(f"{name} = arith.constant dense<1.0> : tensor<f32>")
        return f", scale {name}", ", tensor<f32>"

    def activations(self, name: str, array: np.ndarray, levels) -> tuple[str, str]:
        """Levels that arrive as floats: they quantize to themselves."""
        floats = self.argument(name, array)
        tensor = floats.replace("xf32", f"x{levels_type(levels)}")
        rounding = "step" if levels == (-1, 1) else "half_even"
        scale, scale_type = self.quantizer(levels, rounding)
        self.body += [
            f"%e_{name} = tensor.empty() : {tensor}",
            f"%q_{name} = lowbit.quantize ins(%{name}{scale} : {floats}{scale_type}) "
            f"outs(%e_{name} : {tensor}) {{rounding = #lowbit.rounding<{rounding}>}} -> {tensor}",
        ]
        return f"%q_{name}", tensor

    def product(self, rng: np.random.Generator, lhs, rhs, result, shape, form: str) -> None:
        """quantize(product * scale + bias + residual). In the form `thresholds` the codes ascend
        with the sums, else scales have both signs (`float`) or an input is added (`residual`)."""
        i = len(self.results)
        (m, k, n), (levels, rounding, order) = shape, result
        if lhs is None:
            # Small integers, so that float sums are exact in any order.
            value = f"%x{i}"
            lhs_type, sum_type = self.argument(f"x{i}", rng.integers(-3, 4, (m, k))), "f32"
        else:
            value, lhs_type = self.activations(f"x{i}", rng.choice(lhs, (m, k)), lhs)
            sum_type = "i32"
        # Scales and biases that let sums fall on the borders of codes, and some at random.
        scale = rng.choice(np.float32([0.5, 0.25, 0.125, 0.0, 0.1]), n)
        if form == "float":
            scale *= rng.choice(np.float32([-1, 1]), n)
        bias = rng.choice(np.float32([0, 0.5, -0.25, 3, -0.7]), n)
        weights, sums = f"tensor<{n}x{k}x{levels_type(rhs)}>", f"tensor<{m}x{n}x{sum_type}>"
        floats, vector = f"tensor<{m}x{n}xf32>", f"tensor<{n}xf32>"
        inputs, types = [f"%c{i}", f"%scale{i}", f"%bias{i}"], [sums, vector, vector]
        maps = ["affine_map<(m, n) -> (m, n)>", *["affine_map<(m, n) -> (n)>"] * 2]
        lines = [
            "%f = arith.sitofp %acc : i32 to f32" if lhs else "%f = arith.negf %acc : f32",
            "%t = arith.mulf %f, %s : f32",
            "%u = arith.addf %t, %b : f32",
        ]
        residual = form == "residual"
        if residual:
            types.append(self.argument(f"r{i}", rng.integers(-2, 3, (m, n)) / 2))
            inputs.append(f"%r{i}")
            maps.append(maps[0])
            lines.append("%v = arith.addf %u, %r : f32")
        elements = ", %r: f32, %out: f32" if residual else ", %out: f32"
        words = -(-n // 64) * (len(levels) - 1).bit_length() + 1
        packed = f"tensor<{m}x{words}xi64>"
        if order == "bytes":
            packed = f"tensor<{m}x{-(-n // 4) + 1}xi32>"
        quantizer, quantizer_type = self.quantizer(levels, rounding)
        self.body += [
            f"%w{i} = lowbit.constant {dense(rng.choice(rhs, (n, k)))} : tensor<{n}x{k}xi8> "
            f"-> {weights}",
            f"%scale{i} = arith.constant {dense(scale)} : {vector}",
            f"%bias{i} = arith.constant {dense(bias)} : {vector}",
            f"%i{i} = tensor.empty() : {sums}",
            f"%c{i} = lowbit.matmul ins({value}, %w{i} : {lhs_type}, {weights}) "
            f"outs(%i{i} : {sums}) {{transpose_rhs}} -> {sums}",
            f"%j{i} = tensor.empty() : {floats}",
            f"%y{i} = linalg.generic {{indexing_maps = [{', '.join([*maps, maps[0]])}], "
            f'iterator_types = ["parallel", "parallel"]}} ins({", ".join(inputs)} : '
            f"{', '.join(types)}) outs(%j{i} : {floats}) {{",
            f"^bb0(%acc: {sum_type}, %s: f32, %b: f32{elements}):",
            *lines,
            f"linalg.yield {'%v' if residual else '%u'} : f32",
            f"}} -> {floats}",
            f"%o{i} = tensor.empty() : {packed}",
            f"%p{i} = lowbit.quantize_pack ins(%y{i}{quantizer} : {floats}{quantizer_type}) "
            f"outs(%o{i} : {packed}) {{packing = #lowbit.packing<{levels_type(levels)[14:]}, "
            f"{order}>, rounding = #lowbit.rounding<{rounding}>}} -> {packed}",
        ]
        self.results.append((f"%p{i}", packed))

    def text(self) -> str:
        types = ", ".join(tensor for _, tensor in self.results)
        named = ", ".join(
            f'{tensor} {{onnx.name = "p{i}"}}' for i, (_, tensor) in enumerate(self.results)
        )
        values = ", ".join(value for value, _ in self.results)
        body = "\n  ".join(self.body)
        return (
            f"func.func @main({', '.join(self.arguments)}) -> ({named}) {{\n  {body}\n"
            f"  return {values} : {types}\n}}\n"
        )


def choose_levels(kernel: str, i: int):
    """Levels of the sides that the kernel takes, all of them in turn; None for floats."""
    lhs, rhs = LHS, RHS
    if "lookup" in kernel:
        rhs = [levels for levels in RHS if len(levels) == 2]
    if "lookup" in kernel or kernel == "x86-amx-bits":
        lhs = [levels for levels in LHS if len(levels) <= 16]
    return None if "float" in kernel else lhs[i % len(lhs)], rhs[i % len(rhs)]


@pytest.mark.parametrize("kernel, target", ROWS)
def test_words_are_those_of_the_definition(tmp_path, kernel, target):
    row = next(i for i, (name, _) in enumerate(ROWS) if name == kernel)
    rng = np.random.default_rng(row)
    program = Program()
    for i, form in enumerate(FORMS):
        lhs, rhs = choose_levels(kernel, row + i)
        # More than a word of columns and rows enough for tiles, or less.
        m, n = rng.integers(16, 40), rng.integers(65, 130)
        if i % 2:
            m, n = rng.integers(1, 10), rng.integers(1, 64)
        shape = (int(m), int(rng.integers(1, 200)), int(n))
        program.product(rng, lhs, rhs, RESULTS[(row + i) % len(RESULTS)], shape, form)
    forms = FormsOfProgram(program.text(), tmp_path, target, kernel).run(program.feeds)
    assert forms.fused.count(f'kernel = "{kernel}"') == len(FORMS)
    assert forms.fused.count("result_packing") == len(FORMS)
    thresholds = [
        i
        for i, form in enumerate(FORMS)
        if form == "thresholds"
        and len(RESULTS[(row + i) % len(RESULTS)][0]) <= 4
        and RESULTS[(row + i) % len(RESULTS)][2] == "rows"
    ]
    if (kernel, target) not in FLOAT:
        assert len(re.findall(r"\^bb0\(%\w+: i32, %\w+: i(?:16|32)", forms.fused)) == len(
            thresholds
        )
    for name in forms.definition:
        forms.check_equal(name)
