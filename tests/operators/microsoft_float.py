"""Floating-point operators of the com.microsoft domain: what ONNX Runtime's optimizer writes."""
import numpy as np

from case import Random, case, microsoft, node


def convolution(name, activation, x, w, parameters=None, bias=True, add=False, **attributes):
    random = Random(name)
    inputs = {"x": random.float(*x)}
    constants = {"w": random.float(*w, low=-0.5, high=0.5)}
    if parameters:
        attributes["activation_params"] = parameters
    if activation:
        attributes["activation"] = activation
    names = "x w"
    if bias:
        constants["b"] = random.float(w[0])
        names += " b"
    if add:
        height = x[2] + sum(attributes.get("pads", [0] * 4)[0::2]) - w[2] + 1
        inputs["z"] = random.float(x[0], w[0], height, x[3] + sum(attributes.get("pads", [0] * 4)[1::2]) - w[3] + 1)
        names += " z" if bias else " - z"
    case(name, microsoft("FusedConv", names, **attributes), inputs, constants=constants)


convolution("microsoft_fused_conv_relu", "Relu", (1, 3, 6, 7), (4, 3, 3, 3), pads=[1, 1, 1, 1])
convolution("microsoft_fused_conv_tanh", "Tanh", (1, 3, 6, 7), (4, 3, 3, 3), strides=[2, 2])
convolution("microsoft_fused_conv_sigmoid", "Sigmoid", (1, 4, 5, 5), (4, 1, 3, 3), group=4, bias=False)
convolution("microsoft_fused_conv_leaky_relu", "LeakyRelu", (2, 3, 5, 5), (2, 3, 1, 1), [0.2])
convolution("microsoft_fused_conv_clip", "Clip", (1, 3, 6, 6), (4, 3, 3, 3), [0.0, 1.5])
convolution("microsoft_fused_conv_hard_sigmoid", "HardSigmoid", (1, 3, 6, 6), (4, 3, 3, 3), [0.2, 0.4])
convolution("microsoft_fused_conv_add_relu", "Relu", (1, 3, 6, 6), (4, 3, 3, 3), pads=[1, 1, 1, 1], add=True)


def matmul(name, a, b, **attributes):
    random = Random(name)
    case(name, microsoft("FusedMatMul", "a b", **attributes), {"a": random.float(*a), "b": random.float(*b)})


matmul("microsoft_fused_matmul_alpha", (3, 5), (5, 4), alpha=0.25)
matmul("microsoft_fused_matmul_trans_a", (2, 5, 3), (2, 5, 4), transA=1)
matmul("microsoft_fused_matmul_trans_b", (2, 3, 5), (4, 5), transB=1, alpha=2.0)
matmul("microsoft_fused_matmul_trans_both", (5, 3), (4, 5), transA=1, transB=1)
matmul("microsoft_fused_matmul_trans_batch_a", (3, 2, 5), (2, 5, 4), transBatchA=1)
matmul("microsoft_fused_matmul_trans_batch_b", (2, 3, 5), (5, 2, 4), transBatchB=1)

for name, activation, more in (
    ("relu", "Relu", {}),
    ("leaky_relu", "LeakyRelu", {"activation_alpha": 0.1}),
    ("sigmoid", "Sigmoid", {"transB": 1, "alpha": 0.5, "beta": 2.0}),
):
    name = f"microsoft_fused_gemm_{name}"
    random = Random(name)
    b = random.float(6, 4) if not more.get("transB") else random.float(4, 6)
    case(
        name,
        microsoft("FusedGemm", "a b c", activation=activation, **more),
        {"a": random.float(3, 6)},
        constants={"b": b, "c": random.float(4)},
    )

for operator, stem, more in (
    ("Gelu", "gelu", {}),
    ("QuickGelu", "quick_gelu", {}),
    ("QuickGelu", "quick_gelu_alpha", {"alpha": 1.0}),
    ("FastGelu", "fast_gelu", {}),
):
    name = f"microsoft_{stem}"
    case(name, microsoft(operator, "x", **more), {"x": Random(name).float(3, 33, low=-6, high=6)})
for operator, stem in (("FastGelu", "fast_gelu_bias"), ("BiasGelu", "bias_gelu")):
    name = f"microsoft_{stem}"
    random = Random(name)
    case(
        name, microsoft(operator, "x b"), {"x": random.float(2, 3, 9, low=-3, high=3)}, constants={"b": random.float(9)}
    )

