"""Corners of operators up to opset 17 that ONNX's own data leaves out."""
import numpy as np

from case import S8, U8, Random, case, floats, node, scalar


# Recurrent operators.
def recurrent(
    name,
    operator,
    length=4,
    batch=2,
    size=3,
    hidden=5,
    direction="forward",
    bias=True,
    lengths=None,
    state=False,
    peephole=False,
    layout=0,
    outputs=None,
    **attributes,
):
    random = Random(name)
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[operator]
    directions = 2 if direction == "bidirectional" else 1
    inputs = {"x": random.float(*((batch, length, size) if layout else (length, batch, size)))}
    constants = {
        "w": random.float(directions, gates * hidden, size, low=-1, high=1),
        "r": random.float(directions, gates * hidden, hidden, low=-1, high=1),
    }
    names = ["x", "w", "r", "-", "-", "-", "-", "-"]
    if bias:
        constants["b"], names[3] = random.float(directions, 2 * gates * hidden, low=-1, high=1), "b"
    if lengths:
        inputs["lengths"], names[4] = np.array(lengths, np.int32), "lengths"
    if state:
        shape = (batch, directions, hidden) if layout else (directions, batch, hidden)
        inputs["h0"], names[5] = random.float(*shape, low=-1, high=1), "h0"
        if operator == "LSTM":
            inputs["c0"], names[6] = random.float(*shape, low=-1, high=1), "c0"
    if peephole:
        constants["p"], names[7] = random.float(directions, 3 * hidden, low=-1, high=1), "p"
    while names[-1] == "-":
        names.pop()
    if layout:
        attributes["layout"] = 1
    outputs = outputs or ("y y_h y_c" if operator == "LSTM" else "y y_h")
    case(
        name,
        node(
            operator,
            names,
            outputs.split("," if "," in outputs else None),
            direction=direction,
            hidden_size=hidden,
            **attributes,
        ),
        inputs,
        " ".join(o for o in outputs.replace(",", " ").split()),
        constants,
        opset=14,
    )


for operator in ("LSTM", "GRU", "RNN"):
    stem = f"opset14_{operator.lower()}"
    recurrent(f"{stem}_bidirectional", operator, direction="bidirectional")
    recurrent(f"{stem}_bidirectional_lengths_state", operator, direction="bidirectional", lengths=[2, 4], state=True)
    recurrent(f"{stem}_reverse_lengths", operator, direction="reverse", lengths=[4, 3])
    recurrent(f"{stem}_no_bias", operator, bias=False)
    recurrent(f"{stem}_last_state_only", operator, outputs=",y_h")
recurrent("opset14_lstm_clip", "LSTM", clip=0.4)
recurrent("opset14_lstm_peephole_reverse", "LSTM", direction="reverse", peephole=True, state=True)
recurrent(
    "opset14_lstm_activations",
    "LSTM",
    activations=["HardSigmoid", "Tanh", "Softsign"],
    activation_alpha=[0.3],
    activation_beta=[0.6],
)
recurrent("opset14_lstm_one_step", "LSTM", length=1, batch=1, state=True)
recurrent("opset14_gru_linear_before_reset", "GRU", linear_before_reset=1, state=True)
recurrent(
    "opset14_gru_linear_before_reset_bidirectional",
    "GRU",
    linear_before_reset=1,
    direction="bidirectional",
    lengths=[3, 2],
)
recurrent("opset14_rnn_relu", "RNN", activations=["Relu"])


# Integer convolution and matrix product.
def qlinear_conv(name, x, w, x_type=U8, w_type=S8, per_channel=False, bias=True, w_zero=0, y_scale=0.5, **attributes):
    random = Random(name)
    count = (w[0],) if per_channel else ()
    constants = {
        "x_scale": scalar(0.03),
        "x_zero": scalar(121 if x_type == U8 else -9, x_type),
        "w": random.byte(w_type, *w),
        "w_scale": random.float(*count, low=0.005, high=0.01),
        "w_zero": np.full(count, w_zero, w_type),
        "y_scale": scalar(y_scale),
        "y_zero": scalar(130 if x_type == U8 else 5, x_type),
    }
    names = "x x_scale x_zero w w_scale w_zero y_scale y_zero"
    if bias:
        constants["b"] = random.int(w[0], low=-3000, high=3000, dtype=np.int32)
        names += " b"
    case(name, node("QLinearConv", names, **attributes), {"x": random.byte(x_type, *x)}, constants=constants, opset=13)


