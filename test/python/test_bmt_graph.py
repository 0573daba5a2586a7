# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The ONNX graphs of BMT models against onnx.checker, onnxruntime and the numpy reference."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from lowbit.models import bmt
from lowbit.models.bmt.__main__ import main

FORMS = [
    {"opset": 17},
    {"opset": 13, "batch": 2, "source": 20, "target": 6},
    {"opset": 15, "fold_constants": False},
    {"opset": 17, "fold_constants": False, "source": 20, "target": 6},
]


def run_onnxruntime(model: onnx.ModelProto, feeds):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    outputs = [value.name for value in session.get_outputs()]
    return dict(zip(outputs, session.run(None, feeds)))


@pytest.mark.parametrize("part", bmt.PARTS)
@pytest.mark.parametrize("form", FORMS, ids=lambda form: "-".join(map(str, form.values())))
@pytest.mark.parametrize("bits", [1, 32], ids=lambda bits: f"w1a{bits}")
@pytest.mark.parametrize("shared", [False, True], ids=["separate", "shared"])
def test_graph_agrees_with_the_reference(small_bmt_config, part, form, bits, shared):
    config = replace(
        small_bmt_config,
        activation_bits=bits,
        share_embeddings=shared,
        logits_via_embedding=shared,
    )
    parameters = bmt.BMTParameters.random(config, seed=4)
    model = bmt.build_model(parameters, part, expose_hidden=True, expose_sites=True, **form)
    onnx.checker.check_model(model, full_check=True)
    feeds = bmt.random_inputs(config, part, [20, 13])
    assert [value.name for value in model.graph.input] == list(feeds)
    got = run_onnxruntime(model, feeds)
    assert set(bmt.BMTReference(parameters).run(part, feeds).outputs) <= set(got)
    result = bmt.compare(parameters, part, feeds, got)
    assert result.differing == 0
    assert result.decisions > 1000 or bits == 32
    assert result.input_error < 2e-6
    assert result.output_error < 2e-5


def operators(model: onnx.ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.node)


def names(values) -> list[str]:
    return [value.name for value in values]


def test_states_of_a_session_are_paired(small_bmt_config):
    parameters = bmt.BMTParameters.random(small_bmt_config, seed=4)
    encoder, step = (bmt.build_model(parameters, part) for part in bmt.SESSION_PARTS)
    assert names(encoder.graph.output) == ["cross_k0", "cross_v0", "cross_k1", "cross_v1"]
    made = names(encoder.graph.output) + names(step.graph.output)[1:]
    taken = names(step.graph.input)[2:]
    assert sorted(name.replace("present_", "past_") for name in made) == sorted(taken)


def test_spelling(small_bmt_config):
    parameters = bmt.BMTParameters.random(small_bmt_config, seed=4)
    found = operators(bmt.build_model(parameters, "seq2seq"))
    # A quantizer for each of the 6 + 2 * 10 binary layers, and one for each different input:
    # queries, keys and values share theirs, and all cross-attentions that of the encoder.
    assert found["Floor"] == 26 + 4 + 2 * 6 + 1
    assert found["LayerNormalization"] == 8 + 2 * 13 + 2
    assert found["Where"] == found["Softmax"] == 5
    floats = bmt.BMTParameters.random(replace(small_bmt_config, activation_bits=32), seed=4)
    assert operators(bmt.build_model(floats, "seq2seq"))["Floor"] == 26
    nodes = names(bmt.build_model(parameters, "step").graph.node)
    assert "/decoder/encoderdecoderblock_1/MultiHeadDotProductAttention_0/query/MatMul" in nodes


