"""Corners of operators up to opset 17 that ONNX's own data leaves out."""
import numpy as np
from onnx import helper

from case import Random, case, floats, ints, node, scalar, subgraph

U8, S8, F, I, B = np.uint8, np.int8, np.float32, np.int64, np.bool_


# Control flow: bodies that use values of the graph around them.
def branch(name, condition, nested=False):
    random = Random(name)
    then = subgraph([node("Add", "x k", "then_y")], [], [("then_y", F, [3, 4])], {"k": floats(1, 2, 3, 4)}, "then")
    if nested:
        inner_then = subgraph([node("Mul", "x x", "inner_y")], [], [("inner_y", F, [3, 4])], name="inner_then")
        inner_else = subgraph([node("Neg", "w", "other_y")], [], [("other_y", F, [3, 4])], name="inner_else")
        nodes = [
            node("ReduceSum", "x", "total", keepdims=0),
            node("Less", "total big", "small"),
            node("If", "small", "else_y", then_branch=inner_then, else_branch=inner_else),
        ]
    else:
        nodes = [node("Sub", "w x", "else_y")]
    otherwise = subgraph(nodes, [], [("else_y", F, [3, 4])], {"big": scalar(1e6)} if nested else {}, "else")
    case(
        name,
        [node("Relu", "v", "w"), node("If", "c", then_branch=then, else_branch=otherwise)],
        {"c": scalar(condition, B), "x": random.float(3, 4), "v": random.float(3, 4)},
        opset=16,
    )


branch("opset16_if_captures_then", True)
branch("opset16_if_captures_else", False)
branch("opset16_if_nested", False, nested=True)
for condition in (True, False):
    name = f"opset16_if_other_shapes_{str(condition).lower()}"
    then = subgraph([node("Identity", "x", "a")], [], [("a", F, None)], name="then")
    otherwise = subgraph(
        [node("Slice", "x from to", "b")], [], [("b", F, None)], {"from": ints(1), "to": ints(3)}, "else"
    )
    case(
        name,
        [node("If", "c", "t", then_branch=then, else_branch=otherwise), node("Relu", "t")],
        {"c": scalar(condition, B), "x": Random(name).float(5, 2)},
        opset=16,
    )
name = "opset16_if_two_outputs"
then = subgraph(
    [node("Add", "x x", "a"), node("Constant", "", "n", value=helper.make_tensor("v", 7, [], [1]))],
    [],
    [("a", F, [2]), ("n", I, [])],
    name="then",
)
otherwise = subgraph(
    [node("Mul", "x x", "b"), node("Constant", "", "m", value=helper.make_tensor("v", 7, [], [2]))],
    [],
    [("b", F, [2]), ("m", I, [])],
    name="else",
)
case(
    name,
    node("If", "c", "y which", then_branch=then, else_branch=otherwise),
    {"c": scalar(False, B), "x": floats(3, -4)},
    "y which",
    opset=16,
)


def loop(name, nodes, carried, scanned, count=None, keep=None, outputs="y", captures=None, constants=None):
    """carried: (name in, name out, first value); scanned: (name, shape)."""
    body = subgraph(
        nodes,
        [("i", I, []), ("go", B, [])] + [(a, v.dtype, v.shape) for a, _, v in carried],
        [("again", B, [])] + [(b, v.dtype, v.shape) for _, b, v in carried] + [(n, F, s) for n, s in scanned],
        constants,
    )
    inputs, names = dict(captures or {}), ["-", "-"]
    if count is not None:
        inputs["count"], names[0] = np.array(count, I), "count"
    if keep is not None:
        inputs["keep"], names[1] = np.array(keep, B), "keep"
    for a, _, v in carried:
        inputs[a + "_first"] = v
        names.append(a + "_first")
    case(name, node("Loop", names, outputs, body=body), inputs, outputs, opset=16)


