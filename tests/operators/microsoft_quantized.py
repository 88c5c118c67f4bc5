"""Quantized elementwise operators, pooling and concatenation of the com.microsoft domain: what ONNX Runtime's quantizer writes."""
import numpy as np

from case import S8, U8, Random, case, microsoft, scalar


def elementwise(name, operator, a, b, dtype, a_zero, b_zero, y_zero, y_scale, constant_b=False):
    random = Random(name)
    inputs = {"a": random.byte(dtype, *a)}
    constants = {
        "a_scale": scalar(0.020377),  # no sum or product falls on a half, which ONNX Runtime rounds behind the zero point
        "a_zero": scalar(a_zero, dtype),
        "b_scale": scalar(0.035119),
        "b_zero": scalar(b_zero, dtype),
        "y_scale": scalar(y_scale),
        "y_zero": scalar(y_zero, dtype),
    }
    (constants if constant_b else inputs)["b"] = random.byte(dtype, *b)
    case(name, microsoft(operator, "a a_scale a_zero b b_scale b_zero y_scale y_zero"), inputs, constants=constants)


for operator, stem, scale in (("QLinearAdd", "qlinear_add", 0.05), ("QLinearMul", "qlinear_mul", 0.11)):
    elementwise(f"microsoft_{stem}_u8", operator, (2, 3, 8, 9), (2, 3, 8, 9), U8, 120, 131, 128, scale)
    elementwise(f"microsoft_{stem}_s8", operator, (2, 3, 8, 9), (2, 3, 8, 9), S8, -3, 5, 7, scale)
    elementwise(f"microsoft_{stem}_saturating", operator, (4, 37), (4, 37), U8, 0, 0, 0, scale / 3)
    elementwise(f"microsoft_{stem}_per_channel", operator, (1, 8, 5, 5), (8, 1, 1), U8, 128, 100, 64, scale, True)
    elementwise(f"microsoft_{stem}_scalar", operator, (3, 17), (), U8, 10, 100, 3, scale)
    elementwise(f"microsoft_{stem}_both_broadcast", operator, (3, 1, 5), (1, 4, 5), S8, 0, 0, 0, scale)
    elementwise(f"microsoft_{stem}_small_left", operator, (5,), (6, 5), U8, 128, 128, 128, scale)


def concat(name, axis, shapes, dtype, scales, zeros, y_scale, y_zero):
    random = Random(name)
    inputs, constants, names = {}, {"y_scale": scalar(y_scale), "y_zero": scalar(y_zero, dtype)}, ["y_scale", "y_zero"]
    for i, (shape, scale, zero) in enumerate(zip(shapes, scales, zeros)):
        inputs[f"x{i}"] = random.byte(dtype, *shape)
        constants[f"s{i}"], constants[f"z{i}"] = scalar(scale), scalar(zero, dtype)
        names += [f"x{i}", f"s{i}", f"z{i}"]
    case(name, microsoft("QLinearConcat", names, axis=axis), inputs, constants=constants)


concat(
    "microsoft_qlinear_concat_channels",
    1,
    [(1, 3, 4, 5), (1, 2, 4, 5), (1, 4, 4, 5)],
    U8,
    (0.1, 0.05, 0.21),
    (128, 0, 30),
    0.17,
    100,
)
concat("microsoft_qlinear_concat_same_scale", 1, [(2, 3, 4), (2, 5, 4)], U8, (0.1, 0.1), (7, 7), 0.1, 7)
concat("microsoft_qlinear_concat_s8_last_axis", -1, [(2, 3), (2, 1)], S8, (0.1, 0.3), (0, -9), 0.2, 4)


def pool(name, operator, shape, dtype, x_scale, x_zero, y_scale, y_zero, **attributes):
    random = Random(name)
    case(
        name,
        microsoft(operator, "x x_scale x_zero y_scale y_zero", **attributes),
        {"x": random.byte(dtype, *shape)},
        constants={
            "x_scale": scalar(x_scale),
            "x_zero": scalar(x_zero, dtype),
            "y_scale": scalar(y_scale),
            "y_zero": scalar(y_zero, dtype),
        },
    )


