# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writing models to files."""

from __future__ import annotations

from pathlib import Path

import onnx

#: protobuf refuses messages of 2 GiB; larger models keep their weights beside the file.
_INLINE_LIMIT = 2_000_000_000


def save_model(model: onnx.ModelProto, path: str | Path, external_data: bool | None = None) -> None:
    """Writes the model, with weights in `<name>.data` beside it when `external_data`.

    The default puts them there only when the file would be too large. Raises OSError.
    """
    path = Path(path)
    if external_data is None:
        external_data = (
            sum(len(tensor.raw_data) for tensor in model.graph.initializer) > _INLINE_LIMIT
        )
    if not external_data:
        onnx.save_model(model, str(path))
        return
    data = path.with_name(path.name + ".data")
    data.unlink(missing_ok=True)  # onnx appends
    copy = onnx.ModelProto()
    copy.CopyFrom(model)  # onnx moves the weights out of the model it saves
    onnx.save_model(
        copy, str(path), save_as_external_data=True, location=data.name, size_threshold=1024
    )
