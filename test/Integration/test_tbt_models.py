# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles TBT models of many shapes and compares every code with the reference."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import lowbit
import numpy as np
import onnx
import pytest
from agreement import check_comparison
from lowbit.generation import Decoder, GenerationConfig, generate
from lowbit.models import tbt
from lowbit.models.emitter import GraphEmitter
from targets import compile_for_each, compile_or_skip

TINY = tbt.TBTConfig(
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

#: Name, bits, changes to TINY, form of the graph.
MODELS = {
    "w1a1": ((1, 1), {}, {}),
    "w1a1-two-layers": ((1, 1), {"encoder_layers": 2, "decoder_layers": 2}, {}),
    "w1a1-odd-heads": ((1, 1), ODD, STATIC),
    "w1a1-narrow": ((1, 1), {"hidden_size": 15, "num_heads": 5, "ffn_size": 7}, UNFOLDED),
    "w1a2": ((1, 2), {}, {}),
    "w1a2-odd-heads": ((1, 2), ODD, UNFOLDED),
    "w2a2": ((2, 2), {}, {}),
    "w2a2-two-layers": ((2, 2), {"encoder_layers": 2, "decoder_layers": 2}, STATIC),
    "w2a2-odd-heads": ((2, 2), ODD, UNFOLDED),
    "w1a8": ((1, 8), {}, {}),
    "w2a8": ((2, 8), {}, STATIC),
    "w2a8-odd-heads": ((2, 8), ODD, UNFOLDED),
    "mbart-w1a1": ((1, 1), {"pre_norm": True, "scale_embedding": True}, {}),
    "mbart-w2a2": ((2, 2), {**ODD, "pre_norm": True, "scale_embedding": True}, STATIC),
    "mbart-w2a8": ((2, 8), {"pre_norm": True, "scale_embedding": True}, {}),
}


#: The encoder is part of seq2seq, and sessions have graphs of their own: a model of static shapes
#: is what tests it and its keys and values apart. A model of one layer is part of one of two.
CASES = [
    *((name, part) for name in MODELS if name != "w1a1" for part in ("seq2seq", "decoder_step")),
    *(("mbart-w2a2", part) for part in ("encoder", "cross_kv")),
]


@pytest.mark.parametrize(("name", "part"), CASES)
def test_codes_are_those_of_the_reference(name, part):
    bits, changes, form = MODELS[name]
    config = replace(TINY, **changes).with_bits(*bits)
    parameters = tbt.TBTParameters.random(config, seed=11, calibration_length=24)
    exported = tbt.build_model(parameters, part, expose_sites=True, expose_hidden=True, **form)
    model = lowbit.compile(exported)
    batches = [([24, 15], 9)]
    if "batch" not in form:
        batches += [([1], 1), ([17, 9, 12], 14)]
    for sources, target in batches:
        feeds = tbt.random_inputs(config, part, sources, target, past=target)
        check_comparison(tbt.compare(parameters, part, feeds, model.run(feeds)))


@cache
def parameters_of(bits: tuple[int, int], mbart: bool = False) -> tbt.TBTParameters:
    config = replace(TINY, pre_norm=mbart, scale_embedding=mbart)
    return tbt.TBTParameters.random(config.with_bits(*bits), seed=17)


@cache
def seq2seq_of(bits: tuple[int, int]) -> lowbit.Model:
    return lowbit.compile(tbt.build_model(parameters_of(bits), "seq2seq"))


@cache
def program_of(bits: tuple[int, int], mbart: bool = False) -> lowbit.Program:
    return compile_session(parameters_of(bits, mbart))


@pytest.mark.parametrize("bits", [(1, 1), (2, 2)])
def test_the_same_model_without_exposed_sites_gives_the_same_logits(bits):
    """Exposing a tensor must not change the others: what tests look at is what users run."""
    feeds = tbt.random_inputs(TINY, "seq2seq", [31, 20], target=11)
    exposed = lowbit.compile(tbt.build_model(parameters_of(bits), "seq2seq", expose_sites=True))
    plain, exposed = (model.run(feeds)["logits"] for model in (seq2seq_of(bits), exposed))
    np.testing.assert_allclose(plain, exposed, rtol=0, atol=1e-6)


@pytest.mark.parametrize("bits", [(1, 1), (2, 2), (2, 8)])
def test_every_quantized_matmul_has_a_kernel_for_codes(bits):
    """All but the output layer: six linear layers and two products a block, four more for cross."""
    report = seq2seq_of(bits).report
    assert report["summary"]["matmuls"] == 8 + 14 + 1
    (floats,) = (entry for entry in report["matmuls"] if entry["kernel"] == "float")
    assert "lm_head" in floats["name"]


def compile_session(parameters: tbt.TBTParameters, **options) -> lowbit.Program:
    return lowbit.compile(
        {part: tbt.build_model(parameters, part, **options) for part in tbt.SESSION_PARTS}
    )


@pytest.mark.parametrize(
    ("bits", "mbart"),
    [((1, 1), False), ((2, 2), True), ((2, 8), False)],
    ids=["bart-w1a1", "mbart-w2a2", "bart-w2a8"],
)
def test_sessions_compute_the_codes_of_the_reference(bits, mbart):
    """Each graph is judged with the states that the session had, and gives what the session does:
    of eight bits, some code lies at a boundary in every few runs, and whole runs part there."""
    parameters = parameters_of(bits, mbart)
    config = parameters.config
    session = program_of(bits, mbart).session()
    exposed = compile_session(parameters, expose_sites=True)

    def judge(part: tbt.Part, feeds):
        got = exposed[part].run(feeds)
        check_comparison(tbt.compare(parameters, part, feeds, got))
        return got

    source = tbt.random_inputs(config, "encoder", [17, 9, 12], seed=1)
    assert session.start(source) == {}
    encoded = {"encoder_hidden_states": session.state("encoder_hidden_states")}
    outputs = {**judge("encoder", source), **judge("cross_kv", encoded)}
    np.testing.assert_array_equal(outputs["last_hidden_state"], encoded["encoder_hidden_states"])
    np.testing.assert_array_equal(outputs["present_cross_v0"], session.state("past_cross_v0"))

    empty = np.zeros((3, config.num_heads, 0, config.head_size), np.float32)
    feeds = {"past_self_k0": empty, "past_self_v0": empty}
    for token in np.random.default_rng(3).integers(0, config.vocab_size, (6, 3, 1)):
        for name in ("attention_mask", "past_cross_k0", "past_cross_v0"):
            feeds[name] = session.state(name)
        feeds["decoder_input_ids"] = token
        expected = judge("decoder_step", feeds)
        got = session.step({"decoder_input_ids": token})
        assert list(got) == ["logits"]
        np.testing.assert_allclose(got["logits"], expected["logits"], rtol=0, atol=1e-6)
        for name in ("past_self_k0", "past_self_v0"):
            feeds[name] = session.state(name)
            np.testing.assert_array_equal(feeds[name], expected[name.replace("past", "present")])


def test_one_bit_steps_are_the_teacher_forced_pass():
    """One-bit quantizers look at single values, so caching changes nothing."""
    feeds = tbt.random_inputs(TINY, "seq2seq", [17, 9], target=8)
    feeds["decoder_attention_mask"][:] = 1
    expected = seq2seq_of((1, 1)).run(feeds)["logits"]
    session = program_of((1, 1)).session()
    session.start({name: feeds[name] for name in ("input_ids", "attention_mask")})
    for position in range(8):
        ids = feeds["decoder_input_ids"][:, position : position + 1]
        got = session.step({"decoder_input_ids": ids})["logits"][:, 0]
        np.testing.assert_allclose(got, expected[:, position], rtol=1e-5, atol=1e-5)


def test_generation_follows_the_steps():
    program = program_of((2, 2), mbart=True)
    source = tbt.random_inputs(TINY, "encoder", [12, 7], seed=2)
    config = GenerationConfig(decoder_start_token_id=2, eos_token_id=0, max_length=9)
    got = generate(program, source, config)
    session, tokens = program.session(), np.full((2, 1), 2)
    session.start(source)
    while tokens.shape[1] < 9:
        logits = session.step({"decoder_input_ids": tokens[:, -1:]})["logits"]
        tokens = np.concatenate([tokens, logits[:, 0].argmax(axis=-1)[:, None]], axis=1)
    assert 0 not in tokens, "the comparison is for sentences that do not end"
    np.testing.assert_array_equal(got, tokens)


@pytest.fixture(scope="module")
def whole_and_top():
    """A program, and the same with the 5 largest logits."""
    parameters = parameters_of((1, 1))
    models = {part: tbt.build_model(parameters, part) for part in tbt.SESSION_PARTS}
    return program_of((1, 1)), lowbit.compile(models, top={"logits": 5})


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"min_length": 8},
        {"no_repeat_ngram_size": 1},
        {"no_repeat_ngram_size": 2, "min_length": 5},
        {"forced_bos_token_id": 7, "forced_eos_token_id": 0},
    ],
)
def test_greedy_search_needs_the_largest_logits_only(whole_and_top, settings):
    whole, top = whole_and_top
    source = tbt.random_inputs(TINY, "encoder", [12, 7, 9], seed=2)
    config = GenerationConfig(2, eos_token_id=0, max_length=12, **settings)
    np.testing.assert_array_equal(generate(top, source, config), generate(whole, source, config))