pool("microsoft_qlinear_global_average_pool_u8", "QLinearGlobalAveragePool", (2, 5, 7, 7), U8, 0.1, 100, 0.02, 128)
pool("microsoft_qlinear_global_average_pool_s8", "QLinearGlobalAveragePool", (1, 16, 3, 5), S8, 0.1, -10, 0.04, 3)
pool(
    "microsoft_qlinear_global_average_pool_channels_last",
    "QLinearGlobalAveragePool",
    (2, 4, 4, 6),
    U8,
    0.1,
    100,
    0.03,
    110,
    channels_last=1,
)
pool(
    "microsoft_qlinear_average_pool",
    "QLinearAveragePool",
    (1, 3, 8, 8),
    U8,
    0.1,
    100,
    0.07,
    120,
    kernel_shape=[2, 2],
    strides=[2, 2],
)
pool(
    "microsoft_qlinear_average_pool_pads",
    "QLinearAveragePool",
    (1, 3, 7, 9),
    U8,
    0.1,
    100,
    0.07,
    120,
    kernel_shape=[3, 3],
    strides=[2, 2],
    pads=[1, 1, 1, 1],
)
pool(
    "microsoft_qlinear_average_pool_count_include_pad",
    "QLinearAveragePool",
    (1, 3, 7, 9),
    S8,
    0.1,
    10,
    0.07,
    -4,
    kernel_shape=[3, 3],
    strides=[2, 2],
    pads=[1, 1, 1, 1],
    count_include_pad=1,
)
pool(
    "microsoft_qlinear_average_pool_ceil",
    "QLinearAveragePool",
    (1, 2, 8, 8),
    U8,
    0.1,
    100,
    0.07,
    120,
    kernel_shape=[3, 3],
    strides=[2, 2],
    ceil_mode=1,
)
pool(
    "microsoft_qlinear_average_pool_same_upper",
    "QLinearAveragePool",
    (1, 2, 6, 7),
    U8,
    0.1,
    100,
    0.07,
    120,
    kernel_shape=[3, 3],
    strides=[2, 2],
    auto_pad="SAME_UPPER",
)
pool(
    "microsoft_qlinear_average_pool_channels_last",
    "QLinearAveragePool",
    (1, 6, 6, 5),
    U8,
    0.1,
    100,
    0.07,
    120,
    kernel_shape=[2, 2],
    strides=[2, 2],
    channels_last=1,
)

ALL_U8 = np.arange(256, dtype=np.uint8)


def unary(name, operator, x, x_scale, x_zero, y_scale, y_zero, **attributes):
    dtype = x.dtype
    case(
        name,
        microsoft(operator, "x x_scale x_zero y_scale y_zero", **attributes),
        {"x": x},
        constants={
            "x_scale": scalar(x_scale),
            "x_zero": scalar(x_zero, dtype),
            "y_scale": scalar(y_scale),
            "y_zero": scalar(y_zero, dtype),
        },
    )


unary("microsoft_qlinear_sigmoid_u8", "QLinearSigmoid", ALL_U8.reshape(4, 64), 0.05, 120, 1 / 256, 0)
unary("microsoft_qlinear_sigmoid_s8", "QLinearSigmoid", ALL_U8.view(S8).reshape(4, 64), 0.07, 4, 1 / 256, -128)
unary("microsoft_qlinear_leaky_relu_u8", "QLinearLeakyRelu", ALL_U8.reshape(2, 128), 0.05, 120, 0.04, 60, alpha=0.1)
unary(
    "microsoft_qlinear_leaky_relu_s8",
    "QLinearLeakyRelu",
    ALL_U8.view(S8).reshape(2, 128),
    0.05,
    3,
    0.06,
    -20,
    alpha=0.01,
)
name = "microsoft_qlinear_softmax_u8"
unary(name, "QLinearSoftmax", Random(name).uint8(3, 10), 0.08, 128, 1 / 256, 0, axis=-1, opset=13)
name = "microsoft_qlinear_softmax_s8"
unary(name, "QLinearSoftmax", Random(name).int8(2, 3, 40), 0.05, -5, 1 / 256, -128, axis=-1, opset=13)
name = "microsoft_qlinear_softmax_inner_axis"
unary(name, "QLinearSoftmax", Random(name).uint8(2, 5, 3), 0.08, 128, 1 / 256, 0, axis=1, opset=13)
name = "microsoft_qlinear_softmax_opset12"
unary(name, "QLinearSoftmax", Random(name).uint8(2, 5, 3), 0.08, 128, 1 / 256, 0, axis=1, opset=12)

name = "microsoft_qlinear_where"
random = Random(name)
case(
    name,
    microsoft("QLinearWhere", "c x x_scale x_zero z z_scale z_zero y_scale y_zero"),
    {"c": random.bool(3, 1), "x": random.uint8(3, 8), "z": random.uint8(1, 8)},
    constants={
        "x_scale": scalar(0.1),
        "x_zero": scalar(20, U8),
        "z_scale": scalar(0.07),
        "z_zero": scalar(128, U8),
        "y_scale": scalar(0.12),
        "y_zero": scalar(100, U8),
    },
)