# LayerNormalization stood in ONNX Runtime's own schemas before opset 17, in the default domain.
for name, shape, attributes, bias, outputs in (
    ("opset11_layer_normalization", (2, 3, 8), {"axis": -1, "epsilon": 1e-5}, True, "y"),
    ("opset11_layer_normalization_axis", (2, 3, 4), {"axis": 1, "epsilon": 1e-3}, True, "y"),
    ("opset13_layer_normalization_outputs", (2, 3, 8), {"axis": -1}, True, "y mean deviation"),
    ("opset17_layer_normalization_no_bias", (2, 3, 8), {"axis": -1, "epsilon": 1e-2}, False, "y"),
    ("opset17_layer_normalization_statistics", (2, 3, 4, 5), {"axis": 2}, True, "y mean deviation"),
):
    random = Random(name)
    axis = attributes["axis"] % len(shape)
    constants = {"scale": random.float(*shape[axis:])}
    if bias:
        constants["bias"] = random.float(*shape[axis:])
    case(
        name,
        node("LayerNormalization", "x scale bias" if bias else "x scale", outputs, **attributes),
        {"x": random.float(*shape)},
        outputs,
        constants,
        opset=int(name[5:7]),
    )

name = "microsoft_simplified_layer_normalization"
random = Random(name)
case(
    name,
    node("SimplifiedLayerNormalization", "x scale", axis=-1, epsilon=1e-5),
    {"x": random.float(2, 3, 8)},
    constants={"scale": random.float(8)},
    opset=13,
)


def skip_normalization(name, operator, beta, bias, outputs="y", shape=(2, 3, 8), skip=None):
    random = Random(name)
    constants = {"gamma": random.float(shape[-1])}
    names = "x skip gamma"
    if operator == "SkipLayerNormalization":
        names += " beta" if beta else " -"
        if beta:
            constants["beta"] = random.float(shape[-1])
    if bias:
        names += " bias"
        constants["bias"] = random.float(shape[-1])
    case(
        name,
        microsoft(operator, names, outputs.split(","), epsilon=1e-5),
        {"x": random.float(*shape), "skip": random.float(*(skip or shape))},
        " ".join(o for o in outputs.split(",") if o),
        constants,
    )


skip_normalization("microsoft_skip_layer_normalization", "SkipLayerNormalization", True, False)
skip_normalization("microsoft_skip_layer_normalization_bias", "SkipLayerNormalization", True, True)
skip_normalization("microsoft_skip_layer_normalization_no_beta", "SkipLayerNormalization", False, True)
skip_normalization("microsoft_skip_layer_normalization_sum", "SkipLayerNormalization", True, True, "y,,,sum")
skip_normalization(
    "microsoft_skip_layer_normalization_broadcast", "SkipLayerNormalization", True, False, skip=(1, 3, 8)
)
skip_normalization("microsoft_skip_simplified_layer_normalization", "SkipSimplifiedLayerNormalization", False, False)
skip_normalization(
    "microsoft_skip_simplified_layer_normalization_sum", "SkipSimplifiedLayerNormalization", False, True, "y,,,sum"
)


def embedding(name, segments, mask, positions=False, mask_type=1, total=False):
    random = Random(name)
    inputs = {"ids": random.int(2, 5, high=12, dtype=np.int32)}
    constants = {
        "words": random.float(12, 8),
        "places": random.float(7, 8),
        "gamma": random.float(8),
        "beta": random.float(8),
    }
    names = ["ids", "segments" if segments else "-", "words", "places", "kinds" if segments else "-", "gamma", "beta"]
    if segments:
        inputs["segments"] = random.int(2, 5, high=2, dtype=np.int32)
        constants["kinds"] = random.float(2, 8)
    if mask:
        inputs["mask"] = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], np.int32)
        names.append("mask")
    if positions:
        inputs["positions"] = random.int(2, 5, high=7, dtype=np.int32)
        names += [] if mask else ["-"]
        names.append("positions")
    outputs = "y mask_index sum" if total else "y mask_index"
    case(
        name,
        microsoft("EmbedLayerNormalization", names, outputs, epsilon=1e-6, mask_index_type=mask_type),
        inputs,
        outputs,
        constants,
    )


embedding("microsoft_embed_layer_normalization", True, True)
embedding("microsoft_embed_layer_normalization_no_mask", True, False)
embedding("microsoft_embed_layer_normalization_no_segments", False, True)
embedding("microsoft_embed_layer_normalization_positions", True, True, positions=True)
embedding("microsoft_embed_layer_normalization_sum", True, True, total=True)


