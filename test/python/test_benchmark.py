# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Timing takes turns and does not count the warm-up."""

from __future__ import annotations

import numpy as np
from lowbit.benchmark import Timing, interleaved, onnxruntime
from lowbit.models import bit


def test_competitors_take_turns():
    calls = []
    runs = {name: lambda feeds, name=name: calls.append((name, feeds["x"])) for name in "ab"}
    timings = interleaved(runs, {"x": 1}, rounds=3, warmup=1)
    assert calls == [("a", 1), ("b", 1)] * 4
    assert {name: len(timing.seconds) for name, timing in timings.items()} == {"a": 3, "b": 3}


def test_summary():
    timing = Timing((3.0, 1.0, 2.0, 9.0))
    assert timing.minimum == 1
    assert timing.median == 2.5


def test_onnxruntime_takes_what_the_model_needs(small_config):
    model = bit.build_model(bit.BiTParameters.random(small_config), token_type_input=False)
    ids = np.ones((1, 4), np.int64)
    feeds = {"input_ids": ids, "attention_mask": ids, "token_type_ids": ids}
    assert onnxruntime(model.SerializeToString())(feeds)[0].shape == (1, 2)
