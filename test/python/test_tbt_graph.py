# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The ONNX graphs of TBT models against onnx.checker, onnxruntime and the numpy reference."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from lowbit.models import tbt
from lowbit.models.tbt.__main__ import main

BITS = [(1, 1), (1, 2), (2, 2), (1, 8), (2, 8)]
FORMS = [
    {"opset": 17},
    {"opset": 13, "batch": 2, "source": 20, "target": 6},
    {"opset": 15, "fold_constants": False},
]


def run_onnxruntime(model: onnx.ModelProto, feeds):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    outputs = [value.name for value in session.get_outputs()]
    return dict(zip(outputs, session.run(None, feeds)))


@pytest.mark.parametrize("part", tbt.PARTS)
@pytest.mark.parametrize("form", FORMS, ids=lambda form: "-".join(map(str, form.values())))
@pytest.mark.parametrize("bits", BITS, ids=lambda bits: "w{}a{}".format(*bits))
@pytest.mark.parametrize("pre_norm", [False, True], ids=["bart", "mbart"])
def test_graph_agrees_with_the_reference(small_tbt_config, part, form, bits, pre_norm):
    config = replace(small_tbt_config, pre_norm=pre_norm, scale_embedding=pre_norm)
    parameters = tbt.TBTParameters.random(config.with_bits(*bits), seed=4)
    model = tbt.build_model(parameters, part, expose_hidden=True, expose_sites=True, **form)
    onnx.checker.check_model(model, full_check=True)
    feeds = tbt.random_inputs(config, part, [20, 13])
    assert [value.name for value in model.graph.input] == list(feeds)
    result = tbt.compare(parameters, part, feeds, run_onnxruntime(model, feeds))
    assert result.differing == 0
    assert result.decisions > 1000
    assert result.input_error < 2e-6
    assert result.output_error < 2e-5


def operators(model: onnx.ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.node)


def names(values) -> list[str]:
    return [value.name for value in values]


def test_states_of_a_session_are_paired(small_tbt_config):
    parameters = tbt.TBTParameters.random(small_tbt_config, seed=4)
    encoder, cross, step = (tbt.build_model(parameters, part) for part in tbt.SESSION_PARTS)
    assert names(encoder.graph.output) == ["last_hidden_state"]
    assert names(cross.graph.input) == ["encoder_hidden_states"]
    past = [name for name in names(step.graph.input) if name.startswith("past_")]
    assert len(past) == 8
    made = names(cross.graph.output) + names(step.graph.output)[1:]
    assert sorted(name.replace("present_", "past_") for name in made) == sorted(past)


def test_spelling(small_tbt_config):
    parameters = tbt.TBTParameters.random(small_tbt_config, seed=4)
    folded = tbt.build_model(parameters, "seq2seq")
    unfolded = tbt.build_model(parameters, "seq2seq", fold_constants=False)
    sizes = {tensor.name: tuple(tensor.dims) for tensor in folded.graph.initializer}
    assert sizes["model.shared.weight"] == (120, 48)
    assert (48, 120) in sizes.values()  # the transposed copy of the output layer
    assert (48, 120) not in {tuple(tensor.dims) for tensor in unfolded.graph.initializer}
    # One quantizer for each linear layer, and one for both uses of the embedding.
    assert operators(folded)["Abs"] == operators(unfolded)["Abs"] == 6 + 2 * 10 + 1
    assert operators(folded)["Greater"] == 0
    assert operators(unfolded)["Greater"] == 26 + 5 * 4  # the guard of every scale
    assert operators(folded)["LayerNormalization"] == 2 + 2 + 2 * 3
    nodes = names(folded.graph.node)
    assert "/model/decoder/layers.1/encoder_attn/q_proj/MatMul" in nodes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"part": "decoder"}, "part must be one of encoder, cross_kv, decoder_step, seq2seq"),
        ({"part": "encoder", "opset": 18}, "opset must be 13 to 17, got 18"),
        ({"part": "encoder", "source": 41}, "source 41 is longer than max_positions 40"),
    ],
)
def test_impossible_graphs_are_refused(small_tbt_config, options, message):
    parameters = tbt.TBTParameters.random(small_tbt_config, seed=4)
    with pytest.raises(ValueError, match=message):
        tbt.build_model(parameters, **options)


def test_one_bit_steps_are_the_teacher_forced_pass(small_tbt_config):
    """One-bit quantizers look at single values, so caching changes nothing."""
    reference = tbt.TBTReference(tbt.TBTParameters.random(small_tbt_config, seed=4))
    feeds = tbt.random_inputs(small_tbt_config, "seq2seq", [20, 13], target=5)
    feeds["decoder_attention_mask"][:] = 1
    expected = reference.run("seq2seq", feeds).outputs["logits"]
    encoded = reference.run("encoder", feeds).outputs["last_hidden_state"]
    caches = reference.run("cross_kv", {"encoder_hidden_states": encoded}).outputs
    for index in range(2):
        for tensor in "kv":
            caches[f"present_self_{tensor}{index}"] = np.zeros((2, 3, 0, 16), np.float32)
    for position in range(5):
        step = {name.replace("present_", "past_"): value for name, value in caches.items()}
        step["attention_mask"] = feeds["attention_mask"]
        step["decoder_input_ids"] = feeds["decoder_input_ids"][:, position : position + 1]
        outputs = reference.run("decoder_step", step).outputs
        caches.update({name: outputs[name] for name in outputs if name.startswith("present_")})
        np.testing.assert_allclose(
            outputs["logits"][:, 0], expected[:, position], rtol=1e-5, atol=1e-5
        )


def test_command_line(tmp_path: Path, capsys):
    sizes = ["--hidden-size", "24", "--encoder-layers", "1", "--decoder-layers", "1"]
    arguments = ["--config", "mbart-tiny", "--bits", "2", "8", *sizes, "-o", str(tmp_path / "out")]
    assert main([*arguments, "--batch", "1"]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "cross_kv.onnx",
        "decoder_step.onnx",
        "encoder.onnx",
    ]
    encoder = onnx.load(str(tmp_path / "out" / "encoder.onnx"))
    onnx.checker.check_model(encoder)
    assert encoder.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 1
    assert operators(encoder)["LayerNormalization"] == 1 + 2 + 1
    assert main([*arguments, "--parts", "seq2seq", "--target", "7"]) == 0
    assert (tmp_path / "out" / "seq2seq.onnx").exists()

    assert main(["--bits", "3", "1", "-o", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "error: weight_bits must be 1 or 2, got 3\n"
    assert main(["--checkpoint", str(tmp_path / "none.npz"), "-o", str(tmp_path)]) == 1
    assert "none.npz" in capsys.readouterr().err
