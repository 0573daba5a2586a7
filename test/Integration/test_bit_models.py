# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles BiT models of many shapes and compares every code with the reference."""

from __future__ import annotations

from dataclasses import replace

import lowbit
import numpy as np
import pytest
from agreement import Agreement
from lowbit.models import bit
from targets import compile_for_each

TINY = bit.BiTConfig(
    vocab_size=150, hidden_size=96, num_layers=2, num_heads=3, ffn_size=192, max_positions=48
)
TORCHSCRIPT_13 = {"form": "torchscript", "opset": 13, "batch": 2, "sequence": 24}
TORCHSCRIPT_17 = {"form": "torchscript", "opset": 17}
DYNAMO_18 = {"form": "dynamo", "opset": 18, "batch": 2, "sequence": 24}
DYNAMO_20 = {"form": "dynamo", "opset": 20}

#: Name, changes to TINY, form of the graph.
MODELS = {
    "w1a1": ({}, TORCHSCRIPT_17),
    "w1a1-static": ({}, TORCHSCRIPT_13),
    "w1a1-dynamo": ({}, DYNAMO_20),
    "w1a1-dynamo-static": ({}, DYNAMO_18),
    "w1a1-unfolded": ({"num_layers": 1}, {**TORCHSCRIPT_17, "fold_constants": False}),
    "w1a1-opset11": ({"num_layers": 1}, {"form": "torchscript", "opset": 11}),
    "w1a1-no-types": ({"num_layers": 1}, {**TORCHSCRIPT_17, "token_type_input": False}),
    "w1a1-three-layers": ({"num_layers": 3, "hidden_size": 64, "num_heads": 4}, TORCHSCRIPT_17),
    "w1a1-odd-heads": ({"hidden_size": 100, "num_heads": 4, "ffn_size": 130}, TORCHSCRIPT_17),
    "w1a1-wide-head": ({"hidden_size": 160, "num_heads": 2, "num_layers": 1}, DYNAMO_20),
    "w1a1-narrow": (
        {"hidden_size": 15, "num_heads": 5, "ffn_size": 7, "num_layers": 1},
        TORCHSCRIPT_17,
    ),
    "w1a1-rowwise": ({"weight_layerwise": False, "num_layers": 1}, TORCHSCRIPT_17),
    "w1a1-gelu": ({"activation": "gelu", "num_layers": 1}, DYNAMO_20),
    "w1a1-float-attention": ({"quantize_attention": False, "num_layers": 1}, TORCHSCRIPT_17),
    "w1a1-symmetric": ({"symmetric_ffn_attention": True, "num_layers": 1}, TORCHSCRIPT_17),
    "w1a1-answers": ({"task": "question_answering", "num_layers": 1}, TORCHSCRIPT_17),
    "w1a1-encoder": ({"task": "encoder", "embedding_layerwise": True, "num_layers": 1}, DYNAMO_20),
    "w1a2": ({"activation_bits": 2}, TORCHSCRIPT_17),
    "w1a2-dynamo": ({"activation_bits": 2, "hidden_size": 100, "num_heads": 4}, DYNAMO_20),
    "w1a4": ({"activation_bits": 4, "num_layers": 1}, TORCHSCRIPT_17),
    "w1a8": ({"activation_bits": 8, "num_layers": 1}, TORCHSCRIPT_17),
    "w1a8-dynamo": ({"activation_bits": 8, "num_layers": 1}, DYNAMO_18),
}


def feeds_of(model: lowbit.Model, feeds):
    return {name: feeds[name] for name in model.input_names}


def feeds_for_reference(model: lowbit.Model, feeds):
    if "token_type_ids" in model.input_names:
        return feeds
    return {**feeds, "token_type_ids": np.zeros_like(feeds["input_ids"])}


@pytest.mark.parametrize("name", MODELS)
def test_codes_are_those_of_the_reference(name, sentences):
    changes, form = MODELS[name]
    config = replace(TINY, **changes)
    parameters = bit.BiTParameters.random(config, seed=11, calibration_length=24)
    exported = bit.build_model(parameters, expose_sites=True, expose_hidden=True, **form)
    model = lowbit.compile(exported)

    batches = [[24, 15]]
    if "batch" not in form:
        batches += [[1], [17, 9, 12], [33]]
    for lengths in batches:
        feeds = sentences(config, lengths)
        got = model.run(feeds_of(model, feeds))
        Agreement(parameters).check(feeds_for_reference(model, feeds), got)