qlinear_conv("opset13_qlinear_conv_u8s8", (1, 3, 7, 8), (4, 3, 3, 3), pads=[1, 1, 1, 1])
qlinear_conv(
    "opset13_qlinear_conv_per_channel", (2, 4, 6, 6), (5, 4, 3, 3), per_channel=True, strides=[2, 2], pads=[0, 1, 1, 0]
)
qlinear_conv("opset13_qlinear_conv_s8s8", (1, 3, 6, 6), (4, 3, 3, 3), x_type=S8, per_channel=True)
qlinear_conv("opset13_qlinear_conv_u8u8_weight_zero_point", (1, 3, 6, 6), (4, 3, 3, 3), w_type=U8, w_zero=117)
qlinear_conv(
    "opset13_qlinear_conv_depthwise",
    (1, 8, 7, 7),
    (8, 1, 3, 3),
    per_channel=True,
    group=8,
    pads=[1, 1, 1, 1],
    y_scale=0.2,
)
qlinear_conv(
    "opset13_qlinear_conv_depthwise_stride",
    (1, 5, 9, 8),
    (5, 1, 5, 5),
    group=5,
    strides=[2, 2],
    pads=[2, 2, 2, 2],
    y_scale=0.3,
)
qlinear_conv("opset13_qlinear_conv_groups", (1, 6, 5, 5), (4, 3, 3, 3), group=2, per_channel=True)
qlinear_conv("opset13_qlinear_conv_pointwise", (1, 19, 5, 7), (9, 19, 1, 1), per_channel=True)
qlinear_conv("opset13_qlinear_conv_dilations", (1, 3, 9, 9), (2, 3, 3, 3), dilations=[2, 3], bias=False)
qlinear_conv("opset13_qlinear_conv_1d", (2, 3, 11), (4, 3, 4), pads=[1, 2], strides=[2])
qlinear_conv("opset13_qlinear_conv_3d", (1, 2, 4, 5, 4), (3, 2, 2, 2, 2))
qlinear_conv("opset13_qlinear_conv_same_upper", (1, 3, 7, 8), (4, 3, 3, 3), auto_pad="SAME_UPPER", strides=[2, 2])
qlinear_conv("opset13_qlinear_conv_saturating", (1, 3, 5, 5), (4, 3, 3, 3), y_scale=0.02)


def qlinear_matmul(name, a, b, a_type=U8, b_type=S8, per_column=False, b_zero=0, fed=False):
    random = Random(name)
    count = (b[-1],) if per_column else ()
    inputs = {"a": random.byte(a_type, *a)}
    constants = {
        "a_scale": scalar(0.03),
        "a_zero": scalar(121 if a_type == U8 else -9, a_type),
        "b_scale": random.float(*count, low=0.005, high=0.01),
        "b_zero": np.full(count, b_zero, b_type),
        "y_scale": scalar(0.3),
        "y_zero": scalar(130 if a_type == U8 else 5, a_type),
    }
    (inputs if fed else constants)["b"] = random.byte(b_type, *b)
    case(
        name,
        node("QLinearMatMul", "a a_scale a_zero b b_scale b_zero y_scale y_zero"),
        inputs,
        constants=constants,
        opset=13,
    )


qlinear_matmul("opset13_qlinear_matmul_u8s8", (3, 17), (17, 6))
qlinear_matmul("opset13_qlinear_matmul_s8s8", (3, 17), (17, 6), a_type=S8)
qlinear_matmul("opset13_qlinear_matmul_per_column", (2, 3, 20), (20, 7), per_column=True)
qlinear_matmul("opset13_qlinear_matmul_batched", (2, 3, 4, 5), (3, 5, 6), b_type=U8, b_zero=128, fed=True)
qlinear_matmul("opset13_qlinear_matmul_vector", (9,), (9, 4))

for name, a_type, b_type, columns in (
    ("opset10_matmul_integer_u8s8", U8, S8, False),
    ("opset10_matmul_integer_s8s8", S8, S8, False),
    ("opset10_matmul_integer_per_column", U8, S8, True),
    ("opset10_matmul_integer_u8u8_per_column", U8, U8, True),
):
    random = Random(name)
    case(
        name,
        node("MatMulInteger", "a b a_zero b_zero"),
        {"a": random.byte(a_type, 2, 3, 11)},
        constants={
            "b": random.byte(b_type, 11, 5),
            "a_zero": random.byte(a_type),
            "b_zero": random.byte(b_type, *((5,) if columns else ())),
        },
        opset=10,
    )
