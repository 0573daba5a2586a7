# ===----------------------------------------------------------------------===#
#
# Part of lowbit, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===#
#
# Makes one small model: `models.py NAME FILE`. A model is a function of this
# file; `node` and `model` keep it to a few lines.
#
# ===----------------------------------------------------------------------===#

import pathlib
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper

MODELS = {}
DTYPES = {
    "f32": TensorProto.FLOAT,
    "f16": TensorProto.FLOAT16,
    "i64": TensorProto.INT64,
    "i32": TensorProto.INT32,
    "i8": TensorProto.INT8,
    "u8": TensorProto.UINT8,
    "bool": TensorProto.BOOL,
    "string": TensorProto.STRING,
}


def case(function):
    MODELS[function.__name__] = function
    return function


def value(text):
    """`x:f32[batch,4]` or `x:f32` (no shape) as a value description."""
    name, _, rest = text.partition(":")
    dtype, bracket, dims = rest.partition("[")
    shape = None
    if bracket:
        dims = [d for d in dims.rstrip("]").split(",") if d]
        shape = [None if d == "?" else int(d) if d.lstrip("-").isdigit() else d for d in dims]
    return helper.make_tensor_value_info(name, DTYPES[dtype], shape)


def node(op, inputs, outputs, name=None, **attributes):
    return helper.make_node(
        op, inputs.split(), outputs.split(), name=name or op.lower(), **attributes
    )


def tensor(name, array, dtype="float32"):
    return numpy_helper.from_array(np.asarray(array, dtype), name)


def ints(name, *values):
    return tensor(name, values, "int64")


def model(opset, inputs, outputs, nodes, weights=(), domains=()):
    graph = helper.make_graph(
        nodes,
        "g",
        [value(v) for v in inputs.split()],
        [value(v) for v in outputs.split()],
        list(weights),
    )
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, v) for d, v in domains)]
    return helper.make_model(graph, opset_imports=imports)


# --- signature, weights ---


@case
def signature():
    return model(
        17,
        "ids:i64[batch,seq] mask:bool[batch,1]",
        "y:f32[batch,seq,4] n:bool[batch,1]",
        [node("Gather", "table ids", "y"), node("Not", "mask", "n")],
        [tensor("table", np.arange(80).reshape(20, 4))],
    )


@case
def initializer_is_input():
    m = model(17, "x:f32[2] w:f32[2]", "y:f32[2]", [node("Add", "x w", "y")], [tensor("w", [1, 2])])
    return m


@case
def typed_fields():
    weights = [
        helper.make_tensor("f", TensorProto.FLOAT, [2], [1.5, -0.0]),
        tensor("h", [1.0, 2.0], "float16"),
        helper.make_tensor("b", TensorProto.BOOL, [2], [True, False]),
        helper.make_tensor("u", TensorProto.UINT8, [2], [0, 255]),
        helper.make_tensor("i", TensorProto.INT8, [2], [-128, 127]),
        tensor("e", np.zeros([0, 3])),
    ]
    names = [w.name for w in weights]
    dtypes = {
        "f": "f32[2]",
        "h": "f16[2]",
        "b": "bool[2]",
        "u": "u8[2]",
        "i": "i8[2]",
        "e": "f32[0,3]",
    }
    return model(
        17,
        "",
        " ".join(f"o{n}:{dtypes[n]}" for n in names),
        [node("Identity", n, "o" + n, name="id" + n) for n in names],
        weights,
    )


# --- opsets ---


def reduce(opset, axes_input):
    weights = [ints("axes", -1)] if axes_input else []
    attributes = {} if axes_input else {"axes": [-1]}
    return model(
        opset,
        "x:f32[n,4]",
        "y:f32[n] z:f32[1,1]",
        [
            node("ReduceMean", "x axes" if axes_input else "x", "y", keepdims=0, **attributes),
            node("ReduceMax", "x", "z"),
        ],
        weights,
    )


@case
def reduce13():
    return reduce(13, False)


@case
def reduce18():
    return reduce(18, True)


def squeeze(opset):
    if opset < 13:
        nodes = [
            node("Unsqueeze", "x", "a", axes=[0, -1]),
            node("Squeeze", "a", "b", axes=[0]),
            node("Split", "b", "y z", axis=0, split=[1, 2]),
        ]
        return model(opset, "x:f32[3]", "y:f32[1,1] z:f32[2,1]", nodes)
    nodes = [
        node("Unsqueeze", "x outer", "a"),
        node("Squeeze", "a first", "b"),
        node("Split", "b parts", "y z", axis=0),
    ]
    weights = [ints("outer", 0, -1), ints("first", 0), ints("parts", 1, 2)]
    return model(opset, "x:f32[3]", "y:f32[1,1] z:f32[2,1]", nodes, weights)


