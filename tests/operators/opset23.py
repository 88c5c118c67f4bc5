"""What opset 23 added: the building blocks of transformers."""
import numpy as np

from case import Random, case, ints, node, scalar

for name, shape, attributes in (
    ("opset23_rms_normalization", (2, 3, 8), {}),
    ("opset23_rms_normalization_axis", (2, 3, 4), {"axis": 1, "epsilon": 1e-3}),
    ("opset23_rms_normalization_first_axis", (3, 4), {"axis": 0}),
):
    random = Random(name)
    axis = attributes.get("axis", -1) % len(shape)
    case(
        name,
        node("RMSNormalization", "x scale", **attributes),
        {"x": random.float(*shape)},
        constants={"scale": random.float(*shape[axis:])},
        opset=23,
    )


def rotary(name, shape, table, positions=None, **attributes):
    random = Random(name)
    angle = random.float(*table, low=0, high=6.3)
    inputs = {"x": random.float(*shape), "cos": np.cos(angle), "sin": np.sin(angle)}
    if positions is not None:
        inputs["positions"] = np.array(positions, np.int64)
    case(name, node("RotaryEmbedding", list(inputs), **attributes), inputs, opset=23)


rotary("opset23_rotary_embedding", (2, 3, 4, 8), (6, 4), [[0, 1, 2, 3], [2, 3, 4, 5]])
rotary("opset23_rotary_embedding_no_positions", (2, 3, 4, 8), (2, 4, 4))
rotary("opset23_rotary_embedding_interleaved", (2, 3, 4, 8), (6, 4), [[0, 1, 2, 3], [2, 3, 4, 5]], interleaved=1)
rotary("opset23_rotary_embedding_partial", (1, 2, 4, 8), (6, 2), [[0, 1, 2, 3]], rotary_embedding_dim=4)
rotary("opset23_rotary_embedding_3d", (2, 4, 24), (6, 4), [[0, 1, 2, 3], [2, 3, 4, 5]], num_heads=3)


def attention(
    name,
    batch=2,
    heads=2,
    length=3,
    keys=5,
    size=4,
    value_size=None,
    kv_heads=None,
    flat=False,
    mask=None,
    past=0,
    outputs="y",
    **attributes,
):
    random = Random(name)
    kv_heads = kv_heads or heads
    value_size = value_size or size
    shapes = {
        "q": (batch, heads, length, size),
        "k": (batch, kv_heads, keys, size),
        "v": (batch, kv_heads, keys, value_size),
    }
    if flat:
        shapes = {n: (s[0], s[2], s[1] * s[3]) for n, s in shapes.items()}
        attributes.update(q_num_heads=heads, kv_num_heads=kv_heads)
    inputs = {n: random.float(*s) for n, s in shapes.items()}
    names = "q k v"
    if mask == "bool":
        inputs["mask"] = random.bool(length, keys + past) | (np.arange(keys + past) == 0)
    elif mask == "float":
        inputs["mask"] = random.float(batch, heads, length, keys + past)
    elif mask == "row":
        inputs["mask"] = random.float(1, 1, length, keys + past)
    if mask or past:
        names += " mask" if mask else " -"
    if past:
        inputs["past_k"] = random.float(batch, kv_heads, past, size)
        inputs["past_v"] = random.float(batch, kv_heads, past, value_size)
        names += " past_k past_v"
    case(
        name,
        node("Attention", names, outputs.split(","), **attributes),
        inputs,
        " ".join(o for o in outputs.split(",") if o),
        opset=23,
    )


attention("opset23_attention")
attention("opset23_attention_flat", flat=True)
attention("opset23_attention_scale", scale=0.1)
attention("opset23_attention_causal", is_causal=1, keys=3)
attention("opset23_attention_bool_mask", mask="bool")
attention("opset23_attention_float_mask", mask="float")
attention("opset23_attention_broadcast_mask", mask="row")
attention("opset23_attention_softcap", softcap=2.0)
attention("opset23_attention_grouped", heads=4, kv_heads=2)
attention("opset23_attention_grouped_flat", heads=6, kv_heads=2, flat=True)
attention("opset23_attention_value_size", value_size=6)
attention("opset23_attention_past", past=2, outputs="y,present_k,present_v")
attention("opset23_attention_past_causal_flat", past=2, keys=3, is_causal=1, flat=True, outputs="y,present_k,present_v")
attention("opset23_attention_scores", outputs="y,,,scores")
attention("opset23_attention_probabilities", outputs="y,,,scores", qk_matmul_output_mode=3)

for operator in ("Identity", "Transpose", "Squeeze", "Flatten"):
    name = f"opset23_{operator.lower()}"
    case(name, node(operator, "x"), {"x": Random(name).float(1, 3, 4)}, opset=23)
name = "opset23_reshape"
case(name, node("Reshape", "x s"), {"x": Random(name).float(2, 6)}, constants={"s": ints(3, -1)}, opset=23)
name = "opset23_pad"
case(
    name,
    node("Pad", "x p v"),
    {"x": Random(name).float(2, 3)},
    constants={"p": ints(0, 1, 1, 0), "v": scalar(2)},
    opset=23,
)
name = "opset23_cast"
case(name, node("Cast", "x", to=6), {"x": Random(name).float(2, 6, low=-9, high=9)}, opset=23)
name = "opset23_quantize_linear_precision"
case(
    name,
    node("QuantizeLinear", "x s z", precision=1),
    {"x": Random(name).float(2, 6)},
    constants={"s": scalar(0.02), "z": scalar(3, np.int8)},
    opset=23,
)