def test_the_output_layer_is_a_transposed_copy_of_the_embedding(small_bmt_config):
    config = replace(small_bmt_config, share_embeddings=True, logits_via_embedding=True)
    parameters = bmt.BMTParameters.random(config, seed=4)
    folded, unfolded = (
        [
            tuple(tensor.dims)
            for tensor in bmt.build_model(
                parameters, "seq2seq", fold_constants=fold
            ).graph.initializer
        ]
        for fold in (True, False)
    )
    assert folded.count((120, 48)) == unfolded.count((120, 48)) == 1
    assert folded.count((48, 120)) == 1
    assert unfolded.count((48, 120)) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"part": "decoder"}, "part must be one of encoder, step, seq2seq, got 'decoder'"),
        ({"part": "encoder", "opset": 18}, "opset must be 13 to 17, got 18"),
        ({"part": "encoder", "source": 41}, "source 41 is longer than max_positions 40"),
    ],
)
def test_impossible_graphs_are_refused(small_bmt_config, options, message):
    parameters = bmt.BMTParameters.random(small_bmt_config, seed=4)
    with pytest.raises(ValueError, match=message):
        bmt.build_model(parameters, **options)


@pytest.mark.parametrize("bits", [1, 32])
def test_steps_are_the_teacher_forced_pass(small_bmt_config, bits):
    """Bounds belong to tokens, so caching changes nothing."""
    config = replace(small_bmt_config, activation_bits=bits)
    reference = bmt.BMTReference(bmt.BMTParameters.random(config, seed=4))
    feeds = bmt.random_inputs(config, "seq2seq", [20, 13], target=5)
    feeds["tgt"][feeds["tgt"] == 0] = 1
    expected = reference.run("seq2seq", feeds).outputs["logits"]
    state = {**feeds, **reference.run("encoder", feeds).outputs}
    for index in range(2):
        for tensor in "kv":
            state[f"past_{tensor}{index}"] = np.zeros((2, 3, 0, 16), np.float32)
    ids = np.pad(feeds["tgt"], [(0, 0), (1, 0)])
    for position in range(5):
        step = {**state, "ids": ids[:, position : position + 1]}
        outputs = reference.run("step", step).outputs
        state.update({name.replace("present", "past"): x for name, x in outputs.items()})
        np.testing.assert_allclose(
            outputs["logits"][:, 0], expected[:, position], rtol=1e-5, atol=1e-5
        )


def test_padding_does_not_reach_other_sentences(small_bmt_config):
    reference = bmt.BMTReference(bmt.BMTParameters.random(small_bmt_config, seed=4))
    feeds = bmt.random_inputs(small_bmt_config, "seq2seq", [12, 20], target=6)
    both = reference.run("seq2seq", feeds).outputs["logits"]
    alone = {"src": feeds["src"][:1, :12], "tgt": feeds["tgt"][:1]}
    got = reference.run("seq2seq", alone).outputs["logits"]
    np.testing.assert_allclose(got, both[:1], rtol=1e-5, atol=1e-5)


def test_command_line(tmp_path: Path, capsys):
    sizes = ["--hidden-size", "24", "--encoder-layers", "1", "--decoder-layers", "1"]
    arguments = ["--activation-bits", "32", *sizes, "-o", str(tmp_path / "out")]
    assert main([*arguments, "--share-embeddings", "--batch", "1"]) == 0
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == ["encoder.onnx", "step.onnx"]
    step = onnx.load(str(tmp_path / "out" / "step.onnx"))
    onnx.checker.check_model(step)
    assert step.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 1
    assert operators(step)["Floor"] == 8  # all but the keys and values of the cross-attention
    assert "VocabEmbeddings.embedding" in names(step.graph.initializer)
    assert main([*arguments, "--parts", "seq2seq", "--target", "7"]) == 0
    assert (tmp_path / "out" / "seq2seq.onnx").exists()

    assert main(["--num-heads", "5", "-o", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "error: hidden_size 96 is not a multiple of num_heads 5\n"
    assert main(["--checkpoint", str(tmp_path / "none.npz"), "-o", str(tmp_path)]) == 1
    assert "none.npz" in capsys.readouterr().err