random = Random("loops")
loop(
    "opset16_loop_count_scan",
    [node("Add", "s k", "t"), node("Mul", "t t", "z"), node("Identity", "go", "again")],
    [("s", "t", floats(0, 1))],
    [("z", [2])],
    count=5,
    keep=True,
    outputs="y all",
    captures={"k": floats(1, -2)},
)
loop(
    "opset16_loop_while",
    [node("Mul", "s two", "t"), node("ReduceSum", "t", "r", keepdims=0), node("Less", "r limit", "again")],
    [("s", "t", floats(1, 3))],
    [],
    keep=True,
    constants={"two": scalar(2), "limit": scalar(100)},
)
loop(
    "opset16_loop_never",
    [node("Add", "s s", "t"), node("Identity", "t", "z"), node("Identity", "go", "again")],
    [("s", "t", floats(1, 3))],
    [("z", [2])],
    count=4,
    keep=False,
    outputs="y all",
)
loop(
    "opset16_loop_zero_trips",
    [node("Add", "s s", "t"), node("Identity", "go", "again")],
    [("s", "t", floats(1, 3))],
    [],
    count=0,
)
loop(
    "opset16_loop_stops_early",
    [
        node("Cast", "i", "step", to=1),
        node("Add", "s step", "t"),
        node("Identity", "t", "z"),
        node("Less", "i three", "again"),
    ],
    [("s", "t", floats(0))],
    [("z", [1])],
    count=10,
    keep=True,
    outputs="y all",
    constants={"three": np.array(3, I)},
)
loop(
    "opset16_loop_two_carried",
    [node("Add", "a b", "b_next"), node("Identity", "b", "a_next"), node("Identity", "go", "again")],
    [("a", "a_next", floats(0)), ("b", "b_next", floats(1))],
    [],
    count=8,
    outputs="x y",
)
name = "opset16_loop_growing"
body = subgraph(
    [
        node("Cast", "i", "f", to=1),
        node("Unsqueeze", "f zero", "row"),
        node("Concat", "s row", "t", axis=0),
        node("Identity", "go", "again"),
    ],
    [("i", I, []), ("go", B, []), ("s", F, [None])],
    [("again", B, []), ("t", F, [None])],
    {"zero": ints(0)},
)
case(
    name,
    [node("Loop", "count - s0", "t", body=body), node("ReduceSum", "t", "y", keepdims=0)],
    {"count": np.array(4, I), "s0": floats(10)},
    "t y",
    opset=16,
)
name = "opset16_loop_with_if"
then = subgraph([node("Add", "s step", "p")], [], [("p", F, [2])], name="then")
otherwise = subgraph([node("Sub", "s step", "q")], [], [("q", F, [2])], name="else")
body = subgraph(
    [
        node("Mod", "i two", "odd_number"),
        node("Cast", "odd_number", "odd", to=9),
        node("If", "odd", "t", then_branch=then, else_branch=otherwise),
        node("Identity", "go", "again"),
    ],
    [("i", I, []), ("go", B, []), ("s", F, [2])],
    [("again", B, []), ("t", F, [2])],
    {"two": np.array(2, I)},
)
case(
    name,
    node("Loop", "count - s0", body=body),
    {"count": np.array(5, I), "s0": floats(0, 0), "step": floats(1, 10)},
    opset=16,
)


def scan(name, inputs, attributes, outputs="y all", x_shape=(3,), captures=None):
    body = subgraph(
        [node("Add", "s x", "t"), node("Mul", "t k", "z")],
        [("s", F, list(x_shape)), ("x", F, list(x_shape))],
        [("t", F, list(x_shape)), ("z", F, list(x_shape))],
        None if captures else {"k": scalar(0.5)},
    )
    inputs = {**inputs, **(captures or {})}
    case(name, node("Scan", "s0 xs", outputs, body=body, num_scan_inputs=1, **attributes), inputs, outputs, opset=16)


random = Random("scans")
scan("opset16_scan", {"s0": random.float(3), "xs": random.float(5, 3)}, {})
scan("opset16_scan_reverse", {"s0": random.float(3), "xs": random.float(5, 3)}, {"scan_input_directions": [1]})
scan(
    "opset16_scan_axes",
    {"s0": random.float(3), "xs": random.float(3, 4)},
    {"scan_input_axes": [1], "scan_output_axes": [1], "scan_output_directions": [1]},
)
scan("opset16_scan_negative_axis", {"s0": random.float(3), "xs": random.float(3, 4)}, {"scan_input_axes": [-1]})
scan("opset16_scan_captures", {"s0": random.float(3), "xs": random.float(5, 3)}, {}, captures={"k": floats(1, 2, 3)})


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
