# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Words that other operations than products write, on every level of instructions, against the
definition: quantized numbers in all orders, packed rows in another order, normalised rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from definition import FormsOfProgram, define, widest_gap
from emulation import AMX_TARGET
from targets import compile_for_each
from test_kernels import levels_type

LEVELS = [(-1, 1), (0, 1), (-1, 0, 1), (-2, -1, 0, 1), tuple(range(-8, 8)), tuple(range(-128, 128))]
TARGETS = ["x86-64", "x86-64-v3", "native", AMX_TARGET]
#: Orders that are written at run time, with lanes of the kernel table.
ORDERS = [("rows", 1), ("panels", 8), ("panels", 32), ("dwords", 64), ("bytes", 1), ("quads", 16)]


def planes(levels) -> int:
    return (len(levels) - 1).bit_length()


def packing(levels, order: str, lanes: int) -> str:
    panel = "" if lanes == 1 else f", lanes = {lanes}"
    # What is made at run time is stored as bytes.
    bits = ", bits = 8" if order == "quads" else ""
    return f"#lowbit.packing<{levels_type(levels)[14:]}, {order}{panel}{bits}>"


def words(levels, order: str, lanes: int, batch, rows: int, size: int) -> str:
    """The type of packed words, as docs/Kernels.md gives it for each order."""
    bits = planes(levels)
    tail, element = {
        "rows": ([-(-size // 64) * bits + 1], "i64"),
        "panels": ([-(-size // 64) * bits + 1, lanes], "i64"),
        "dwords": ([-(-size // 32) * bits + 1, lanes], "i32"),
        "bytes": ([-(-size // 4) + 1], "i32"),
        "quads": ([-(-size // 4) + 1, lanes], "i32"),
    }[order]
    return f"tensor<{'x'.join(map(str, [*batch, -(-rows // lanes), *tail]))}x{element}>"


def rounding_of(levels) -> str:
    return "step" if levels == (-1, 1) else "half_even"


def quantize_pack(result, value, tensor, levels, order, lanes, packed, *, shift="", more="") -> str:
    """The text of one operation; scales are `%one`."""
    rounding = rounding_of(levels)
    operands, types = value, tensor
    if rounding == "half_even":
        operands, types = f"{operands}, scale %one", f"{types}, tensor<f32>"
    if shift:
        operands, types = (
            f"{operands}, shift {shift}",
            f"{types}, tensor<{tensor.split('x')[-2]}xf32>",
        )
    return (
        f"%{result} = lowbit.quantize_pack ins({operands} : {types}) outs(%e_{result} : {packed}) "
        f"{{packing = {packing(levels, order, lanes)}, rounding = #lowbit.rounding<{rounding}>"
        f"{more}}} -> {packed}"
    )


def function(arguments: dict[str, str], body: list[str], results: dict[str, str]) -> str:
    """`@main`, with arguments and results of these names and types."""

    def named(types):
        return [f'{tensor} {{onnx.name = "{name}"}}' for name, tensor in types.items()]

    inputs = ", ".join(
        f"%{name}: {text}" for name, text in zip(arguments, named(arguments), strict=True)
    )
    lines = "\n  ".join(body)
    return (
        f"func.func @main({inputs}) -> ({', '.join(named(results))}) {{\n  {lines}\n"
        f"  return {', '.join('%' + name for name in results)} : "
        f"{', '.join(results.values())}\n}}\n"
    )


def check_on_targets(source: str, feeds: dict[str, np.ndarray], folder: Path) -> None:
    """Every output on every target equals that of the definition."""
    expected = define(source).run(feeds)
    path = folder / "program.mlir"
    path.write_text(source)
    for model in compile_for_each(path, TARGETS):
        got = model.run(feeds)
        for name in expected:
            np.testing.assert_array_equal(got[name], expected[name], f"{name} {model.target}")


ONE = "%one = arith.constant dense<1.0> : tensor<f32>"


@pytest.mark.parametrize("order, lanes", ORDERS)
def test_quantized(tmp_path, order, lanes):
    """Numbers packed along their last dimension, and those of panels along the last but one."""
    rng = np.random.default_rng(lanes)
    arguments, body, results, feeds = {}, [ONE], {}, {}
    choices = [*LEVELS[:3], LEVELS[-1]] + [tuple(range(256))] * (order == "quads")
    for i, levels in enumerate(choices * 2):
        rows, size = (int(extent) for extent in rng.integers(1, 140, 2))
        permuted = i >= len(choices) and order in ("panels", "dwords", "quads")
        shape = (2, size, rows) if permuted else (2, rows, size)
        # Halves: ties of rounding are frequent, and some numbers lie outside of the levels.
        feeds[f"x{i}"] = (rng.integers(2 * levels[0] - 4, 2 * levels[-1] + 5, shape) / 2).astype(
            np.float32
        )
        arguments[f"x{i}"] = f"tensor<{'x'.join(map(str, shape))}xf32>"
        packed = results[f"p{i}"] = words(levels, order, lanes, [2], rows, size)
        more = ", permutation = array<i64: 0, 2, 1>" if permuted else ""
        body.append(f"%e_p{i} = tensor.empty() : {packed}")
        body.append(
            quantize_pack(
                f"p{i}", f"%x{i}", arguments[f"x{i}"], levels, order, lanes, packed, more=more
            )
        )
    source = function(arguments, body, results)
    check_on_targets(source, feeds, tmp_path)


@pytest.mark.parametrize("permuted", [False, True], ids=["plain", "permuted"])
@pytest.mark.parametrize("order, lanes", ORDERS)
def test_quantized_by_region(tmp_path, order, lanes, permuted):
    """Numbers that the region of the quantizer clips, moves and multiplies first."""
    rng = np.random.default_rng(lanes + permuted)
    arguments, body, results = {"f": "tensor<f32>", "g": "tensor<f32>"}, [], {}
    feeds = {"f": np.float32(1.75), "g": np.float32(0.375)}
    for i, levels in enumerate([*LEVELS[:4], LEVELS[-1]]):
        rows, size = (int(extent) for extent in rng.integers(1, 140, 2))
        shape = (size, 2, rows) if permuted else (2, rows, size)
        feeds[f"x{i}"] = rng.uniform(levels[0] - 1, levels[-1] + 1, shape).astype(np.float32)
        tensor = arguments[f"x{i}"] = f"tensor<{'x'.join(map(str, shape))}xf32>"
        packed = results[f"p{i}"] = words(levels, order, lanes, [2], rows, size)
        more = ", permutation = array<i64: 1, 2, 0>" if permuted else ""
        if permuted and order in ("rows", "bytes"):
            # Rows of these orders are read along the last dimension.
            more = ", permutation = array<i64: 1, 0, 2>"
            packed = results[f"p{i}"] = words(levels, order, lanes, [2], size, rows)
        body += [
            f"%e{i} = tensor.empty() : {packed}",
            f"%p{i} = lowbit.quantize_pack ins(%x{i} : {tensor}) "
            f"operands(%f, %g : tensor<f32>, tensor<f32>) outs(%e{i} : {packed}) "
            f"{{packing = {packing(levels, order, lanes)}, "
            f"rounding = #lowbit.rounding<{rounding_of(levels)}>{more}}} input {{\n"
            "  ^bb0(%x: f32, %factor: f32, %offset: f32):\n"
            "    %bound = arith.constant 100.0 : f32\n"
            "    %above = arith.cmpf ogt, %x, %bound : f32\n"
            "    %clipped = arith.select %above, %bound, %x : f32\n"
            "    %moved = arith.subf %clipped, %offset : f32\n"
            "    %y = arith.mulf %moved, %factor : f32\n"
            f"    lowbit.yield %y : f32\n  }} -> {packed}",
        ]
    check_on_targets(function(arguments, body, results), feeds, tmp_path)


#: Levels, rounding, and the level that docs/Quantizers.md gives for NaN.
NAN = [
    ((-1, 0, 1), "sign", 0),
    ((-1, 1), "sign", -1),
    ((-1, 1), "step", -1),
    ((0, 1), "half_even", 0),
    ((-2, -1, 0, 1), "half_even", -2),
    (tuple(range(-128, 128)), "half_even", -128),
]


@pytest.mark.parametrize("culprit", ["x", "scale", "shift", "offset"])
def test_nan(tmp_path, culprit):
    """The level of NaN, whichever operand it comes from."""
    types = {
        "x": "tensor<2x70xf32>",
        "scale": "tensor<f32>",
        "shift": "tensor<70xf32>",
        "offset": "tensor<f32>",
    }
    shapes = {"x": (2, 70), "scale": (), "shift": (70,), "offset": ()}
    feeds = {
        name: np.full(shape, np.nan if name == culprit else 3, np.float32)
        for name, shape in shapes.items()
    }
    body, results, codes = [], {}, {}
    for i, (levels, rounding, level) in enumerate(NAN):
        names = list(types) if rounding == "half_even" else ["x", "shift"]
        if culprit not in names:
            continue
        packed = results[f"p{i}"] = words(levels, "rows", 1, [], 2, 70)
        codes[f"p{i}"] = levels.index(level)
        operands = ", ".join("%x" if name == "x" else f"{name} %{name}" for name in names)
        body += [
            f"%e{i} = tensor.empty() : {packed}",
            f"%p{i} = lowbit.quantize_pack ins({operands} : "
            f"{', '.join(types[name] for name in names)}) outs(%e{i} : {packed}) "
            f"{{packing = {packing(levels, 'rows', 1)}, "
            f"rounding = #lowbit.rounding<{rounding}>}} -> {packed}",
        ]
    source = function(types, body, results)
    check_on_targets(source, feeds, tmp_path)
    outputs = define(source).run(feeds)
    for name, code in codes.items():
        np.testing.assert_array_equal(outputs[name][:, -1] & 0xFFFFFFFF, 70 * code, name)


ODD_SCALES = [0.0, -0.0, -0.5, 1e-45, 1e-38, 2**-61, 2**60, 2**61, 1e38, np.inf, -np.inf, np.nan]


@pytest.mark.parametrize("order", ["rows", "bytes", "quads"])
def test_scales(tmp_path, order):
    """Numbers next to the borders of codes, far away and none at all, for any scale: a code is
    that of the rounded quotient, by the definition and by numpy."""
    rng = np.random.default_rng(len(order))
    lanes = 16 if order == "quads" else 1
    kinds = [(0, 1), (-2, -1, 0, 1), tuple(range(-8, 8)), tuple(range(-128, 128))]
    kinds.append(tuple(range(256)))
    floats = {f"x{i}": "tensor<3x150xf32>" for i in range(len(kinds))}
    body, results = [], {}
    for i, levels in enumerate(kinds):
        packed = results[f"p{i}"] = words(levels, order, lanes, [], 3, 150)
        body += [
            f"%e{i} = tensor.empty() : {packed}",
            f"%p{i} = lowbit.quantize_pack ins(%x{i}, scale %s : tensor<3x150xf32>, tensor<f32>) "
            f"outs(%e{i} : {packed}) {{packing = {packing(levels, order, lanes)}, "
            f"rounding = #lowbit.rounding<half_even>}} -> {packed}",
        ]
    source = function({**floats, "s": "tensor<f32>"}, body, results)
    path = tmp_path / "scales.mlir"
    path.write_text(source)
    definition = define(source)
    models = list(compile_for_each(path, TARGETS))
    scales = [*ODD_SCALES, *rng.uniform(0.01, 3, 8), *2.0 ** rng.integers(-40, 40, 4)]
    for scale in np.float32(scales):
        feeds = {"s": scale}
        with np.errstate(all="ignore"):
            for i, levels in enumerate(kinds):
                halves = rng.integers(levels[0], levels[-1] + 1, (3, 150)) - np.float32(0.5)
                x = np.nextafter(halves * scale, np.float32(rng.choice([-np.inf, 0, np.inf])))
                x = np.where(rng.random(x.shape) < 0.5, halves * scale, x)
                x[0, :8] = [np.nan, np.inf, -np.inf, 0, -0.0, 1e-45, 3e38, -3e38]
                feeds[f"x{i}"] = np.float32(x)
        expected = definition.run(feeds)
        for name, words_of in expected.items():
            for model in models:
                np.testing.assert_array_equal(
                    model.run(feeds)[name], words_of, f"{name} scale {scale} {model.target}"
                )
        if order == "bytes":
            for i, levels in enumerate(kinds):
                with np.errstate(all="ignore"):
                    codes = np.rint(feeds[f"x{i}"] / scale)
                codes = np.fmin(np.fmax(codes, levels[0]), levels[-1]) - levels[0]
                stored = np.ascontiguousarray(expected[f"p{i}"][:, :-1]).view(np.uint8)[:, :150]
                np.testing.assert_array_equal(stored, codes, f"{levels[0]} {scale}")


@pytest.mark.parametrize("order, lanes", [("bytes", 1), ("quads", 16), ("quads", 32)])
def test_repacked_bytes(tmp_path, order, lanes):
    """Rows of bytes split into heads of whole words."""
    check_repacked(tmp_path, order, lanes, "bytes", (4, 24, 64, 100, 132))


@pytest.mark.parametrize("order, lanes", ORDERS[:4])
def test_repacked(tmp_path, order, lanes):
    """Rows of planes split into heads."""
    check_repacked(tmp_path, order, lanes, "rows", (1, 24, 64, 100, 130))


def check_repacked(tmp_path, order: str, lanes: int, given: str, sizes) -> None:
    """Queries and keys packed along heads, values along the sequence."""
    rng = np.random.default_rng(lanes)
    arguments, body, results, feeds = {}, [ONE], {}, {}
    for i, size in enumerate(sizes):
        levels = LEVELS[i if given == "rows" else i + 1]
        batch, rows, heads = (int(extent) for extent in rng.integers(1, (3, 140, 5)))
        feeds[f"x{i}"] = rng.choice(levels, (batch, rows, heads * size)).astype(np.float32)
        floats = arguments[f"x{i}"] = f"tensor<{batch}x{rows}x{heads * size}xf32>"
        source = words(levels, given, 1, [batch], rows, heads * size)
        body.append(f"%e_s{i} = tensor.empty() : {source}")
        body.append(quantize_pack(f"s{i}", f"%x{i}", floats, levels, given, 1, source))
        kinds = {"heads": ((0, 2, 1, 3), rows, size)}
        if order not in ("rows", "bytes"):
            kinds["values"] = ((0, 2, 3, 1), size, rows)
        for kind, (permutation, result_rows, result_size) in kinds.items():
            name = f"{kind}{i}"
            packed = words(levels, order, lanes, [batch, heads], result_rows, result_size)
            results[name] = packed
            body += [
                f"%e_{name} = tensor.empty() : {packed}",
                f"%{name} = lowbit.repack ins(%s{i} : {source}) outs(%e_{name} : {packed}) "
                f"{{source = {packing(levels, given, 1)}, "
                f"packing = {packing(levels, order, lanes)}, "
                f"split = array<i64: {heads}, {size}>, "
                f"permutation = array<i64: {', '.join(map(str, permutation))}>}} -> {packed}",
            ]
    source = function(arguments, body, results)
    check_on_targets(source, feeds, tmp_path)


@pytest.mark.parametrize(("order", "lanes"), [*ORDERS[:4], ("quads", 16)])
def test_kept_rows(tmp_path, order, lanes):
    """Rows without sums, as caches hold them, for keys and for values."""
    rng = np.random.default_rng(lanes)
    arguments, body, results, feeds = {}, [ONE], {}, {}
    for i, size in enumerate((1, 24, 64, 100, 130)):
        levels = LEVELS[i % 4]
        batch, rows = int(rng.integers(1, 3)), int(rng.integers(1, 140))
        feeds[f"x{i}"] = rng.choice(levels, (batch, rows, size)).astype(np.float32)
        floats = arguments[f"x{i}"] = f"tensor<{batch}x{rows}x{size}xf32>"
        kept = f"tensor<{batch}x{rows}x{-(-size // 64) * planes(levels)}xi64>"
        source = packing(levels, "rows", 1).replace("rows>", "rows, sums = false>")
        text = quantize_pack(f"s{i}", f"%x{i}", floats, levels, "rows", 1, kept)
        body += [
            f"%e_s{i} = tensor.empty() : {kept}",
            text.replace(packing(levels, "rows", 1), source),
        ]
        results[f"s{i}"] = kept
        kinds = {"keys": ((0, 1, 2), rows, size)}
        if order != "rows":
            kinds["values"] = ((0, 2, 1), size, rows)
        for kind, (permutation, result_rows, result_size) in kinds.items():
            name = f"{kind}{i}"
            packed = words(levels, order, lanes, [batch], result_rows, result_size)
            results[name] = packed
            body += [
                f"%e_{name} = tensor.empty() : {packed}",
                f"%{name} = lowbit.repack ins(%s{i} : {kept}) outs(%e_{name} : {packed}) "
                f"{{source = {source}, packing = {packing(levels, order, lanes)}, "
                f"split = array<i64: {size}>, "
                f"permutation = array<i64: {', '.join(map(str, permutation))}>}} -> {packed}",
            ]
    check_on_targets(function(arguments, body, results), feeds, tmp_path)


def normalize(x: np.ndarray, scale: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """In float64: what rounding does not reach."""
    x = x.astype(np.float64)
    deviation = np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    return (x - x.mean(-1, keepdims=True)) / deviation * scale + bias


def test_normalized(tmp_path):
    """Normalised rows with three quantizers, one of bytes, whose shifts put the borders of codes
    where normalised numbers have a gap: sums of rows may round differently, codes may not."""
    rng = np.random.default_rng(5)
    sizes = (1, 7, 64, 70, 200)
    arguments, body, results, feeds = {}, [ONE], {}, {}
    for i, size in enumerate(sizes):
        rows, residual = int(rng.integers(1, 12)), i % 2 == 0
        floats, vector = f"tensor<{rows}x{size}xf32>", f"tensor<{size}xf32>"
        shape = (rows, size)
        x, r = rng.standard_normal(shape), rng.standard_normal(shape) * residual
        scale, bias = rng.standard_normal(size) + 1, rng.standard_normal(size)
        x, r, scale, bias = (array.astype(np.float32) for array in (x, r, scale, bias))
        normalized = normalize(x + r, scale, bias)
        # Codes have their borders at halves, signs at zero; whole numbers lie between borders.
        gaps = np.array([widest_gap(column % 1) for column in normalized.T])
        shifts = {"p": 0.0 - gaps, "q": 0.5 - gaps}
        values = {"x": x, "g": scale, "b": bias, **shifts, **({"r": r} if residual else {})}
        for name, value in values.items():
            feeds[f"{name}{i}"] = value.astype(np.float32)
            arguments[f"{name}{i}"] = floats if name in "xr" else vector
        extra, extra_type = (f", residual %r{i}", f", {floats}") if residual else ("", "")
        results[f"n{i}"] = floats
        body += [
            f"%e_n{i} = tensor.empty() : {floats}",
            f"%n{i} = lowbit.layer_norm ins(%x{i}, %g{i}, bias %b{i}{extra} : {floats}, {vector}, "
            f"{vector}{extra_type}) outs(%e_n{i} : {floats}) {{epsilon = 1.0e-5 : f32}} "
            f"-> {floats}",
        ]
        quantizers = {"w": ((-1, 1), "rows"), "u": (tuple(range(-8, 8)), "bytes")}
        quantizers["v"] = ((-2, -1, 0, 1), "rows")
        for name, (levels, order) in quantizers.items():
            name += str(i)
            shift = f"%p{i}" if levels == (-1, 1) else f"%q{i}"
            packed = results[name] = words(levels, order, 1, [], rows, size)
            body.append(f"%e_{name} = tensor.empty() : {packed}")
            body.append(
                quantize_pack(name, f"%n{i}", floats, levels, order, 1, packed, shift=shift)
            )
    source = function(arguments, body, results)
    forms = FormsOfProgram(source, tmp_path, TARGETS[0]).run(feeds)
    assert forms.fused.count("lowbit.layer_norm_pack") == len(sizes)
    assert "lowbit.quantize_pack" not in forms.fused
    others = [
        model.run(feeds) for model in compile_for_each(tmp_path / "program.mlir", TARGETS[1:])
    ]
    for name, expected in forms.definition.items():
        np.testing.assert_array_equal(forms.fused_definition[name], expected, name)
        for got in (forms.kernels, *others):
            if name[0] == "n":
                np.testing.assert_allclose(got[name], expected, atol=3e-6, err_msg=name)
            else:
                np.testing.assert_array_equal(got[name], expected, name)


def test_lookup_of_zeros(tmp_path):
    """A table of signs with few zeros, in any rows, and rows with the scale 0."""
    rng = np.random.default_rng(3)
    for rows, size, count in [(300, 96, 7), (200, 130, 1), (64, 64, 3)]:
        table = rng.choice(np.array([-1, 1], np.int8), (rows, size))
        table[rng.integers(0, rows, count), rng.integers(0, size, count)] = 0
        table[rows - 1, [0, size - 1]] = 0
        table[5] = 0
        scale = rng.random(rows).astype(np.float32)
        scale[5] = 0
        ids = np.concatenate([np.arange(rows), [rows - 1, 5, 5]]).reshape(1, -1)
        data = table.tobytes().hex()
        levels = levels_type((-1, 0, 1))
        source = f"""
func.func @main(%ids: tensor<1x{ids.size}xi64> {{onnx.name = "ids"}})
    -> (tensor<1x{ids.size}x{size}xf32> {{onnx.name = "y"}}) {{
  %t = lowbit.constant dense<"0x{data}"> : tensor<{rows}x{size}xi8>
    -> tensor<{rows}x{size}x{levels}>
  %s = arith.constant dense<"0x{scale.tobytes().hex()}"> : tensor<{rows}xf32>
  %e = tensor.empty() : tensor<1x{ids.size}x{size}xf32>
  %y = lowbit.lookup ins(%t, %ids, %s : tensor<{rows}x{size}x{levels}>, tensor<1x{ids.size}xi64>,
    tensor<{rows}xf32>) outs(%e : tensor<1x{ids.size}x{size}xf32>)
    -> tensor<1x{ids.size}x{size}xf32>
  return %y : tensor<1x{ids.size}x{size}xf32>
}}
"""
        path = tmp_path / "lookup.mlir"
        path.write_text(source)
        for model in compile_for_each(path, TARGETS):
            got = model.run({"ids": ids})["y"]
            np.testing.assert_array_equal(got, table[ids] * scale[ids][..., None])
