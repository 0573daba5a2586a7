# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every instruction on vectors that the emulator (test/Emulation) executes, with operands of every
kind, against numpy. A CPU that has an instruction executes it itself, and so checks numpy."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from emulation import run_emulated
from targets import lacking

Bytes = np.ndarray
#: The result for what the destination held, the second and the third operand, `[samples, bytes]`.
Reference = Callable[[Bytes, Bytes, Bytes], Bytes]
IMMEDIATE, SAMPLES = 0x5A, 20


@dataclass
class Instruction:
    reference: Reference
    masked: int = 1  # bytes for a bit of the mask
    broadcast: int = 0  # bytes of an element that is broadcast
    vex: bool = False  # whether there is a form without EVEX, too


@dataclass
class Form:
    """Registers by number; an operand in memory as text."""

    vector: str
    to: int
    second: int
    third: int | str
    mask: int = 0
    zeroing: bool = False
    prefix: str = "evex"
    broadcast: bool = False

    @property
    def bytes(self) -> int:
        return {"xmm": 16, "ymm": 32, "zmm": 64}[self.vector]


def dot(left: type, right: type, saturates: bool) -> Reference:
    def apply(to, second, third):
        products = second.view(left).astype(np.int64) * third.view(right)
        sums = products.reshape(len(to), to.shape[1] // 4, -1).sum(-1) + to.view(np.int32)
        limits = np.iinfo(np.int32)
        sums = np.clip(sums, limits.min, limits.max) if saturates else sums
        return sums.astype(np.int32).view(np.uint8)

    return apply


def popcount(element: type) -> Reference:
    def apply(to, second, third):
        bits = np.unpackbits(third, axis=1).reshape(len(to), -1, 8 * np.dtype(element).itemsize)
        return bits.sum(-1).astype(element).view(np.uint8)

    return apply


def permute(indices: Bytes, table: Bytes) -> Bytes:
    return np.take_along_axis(table, indices.astype(np.int64) % table.shape[1], 1)


def quad_bits(quads: Bytes, indices: np.ndarray) -> Bytes:
    """Bits of each quadword: `indices` are `[samples, quads, …]`."""
    bits = np.unpackbits(quads, axis=1, bitorder="little").reshape(len(quads), -1, 64)
    indices = indices.reshape(*bits.shape[:2], -1) % 64
    return np.take_along_axis(bits, indices, 2)


def multishift(to, second, third):
    bits = quad_bits(third, second[..., None].astype(np.int64) + np.arange(8))
    return np.packbits(bits.reshape(len(to), -1), axis=1, bitorder="little")


def multiply_polynomials(left: int, right: int) -> int:
    product = 0
    for i in range(8):
        product ^= (left << i) * (right >> i & 1)
    for i in range(14, 7, -1):
        product ^= (0x11B << i - 8) * (product >> i & 1)
    return product


PRODUCTS = np.array(
    [[multiply_polynomials(i, j) for j in range(256)] for i in range(256)], np.uint8
)
INVERSES = (PRODUCTS == 1).argmax(1).astype(np.uint8)
PARITIES = np.array([i.bit_count() & 1 for i in range(256)], np.uint8)


def affine(to, second, third):
    # The row for bit 0 of a result is the last byte of a matrix.
    rows = third.reshape(len(to), -1, 1, 8)[..., ::-1]
    bits = PARITIES[rows & second.reshape(len(to), -1, 8, 1)]
    return np.packbits(bits, axis=-1, bitorder="little").reshape(to.shape) ^ IMMEDIATE


def joined(*tables: Bytes) -> Bytes:
    return np.concatenate(tables, axis=1)


INSTRUCTIONS = {
    "vpdpbusd": Instruction(dot(np.uint8, np.int8, False), 4, 4, True),
    "vpdpbusds": Instruction(dot(np.uint8, np.int8, True), 4, 4, True),
    "vpdpwssd": Instruction(dot(np.int16, np.int16, False), 4, 4, True),
    "vpdpwssds": Instruction(dot(np.int16, np.int16, True), 4, 4, True),
    "vpopcntb": Instruction(popcount(np.uint8)),
    "vpopcntw": Instruction(popcount(np.uint16), 2),
    "vpopcntd": Instruction(popcount(np.uint32), 4, 4),
    "vpopcntq": Instruction(popcount(np.uint64), 8, 8),
    "vpermb": Instruction(lambda to, second, third: permute(second, third)),
    "vpermi2b": Instruction(lambda to, second, third: permute(to, joined(second, third))),
    "vpermt2b": Instruction(lambda to, second, third: permute(second, joined(to, third))),
    "vpmultishiftqb": Instruction(multishift, 1, 8),
    "vpshufbitqmb": Instruction(
        lambda to, second, third: quad_bits(second, third.astype(np.int64)).reshape(to.shape)
    ),
    "vgf2p8mulb": Instruction(lambda to, second, third: PRODUCTS[second, third], vex=True),
    "vgf2p8affineqb": Instruction(affine, 1, 8, True),
    "vgf2p8affineinvqb": Instruction(
        lambda to, second, third: affine(to, INVERSES[second], third), 1, 8, True
    ),
}
FORMS = [
    Form("zmm", 1, 2, 3),
    Form("zmm", 17, 26, 31, mask=1),
    Form("ymm", 8, 23, 12, mask=7, zeroing=True),
    Form("xmm", 30, 9, 16, mask=2),
    Form("zmm", 4, 5, "128(%rdi)", mask=3),
    Form("ymm", 20, 13, "-32(%r12)", mask=6, zeroing=True),
    Form("xmm", 11, 22, "(%r13)"),
    Form("zmm", 25, 6, "(%rax,%r9,4)"),
    Form("ymm", 2, 10, "0x1000(%r8)", mask=4),
    Form("xmm", 14, 15, "0x40(,%r10,8)"),
    Form("zmm", 19, 3, "operand{case}(%rip)", mask=1, zeroing=True),
    Form("zmm", 3, 18, "-32(%r12)", mask=2, broadcast=True),
    Form("ymm", 29, 1, "(%rax,%r9,4)", broadcast=True),
    Form("xmm", 5, 31, "operand{case}(%rip)", mask=4, zeroing=True, broadcast=True),
    Form("ymm", 1, 2, 3, prefix="vex"),
    Form("xmm", 9, 14, 12, prefix="vex"),
    Form("ymm", 10, 5, "-32(%r12)", prefix="vex"),
    Form("xmm", 3, 13, "(%rax,%r9,4)", prefix="vex"),
    Form("ymm", 6, 8, "operand{case}(%rip)", prefix="vex"),
]

#: Offsets in a block: operands, a mask, the mask that is a result, and registers afterwards.
TO, SECOND, THIRD, MASK, MASK_RESULT, RESULT, SECOND_AFTER, BLOCK = (
    *(0, 64, 128, 192, 200),
    *(256, 320, 384),
)


def assembly(case: int, name: str, form: Form) -> str:
    """A function on a block, whose third operand is reached by every register that is used."""
    third = form.third.format(case=case) if isinstance(form.third, str) else f"%{form.vector}"
    if isinstance(form.third, int):
        third += str(form.third)
    if form.broadcast:
        third += f"{{1to{form.bytes // INSTRUCTIONS[name].broadcast}}}"
    to = "%k5" if name == "vpshufbitqmb" else f"%{form.vector}{form.to}"
    if form.mask:
        to += f"{{%k{form.mask}}}" + "{z}" * (form.zeroing and "k5" not in to)
    operands = [third, to] if "popcnt" in name else [third, f"%{form.vector}{form.second}", to]
    if "affine" in name:
        operands.insert(0, f"${IMMEDIATE}")
    loaded = form.third if isinstance(form.third, int) else 0
    return f"""
  .comm operand{case}, 64, 64
  .hidden operand{case}
  .globl case{case}
case{case}:
  push %r12
  push %r13
  lea {THIRD + 32}(%rdi), %r12
  lea {THIRD}(%rdi), %r13
  lea {THIRD + 64}(%rdi), %rax
  mov $-16, %r9
  lea {THIRD - 0x1000}(%rdi), %r8
  lea {THIRD - 0x40}(%rdi), %r10
  shr $3, %r10
  kmovq {MASK}(%rdi), %k{form.mask or 1}
  vmovdqu64 {THIRD}(%rdi), %zmm{loaded}
  vmovdqa64 %zmm{loaded}, operand{case}(%rip)
  vmovdqu64 {TO}(%rdi), %zmm{form.to}
  vmovdqu64 {SECOND}(%rdi), %zmm{form.second}
  {{{form.prefix}}} {name} {", ".join(operands)}
  vmovdqu64 %zmm{form.to}, {RESULT}(%rdi)
  vmovdqu64 %zmm{form.second}, {SECOND_AFTER}(%rdi)
  kmovq %k5, {MASK_RESULT}(%rdi)
  vzeroupper
  pop %r13
  pop %r12
  ret
"""


def check(name: str, form: Form, blocks: Bytes) -> None:
    instruction, size = INSTRUCTIONS[name], form.bytes
    to, second, third = (blocks[:, at : at + size] for at in (TO, SECOND, THIRD))
    if form.broadcast:
        third = np.tile(third[:, : instruction.broadcast], size // instruction.broadcast)
    whole = instruction.reference(*map(np.ascontiguousarray, (to, second, third)))
    mask = np.unpackbits(blocks[:, MASK : MASK + 8], axis=1, bitorder="little")
    if not form.mask:
        mask[:] = 1
    note = f"{name} {form}"
    if name == "vpshufbitqmb":
        bits = np.zeros_like(mask)
        bits[:, :size] = whole & mask[:, :size]
        got = blocks[:, MASK_RESULT : MASK_RESULT + 8]
        np.testing.assert_array_equal(got, np.packbits(bits, axis=1, bitorder="little"), note)
        return
    kept = np.repeat(mask[:, : size // instruction.masked], instruction.masked, axis=1)
    expected = np.zeros((len(blocks), 64), np.uint8)
    expected[:, :size] = np.where(kept, whole, 0 if form.zeroing else to)
    np.testing.assert_array_equal(blocks[:, RESULT : RESULT + 64], expected, note)
    after = blocks[:, SECOND_AFTER : SECOND_AFTER + 64]
    np.testing.assert_array_equal(after, blocks[:, SECOND : SECOND + 64], note)


def test_instructions(tmp_path: Path) -> None:
    if lacking("x86-64-v4"):
        pytest.skip("this machine lacks AVX-512")
    cases = [
        (name, form)
        for name, instruction in INSTRUCTIONS.items()
        for form in FORMS
        if (instruction.vex or form.prefix == "evex")
        and (instruction.broadcast or not form.broadcast)
    ]
    source, library, data = (tmp_path / name for name in ("cases.s", "cases.so", "blocks.npy"))
    source.write_text(".text\n" + "".join(assembly(i, *case) for i, case in enumerate(cases)))
    subprocess.run(["cc", "-shared", "-nostdlib", source, "-o", library], check=True)
    rng = np.random.default_rng(3)
    blocks = rng.integers(0, 256, (len(cases), SAMPLES, BLOCK), np.uint8)
    # Sums that saturate.
    blocks[:, 0, TO + 3 : TO + 64 : 4] = 0x7F
    blocks[:, 1, TO + 3 : TO + 64 : 4] = 0x80
    np.save(data, blocks)
    process = run_emulated(Path(__file__).with_name("emulated_cases.py"), library, data)
    process.communicate()
    assert process.returncode == 0
    for case, got in zip(cases, np.load(data)):
        check(*case, got)