@case
def squeeze11():
    return squeeze(11)


@case
def squeeze13():
    return squeeze(13)


@case
def softmax11():
    nodes = [
        node("Softmax", "x", "y", name="middle"),
        node("Softmax", "x", "z", name="last", axis=2),
    ]
    return model(11, "x:f32[2,3,4]", "y:f32[2,3,4] z:f32[2,3,4]", nodes)


@case
def softmax13():
    return model(13, "x:f32[2,3,4]", "y:f32[2,3,4]", [node("Softmax", "x", "y")])


@case
def dropout():
    weights = [tensor("ratio", 0.1), tensor("mode", False, "bool")]
    return model(
        17,
        "x:f32[2]",
        "y:f32[2]",
        [node("Dropout", "x ratio mode", "d mask"), node("Abs", "d", "y")],
        weights,
    )


@case
def dropout_training():
    weights = [tensor("ratio", 0.1), tensor("mode", True, "bool")]
    return model(
        17, "x:f32[2]", "y:f32[2]", [node("Dropout", "x ratio mode", "y", name="drop")], weights
    )


@case
def dropout_mask():
    return model(13, "x:f32[2]", "m:bool[2]", [node("Dropout", "x", "y d"), node("Not", "d", "m")])


@case
def constants():
    nodes = [
        node("Constant", "", "a", value_float=1.5),
        node("Constant", "", "b", value_floats=[1.0, 2.0]),
        node("Constant", "", "c", value_int=3),
        node("Constant", "", "d", value_ints=[4, 5]),
        node("Constant", "", "e", value=tensor("", [[6.0]])),
    ]
    return model(13, "", "a:f32[] b:f32[2] c:i64[] d:i64[2] e:f32[1,1]", nodes)


@case
def variadic():
    nodes = [
        node("Sum", "x y z", "s"),
        node("Mean", "x y", "m"),
        node("Max", "x y z", "a"),
        node("Min", "x", "i"),
    ]
    return model(13, "x:f32[2] y:f32[2] z:f32[2]", "s:f32[2] m:f32[2] a:f32[2] i:f32[2]", nodes)


@case
def casts():
    nodes = [node("Cast", "x", "a", to=TensorProto.INT64), node("CastLike", "a x", "y")]
    return model(19, "x:f32[2]", "a:i64[2] y:f32[2]", nodes)


@case
def clip_slice_pad():
    nodes = [
        node("Clip", "x  high", "a"),
        helper.make_node("Clip", ["x", "", "high"], ["b"], name="upper"),
        helper.make_node("Slice", ["x", "start", "end", "", "step"], ["c"], name="every"),
        helper.make_node("Pad", ["x", "pads", "", "axis"], ["d"], name="pad"),
    ]
    weights = [
        tensor("high", 1.0),
        ints("start", 0, 0),
        ints("end", 4, 6),
        ints("step", 2, 3),
        ints("pads", 1, 2),
        ints("axis", -1),
    ]
    return model(18, "x:f32[4,6]", "a:f32[4,6] b:f32[4,6] c:f32[2,2] d:f32[4,9]", nodes, weights)


@case
def attention23():
    nodes = [node("Attention", "q k v m", "y", q_num_heads=4, kv_num_heads=2, is_causal=1)]
    return model(
        23, "q:f32[b,s,32] k:f32[b,t,16] v:f32[b,t,16] m:bool[s,t]", "y:f32[b,s,32]", nodes
    )


@case
def computed_axes():
    nodes = [
        node("Constant", "", "last", value_int=-1),
        node("Constant", "", "one", value_ints=[1]),
        node("Reshape", "last one", "axes"),
        node("ReduceMean", "x axes", "y", keepdims=1),
        node("CumSum", "y last", "z"),
    ]
    return model(18, "x:f32[n,4]", "z:f32[n,1]", nodes)


@case
def einsum():
    nodes = [node("Einsum", "x w", "y", equation="abc,cde->abde")]
    return model(12, "x:f32[b,5,6] w:f32[6,2,3]", "y:f32[b,5,2,3]", nodes)


@case
def einsum_diagonal():
    nodes = [node("Einsum", "x", "y", name="bad", equation="ii->i")]
    return model(17, "x:f32[3,3]", "y:f32[3]", nodes)


@case
def einsum_opset():
    nodes = [node("Einsum", "x", "y", name="bad", equation="ij->ji")]
    return model(11, "x:f32[3,4]", "y:f32[4,3]", nodes)


@case
def attention_cache():
    nodes = [node("Attention", "q k v m p", "y")]
    return model(
        23,
        "q:f32[1,2,3,4] k:f32[1,2,3,4] v:f32[1,2,3,4] m:bool[3,3] p:f32[1,2,3,4]",
        "y:f32[1,2,3,4]",
        nodes,
    )


