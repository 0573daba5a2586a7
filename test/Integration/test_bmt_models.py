# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles BMT models of many shapes and compares every code with the reference."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import lowbit
import numpy as np
import onnxruntime
import pytest
from agreement import check_comparison
from lowbit.generation import Decoder, bmt_beam_search
from lowbit.models import bmt
from targets import compile_for_each

TINY = bmt.BMTConfig(
    vocab_size=150,
    hidden_size=96,
    encoder_layers=1,
    decoder_layers=1,
    num_heads=3,
    ffn_size=160,
    max_positions=48,
)
STATIC = {"opset": 13, "batch": 2, "source": 24, "target": 9}
UNFOLDED = {"opset": 15, "fold_constants": False}
ODD = {"hidden_size": 57, "num_heads": 3, "ffn_size": 70}
TIED = {"share_embeddings": True, "logits_via_embedding": True}

#: Name, bits of activations, changes to TINY, form of the graph.
MODELS = {
    "w1a1": (1, {}, {}),
    "w1a1-three-layers": (1, {"encoder_layers": 3, "decoder_layers": 2, **TIED}, {}),
    "w1a1-odd-heads": (1, ODD, STATIC),
    "w1a1-narrow": (1, {"hidden_size": 15, "num_heads": 5, "ffn_size": 7}, UNFOLDED),
    "w1a1-wide-ffn": (1, {"ffn_size": 700, **TIED}, UNFOLDED),
    "w1a32": (32, {}, {}),
    "w1a32-two-layers": (32, {"encoder_layers": 2, "decoder_layers": 2, **TIED}, STATIC),
    "w1a32-odd-heads": (32, ODD, UNFOLDED),
}


@pytest.mark.parametrize("part", bmt.PARTS)
@pytest.mark.parametrize("name", MODELS)
def test_codes_are_those_of_the_reference(name, part):
    bits, changes, form = MODELS[name]
    config = replace(TINY, activation_bits=bits, **changes)
    parameters = bmt.BMTParameters.random(config, seed=11)
    exported = bmt.build_model(parameters, part, expose_sites=True, expose_hidden=True, **form)
    model = lowbit.compile(exported)
    batches = [([24, 15], 9)]
    if "batch" not in form:
        batches += [([1], 1), ([17, 9, 12], 14)]
    for sources, target in batches:
        feeds = bmt.random_inputs(config, part, sources, target, past=target)
        result = bmt.compare(parameters, part, feeds, model.run(feeds))
        assert (result.decisions > 0) == (bits == 1)
        check_comparison(result)


@cache
def parameters_of(bits: int) -> bmt.BMTParameters:
    return bmt.BMTParameters.random(replace(TINY, activation_bits=bits), seed=12)


@cache
def seq2seq_of(bits: int) -> lowbit.Model:
    return lowbit.compile(bmt.build_model(parameters_of(bits), "seq2seq"))


@pytest.mark.parametrize("bits", [1, 32])
def test_the_same_model_without_exposed_sites_gives_the_same_logits(bits):
    """Exposing a tensor must not change the others: what tests look at is what users run."""
    feeds = bmt.random_inputs(TINY, "seq2seq", [31, 20], target=11)
    exposed = lowbit.compile(bmt.build_model(parameters_of(bits), "seq2seq", expose_sites=True))
    plain, exposed = (model.run(feeds)["logits"] for model in (seq2seq_of(bits), exposed))
    np.testing.assert_allclose(plain, exposed, rtol=0, atol=1e-6)


@pytest.mark.parametrize("bits", [1, 32])
def test_every_binary_matmul_has_a_kernel_for_codes(bits):
    """Only the output layer and the two products of each attention are float."""
    matmuls = seq2seq_of(bits).report["matmuls"]
    floats = [entry for entry in matmuls if entry["kernel"] == "float"]
    assert len(floats) == 3 * 2 + 1
    assert len(matmuls) - len(floats) == 6 + 10
    assert {entry["rhs"] for entry in matmuls if entry not in floats} == {"-1, 1"}


def compile_session(parameters: bmt.BMTParameters, **options) -> lowbit.Program:
    return lowbit.compile(
        {part: bmt.build_model(parameters, part, **options) for part in bmt.SESSION_PARTS}
    )