@pytest.mark.parametrize("form", [TORCHSCRIPT_17, DYNAMO_20], ids=["torchscript", "dynamo"])
@pytest.mark.parametrize("bits", [(1, 32), (32, 32)], ids=["w1a32", "float"])
def test_float_activations(bits, form, sentences):
    config = replace(TINY, activation="gelu").with_bits(*bits)
    parameters = bit.BiTParameters.random(config, seed=11)
    model = lowbit.compile(bit.build_model(parameters, **form))
    for lengths in ([24, 15], [1], [17, 9, 12]):
        feeds = sentences(config, lengths)
        expected = bit.BiTReference(parameters).run(**feeds).outputs["logits"]
        got = model.run(feeds)["logits"]
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("bits", [1, 8])
def test_the_same_model_without_exposed_sites_gives_the_same_logits(bits, sentences):
    """Exposing a tensor must not change the others: what tests look at is what users run. The
    next test compares models of two and four bits."""
    config = TINY.with_bits(1, bits)
    parameters = bit.BiTParameters.random(config, seed=12, calibration_length=24)
    plain, exposed = (
        lowbit.compile(bit.build_model(parameters, expose_sites=sites)) for sites in (False, True)
    )
    feeds = sentences(config, [31, 20])
    np.testing.assert_allclose(
        plain.run(feeds)["logits"], exposed.run(feeds)["logits"], rtol=0, atol=1e-6
    )


#: Rows in which a zero is looked for first.
FIRST_ROWS = 32


def least_column(model, parameters, prefix: str, feeds) -> np.ndarray:
    """The column of the least shift behind a ReLU, row by row, from a model with its sites."""
    move = parameters.tensors[prefix + "output.dense.move.bias"]
    column = int(np.argmin(move))
    site = model.run(feeds)[prefix + "output.dense.input_clip_val.input"]
    return site[..., column].ravel() - move[column]


def leave_late_zeros(parameters, prefix: str, batches) -> dict[str, np.ndarray]:
    """Moves a bias so that the least column of one of the batches, which is returned, has its
    first zero behind the first rows."""
    bias = parameters.tensors[prefix + "intermediate.dense.bias"]
    column = int(np.argmin(parameters.tensors[prefix + "output.dense.move.bias"]))
    bias[column] += 100
    model = lowbit.compile(bit.build_model(parameters, expose_sites=True))
    for feeds in batches:
        numbers = least_column(model, parameters, prefix, feeds)
        first, late = numbers[:FIRST_ROWS].min(), numbers[FIRST_ROWS:].min()
        if late < first:
            bias[column] -= (first + late) / 2
            return feeds
    raise AssertionError("no batch has its least number behind the first rows")


@pytest.mark.parametrize("bits", [2, 4])
def test_minimum_behind_a_relu(bits, sentences):
    """The whole result is only computed first where no zero is found in its least column, which
    is looked for in 32 rows and then in all. Each layer is another case of that, as layers cost
    much less to compile than models."""
    never_zero = ["nothing", "least column", "late rows", "everything"]
    config = replace(TINY.with_bits(1, bits), num_layers=len(never_zero))
    parameters = bit.BiTParameters.random(config, seed=17, calibration_length=24)
    batches = [sentences(config, lengths) for lengths in ([31, 20], [1])]
    for layer, case in enumerate(never_zero):
        prefix = f"bert.encoder.layer.{layer}."
        bias = parameters.tensors[prefix + "intermediate.dense.bias"]
        move = parameters.tensors[prefix + "output.dense.move.bias"]
        if case == "everything":
            bias += 1e4
        elif case == "least column":
            bias[np.argmin(move)] += 1e4
        elif case == "late rows":
            long = (sentences(config, [48, 40], seed=seed) for seed in range(20))
            batches.insert(0, leave_late_zeros(parameters, prefix, long))
    plain, exposed = (
        lowbit.compile(bit.build_model(parameters, expose_sites=sites)) for sites in (False, True)
    )
    products = [entry for entry in plain.report["matmuls"] if "intermediate" in entry["name"]]
    assert [product["result"] for product in products] == ["codes"] * len(never_zero)
    late = f"bert.encoder.layer.{never_zero.index('late rows')}."
    zeros = np.flatnonzero(least_column(exposed, parameters, late, batches[0]) == 0)
    assert zeros.size and zeros[0] >= FIRST_ROWS
    for feeds in batches:
        np.testing.assert_allclose(
            plain.run(feeds)["logits"], exposed.run(feeds)["logits"], rtol=0, atol=1e-6
        )