name = "opset10_matmul_integer_no_zero_points"
random = Random(name)
case(name, node("MatMulInteger", "a b"), {"a": random.uint8(3, 7), "b": random.int8(7, 4)}, opset=10)
for name, w, attributes in (
    ("opset10_conv_integer_pads", (3, 2, 3, 3), {"pads": [1, 1, 1, 1]}),
    ("opset10_conv_integer_stride_dilation", (3, 2, 2, 2), {"strides": [2, 1], "dilations": [1, 2]}),
    ("opset10_conv_integer_depthwise", (2, 1, 3, 3), {"group": 2}),
):
    random = Random(name)
    case(
        name,
        node("ConvInteger", "x w x_zero w_zero", **attributes),
        {"x": random.uint8(1, 2, 6, 7)},
        constants={"w": random.uint8(*w), "x_zero": scalar(119, U8), "w_zero": scalar(131, U8)},
        opset=10,
    )
for name, x in (
    ("opset11_dynamic_quantize_linear_positive", floats(0.5, 1, 7.3, 2.2)),
    ("opset11_dynamic_quantize_linear_negative", floats(-0.5, -1, -7.3)),
    ("opset11_dynamic_quantize_linear_zeros", floats(0, 0, 0)),
    ("opset11_dynamic_quantize_linear_mixed", Random("dql").float(3, 40, low=-3, high=9)),
):
    case(name, node("DynamicQuantizeLinear", "x", "y scale zero"), {"x": x}, "y scale zero", opset=11)


# A float network written as QDQ, as every quantizer does.
def qdq(name, nodes, x, weights, opset=13, x_type=U8, per_channel=True, y_scale=0.2):
    random = Random(name)
    constants = {
        "xs": scalar(0.02),
        "xz": scalar(128 if x_type == U8 else 0, x_type),
        "ys": scalar(y_scale),
        "yz": scalar(120 if x_type == U8 else -8, x_type),
    }
    all_nodes = [node("QuantizeLinear", "x xs xz", "xq"), node("DequantizeLinear", "xq xs xz", "xd")]
    for n, (shape, axis) in weights.items():
        count = (shape[axis],) if per_channel else ()
        constants.update(
            {
                f"{n}q": random.int8(*shape, low=-127),
                f"{n}s": random.float(*count, low=0.004, high=0.01),
                f"{n}z": np.zeros(count, S8),
            }
        )
        all_nodes.append(node("DequantizeLinear", f"{n}q {n}s {n}z", n, **({"axis": axis} if per_channel else {})))
    all_nodes += nodes + [node("QuantizeLinear", "f ys yz", "yq"), node("DequantizeLinear", "yq ys yz", "y")]
    case(name, all_nodes, {"x": random.float(*x, low=-2.5, high=2.5)}, constants=constants, opset=opset)


qdq("opset13_qdq_conv", [node("Conv", "xd w", "f", pads=[1, 1, 1, 1])], (1, 3, 6, 7), {"w": ((5, 3, 3, 3), 0)})
qdq(
    "opset13_qdq_conv_relu", [node("Conv", "xd w", "c"), node("Relu", "c", "f")], (1, 3, 6, 7), {"w": ((5, 3, 3, 3), 0)}
)
qdq(
    "opset13_qdq_conv_s8",
    [node("Conv", "xd w", "f", group=4)],
    (1, 4, 6, 6),
    {"w": ((4, 1, 3, 3), 0)},
    x_type=S8,
    y_scale=0.1,
)
qdq("opset13_qdq_matmul", [node("MatMul", "xd w", "f")], (2, 3, 16), {"w": ((16, 9), 1)})
qdq("opset13_qdq_gemm", [node("Gemm", "xd w", "f", transB=1)], (4, 16), {"w": ((9, 16), 0)})
qdq(
    "opset13_qdq_conv_transpose",
    [node("ConvTranspose", "xd w", "f", strides=[2, 2])],
    (1, 3, 4, 5),
    {"w": ((3, 4, 2, 2), 0)},
    per_channel=False,
)
qdq("opset13_qdq_softmax", [node("Softmax", "xd", "f", axis=-1)], (3, 10), {}, y_scale=1 / 256)
qdq(
    "opset13_qdq_max_pool",
    [node("MaxPool", "xd", "f", kernel_shape=[2, 2], strides=[2, 2])],
    (1, 2, 6, 6),
    {},
    y_scale=0.02,
)
qdq("opset13_qdq_add", [node("Add", "xd xd", "f")], (2, 9), {}, y_scale=0.04)
qdq("opset13_qdq_silu", [node("Sigmoid", "xd", "s"), node("Mul", "xd s", "f")], (2, 19), {}, y_scale=0.02)
