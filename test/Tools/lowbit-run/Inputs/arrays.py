# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Writes the arrays that run.test and errors.test read.

import sys

import numpy as np

folder = sys.argv[1]
x = np.arange(15, dtype=np.float32).reshape(5, 3)
y = x / 7
near = x + y
near[2, 1] += np.float32(0.005)
arrays = {
    "mode": np.int64(0),
    "fail": np.int64(1),
    "x": x,
    "y": y,
    "sum": x + y,
    "rows": np.int64(5),
    "near": near,
    "short": y[:4],
    "double": x.astype(np.float64),
    "fortran": np.asfortranarray(x),
    "complex": x.astype(np.complex64),
}
for name, array in arrays.items():
    np.save(f"{folder}/{name}.npy", array)
for name, version in ("x", (2, 0)), ("y", (3, 0)):
    with open(f"{folder}/{name}-v{version[0]}.npy", "wb") as file:
        np.lib.format.write_array(file, arrays[name], version)
with open(f"{folder}/x.npy", "rb") as file:
    data = file.read()
with open(f"{folder}/truncated.npy", "wb") as file:
    file.write(data[:-1])
with open(f"{folder}/header.npy", "wb") as file:
    file.write(data[:20])