def attention(name, batch=2, length=4, hidden=8, heads=2, mask=None, bias=True, add=None, past=False, **attributes):
    random = Random(name)
    inputs = {"x": random.float(batch, length, hidden)}
    sizes = attributes.get("qkv_hidden_sizes", [hidden] * 3)
    constants = {"w": random.float(hidden, sum(sizes), low=-0.5, high=0.5)}
    names = ["x", "w", "-", "-", "-", "-"]
    outputs = "y"
    if bias:
        constants["b"], names[2] = random.float(sum(sizes)), "b"
    if mask is not None:
        inputs["mask"], names[3] = np.array(mask, np.int32), "mask"
    if past:
        inputs["past"], names[4] = random.float(2, batch, heads, 3, hidden // heads), "past"
        outputs = "y present"
    if add is not None:
        inputs["add"], names[5] = random.float(*add), "add"
    while names[-1] == "-":
        names.pop()
    case(name, microsoft("Attention", names, outputs, num_heads=heads, **attributes), inputs, outputs, constants)


attention("microsoft_attention")
attention("microsoft_attention_mask_lengths", mask=[2, 4])
attention("microsoft_attention_mask_2d", mask=[[1, 1, 0, 0], [1, 1, 1, 1]])
attention("microsoft_attention_mask_3d", mask=np.tril(np.ones((2, 4, 4), int)))
attention("microsoft_attention_unidirectional", unidirectional=1)
attention("microsoft_attention_scale", scale=0.3)
attention("microsoft_attention_add", add=(2, 2, 4, 4))
attention("microsoft_attention_past", past=True, unidirectional=1)
attention("microsoft_attention_value_size", qkv_hidden_sizes=[8, 8, 4])


def multi_head(
    name,
    batch=2,
    length=3,
    keys=5,
    hidden=8,
    values=8,
    heads=2,
    bias=False,
    mask=None,
    add=None,
    packed=None,
    **attributes,
):
    random = Random(name)
    if packed == "qkv":
        inputs, names = {"q": random.float(batch, length, heads, 3, hidden // heads)}, ["q", "-", "-", "-", "-", "-"]
    elif packed == "kv":
        inputs = {"q": random.float(batch, length, hidden), "k": random.float(batch, keys, heads, 2, hidden // heads)}
        names = ["q", "k", "-", "-", "-", "-"]
    else:
        inputs = {
            "q": random.float(batch, length, hidden),
            "k": random.float(batch, keys, hidden),
            "v": random.float(batch, keys, values),
        }
        names = ["q", "k", "v", "-", "-", "-"]
    constants = {}
    if bias:
        constants["b"], names[3] = random.float(2 * hidden + values), "b"
    if mask is not None:
        inputs["mask"], names[4] = np.array(mask, np.int32), "mask"
    if add is not None:
        inputs["add"], names[5] = random.float(*add), "add"
    while names[-1] == "-":
        names.pop()
    case(name, microsoft("MultiHeadAttention", names, num_heads=heads, **attributes), inputs, constants=constants)


multi_head("microsoft_multi_head_attention")
multi_head("microsoft_multi_head_attention_bias", bias=True)
multi_head("microsoft_multi_head_attention_value_size", values=4)
multi_head("microsoft_multi_head_attention_key_mask", mask=[[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
multi_head("microsoft_multi_head_attention_add", add=(1, 2, 3, 5))
multi_head("microsoft_multi_head_attention_causal", keys=3, unidirectional=1)
multi_head("microsoft_multi_head_attention_scale", scale=0.5)


def rotary(name, shape, table, positions, **attributes):
    random = Random(name)
    angle = random.float(*table, low=0, high=6.3)
    case(
        name,
        microsoft("RotaryEmbedding", "x positions cos sin", **attributes),
        {"x": random.float(*shape), "positions": np.array(positions, np.int64)},
        constants={"cos": np.cos(angle), "sin": np.sin(angle)},
    )


rotary("microsoft_rotary_embedding", (1, 3, 8), (6, 4), [1], num_heads=1)
rotary("microsoft_rotary_embedding_heads", (2, 2, 3, 8), (6, 4), [[0, 1, 2], [2, 3, 4]])
rotary("microsoft_rotary_embedding_interleaved", (1, 2, 3, 8), (6, 4), [[0, 1, 2]], interleaved=1)

name = "microsoft_nhwc_max_pool"
random = Random(name)
case(
    name,
    microsoft("NhwcMaxPool", "x", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
    {"x": random.uint8(1, 7, 8, 5)},
)
name = "microsoft_trilu"
case(name, microsoft("Trilu", "x k", upper=0), {"x": Random(name).float(2, 4, 5), "k": np.array(1, np.int64)})
name = "microsoft_transpose_matmul"
random = Random(name)
case(name, microsoft("TransposeMatMul", "a b", transA=1, alpha=0.5), {"a": random.float(5, 3), "b": random.float(5, 4)})