def test_searches_that_need_all_logits_say_so(whole_and_top):
    source = tbt.random_inputs(TINY, "encoder", [12], seed=2)
    for strategy in ("auto", "bmt"):
        config = GenerationConfig(2, eos_token_id=0, num_beams=2, max_length=6)
        with pytest.raises(lowbit.InputError, match=r"5 largest logits only.*without 'top'"):
            generate(whole_and_top[1], source, config, strategy=strategy)
    with pytest.raises(lowbit.InputError, match="gives all logits; compile it with top"):
        Decoder(whole_and_top[0]).step_top(np.array([2]))


def test_targets_agree():
    """Every level of instructions that this machine has computes the same codes."""
    parameters = tbt.TBTParameters.random(TINY.with_bits(2, 2), seed=15)
    exported = tbt.build_model(parameters, "decoder_step", expose_sites=True)
    feeds = tbt.random_inputs(TINY, "decoder_step", [24, 15])
    ran = 0
    for model in compile_for_each(exported, ("x86-64", "x86-64-v3", "x86-64-v4", "native")):
        check_comparison(tbt.compare(parameters, "decoder_step", feeds, model.run(feeds)))
        ran += 1
    assert ran >= 2


def given_states(hidden_size: int) -> onnx.ModelProto:
    """An encoder whose states are an input. It costs nothing to compile, unlike a real one."""
    emitter = GraphEmitter(17)
    source, states = ("batch", "source"), ("batch", "source", hidden_size)
    mask = emitter.add_input("attention_mask", source)
    given = emitter.add_input("given_states", states, onnx.TensorProto.FLOAT)
    emitter.initializer("last", np.array([-1]))
    numbers = emitter.node("Cast", [mask], "numbers", "numbers", {"to": onnx.TensorProto.FLOAT})
    column = emitter.node("Unsqueeze", [numbers, "last"], "column", "column", {})
    kept = emitter.node("Mul", [given, column], "kept", "kept", {})
    emitter.add_output(kept, "last_hidden_state", states)
    return emitter.model("lowbit", ir_version=8)


