# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Programs of several models, and sessions that step through them."""

from __future__ import annotations

import threading
from pathlib import Path

import lowbit
import numpy as np
import onnx
import pytest
import seq2seq
from onnx.reference import ReferenceEvaluator


@pytest.fixture(scope="module")
def models() -> dict[str, onnx.ModelProto]:
    return {
        "encoder": seq2seq.encoder(),
        "cross_kv": seq2seq.cross_kv(),
        "step": seq2seq.step(),
    }


@pytest.fixture(scope="module")
def program(models) -> lowbit.Program:
    return lowbit.compile(models)


@pytest.fixture
def session(program) -> lowbit.Session:
    return program.session()


SRC = np.array([[3, 1, 4, 1, 5], [9, 2, 6, 5, 3], [5, 8, 9, 7, 9]])


class Reference:
    """What a session does, by ONNX's reference implementation and numpy."""

    def __init__(self, models, src):
        self.models = {name: ReferenceEvaluator(model) for name, model in models.items()}
        (encoded,) = self.models["encoder"].run(None, {"src": src})
        cross = self.models["cross_kv"].run(None, {"encoded": encoded})
        empty = np.zeros((len(src), seq2seq.HEADS, 0, seq2seq.HEAD), np.float32)
        self.caches = dict(zip(("cross_k", "cross_v"), cross), past_k=empty, past_v=empty)

    def step(self, ids):
        logits, k, v = self.models["step"].run(None, {"ids": ids, **self.caches})
        self.caches.update(past_k=k, past_v=v)
        return logits

    def reorder(self, rows):
        self.caches = {name: cache[list(rows)] for name, cache in self.caches.items()}


def test_program(program):
    assert list(program) == ["encoder", "cross_kv", "step"] == list(program.entries)
    assert "step" in program and len(program) == 3
    assert program["encoder"].input_names == ["src"]
    assert program["encoder"].outputs[0].state == "encoded"
    assert program["step"].inputs[0].state is None
    assert {spec.state for spec in program["step"].outputs} == {None, "past_k", "past_v"}
    assert "encoder, cross_kv, step" in repr(program)
    assert [entry["name"] for entry in program.report["entries"]] == list(program)
    assert program.report["summary"]["matmuls"] == sum(
        entry["summary"]["matmuls"] for entry in program.report["entries"]
    )
    with pytest.raises(KeyError, match="no entry 'decoder'; the entries are encoder, cross_kv"):
        program["decoder"]


def test_entries_run_on_their_own(models, program):
    (expected,) = ReferenceEvaluator(models["encoder"]).run(None, {"src": SRC})
    got = program["encoder"].run({"src": SRC})["encoded"]
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


def test_equal_weights_are_stored_once(models, program, tmp_path: Path):
    program.save(tmp_path / "program.so")
    size = (tmp_path / "program.so").stat().st_size
    apart = {**models, "step": seq2seq.step()}
    table = next(t for t in apart["step"].graph.initializer if t.name == "table")
    values = onnx.numpy_helper.to_array(table) + 1
    table.CopyFrom(onnx.numpy_helper.from_array(values, "table"))
    lowbit.compile(apart).save(tmp_path / "apart.so")
    assert (tmp_path / "apart.so").stat().st_size - size >= values.nbytes


def test_steps_are_those_of_the_reference(models, session):
    reference = Reference(models, SRC)
    assert session.start({"src": SRC}) == {}
    rng = np.random.default_rng(1)
    rows = len(SRC)
    # Beams of a batch that spreads, changes places and shrinks.
    for order in [None, [0, 0, 1, 1, 2, 2], [1, 0, 2, 2, 5, 4], None, [3, 1], [0, 1]]:
        if order is not None:
            session.reorder(order)
            reference.reorder(order)
            rows = len(order)
        for _ in range(3):
            ids = rng.integers(0, seq2seq.WORDS, (rows, 1))
            outputs = session.step({"ids": ids})
            assert list(outputs) == ["logits"]
            np.testing.assert_allclose(outputs["logits"], reference.step(ids), rtol=1e-4, atol=1e-5)
    assert session.steps == 18
    np.testing.assert_allclose(
        session.state("past_k"), reference.caches["past_k"], rtol=1e-4, atol=1e-5
    )


def test_fork_and_reset(session):
    session.start({"src": SRC})
    first = session.step({"ids": np.full((3, 1), 7)})["logits"]
    fork = session.fork()
    assert fork.steps == 1
    after = [s.step({"ids": np.full((3, 1), i)})["logits"] for i, s in enumerate((session, fork))]
    assert not np.array_equal(*after)
    again = fork.fork()
    with pytest.raises(lowbit.InputError, match="ids"):
        again.step({"ids": np.full((1, 1), 7)})
    session.reset()
    assert session.steps == 0
    session.start({"src": SRC})
    np.testing.assert_array_equal(session.step({"ids": np.full((3, 1), 7)})["logits"], first)
    del session
    np.testing.assert_array_equal(fork.fork().state("past_k"), fork.state("past_k"))


def test_states_can_be_set(program, session):
    session.start({"src": SRC})
    session.step({"ids": np.full((3, 1), 7)})
    other = program.session()
    other.set_state({name: session.state(name) for name in session.states if name != "encoded"})
    ids = np.full((3, 1), 2)
    np.testing.assert_array_equal(
        other.step({"ids": ids})["logits"], session.step({"ids": ids})["logits"]
    )


def test_memory_grows_rarely(session):
    session.start({"src": SRC[:1]})
    sizes = {session.step({"ids": np.array([[i % 9]])}) and session.memory for i in range(300)}
    assert len(sizes) < 40


