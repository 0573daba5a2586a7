# ===----------------------------------------------------------------------===#
#
# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Every kernel that this machine can run, against the definition of a matmul of
levels (exact integer sums), on random shapes with tails and all pairs of levels."""

from functools import partial

import numpy as np
import pytest
from emulation import AMX_TARGET
from targets import compile_or_skip

LHS = [
    (-1, 1),
    (-1, 0, 1),
    (0, 1),
    (0, 1, 2),
    (-2, -1, 0, 1),
    (0, 1, 2, 3),
    tuple(range(-8, 8)),
    tuple(range(16)),
    tuple(range(-128, 128)),
]
RHS = [(-1, 1), (0, 1), (-1, 0, 1), (-2, -1, 0, 1)]

# kernel, target: the cheapest target that has it.
CONSTANT_RHS = [
    ("generic-popcount", "x86-64"),
    ("x86-ssse3-lookup", "x86-64-v2"),
    ("x86-avx2-popcount", "x86-64-v3"),
    ("x86-avx2-lookup", "x86-64-v3"),
    ("x86-avx512bw-popcount", "x86-64-v4"),
    ("x86-avx512bw-lookup", "x86-64-v4"),
    ("x86-avx512vbmi-lookup", "x86-64-v4,+avx512vbmi"),
    ("x86-avx512-vpopcntdq", "x86-64-v4,+avx512vpopcntdq"),
    ("x86-avx512-vpopcntd", "x86-64-v4,+avx512vpopcntdq"),
    ("x86-avx512bw-carrysave", "x86-64-v4"),
    ("x86-avxvnni", "x86-64-v3,+avxvnni"),
    ("x86-avx512-vnni", "x86-64-v4,+avx512vnni"),
    ("x86-amx-bits", AMX_TARGET),
    ("x86-amx-bytes", AMX_TARGET),
]
# Rows that take right sides which are not constant.
ANY_RHS = [row for row in CONSTANT_RHS if "lookup" not in row[0] and row[0] != "x86-amx-bits"]
FLOAT = [
    ("generic-float", "x86-64"),
    ("x86-avx2-float", "x86-64-v3"),
    ("x86-avx512-float", "x86-64-v4"),
]


def levels_type(levels):
    return f"!lowbit.levels<{', '.join(map(str, levels))}>"


class Program:
    """A function of several independent matmuls; inputs and results by name."""

    def __init__(self):
        self.arguments, self.body, self.results = [], [], []
        self.inputs, self.expected = {}, {}

    def argument(self, array):
        name = f"x{len(self.arguments)}"
        shape = "x".join(map(str, array.shape))
        self.arguments.append(f'%{name}: tensor<{shape}xf32> {{onnx.name = "{name}"}}')
        self.inputs[name] = array.astype(np.float32)
        return f"%{name}", f"tensor<{shape}xf32>"

    def quantized(self, values, levels):
        """Levels that arrive as floats: they quantize to themselves."""
        value, floats = self.argument(values)
        n = len(self.body)
        tensor = f"tensor<{'x'.join(map(str, values.shape))}x{levels_type(levels)}>"
        self.body.append(f"%e{n} = tensor.empty() : {tensor}")
        if levels == (-1, 1):
            ins, rounding = f"{value} : {floats}", "step"
        else:
            self.body.append(f"%one{n} = arith.constant dense<1.0> : tensor<f32>")
            ins, rounding = f"{value}, scale %one{n} : {floats}, tensor<f32>", "half_even"
        self.body.append(
            f"%q{n} = lowbit.quantize ins({ins}) outs(%e{n} : {tensor}) "
            f"{{rounding = #lowbit.rounding<{rounding}>}} -> {tensor}"
        )
        return f"%q{n}", tensor

    def constant(self, values, levels):
        n = len(self.body)
        shape = "x".join(map(str, values.shape))
        tensor = f"tensor<{shape}x{levels_type(levels)}>"
        text = values.astype(int).tolist()
        self.body.append(f"%w{n} = lowbit.constant dense<{text}> : tensor<{shape}xi8> -> {tensor}")
        return f"%w{n}", tensor

    def matmul(self, lhs, rhs, transpose_rhs, expected, element):
        n = len(self.body)
        tensor = f"tensor<{'x'.join(map(str, expected.shape))}x{element}>"
        attributes = " {transpose_rhs}" if transpose_rhs else ""
        self.body.append(f"%i{n} = tensor.empty() : {tensor}")
        self.body.append(
            f"%c{n} = lowbit.matmul ins({lhs[0]}, {rhs[0]} : {lhs[1]}, {rhs[1]}) "
            f"outs(%i{n} : {tensor}){attributes} -> {tensor}"
        )
        name = f"y{len(self.results)}"
        self.results.append((f"%c{n}", f'{tensor} {{onnx.name = "{name}"}}', tensor))
        self.expected[name] = expected

    def text(self):
        values = ", ".join(value for value, _, _ in self.results)
        types = ", ".join(tensor for _, _, tensor in self.results)
        signature = ", ".join(typed for _, typed, _ in self.results)
        body = "\n  ".join(self.body)
        return (
            f"func.func @main({', '.join(self.arguments)}) -> ({signature}) {{\n"
            f"  {body}\n  return {values} : {types}\n}}\n"
        )

    def run(self, tmp_path, kernel, target):
        path = tmp_path / "matmuls.mlir"
        path.write_text(self.text())
        return compile_or_skip(path, target, kernel=kernel).run(self.inputs)


def check(program, tmp_path, kernel, target, judge=np.testing.assert_array_equal):
    got = program.run(tmp_path, kernel, target)
    for name, expected in program.expected.items():
        judge(got[name], expected, err_msg=name)


def sample_pairs(rng, lhs_choices, count):
    """`count` pairs of levels in which every level type occurs."""
    lhs = [lhs_choices[i % len(lhs_choices)] for i in range(count)]
    rhs = [RHS[i % len(RHS)] for i in range(count)]
    rng.shuffle(rhs)
    return zip(lhs, rhs)


@pytest.mark.parametrize("kernel, target", CONSTANT_RHS)
def test_weights(tmp_path, kernel, target):
    rng = np.random.default_rng(sum(map(ord, kernel)))
    program = Program()
    for lhs, rhs in sample_pairs(rng, LHS, 16):
        m, n = rng.integers(1, 71, 2)
        k = int(rng.integers(1, 301))
        a, w = rng.choice(lhs, (m, k)), rng.choice(rhs, (n, k))
        program.matmul(
            program.quantized(a, lhs),
            program.constant(w, rhs),
            True,
            (a.astype(np.int64) @ w.T).astype(np.int32),
            "i32",
        )
    check(program, tmp_path, kernel, target)


@pytest.mark.parametrize("kernel, target", ANY_RHS)
def test_activations(tmp_path, kernel, target):
    """Both sides arrive at run time, in batches, packed along either dimension."""
    rng = np.random.default_rng(sum(map(ord, kernel)))
    program = Program()
    for i, (lhs, rhs) in enumerate(sample_pairs(rng, LHS[:6], 10)):
        m, n = rng.integers(1, 71, 2)
        k, b = int(rng.integers(1, 301)), int(rng.integers(1, 4))
        transpose = i % 2 == 0
        a = rng.choice(lhs, (b, m, k))
        w = rng.choice(rhs, (b, n, k) if transpose else (b, k, n))
        product = a.astype(np.int64) @ (w.transpose(0, 2, 1) if transpose else w)
        program.matmul(
            program.quantized(a, lhs),
            program.quantized(w, rhs),
            transpose,
            product.astype(np.int32),
            "i32",
        )
    check(program, tmp_path, kernel, target)


WIDE = [tuple(range(-127, 128)), tuple(range(-128, 128)), tuple(range(-16, 16)), tuple(range(16))]


@pytest.mark.parametrize("constant", [True, False], ids=["weights", "activations"])
@pytest.mark.parametrize("kernel, target", ANY_RHS)
def test_wide_right_sides(tmp_path, kernel, target, constant):
    """Right sides of up to eight bits, at the ends of their range."""
    rng = np.random.default_rng(sum(map(ord, kernel)) + constant)
    program = Program()
    for i, rhs in enumerate(WIDE):
        lhs = LHS[-1 - i]
        m, n = rng.integers(1, 71, 2)
        k, transpose = int(rng.integers(1, 301)), i % 2 == 0
        a = rng.choice([lhs[0], lhs[-1], lhs[len(lhs) // 2], rng.choice(lhs)], (m, k))
        w = rng.choice([rhs[0], rhs[-1], rng.choice(rhs)], (n, k) if transpose else (k, n))
        make = program.constant if constant else program.quantized
        program.matmul(
            program.quantized(a, lhs),
            make(w, rhs),
            transpose,
            (a.astype(np.int64) @ (w.T if transpose else w)).astype(np.int32),
            "i32",
        )
    check(program, tmp_path, kernel, target)


@pytest.mark.parametrize("kernel", ["x86-amx-bits", "x86-amx-bytes"])
@pytest.mark.parametrize("shape", [(300, 40, 70), (33, 1700, 64), (16, 768, 33), (15, 2048, 100)])
def test_tiles(tmp_path, kernel, shape):
    """More rows than are expanded at a time, K in several parts, one row less than tiles take."""
    m, k, n = shape
    rng = np.random.default_rng(m)
    program = Program()
    for lhs, rhs in (
        ((-1, 1), (-1, 1)),
        ((-1, 0, 1), (-1, 1)),
        (tuple(range(16)), (-1, 0, 1)),
        (tuple(range(-128, 128)), (-1, 0, 1)),
        (tuple(range(-128, 128)), tuple(range(-127, 128))),
    ):
        a, w = rng.choice(lhs, (m, k)), rng.choice(rhs, (n, k))
        program.matmul(
            program.quantized(a, lhs),
            program.constant(w, rhs),
            True,
            (a.astype(np.int64) @ w.T).astype(np.int32),
            "i32",
        )
    check(program, tmp_path, kernel, AMX_TARGET)


@pytest.mark.parametrize("kernel, target", FLOAT)
def test_float_activations(tmp_path, kernel, target):
    rng = np.random.default_rng(7)
    program = Program()
    for rhs in RHS:
        m, n = rng.integers(1, 71, 2)
        k = int(rng.integers(1, 301))
        a, w = rng.standard_normal((m, k)), rng.choice(rhs, (n, k))
        program.matmul(
            program.argument(a), program.constant(w, rhs), True, (a @ w.T).astype(np.float32), "f32"
        )
    judge = partial(np.testing.assert_allclose, atol=1e-4, rtol=1e-5)
    check(program, tmp_path, kernel, target, judge)


@pytest.mark.parametrize("kernel, target", FLOAT)
def test_float_tiles(tmp_path, kernel, target):
    """Tiles of every height, rows of several blocks and numbers whose mean is not zero: the
    masked sums of a kernel must not round much worse than the sums of levels."""
    rng = np.random.default_rng(11)
    program = Program()
    for m, k, n in ((29, 1000, 70), (17, 768, 32), (1, 3071, 33), (3, 5, 1)):
        for rhs in ((-1, 1), (0, 1)):
            a = (rng.standard_normal((m, k)) + 2).astype(np.float32)
            w = rng.choice(rhs, (n, k))
            expected = a.astype(np.float64) @ w.T
            program.matmul(program.argument(a), program.constant(w, rhs), True, expected, "f32")
    judge = partial(np.testing.assert_allclose, atol=2e-3, rtol=2e-6)
    check(program, tmp_path, kernel, target, judge)