@pytest.mark.parametrize("target", ["x86-64", "x86-64-v4,+avx512vnni", "native"])
@pytest.mark.parametrize(
    "name", ["w1a1", "w1a1-odd-heads", "w2a2", "mbart-w2a2", "w1a8", "w1a1-narrow"]
)
def test_packed_states_change_no_bit(name, target):
    """A session that keeps codes gives the logits of one that keeps numbers. Packing concerns
    what makes and reads keys and values, not the encoder: it is there for one model only."""
    bits, changes, form = MODELS[name]
    config = replace(TINY, **changes).with_bits(*bits)
    parameters = tbt.TBTParameters.random(config, seed=5)
    form = {key: value for key, value in form.items() if key in ("opset", "fold_constants")}
    models = {part: tbt.build_model(parameters, part, **form) for part in tbt.SESSION_PARTS}
    rng = np.random.default_rng(5)
    source = {"attention_mask": np.ones((2, 11), np.int64)}
    source["attention_mask"][1, 6:] = 0
    if name == "w1a1-odd-heads":
        source["input_ids"] = rng.integers(3, config.vocab_size, (2, 11))
    else:
        models["encoder"] = given_states(config.hidden_size)
        states = rng.standard_normal((2, 11, config.hidden_size))
        source["given_states"] = states.astype(np.float32)
    tokens = rng.integers(3, config.vocab_size, (3, 6, 2, 1))
    logits, states, memory = [], [], []
    for packs in (False, True):
        session = compile_or_skip(models, target, pack_states=packs).session()
        session.start(source)
        made = []
        for round_ in range(3):
            made += [session.step({"decoder_input_ids": row})["logits"] for row in tokens[round_]]
            session = session.fork()
            session.reorder([1, 1 - round_ % 2])
        logits.append(np.stack(made))
        states.append(session.state("past_self_k0"))
        memory.append(session.memory)
    np.testing.assert_array_equal(*logits)
    if name == "w1a1-narrow" or config.activation_bits == 8:
        np.testing.assert_array_equal(*states)
    else:
        words = -(-config.head_size // 64) * 2
        assert states[1].dtype == np.int64
        assert states[1].shape == (*states[0].shape[:3], words)
        assert memory[1] < memory[0] / 3