def test_one_entry_can_run_in_a_session(session):
    outputs = session.run("encoder", {"src": SRC})
    assert outputs == {}
    assert session.state("encoded").shape == (3, 5, seq2seq.WIDTH)
    session.run("cross_kv", {})
    assert session.step({"ids": np.full((3, 1), 7)})["logits"].shape == (3, 1, seq2seq.WORDS)
    with pytest.raises(lowbit.InputError, match="no entry 'decoder'; the entries are encoder"):
        session.run("decoder", {})


def test_save_and_load(models, program, tmp_path: Path):
    program.save(tmp_path / "program.so")
    loaded = lowbit.load(tmp_path / "program.so", threads=2)
    assert isinstance(loaded, lowbit.Program)
    assert list(loaded) == list(program)
    assert loaded["step"].inputs == program["step"].inputs
    for name, model in models.items():
        onnx.save(model, tmp_path / f"{name}.onnx")
    paths = [tmp_path / f"{name}.onnx" for name in models]
    named = lowbit.compile(paths)
    assert list(named) == list(models)
    ids = np.full((3, 1), 7)
    results = []
    for artifact in (program, loaded, named):
        session = artifact.session("step")
        session.start({"src": SRC})
        results.append(session.step({"ids": ids})["logits"])
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_a_model_alone_has_sessions(models):
    model = lowbit.compile(models["step"])
    session = model.session()
    caches = {
        name: np.ones((1, seq2seq.HEADS, 4, seq2seq.HEAD), np.float32)
        for name in ("cross_k", "cross_v")
    }
    for length in range(1, 4):
        session.step({"ids": np.array([[5]]), **caches})
        assert session.state("past_k").shape[2] == length
    assert session.start({}) == {}
    with pytest.raises(lowbit.InputError, match="missing input 'cross_k', 'cross_v'"):
        session.step({"ids": np.array([[5]])})


def test_declared_states(models):
    model = seq2seq.step()
    for value in (*model.graph.output, *model.graph.node):
        if isinstance(value, onnx.NodeProto):
            value.input[:] = [name.replace("present", "grown") for name in value.input]
            value.output[:] = [name.replace("present", "grown") for name in value.output]
        else:
            value.name = value.name.replace("present", "grown")
    with pytest.raises(lowbit.InputError, match="nothing to step through"):
        lowbit.compile(model).session()
    states = {"past_k": "grown_k", "past_v": "grown_v"}
    assert set(lowbit.compile(model, states=states).session().states) == set(states)
    with pytest.raises(lowbit.CompileError, match="no model has an output 'grown_q'"):
        lowbit.compile(model, states={"past_k": "grown_q"})


def test_concurrent_use_is_refused_or_takes_turns(program, session):
    session.start({"src": SRC})
    failures = []

    def work() -> None:
        for _ in range(30):
            try:
                session.step({"ids": np.full((3, 1), 7)})
            except lowbit.InputError as error:
                failures.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert session.steps + len(failures) == 120
    assert set(failures) <= {"the session is in use by another thread"}
    assert session.state("past_k").shape[2] == session.steps


def test_steps_that_do_not_fit(session):
    ids = np.full((3, 1), 7)
    with pytest.raises(
        lowbit.InputError,
        match=r"'step': missing input 'cross_k' \(made by 'cross_kv'\).*has not been started",
    ):
        session.step({"ids": ids})
    session.start({"src": SRC})
    with pytest.raises(lowbit.InputError, match="unknown input 'tokens'; the inputs are src"):
        session.step({"tokens": ids})
    with pytest.raises(lowbit.InputError, match="'ids': expected int64, got int32"):
        session.step({"ids": ids.astype(np.int32)})
    with pytest.raises(lowbit.InputError, match="dimension 0 is 3, but 'B' is 2 in 'ids'"):
        session.step({"ids": ids[:2]})
    with pytest.raises(lowbit.RunError, match="index out of range"):
        session.step({"ids": np.full((3, 1), seq2seq.WORDS)})
    assert session.steps == 0
    session.step({"ids": ids})
    with pytest.raises(lowbit.InputError, match="row 3 at position 1 is out of range"):
        session.reorder([0, 3])
    # Caches of two lengths.
    session.set_state({"past_k": np.zeros((3, 2, 4, seq2seq.HEAD), np.float32)})
    with pytest.raises(lowbit.InputError, match="'past_v' dimension 2 is 1, but 'P' is 4"):
        session.step({"ids": ids})
    with pytest.raises(lowbit.InputError, match="there is no state 'ids'"):
        session.set_state({"ids": ids})
    with pytest.raises(lowbit.InputError, match="there is no state 'future'"):
        session.state("future")


def test_models_that_do_not_fit(models):
    with pytest.raises(
        lowbit.CompileError,
        match=r"output 'encoded' of 'encoder' is float32 \[B, S, 16\], but input 'encoded' of"
        r" 'cross_kv', which it feeds, is float32 \[B, S, 32\]",
    ):
        lowbit.compile({**models, "encoder": seq2seq.encoder(width=16)})
    broken = seq2seq.cross_kv()
    broken.graph.node[0].op_type = "Foo"
    broken.graph.node[0].name = "the_foo"
    with pytest.raises(lowbit.CompileError, match=r"(?s)cross_kv: error: .*the_foo"):
        lowbit.compile({**models, "cross_kv": broken})
    with pytest.raises(ValueError, match="no models"):
        lowbit.compile([])
    with pytest.raises(TypeError, match="a list of models holds paths"):
        lowbit.compile([models["encoder"]])  # type: ignore[call-overload]
    with pytest.raises(lowbit.InputError, match="no entry 'decoder', expected one of 'encoder'"):
        lowbit.compile(models).session("decoder")