def test_sessions_compute_the_codes_of_the_reference():
    """Each graph is judged with the session's states, and gives what the session does."""
    config = replace(TINY, decoder_layers=2)
    parameters = bmt.BMTParameters.random(config, seed=17)
    session = compile_session(parameters).session()
    exposed = compile_session(parameters, expose_sites=True)

    def judge(part: bmt.Part, feeds):
        got = exposed[part].run(feeds)
        check_comparison(bmt.compare(parameters, part, feeds, got))
        return got

    source = bmt.random_inputs(config, "encoder", [17, 9, 12], seed=1)
    assert session.start(source) == {}
    cross = {name: x for name, x in judge("encoder", source).items() if "cross" in name}
    for name, value in cross.items():
        np.testing.assert_array_equal(value, session.state(name))

    empty = np.zeros((3, config.num_heads, 0, config.head_size), np.float32)
    feeds = {**source, **{f"past_{tensor}{index}": empty for index in (0, 1) for tensor in "kv"}}
    tokens = np.random.default_rng(3).integers(0, config.vocab_size, (6, 3, 1))
    for token in tokens:
        expected = judge("step", {"ids": token, **cross, **feeds})
        got = session.step({"ids": token})
        assert list(got) == ["logits"]
        np.testing.assert_allclose(got["logits"], expected["logits"], rtol=0, atol=1e-6)
        for name in feeds.keys() - source.keys():
            feeds[name] = session.state(name)
            np.testing.assert_array_equal(feeds[name], expected[name.replace("past", "present")])


@pytest.mark.parametrize("bits", [1, 32])
def test_steps_are_the_teacher_forced_pass(bits):
    """Bounds belong to tokens, so caching changes nothing."""
    feeds = bmt.random_inputs(TINY, "seq2seq", [17, 9], target=8)
    feeds["tgt"][feeds["tgt"] == 0] = 1
    expected = seq2seq_of(bits).run(feeds)["logits"]
    session = compile_session(parameters_of(bits)).session()
    session.start({"src": feeds["src"]})
    ids = np.pad(feeds["tgt"], [(0, 0), (1, 0)])
    for position in range(8):
        got = session.step({"ids": ids[:, position : position + 1]})["logits"][:, 0]
        np.testing.assert_allclose(got, expected[:, position], rtol=1e-5, atol=1e-5)


class WholePrefixes:
    """Steps by the whole model in ONNX Runtime, which computes every prefix anew."""

    def __init__(self, parameters: bmt.BMTParameters) -> None:
        model = bmt.build_model(parameters, "seq2seq").SerializeToString()
        self.session = onnxruntime.InferenceSession(model)

    def start(self, inputs) -> int:
        self.source = inputs["src"]
        self.prefixes = np.zeros((len(self.source), 0), np.int64)
        return len(self.source)

    def step(self, tokens):
        self.prefixes = np.concatenate([self.prefixes, tokens[:, None]], axis=1)
        # The model shifts its targets, so that the last one is never seen, and takes 0 for padding.
        target = np.pad(self.prefixes[:, 1:], [(0, 0), (0, 1)], constant_values=1)
        assert (target > 0).all()
        feeds = {"src": self.source, "tgt": target}
        return self.session.run(["logits"], feeds)[0][:, -1]

    def reorder(self, rows) -> None:
        self.source, self.prefixes = self.source[rows], self.prefixes[rows]


@pytest.mark.parametrize("bits", [1, 32])
def test_beam_search_finds_what_a_search_without_caches_finds(bits):
    config = replace(TINY, activation_bits=bits, num_heads=4)
    parameters = bmt.BMTParameters.random(config, seed=19)
    # No sentence holds padding, and some end: token 0 is out of reach and token 2 is likely.
    parameters["decoder.logitdense.bias"][[0, 2]] = -30, 1.5
    source = bmt.random_inputs(config, "encoder", [12, 7, 9], seed=2)
    both = (Decoder(compile_session(parameters)), WholePrefixes(parameters))
    for beams in (1, 4):
        got, expected = (
            bmt_beam_search(steps, source, beam_size=beams, max_length=10) for steps in both
        )
        np.testing.assert_array_equal(got.sequences, expected.sequences)
        np.testing.assert_allclose(got.scores, expected.scores, rtol=0, atol=1e-4)
        assert (got.sequences == 2).any() or beams == 1


def test_targets_agree():
    """Every level of instructions that this machine has computes the same codes."""
    parameters = bmt.BMTParameters.random(TINY, seed=15)
    exported = bmt.build_model(parameters, "step", expose_sites=True)
    feeds = bmt.random_inputs(TINY, "step", [24, 15])
    ran = 0
    for model in compile_for_each(exported, ("x86-64", "x86-64-v3", "x86-64-v4", "native")):
        check_comparison(bmt.compare(parameters, "step", feeds, model.run(feeds)))
        ran += 1
    assert ran >= 2