def microsoft(op, inputs, outputs, **attributes):
    return node(op, inputs, outputs, name=outputs.split()[0], domain="com.microsoft", **attributes)


@case
def fused():
    """What ONNX Runtime's optimizer makes, in a file older than LayerNormalization."""
    nodes = [
        microsoft("FusedMatMul", "x w", "p", alpha=0.5, transA=0, transB=1, transBatchA=0),
        microsoft("SkipLayerNormalization", "p x g b c", "n m d s", epsilon=0.25),
        microsoft("BiasGelu", "n c", "e"),
        microsoft("FastGelu", "e c", "f"),
        microsoft("QuickGelu", "f", "q"),
        node("Reshape", "q t", "r"),
        microsoft("FusedGemm", "r w c", "z", activation="Tanh", transB=1),
        node("LayerNormalization", "z g b", "y", epsilon=1e-5),
    ]
    vectors = [tensor(name, [1, 2, 3, 4]) for name in "gbc"]
    weights = [tensor("w", np.arange(16).reshape(4, 4)), ints("t", 6, 4), *vectors]
    domains = [("com.microsoft", 1)]
    return model(13, "x:f32[2,3,4]", "y:f32[6,4] s:f32[2,3,4]", nodes, weights, domains)


# --- refused ---


def fused_alone(op, domains=(("com.microsoft", 1),), **attributes):
    nodes = [microsoft(op, "x w", "y", **attributes)]
    return model(17, "x:f32[2,3,3] w:f32[3,3]", "y:f32", nodes, domains=domains)


@case
def unsupported():
    nodes = [
        node("NonZero", "x", "a", name="nz"),
        helper.make_node("MatMulNBits", ["x", "x"], ["b"], name="q4", domain="com.microsoft"),
        helper.make_node("MatMulNBits", ["x", "x"], ["c"], name="q5", domain="com.microsoft"),
        helper.make_node("Foo", ["x"], ["d"], name="foo", domain="my.domain"),
    ]
    return model(17, "x:f32[2]", "a:i64[1,?]", nodes, domains=[("com.microsoft", 1)])


def one(opset, op, inputs="x", weights=(), out="y:f32[2,3]", **attributes):
    return model(
        opset,
        "x:f32[2,3] i:i64[2]",
        out,
        [node(op, inputs, "y", name="bad", **attributes)],
        weights,
    )


REFUSED = {
    "fused_batch": lambda: fused_alone("FusedMatMul", transBatchA=1),
    "fused_activation": lambda: fused_alone("FusedGemm", activation="LeakyRelu"),
    "fused_domain": lambda: fused_alone("FusedMatMul", domains=()),
    "unknown_attribute": lambda: one(17, "Abs", frobnicate=7),
    "attribute_type": lambda: one(17, "Softmax", axis="x"),
    "attribute_opset": lambda: one(13, "Shape", out="y:i64[1]", start=1),
    "attribute_missing": lambda: one(17, "Concat", "x x"),
    "newer_operator": lambda: one(13, "RMSNormalization", "x x"),
    "too_few_inputs": lambda: one(17, "Add", "x"),
    "too_many_inputs": lambda: one(17, "Add", "x x x"),
    "absent_input": lambda: model(
        17, "x:f32[2]", "y:f32[2]", [helper.make_node("Add", ["x", ""], ["y"], name="bad")]
    ),
    "too_many_outputs": lambda: model(
        17, "x:f32[2]", "y:f32[2]", [node("Abs", "x", "y z", name="bad")]
    ),
    "undefined_input": lambda: one(17, "Add", "x nowhere"),
    "unsorted": lambda: model(
        17,
        "x:f32[2]",
        "y:f32[2]",
        [node("Abs", "a", "y", name="second"), node("Neg", "x", "a", name="first")],
    ),
    "cycle": lambda: model(17, "x:f32[2]", "y:f32[2]", [node("Add", "x y", "y", name="loop")]),
    "variable_axes": lambda: one(13, "Squeeze", "x i"),
    "dims_disagree": lambda: one(17, "MatMul", "x x"),
    "duplicate_input": lambda: model(17, "x:f32[2] x:f32[2]", "y:f32[2]", [node("Abs", "x", "y")]),
    "duplicate_output": lambda: model(
        17,
        "x:f32[2]",
        "y:f32[2]",
        [node("Abs", "x", "y", name="a"), node("Neg", "x", "y", name="b")],
    ),
    "shadowed": lambda: model(
        17,
        "x:f32[2]",
        "y:f32[2]",
        [node("Abs", "x", "w"), node("Neg", "w", "y")],
        [tensor("w", [1, 2])],
    ),
    "undefined_output": lambda: model(17, "x:f32[2]", "y:f32[2]", [node("Abs", "x", "z")]),
    "no_outputs": lambda: model(17, "x:f32[2]", "", [node("Abs", "x", "z")]),
    "output_shape": lambda: model(17, "x:f32[2]", "y:f32[3]", [node("Abs", "x", "y")]),
    "input_rank": lambda: model(17, "x:f32", "y:f32", [node("Abs", "x", "y")]),
    "input_string": lambda: model(17, "x:string[2]", "y:string[2]", [node("Identity", "x", "y")]),
    "input_negative": lambda: model(17, "x:f32[-3]", "y:f32[2]", [node("Abs", "x", "y")]),
    "input_huge": lambda: model(
        17, "x:f32[1099511627776]", "y:f32[1099511627776]", [node("Abs", "x", "y")]
    ),
    "rank_unknown": lambda: model(17, "x:f32[n] s:i64[m]", "y:f32", [node("Reshape", "x s", "y")]),
    "old_opset": lambda: model(9, "x:f32[2]", "y:f32[2]", [node("Abs", "x", "y")]),
    "new_opset": lambda: model(999, "x:f32[2]", "y:f32[2]", [node("Abs", "x", "y")]),
    "cast_string": lambda: one(17, "Cast", to=TensorProto.STRING),
    "cast_unknown": lambda: one(17, "Cast", to=250),
    "pad_reflect": lambda: one(17, "Pad", "x p", [ints("p", 0, 0, 1, 1)], mode="reflect"),
    "scatter_add": lambda: one(18, "ScatterND", "x i x", reduction="add"),
    "two_values": lambda: model(
        17, "", "y:f32[]", [node("Constant", "", "y", name="bad", value_float=1.0, value_int=1)]
    ),
    "no_value": lambda: model(17, "", "y:f32[]", [node("Constant", "", "y", name="bad")]),
    "string_value": lambda: model(
        17, "", "y:f32[]", [node("Constant", "", "y", name="bad", value_string="s")]
    ),
}
MODELS.update(REFUSED)


