# ===----------------------------------------------------------------------===#
#
# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
"""Beam searches of reference models with compiled steps: the folder $LOWBIT_CASES holds, for
a case whose name contains `_beam_`, the sentences and the beams of the original decoder."""

import json
import os
from pathlib import Path

import lowbit
import numpy as np
import pytest
from lowbit.generation import Decoder, GenerationConfig, bmt_beam_search, generate

FOLDER = Path(os.environ.get("LOWBIT_CASES", ""))
CASES = sorted(FOLDER.glob("*_beam_*")) if os.environ.get("LOWBIT_CASES") else []


@pytest.fixture(scope="module", params=CASES or [None], ids=lambda case: getattr(case, "name", "-"))
def case(request):
    if request.param is None:
        pytest.skip("no folder of cases in $LOWBIT_CASES")
    return request.param


def test_beams_equal_the_original_decoder(case):
    facts = json.loads((case / "meta.json").read_text())
    prefix = case.name.split("_")[0]
    encoder = f"{prefix}_{facts['models']['encoder']}".replace("_enc_", "_enckv_")
    step = f"{prefix}_{facts['models']['step']}".replace("_step_", "_stepx_")
    paths = {"encoder": FOLDER / encoder / "model.onnx", "step": FOLDER / step / "model.onnx"}
    if not all(path.exists() for path in paths.values()):
        pytest.skip(f"{encoder} or {step} is not there")
    decoder = Decoder(lowbit.compile(paths))
    source = {"src": np.load(case / "inputs.npz")["src"]}
    expected = np.load(case / "outputs.npz")
    length = facts["max_decode_len"]
    for beams in facts["beams"]:
        found = bmt_beam_search(decoder, source, beams, facts["alpha"], max_length=length)
        np.testing.assert_array_equal(found.sequences, expected[f"beam{beams}_seqs"])
        np.testing.assert_allclose(found.scores, expected[f"beam{beams}_scores"], atol=2e-5)
    config = GenerationConfig(facts["bos"], facts["eos"], pad_token_id=0, max_length=length)
    greedy = np.zeros_like(expected["greedy"][:, 0])
    tokens = generate(decoder, source, config)[:, 1:]
    greedy[:, : tokens.shape[1]] = tokens
    np.testing.assert_array_equal(greedy, expected["greedy"][:, 0])
