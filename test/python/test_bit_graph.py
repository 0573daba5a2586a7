# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The ONNX graphs against onnx.checker, onnxruntime and the numpy reference."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from lowbit.models import bit
from lowbit.models.bit.__main__ import main

FORMS = [
    {"form": "torchscript", "opset": 11, "batch": 2, "sequence": 24},
    {"form": "torchscript", "opset": 13, "batch": 2, "sequence": 24},
    {"form": "torchscript", "opset": 17},
    {"form": "torchscript", "opset": 17, "fold_constants": False, "token_type_input": False},
    {"form": "dynamo", "opset": 18, "batch": 2, "sequence": 24},
    {"form": "dynamo", "opset": 20, "token_type_input": False},
    {"form": "dynamo", "opset": 20, "batch": 2},
]
VARIANTS = [
    {"activation_bits": 1},
    {"activation_bits": 2},
    {"activation_bits": 4},
    {"activation_bits": 32},
    {"activation_bits": 1, "weight_layerwise": False, "task": "question_answering"},
    {"activation_bits": 2, "quantize_attention": False, "task": "encoder"},
    {"activation_bits": 1, "symmetric_ffn_attention": True, "embedding_layerwise": True},
    {"activation_bits": 32, "weight_bits": 32, "activation": "gelu"},
]


def feeds_for(model: onnx.ModelProto, config: bit.BiTConfig, seed: int = 1):
    """Random tokens [2, 24]; the second sequence is padded."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, config.vocab_size, (2, 24))
    mask = np.ones_like(ids)
    mask[1, 15:] = 0
    types = rng.integers(0, config.type_vocab_size, ids.shape)
    if not any(value.name == "token_type_ids" for value in model.graph.input):
        types = np.zeros_like(ids)
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}


def run_onnxruntime(model: onnx.ModelProto, feeds):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    names = [value.name for value in session.get_inputs()]
    outputs = [value.name for value in session.get_outputs()]
    return dict(zip(outputs, session.run(None, {name: feeds[name] for name in names})))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: "-".join(map(str, form.values())))
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: "-".join(map(str, v.values())))
def test_graph_agrees_with_the_reference(small_config, variant, form):
    config = replace(small_config, **variant)
    parameters = bit.BiTParameters.random(config, seed=4)
    model = bit.build_model(parameters, expose_hidden=True, expose_sites=True, **form)
    onnx.checker.check_model(model, full_check=True)

    feeds = feeds_for(model, config)
    got = run_onnxruntime(model, feeds)
    forced = {name[: -len(".input")]: x for name, x in got.items() if name.endswith(".input")}
    expected = bit.BiTReference(parameters).run(**feeds, forced=forced)
    assert len(expected.sites) == len(forced)
    for site in expected.sites:
        codes = bit.site_value_to_codes(got[f"{site.name}.value"], site.scale, site.offset)
        np.testing.assert_array_equal(codes, site.codes, err_msg=site.name)
        np.testing.assert_allclose(forced[site.name], site.input, rtol=1e-5, atol=5e-6)
    for name, value in expected.outputs.items():
        if name in got:
            np.testing.assert_allclose(got[name], value, rtol=1e-5, atol=2e-5, err_msg=name)


def operators(model: onnx.ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.node)


def test_spelling_of_the_forms(small_config):
    parameters = bit.BiTParameters.random(small_config, seed=4)
    folded = bit.build_model(parameters, "torchscript")
    unfolded = bit.build_model(parameters, "torchscript", fold_constants=False)
    dynamo = bit.build_model(parameters, "dynamo", batch=2, sequence=24)

    weight = "bert.encoder.layer.0.output.dense.weight"
    sizes = {tensor.name: tuple(tensor.dims) for tensor in folded.graph.initializer}
    assert sizes[weight] == (48, 80)
    assert sum(dims == (48 * 80,) for dims in sizes.values()) == 4  # flattened copies
    assert operators(folded)["ReduceL1"] == 13  # the row-wise scale of the embedding is folded
    assert operators(unfolded)["ReduceL1"] == 14
    assert operators(unfolded)["Greater"] == 21  # the guard of every scale
    assert operators(folded)["Greater"] == 0
    assert "/bert/encoder/layer.1/output/dense/MatMul" in [node.name for node in folded.graph.node]

    counts = operators(dynamo)
    assert counts["Constant"] == counts["Shape"] == 0
    assert counts["Gemm"] == 2
    # The epsilon of the norms is gone.
    assert operators(folded)["Sqrt"] == counts["Sqrt"] == 5
    sums = {node.output[0] for node in dynamo.graph.node if node.op_type == "Add"}
    assert not any(node.input[0] in sums for node in dynamo.graph.node if node.op_type == "Sqrt")


def test_float_model_uses_layer_normalization_where_it_exists(small_config):
    parameters = bit.BiTParameters.random(small_config.with_bits(32, 32), seed=4)
    assert operators(bit.build_model(parameters, opset=13))["LayerNormalization"] == 0
    assert operators(bit.build_model(parameters, opset=17))["LayerNormalization"] == 5
    assert operators(bit.build_model(parameters, opset=17))["Sign"] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"form": "jit"}, "form must be"),
        ({"form": "dynamo", "opset": 17}, "opsets 18 to 24, got 17"),
        ({"form": "torchscript", "opset": 18}, "opsets 11 to 17, got 18"),
        ({"sequence": 41}, "longer than max_positions 40"),
    ],
)
def test_impossible_graphs_are_refused(small_config, options, message):
    parameters = bit.BiTParameters.random(small_config, seed=4)
    with pytest.raises(ValueError, match=message):
        bit.build_model(parameters, **options)


def test_external_data(small_config, tmp_path: Path):
    parameters = bit.BiTParameters.random(small_config, seed=4)
    model = bit.build_model(parameters)
    for _ in range(2):  # the second time over the first
        bit.save_model(model, tmp_path / "bit.onnx", external_data=True)
        assert (tmp_path / "bit.onnx.data").stat().st_size > 4 * 120 * 48
    again = onnx.load(str(tmp_path / "bit.onnx"))
    assert again.graph.node == model.graph.node
    weights = zip(again.graph.initializer, model.graph.initializer)
    assert all(one.name == two.name and one.raw_data == two.raw_data for one, two in weights)


def test_command_line(tmp_path: Path, capsys):
    path = tmp_path / "bit.onnx"
    sizes = ["--hidden-size", "32", "--num-layers", "1", "--sequence", "8", "--batch", "1"]
    assert (
        main(["--config", "tiny", "--bits", "1", "2", *sizes, "--seed", "3", "-o", str(path)]) == 0
    )
    model = onnx.load(str(path))
    onnx.checker.check_model(model)
    assert operators(model)["Clip"] == 11
    assert model.graph.input[0].type.tensor_type.shape.dim[1].dim_value == 8

    assert main(["--bits", "3", "1", "-o", str(path)]) == 1
    assert capsys.readouterr().err == "error: weight_bits must be 1 or 32, got 3\n"
    assert main(["--checkpoint", str(tmp_path / "none.npz"), "-o", str(path)]) == 1
    assert "none.npz" in capsys.readouterr().err