# --- tensors that claim what is not there ---


def claims(**fields):
    m = model(
        17, "x:f32[8,4]", "y:f32[8,4]", [node("Add", "x w", "y")], [tensor("w", np.ones([8, 4]))]
    )
    weight = m.graph.initializer[0]
    for key, content in fields.items():
        if key == "dims":
            del weight.dims[:]
            weight.dims.extend(content)
        elif content is None:
            weight.ClearField(key)
        else:
            setattr(weight, key, content)
    return m


MODELS.update(
    {
        "raw_short": lambda: claims(raw_data=bytes(127)),
        "raw_missing": lambda: claims(raw_data=None),
        "dims_negative": lambda: claims(dims=[-8, -4]),
        "dims_overflow": lambda: claims(dims=[1 << 32, 1 << 32], raw_data=b""),
        "dims_huge": lambda: claims(dims=[1 << 20, 1 << 20], raw_data=b""),
        "type_unknown": lambda: claims(data_type=250),
        "type_complex": lambda: claims(data_type=TensorProto.COMPLEX64, raw_data=bytes(256)),
        "type_int4": lambda: claims(data_type=TensorProto.INT4, raw_data=bytes(16)),
    }
)


# --- external data: FILE.bin beside FILE holds 64 floats ---


def external(location=None, offset="0", length="128"):
    def make():
        m = claims(raw_data=None)
        weight = m.graph.initializer[0]
        weight.data_location = TensorProto.EXTERNAL
        beside = pathlib.Path(sys.argv[2]).name + ".bin"
        entries = {
            "location": beside if location is None else location,
            "offset": offset,
            "length": length,
        }
        for key, content in entries.items():
            if content is not None:
                weight.external_data.add(key=key, value=content)
        np.arange(64, dtype="float32").tofile(sys.argv[2] + ".bin")
        return m

    return make


MODELS.update(
    {
        "external": external(offset="64"),
        "external_no_length": external(length=None),
        "external_missing": external("nope.bin"),
        "external_parent": external("sub/../../x.bin"),
        "external_absolute": external("/dev/zero"),
        "external_folder": external("."),
        "external_text": external(offset="ten"),
        "external_offset": external(offset="4096"),
        "external_length": external(offset="192"),
        "external_overflow": external(offset="18446744073709551552"),
        "external_short": external(length="64"),
        "external_nameless": external(location=""),
    }
)


if __name__ == "__main__":
    pathlib.Path(sys.argv[2]).write_bytes(MODELS[sys.argv[1]]().SerializeToString())
