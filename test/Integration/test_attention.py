# ===----------------------------------------------------------------------===#
#
# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Attention in one operation against attention in steps, whose probabilities are an output so
that nothing can be fused: every context is equal, and is the exact sum for the codes that the
quantizer's formula gives for the probabilities."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from definition import FormsOfProgram
from targets import compile_or_skip, lacking

# kernel, target: the cheapest target that has it, and a forced kernel of few lanes.
ROWS = [
    ("generic-popcount", "x86-64"),
    ("generic-popcount", "x86-64-v4"),
    ("generic-popcount", "x86-64-v2"),
    ("x86-avx2-popcount", "x86-64-v3"),
    ("x86-avx512bw-popcount", "x86-64-v4"),
    ("x86-avx512-vpopcntdq", "x86-64-v4,+avx512vpopcntdq"),
    ("x86-avx512-vpopcntd", "x86-64-v4,+avx512vpopcntdq"),
    ("x86-avx512bw-carrysave", "x86-64-v4"),
    ("x86-avxvnni", "x86-64-v3,+avxvnni"),
    ("x86-avx512-vnni", "x86-64-v4,+avx512vnni"),
    ("x86-amx-bytes", "amx"),
]
SIGNS, BITS, TERNARY = (-1, 1), (0, 1), (-1, 0, 1)
TWO_BITS, FOUR_BITS, BYTES = (tuple(range(-(2**b) // 2, 2**b // 2)) for b in (2, 4, 8))


@dataclass
class Shape:
    """Sizes and levels; `mask` is the shape of what is added to the scores."""

    batch: int = 1
    heads: int = 2
    queries: int = 16
    keys: int = 16
    size: int = 64
    columns: int = 64
    q: tuple[int, ...] = SIGNS
    k: tuple[int, ...] = SIGNS
    v: tuple[int, ...] = SIGNS
    codes: tuple[int, ...] = BITS  # of the probabilities
    least: bool = False  # whether the least probability of all is subtracted before
    mask: str = "keys"  # "none", "keys" or "full"
    dynamic: bool = False

    @property
    def mask_shape(self):
        return (self.batch, 1, self.queries if self.mask == "full" else 1, self.keys)


def text(shape: Shape, apart: bool = False, packed: bool = False) -> str:
    """The function; with `apart` it returns the probabilities, too, with `packed` the signs of
    the joined heads in place of the context."""
    s = shape
    queries, keys = ("?", "?") if s.dynamic else (s.queries, s.keys)
    outer = f"{s.batch}x{s.heads}"
    mask_rows = queries if s.mask == "full" else 1
    types = {
        "q": f"tensor<{outer}x{queries}x{s.size}xf32>",
        "k": f"tensor<{outer}x{keys}x{s.size}xf32>",
        "v": f"tensor<{outer}x{keys}x{s.columns}xf32>",
        "mask": f"tensor<{s.batch}x1x{mask_rows}x{keys}xf32>",
        "factor": "tensor<f32>",
        "scale": "tensor<f32>",
    }
    dims = {"q": "rows", "k": "keys", "v": "keys"}
    names = [name for name in types if name != "mask" or s.mask != "none"]

    def argument(name):
        attributes = f'onnx.name = "{name}"'
        if s.dynamic and name in dims:
            attributes += f', onnx.dims = ["", "", "{dims[name]}", ""]'
        if s.dynamic and name == "mask":
            rows = "rows" if s.mask == "full" else ""
            attributes += f', onnx.dims = ["", "", "{rows}", "keys"]'
        return f"%{name}: {types[name]} {{{attributes}}}"

    def levels(name):
        return f"!lowbit.levels<{', '.join(map(str, getattr(s, name)))}>"

    lines = [
        "%c2 = arith.constant 2 : index",
        "%one = arith.constant dense<1.0> : tensor<f32>",
        f"%rows = tensor.dim %q, %c2 : {types['q']}",
        f"%keys = tensor.dim %k, %c2 : {types['k']}",
    ]

    def empty(name, tensor, sizes):
        dynamic = f"({', '.join(sizes)})" if s.dynamic else "()"
        lines.append(f"%{name} = tensor.empty{dynamic} : {tensor}")

    def quantize(name, rounding, scale=True):
        tensor = types[name].replace("xf32>", f"x{levels(name)}>")
        empty(f"e_{name}", tensor, ["%rows" if name == "q" else "%keys"])
        ins = f"%{name}, scale %one : {types[name]}, tensor<f32>"
        if rounding == "step":
            ins = f"%{name} : {types[name]}"
        lines.append(
            f"%{name}_codes = lowbit.quantize ins({ins}) outs(%e_{name} : {tensor}) "
            f"{{rounding = #lowbit.rounding<{rounding}>}} -> {tensor}"
        )
        return tensor

    tensors = {
        name: quantize(name, "step" if getattr(s, name) == SIGNS else "half_even") for name in "qkv"
    }
    sums = f"tensor<{outer}x{queries}x{keys}xi32>"
    floats, codes = sums.replace("i32", "f32"), sums.replace("i32", levels("codes"))
    context = f"tensor<{outer}x{queries}x{s.columns}xi32>"
    empty("e_sums", sums, ["%rows", "%keys"])
    lines.append(
        f"%sums = lowbit.matmul ins(%q_codes, %k_codes : {tensors['q']}, {tensors['k']}) "
        f"outs(%e_sums : {sums}) {{transpose_rhs}} -> {sums}"
    )
    identity = "affine_map<(b, h, i, j) -> (b, h, i, j)>"
    row = "i" if s.mask == "full" else "0"
    maps, values, operands = [identity], ["%sums"], [sums]
    if s.mask != "none":
        maps.append(f"affine_map<(b, h, i, j) -> (b, 0, {row}, j)>")
        values.append("%mask")
        operands.append(types["mask"])
    maps.append("affine_map<(b, h, i, j) -> ()>")
    values.append("%factor")
    operands.append("tensor<f32>")
    empty("e_scores", floats, ["%rows", "%keys"])
    elements = "".join(f", %x{i}: f32" for i in range(1, len(values)))
    added = "%r = arith.addf %n, %x1 : f32" if s.mask != "none" else "%r = arith.mulf %n, %eighth"
    if s.mask == "none":
        added += " : f32"
    lines.append(
        f"%scores = linalg.generic {{indexing_maps = [{', '.join([*maps, identity])}], "
        'iterator_types = ["parallel", "parallel", "parallel", "parallel"]} '
        f"ins({', '.join(values)} : {', '.join(operands)}) outs(%e_scores : {floats}) {{\n"
        f"  ^bb0(%acc: i32{elements}, %unused: f32):\n"
        "    %eighth = arith.constant 0.125 : f32\n"
        "    %f = arith.sitofp %acc : i32 to f32\n"
        f"    %n = arith.mulf %f, %x{len(values) - 1} : f32\n"
        f"    {added}\n    linalg.yield %r : f32\n  }} -> {floats}"
    )
    empty("e_p", floats, ["%rows", "%keys"])
    lines.append(f"%p = lowbit.softmax ins(%scores : {floats}) outs(%e_p : {floats}) -> {floats}")
    offset, offset_type = "", ""
    if s.least:
        offset, offset_type = ", offset %least", ", tensor<f32>"
        lines.append(minimum("p", floats))
    empty("e_codes", codes, ["%rows", "%keys"])
    lines.append(
        f"%codes = lowbit.quantize ins(%p, scale %scale{offset} : {floats}, tensor<f32>"
        f"{offset_type}) outs(%e_codes : {codes}) "
        f"{{rounding = #lowbit.rounding<half_even>}} -> {codes}"
    )
    empty("e_context", context, ["%rows"])
    lines.append(
        f"%context = lowbit.matmul ins(%codes, %v_codes : {codes}, {tensors['v']}) "
        f"outs(%e_context : {context}) -> {context}"
    )
    # The context as floats: a program in steps may give it as it is.
    result = context.replace("i32", "f32")
    empty("e_result", result, ["%rows"])
    sum_maps, sum_values, sum_types, argument_text, added = [identity], "%context", context, "", ""
    if s.least:
        sum_maps.append("affine_map<(b, h, i, j) -> ()>")
        sum_values, sum_types = f"{sum_values}, %least", f"{sum_types}, tensor<f32>"
        argument_text = ", %l: f32"
        added = "    %g = arith.addf %f, %l : f32\n"
    lines.append(
        f"%result = linalg.generic {{indexing_maps = [{', '.join([*sum_maps, identity])}], "
        'iterator_types = ["parallel", "parallel", "parallel", "parallel"]} '
        f"ins({sum_values} : {sum_types}) outs(%e_result : {result}) {{\n"
        f"  ^bb0(%acc: i32{argument_text}, %unused: f32):\n"
        f"    %f = arith.sitofp %acc : i32 to f32\n{added}"
        f"    linalg.yield {'%g' if s.least else '%f'} : f32\n  }} -> {result}"
    )
    results = {"result": result, **({"p": floats} if apart else {})}
    if packed:
        heads = f"tensor<{s.batch}x{queries}x{s.heads}x{s.columns}xf32>"
        joined = f"tensor<{s.batch}x{queries}x{s.heads * s.columns}xf32>"
        words = f"tensor<{s.batch}x{queries}x{-(-s.heads * s.columns // 64) * 2 + 1}xi64>"
        results = {"packed": words}
        empty("e_heads", heads, ["%rows"])
        empty("e_packed", words, ["%rows"])
        lines += [
            f"%heads = linalg.transpose ins(%result : {result}) outs(%e_heads : {heads}) "
            "permutation = [0, 2, 1, 3]",
            f"%joined = tensor.collapse_shape %heads [[0], [1], [2, 3]] : {heads} into {joined}",
            f"%packed = lowbit.quantize_pack ins(%joined : {joined}) outs(%e_packed : {words}) "
            "{packing = #lowbit.packing<<-1, 0, 1>, rows>, rounding = #lowbit.rounding<sign>} "
            f"-> {words}",
        ]
    rows = {
        "result": '["", "", "rows", ""]',
        "p": '["", "", "rows", "keys"]',
        "packed": '["", "rows", ""]',
    }

    def typed(name):
        attributes = f'onnx.name = "{name}"'
        if s.dynamic:
            attributes += f", onnx.dims = {rows[name]}"
        return f"{results[name]} {{{attributes}}}"

    body = "\n  ".join(lines)
    return (
        f"func.func @main({', '.join(map(argument, names))}) -> "
        f"({', '.join(map(typed, results))}) {{\n  {body}\n"
        f"  return {', '.join('%' + name for name in results)} : "
        f"{', '.join(results.values())}\n}}\n"
    )


def minimum(name: str, tensor: str) -> str:
    """`%least`, the minimum of all elements of a tensor of rank 4."""
    return (
        "%infinity = arith.constant 0x7F800000 : f32\n"
        "  %e_least = tensor.empty() : tensor<f32>\n"
        "  %f_least = linalg.fill ins(%infinity : f32) outs(%e_least : tensor<f32>) "
        "-> tensor<f32>\n"
        "  %least = linalg.generic {indexing_maps = [affine_map<(b, h, i, j) -> (b, h, i, j)>, "
        "affine_map<(b, h, i, j) -> ()>], "
        'iterator_types = ["reduction", "reduction", "reduction", "reduction"]} '
        f"ins(%{name} : {tensor}) outs(%f_least : tensor<f32>) {{\n"
        "  ^bb0(%x: f32, %so_far: f32):\n    %less = arith.minimumf %x, %so_far : f32\n"
        "    linalg.yield %less : f32\n  } -> tensor<f32>"
    )


SHAPES = {
    "one": Shape(queries=1, keys=1, size=8, columns=8),
    "decode": Shape(batch=2, queries=1, keys=40, dynamic=True),
    "cross": Shape(queries=17, keys=33, size=24, columns=40, mask="none"),
    "lanes": Shape(queries=9, keys=16, size=64, columns=64),
    "panel": Shape(queries=32, keys=96, size=64, columns=64, mask="none"),
    "square": Shape(queries=127, keys=127, size=64, columns=64, mask="full"),
    "long": Shape(heads=1, queries=5, keys=384, size=100, columns=24, mask="none", dynamic=True),
    "wide": Shape(queries=6, keys=70, size=130, columns=130, dynamic=True),
    "bits": Shape(queries=8, keys=65, q=BITS, k=SIGNS, v=BITS, size=33, columns=17),
    "ternary": Shape(queries=7, keys=64, q=TERNARY, k=TERNARY, v=TERNARY, mask="full"),
    "two-bits": Shape(queries=9, keys=150, q=TWO_BITS, k=TWO_BITS, v=TWO_BITS, codes=(0, 1, 2, 3)),
    "four-bits": Shape(
        queries=5,
        keys=61,
        size=40,
        columns=24,
        q=FOUR_BITS,
        k=FOUR_BITS,
        v=FOUR_BITS,
        codes=tuple(range(16)),
        dynamic=True,
    ),
    "bytes": Shape(
        queries=6, keys=47, q=BYTES, k=BYTES, v=BYTES, codes=tuple(range(256)), mask="none"
    ),
    "least-bit": Shape(queries=9, keys=65, columns=24, least=True, mask="none"),
    "least-ternary": Shape(
        batch=2, queries=19, keys=33, v=TERNARY, codes=(0, 1, 2), least=True, dynamic=True
    ),
    "least-two-bits": Shape(
        queries=10,
        keys=75,
        q=TWO_BITS,
        k=TWO_BITS,
        v=TWO_BITS,
        codes=(0, 1, 2, 3),
        least=True,
        mask="none",
    ),
    "least-bytes": Shape(queries=6, keys=16, codes=tuple(range(256)), least=True, mask="full"),
}
FINFO = np.finfo(np.float32)


def make_feeds(shape: Shape, rng: np.random.Generator) -> dict[str, np.ndarray]:
    outer = (shape.batch, shape.heads)
    feeds = {
        "q": rng.choice(shape.q, (*outer, shape.queries, shape.size)),
        "k": rng.choice(shape.k, (*outer, shape.keys, shape.size)),
        "v": rng.choice(shape.v, (*outer, shape.keys, shape.columns)),
        "factor": np.float32(0.11 + rng.random() / 8),
    }
    return {name: np.asarray(value, np.float32) for name, value in feeds.items()}


def masks(shape: Shape, rng: np.random.Generator):
    """What models add to scores, and numbers like no mask at all."""
    if shape.mask == "none":
        return [None]
    lost = rng.random(shape.mask_shape) < 0.3
    finite = [np.where(lost, value, 0) for value in (-10000, FINFO.min, -np.inf)]
    row_lost = np.where(np.arange(shape.mask_shape[2])[:, None] == 0, -np.inf, finite[0])
    return [*finite, row_lost, rng.standard_normal(shape.mask_shape), finite[0] * 0 - 90]


def scales_around(p: np.ndarray, last: int, rng: np.random.Generator) -> list[np.float32]:
    """Scales that halve the codes, and those at which a probability is as good as a tie."""
    some = p[np.isfinite(p) & (p > FINFO.tiny)]
    if some.size == 0:
        return [np.float32(0.5)]
    halves = [np.float32(code - 0.5) for code in rng.integers(1, last + 1, 3)]
    ties = [rng.choice(some) / half for half in halves]
    near = [np.nextafter(tie, np.float32(end)) for tie in ties for end in (0, 4)]
    return [np.float32(2 * np.median(some) / last), *ties, *near]


#: Scales that no calibration gives: nothing is above half of some, everything above others.
ODD_SCALES = [np.float32(x) for x in (-0.01, -0.0, 0.0, 1e-45, 1e-38, 3e-38, 1e-5, 3, 1e38)]
ODD_SCALES += [np.float32(np.inf), np.float32(-np.inf), np.float32(np.nan)]


def compile_text(path, source: str, kernel: str, target: str):
    path.write_text(source)
    return compile_or_skip(path, target, kernel=kernel)


def takes(kernel: str, name: str) -> bool:
    """Whether codes of so many bits are a kernel's: pairs of planes are all unrolled."""
    return ("popc" not in kernel and "carry" not in kernel) or len(SHAPES[name].codes) <= 4


@pytest.mark.parametrize(
    "kernel, target, name",
    [
        pytest.param(*row, name, id=f"{row[0]}-{row[1].split(',')[0]}-{name}")
        for row in ROWS
        for name in SHAPES
        if takes(row[0], name)
    ],
)
def test_codes_are_those_of_the_steps(tmp_path, kernel, target, name):
    shape = SHAPES[name]
    if emulated := bool(lacking(target)):
        # It takes long: fewer rows, and each mask has another part of the scales.
        shape = replace(shape, queries=min(shape.queries, 39))
    rng = np.random.default_rng(sum(map(ord, kernel + name)))
    fused = compile_text(tmp_path / "fused.mlir", text(shape, apart=False), kernel, target)
    steps = compile_text(tmp_path / "steps.mlir", text(shape, apart=True), kernel, target)
    some = masks(shape, rng)
    parts = len(some) if emulated else 1
    for i, mask in enumerate(some):
        feeds = make_feeds(shape, rng)
        if mask is not None:
            feeds["mask"] = mask.astype(np.float32)
        p = steps.run({**feeds, "scale": np.float32(1)})["p"]
        scales = scales_around(p, shape.codes[-1], rng) + ODD_SCALES
        for scale in scales[i % parts :: parts]:
            feeds["scale"] = scale
            expected = steps.run(feeds)
            with np.errstate(all="ignore"):
                least = expected["p"].min() if shape.least else np.float32(0)
                codes = np.rint((expected["p"] - least) / scale)
                codes = np.fmin(np.fmax(codes, 0), np.float32(shape.codes[-1]))
            note = f"scale {scale}"
            result = codes @ feeds["v"] + least
            np.testing.assert_array_equal(expected["result"], result, err_msg=note)
            np.testing.assert_array_equal(
                fused.run(feeds)["result"], expected["result"], err_msg=note
            )


PACKED = {
    "heads": Shape(batch=2, heads=3, queries=17, keys=33, size=24, columns=40, mask="none"),
    "masked": Shape(queries=66, keys=70, dynamic=True),
    "ternary": Shape(queries=5, keys=129, columns=8, q=TERNARY, k=TERNARY, v=TERNARY, mask="full"),
    "two-bits": Shape(queries=9, keys=75, q=TWO_BITS, k=TWO_BITS, v=TWO_BITS, codes=(0, 1, 2, 3)),
    "least": Shape(queries=9, keys=75, codes=(0, 1, 2, 3), least=True, mask="none"),
}


def probabilities(feeds: dict[str, np.ndarray]) -> np.ndarray:
    """In float64: what rounding does not reach."""
    sums = (feeds["q"] @ feeds["k"].swapaxes(-1, -2)).astype(np.float64) * feeds["factor"]
    scores = sums + feeds["mask"] if "mask" in feeds else sums * 0.125
    e = np.exp(scores - scores.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def scale_without_ties(p: np.ndarray, last: int) -> np.float32:
    """The scale, of some, that leaves all quotients up to the last code far from halves."""
    scales = np.float32(np.geomspace(p.max() / last / 2, p.max() / last * 2, 500))

    def margin(scale):
        quotients = p / scale
        return np.abs(quotients % 1 - 0.5)[quotients < last].min()

    best = max(scales, key=margin)
    assert margin(best) > 1e-5
    return best


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("kernel, target", ROWS[2:], ids=lambda value: value.split(",")[0])
def test_packed_codes_are_those_of_the_definition(tmp_path, kernel, target, name):
    """The definition rounds exponentials and their sums in its own way, so the scale puts the
    border of codes where probabilities have a gap."""
    shape = PACKED[name]
    rng = np.random.default_rng(sum(map(ord, name)))
    feeds = make_feeds(shape, rng)
    if shape.mask != "none":
        feeds["mask"] = np.where(rng.random(shape.mask_shape) < 0.3, FINFO.min, np.float32(0))
    p = probabilities(feeds)
    feeds["scale"] = scale_without_ties(p - p.min() * shape.least, shape.codes[-1])
    forms = FormsOfProgram(text(shape, packed=True), tmp_path, target, kernel).run(feeds)
    assert "lowbit.packed_attention" in forms.fused
    assert "result_packing" in forms.fused
    assert ("subtract_minimum" in forms.fused) == shape.least
    forms.check_equal("packed")