def test_any_number_of_threads_gives_equal_bits(tmp_path, sentences):
    parameters = bit.BiTParameters.random(TINY, seed=13)
    feeds = sentences(TINY, [33, 8, 21])
    model = lowbit.compile(bit.build_model(parameters, expose_hidden=True))
    model.save(tmp_path / "model.so")
    expected = model.run(feeds)
    for threads in (2, 3):
        other = lowbit.load(tmp_path / "model.so", threads=threads).run(feeds)
        for name, value in expected.items():
            np.testing.assert_array_equal(value, other[name], err_msg=name)


def test_padding_does_not_reach_the_other_tokens(sentences):
    """One-bit quantizers look at single values, so wider padding changes nothing."""
    parameters = bit.BiTParameters.random(TINY, seed=14)
    model = lowbit.compile(bit.build_model(parameters))
    narrow = sentences(TINY, [12, 12])
    wide = {name: np.pad(value, ((0, 0), (0, 9))) for name, value in narrow.items()}
    np.testing.assert_allclose(
        model.run(narrow)["logits"], model.run(wide)["logits"], rtol=1e-5, atol=1e-5
    )


def test_report_names_a_kernel_for_every_matmul():
    """All matmuls of a binary model are binary, but for the classifier."""
    config = replace(TINY, num_layers=1)
    report = lowbit.compile(bit.build_model(bit.BiTParameters.random(config, seed=16))).report
    assert report["summary"]["matmuls"] == 10
    assert report["summary"]["float"] == 1
    assert all(entry["kernel"] for entry in report["matmuls"])
    (floats,) = (entry for entry in report["matmuls"] if entry["kernel"] == "float")
    assert "classifier" in floats["name"]
    assert floats["reason"]


def test_report_tells_what_is_fused():
    """A layer is four products by thresholds or codes, one attention and two numbers that
    normalisations read; only the pooler's quantizer, behind a slice, is apart. The target is
    given: where the cheapest kernels of such narrow heads differ, attention stays in parts."""
    config = replace(TINY, num_layers=1)
    model = bit.build_model(bit.BiTParameters.random(config, seed=16))
    report = lowbit.compile(model, target="x86-64").report
    by_node = {
        entry["name"].removeprefix("/bert/encoder/layer.0/"): entry for entry in report["matmuls"]
    }
    assert by_node["attention/self/query/MatMul"]["result"] == "thresholds"
    assert by_node["attention/output/dense/MatMul"]["result"] == "numbers"
    inner = by_node["intermediate/dense/MatMul"]
    assert inner["result"] == "thresholds" and inner["result_levels"] == "0, 1"
    assert any("intermediate/dense/Add" in node for node in inner["nodes"])
    assert any("output/dense" in node for node in inner["nodes"]), "its quantizer"
    (attention,) = report["attentions"]
    assert attention["result"] == "codes" and attention["joins_heads"]
    steps = [entry["name"] for entry in report["matmuls"] if entry["attention"] == 0]
    assert len(steps) == 2 and set(steps) <= set(attention["nodes"])
    assert [len(norm["results"]) for norm in report["norms"]] == [3, 1, 0]
    (apart,) = report["quantizers"]
    assert "pooler" in apart["name"] and "slice" in apart["reason"]
    for entry in report["matmuls"]:
        if entry["kernel"] == "float":
            continue
        rows = {row["kernel"]: row for row in report["selections"][entry["selection"]]["rows"]}
        assert rows[entry["kernel"]]["cost"] == entry["cost"]
        assert all((row["cost"] is None) != (row["reason"] is None) for row in rows.values())
        assert entry["cost"] == min(row["cost"] for row in rows.values() if row["cost"])


def test_targets_agree(sentences):
    """Every level of instructions that this machine has computes the same codes."""
    parameters = bit.BiTParameters.random(TINY, seed=15)
    exported = bit.build_model(parameters, expose_sites=True)
    feeds = sentences(TINY, [24, 15])
    ran = 0
    for model in compile_for_each(
        exported, ("x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4", "native")
    ):
        Agreement(parameters).check(feeds, model.run(feeds))
        ran += 1
    assert ran >= 3
