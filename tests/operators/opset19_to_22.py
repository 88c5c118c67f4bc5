"""What opsets 19 to 23 added or changed."""
import numpy as np
from onnx import helper

from case import INT4, S16, S8, U16, U8, UINT4, Random, case, element_type, four_bit, ints, node, scalar

# Pooling: 19 brought dilations to AveragePool and defined which cells ceil_mode counts.
for name, opset, attributes in (
    ("opset19_average_pool_dilations", 19, {"kernel_shape": [2, 2], "dilations": [2, 2]}),
    ("opset19_average_pool_dilations_pads", 19, {"kernel_shape": [3, 2], "dilations": [2, 3], "pads": [1, 1, 1, 1]}),
    ("opset19_average_pool_ceil", 19, {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}),
    (
        "opset19_average_pool_ceil_include_pad",
        19,
        {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1, "pads": [1, 1, 1, 1], "count_include_pad": 1},
    ),
    ("opset22_average_pool_same_lower", 22, {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_LOWER"}),
    (
        "opset19_average_pool_ceil_include_pad_dilations",
        19,
        {
            "kernel_shape": [2, 2],
            "strides": [3, 3],
            "dilations": [2, 2],
            "ceil_mode": 1,
            "pads": [0, 1, 1, 0],
            "count_include_pad": 1,
        },
    ),
):
    case(name, node("AveragePool", "x", **attributes), {"x": Random(name).float(1, 2, 7, 8)}, opset=opset)
for name, attributes in (
    ("opset22_max_pool_ceil", {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}),
    ("opset22_max_pool_dilations", {"kernel_shape": [2, 2], "dilations": [2, 3]}),
    ("opset22_max_pool_pads_ceil", {"kernel_shape": [2, 2], "strides": [3, 3], "ceil_mode": 1, "pads": [0, 0, 1, 1]}),
):
    case(name, node("MaxPool", "x", "y i", **attributes), {"x": Random(name).float(1, 2, 7, 8)}, "y i", opset=22)
name = "opset22_max_pool_int8"
case(name, node("MaxPool", "x", kernel_shape=[3, 3], pads=[1, 1, 1, 1]), {"x": Random(name).int8(1, 2, 6, 5)}, opset=22)

# Pad "wrap" is new in 19.
for name, pads in (("opset19_pad_wrap", (0, 1, 0, 2)), ("opset19_pad_wrap_both", (2, 1, 1, 3))):
    case(
        name,
        node("Pad", "x pads", mode="wrap"),
        {"x": Random(name).float(3, 4)},
        constants={"pads": ints(*pads)},
        opset=19,
    )
name = "opset21_pad_int8"
case(
    name,
    node("Pad", "x pads value"),
    {"x": Random(name).int8(3, 4)},
    constants={"pads": ints(1, 0, 0, 2), "value": scalar(-7, S8)},
    opset=21,
)


# Deformable convolution.
def deform(name, x, w, output, mask=False, bias=False, offset_group=1, opset=19, **attributes):
    random = Random(name)
    taps = w[2] * w[3] * offset_group
    inputs = {"x": random.float(*x), "offset": random.float(x[0], 2 * taps, *output, low=-1.3, high=1.3)}
    constants = {"w": random.float(*w)}
    names = "x w offset"
    if bias:
        constants["b"] = random.float(w[0])
    if bias or mask:
        names += " b" if bias else " -"
    if mask:
        inputs["mask"] = random.float(x[0], taps, *output, low=0, high=1)
        names += " mask"
    case(
        name,
        node("DeformConv", names, offset_group=offset_group, **attributes),
        inputs,
        constants=constants,
        opset=opset,
    )


deform("opset19_deform_conv", (1, 2, 5, 5), (3, 2, 3, 3), (3, 3))
deform("opset19_deform_conv_pads_mask_bias", (2, 2, 5, 6), (4, 2, 3, 3), (5, 6), True, True, pads=[1, 1, 1, 1])
deform("opset19_deform_conv_strides_dilations", (1, 2, 9, 9), (2, 2, 2, 2), (3, 3), strides=[2, 2], dilations=[3, 3])
deform("opset19_deform_conv_groups", (1, 4, 5, 5), (4, 2, 2, 2), (4, 4), offset_group=2, group=2)
deform("opset22_deform_conv", (1, 2, 4, 4), (2, 2, 2, 2), (3, 3), opset=22)

# Casts, identity-like operators with the newer types.
for source, target in (
    (np.float32, np.float16),
    (np.float16, np.float32),
    (np.float32, U8),
    (np.float32, S8),
    (np.float32, np.int64),
    (np.int64, np.float32),
    (np.float32, np.bool_),
    (np.bool_, np.float32),
    (U8, np.int32),
    (np.int32, S8),
    (np.float64, np.float32),
    (np.int32, np.float16),
    (S16, np.float32),
    (np.float32, U16),
    (np.uint32, np.int64),
):
    name = f"opset19_cast_{np.dtype(source).name}_to_{np.dtype(target).name}"
    random = Random(name)
    x = random.bool(3, 4) if source == np.bool_ else random.float(3, 4, low=0, high=100).astype(source)
    if source in (np.float32, np.float16) and target in (S8, np.int64, np.float16):
        x = (x - 50).astype(source)
    case(name, node("Cast", "x", to=element_type(target)), {"x": x}, opset=19)
name = "opset19_cast_like"
case(name, node("CastLike", "x t"), {"x": Random(name).float(3, 4, high=9), "t": np.zeros(1, np.int32)}, opset=19)
for signed, kind in ((True, INT4), (False, UINT4)):
    word = "int4" if signed else "uint4"
    name = f"opset21_cast_{word}_to_float"
    values = np.arange(15).reshape(3, 5) - (7 if signed else 0)
    case(name, node("Cast", "w", "y", to=1), {}, constants={"w": four_bit("w", values, signed)}, opset=21)
    name = f"opset21_cast_float_to_{word}_and_back"
    case(
        name,
        [node("Cast", "x", "n", to=kind), node("Cast", "n", "y", to=1)],
        {"x": values.astype(np.float32)},
        opset=21,
    )
    name = f"opset21_cast_{word}_to_int8"
    case(name, node("Cast", "w", "y", to=3), {}, constants={"w": four_bit("w", values, signed)}, opset=21)

name = "opset19_equal_bool"
random = Random(name)
case(name, node("Equal", "a b"), {"a": random.bool(3, 4), "b": random.bool(4)}, opset=19)
name = "opset19_equal_int32"
random = Random(name)
case(
    name,
    node("Equal", "a b"),
    {"a": random.int(3, 4, high=3, dtype=np.int32), "b": random.int(3, 4, high=3, dtype=np.int32)},
    opset=19,
)
for name, shape, target, allow in (
    ("opset19_reshape_zero_copies", (2, 3, 4), (0, -1), 0),
    ("opset19_reshape_allow_zero", (0, 3, 4), (3, 0, 7), 1),
    ("opset21_reshape_minus_one", (2, 3, 4), (4, -1, 3), 0),
):
    case(
        name,
        node("Reshape", "x shape", allowzero=allow),
        {"x": Random(name).float(*shape)},
        constants={"shape": ints(*target)},
        opset=int(name[5:7]),
    )
for name, attributes in (
    ("opset19_shape_start_end", {"start": 1, "end": -1}),
    ("opset19_shape_start", {"start": -2}),
    ("opset21_shape_clamped", {"start": -9, "end": 9}),
):
    case(name, node("Shape", "x", **attributes), {"x": Random(name).float(2, 3, 4, 5)}, opset=int(name[5:7]))
name = "opset21_size"
case(name, node("Size", "x"), {"x": Random(name).int(3, 4, dtype=np.uint16)}, opset=21)

# 20
name = "opset20_constant_of_shape_uint8"
case(name, node("ConstantOfShape", "s", value=helper.make_tensor("v", 2, [1], [7])), {"s": ints(2, 3)}, opset=20)
case("opset20_constant_of_shape_scalar", node("ConstantOfShape", "s"), {"s": ints()}, opset=20)
case(
    "opset20_constant_of_shape_empty",
    node("ConstantOfShape", "s", value=helper.make_tensor("v", 7, [1], [3])),
    {"s": ints(0, 2)},
    opset=20,
)
odd = np.array([1.0, np.nan, np.inf, -np.inf, 0.0, -3.0], np.float32)
for name, operator, attributes, x in (
    ("opset20_is_inf", "IsInf", {}, odd),
    ("opset20_is_inf_positive", "IsInf", {"detect_negative": 0}, odd),
    ("opset20_is_inf_negative", "IsInf", {"detect_positive": 0}, odd),
    ("opset20_is_nan", "IsNaN", {}, odd),
    ("opset20_is_nan_float16", "IsNaN", {}, odd.astype(np.float16)),
    ("opset20_is_inf_float16", "IsInf", {}, odd.astype(np.float16)),
    ("opset20_is_inf_double", "IsInf", {}, odd.astype(float)),
):
    case(name, node(operator, "x", **attributes), {"x": x}, opset=20)
for kind in ("Max", "Min"):
    name = f"opset20_reduce_{kind.lower()}_bool"
    case(
        name,
        node(f"Reduce{kind}", "x axes", keepdims=0),
        {"x": Random(name).bool(4, 3)},
        constants={"axes": ints(1)},
        opset=20,
    )
for approximate in ("none", "tanh"):
    name = f"opset20_gelu_{approximate}"
    case(name, node("Gelu", "x", approximate=approximate), {"x": Random(name).float(3, 33, low=-6, high=6)}, opset=20)


def grid_sample(name, x, grid, opset=20, **attributes):
    random = Random(name)
    case(
        name,
        node("GridSample", "x g", **attributes),
        {"x": random.float(*x), "g": random.float(*grid, low=-1.2, high=1.2)},
        opset=opset,
    )


for mode in ("linear", "nearest", "cubic"):
    for padding in ("zeros", "border", "reflection"):
        grid_sample(
            f"opset20_grid_sample_{mode}_{padding}", (1, 2, 5, 6), (1, 3, 4, 2), mode=mode, padding_mode=padding
        )
grid_sample("opset20_grid_sample_linear_align_corners", (2, 2, 5, 6), (2, 3, 4, 2), align_corners=1)
grid_sample("opset20_grid_sample_cubic_align_corners", (1, 2, 5, 6), (1, 3, 4, 2), mode="cubic", align_corners=1)
grid_sample("opset20_grid_sample_volume_linear", (1, 2, 3, 4, 5), (1, 2, 3, 4, 3))
grid_sample(
    "opset20_grid_sample_volume_nearest_border",
    (1, 2, 3, 4, 5),
    (1, 2, 3, 4, 3),
    mode="nearest",
    padding_mode="border",
    align_corners=1,
)
grid_sample("opset20_grid_sample_volume_reflection", (1, 1, 3, 4, 5), (1, 2, 2, 2, 3), padding_mode="reflection")
grid_sample("opset22_grid_sample", (1, 2, 5, 6), (1, 3, 4, 2), opset=22)
grid_sample("opset16_grid_sample_bicubic", (1, 2, 5, 6), (1, 3, 4, 2), opset=16, mode="bicubic")

for name, size, corners in (
    ("opset20_affine_grid", (2, 1, 4, 5), 0),
    ("opset20_affine_grid_align_corners", (2, 1, 4, 5), 1),
    ("opset20_affine_grid_volume", (1, 1, 2, 3, 4), 0),
):
    rank = len(size) - 2
    case(
        name,
        node("AffineGrid", "theta size", align_corners=corners),
        {"theta": Random(name).float(size[0], rank, rank + 1), "size": ints(*size)},
        opset=20,
    )

for name, shape, axis, length, attributes in (
    ("opset20_dft", (1, 8, 1), 1, None, {}),
    ("opset20_dft_complex", (2, 6, 2), 1, None, {}),
    ("opset20_dft_inverse", (1, 7, 2), 1, None, {"inverse": 1}),
    ("opset20_dft_onesided", (1, 9, 1), 1, None, {"onesided": 1}),
    ("opset20_dft_length", (1, 6, 1), 1, 8, {}),
    ("opset20_dft_shorter", (1, 9, 1), 1, 5, {}),
    ("opset20_dft_axis", (2, 4, 5, 1), -3, None, {}),
    ("opset20_dft_default_axis", (2, 4, 6, 1), None, None, {}),
):
    constants, names = {}, "x"
    if length or axis is not None:
        names += " length" if length else " -"
        if length:
            constants["length"] = np.array(length, np.int64)
    if axis is not None:
        names += " axis"
        constants["axis"] = np.array(axis, np.int64)
    case(name, node("DFT", names, **attributes), {"x": Random(name).float(*shape)}, constants=constants, opset=20)

# 21
for name, operator, inputs, constants, attributes in (
    ("opset21_transpose_uint16", "Transpose", {"x": Random("t").byte(U16, 2, 3, 4)}, {}, {"perm": [2, 0, 1]}),
    ("opset21_squeeze_negative", "Squeeze", {"x": Random("s").float(1, 3, 1)}, {"a": ints(-1)}, {}),
    ("opset21_squeeze_all", "Squeeze", {"x": Random("s").float(1, 3, 1)}, {}, {}),
    ("opset21_unsqueeze_unordered", "Unsqueeze", {"x": Random("u").float(3)}, {"a": ints(2, 0)}, {}),
    ("opset21_flatten_negative", "Flatten", {"x": Random("f").float(2, 3, 4)}, {}, {"axis": -1}),
    ("opset21_flatten_zero", "Flatten", {"x": Random("f").float(2, 3, 4)}, {}, {"axis": 0}),
):
    case(name, node(operator, " ".join([*inputs, *constants]), **attributes), inputs, constants=constants, opset=21)

# 22: types were added everywhere; some of the operators whose versions changed.
for operator, low, high in (
    ("Acos", -1, 1),
    ("Acosh", 1, 4),
    ("Asin", -1, 1),
    ("Asinh", -3, 3),
    ("Atan", -3, 3),
    ("Atanh", -0.9, 0.9),
    ("Cos", -3, 3),
    ("Cosh", -3, 3),
    ("Sin", -3, 3),
    ("Sinh", -3, 3),
    ("Tan", -1, 1),
    ("Elu", -3, 3),
    ("Selu", -3, 3),
    ("HardSigmoid", -4, 4),
    ("HardSwish", -4, 4),
    ("Mish", -3, 3),
    ("Round", -4, 4),
    ("Softplus", -3, 3),
    ("Softsign", -3, 3),
    ("ThresholdedRelu", -3, 3),
    ("GlobalAveragePool", -2, 2),
    ("GlobalMaxPool", -2, 2),
):
    name = f"opset22_{operator.lower()}"
    case(name, node(operator, "x"), {"x": Random(name).float(2, 3, 4, low=low, high=high)}, opset=22)
name = "opset22_conv"
random = Random(name)
case(
    name,
    node("Conv", "x w b", pads=[1, 0, 1, 2], strides=[2, 1], dilations=[1, 2]),
    {"x": random.float(1, 3, 7, 8)},
    constants={"w": random.float(4, 3, 3, 2), "b": random.float(4)},
    opset=22,
)
name = "opset22_conv_transpose"
random = Random(name)
case(
    name,
    node("ConvTranspose", "x w", strides=[2, 2], pads=[1, 1, 0, 1], output_padding=[1, 0], group=2),
    {"x": random.float(1, 4, 3, 4)},
    constants={"w": random.float(4, 3, 3, 3)},
    opset=22,
)
name = "opset22_instance_normalization"
random = Random(name)
case(
    name,
    node("InstanceNormalization", "x s b", epsilon=1e-3),
    {"x": random.float(2, 3, 4, 5)},
    constants={"s": random.float(3), "b": random.float(3)},
    opset=22,
)
name = "opset22_lp_normalization"
case(name, node("LpNormalization", "x", axis=1, p=1), {"x": Random(name).float(2, 3, 4)}, opset=22)
name = "opset22_dropout_inference"
case(name, node("Dropout", "x"), {"x": Random(name).float(3, 4)}, opset=22)
name = "opset22_det"
case(name, node("Det", "x"), {"x": Random(name).float(2, 3, 3)}, opset=22)
name = "opset22_eye_like"
case(name, node("EyeLike", "x", k=1, dtype=7), {"x": Random(name).float(3, 4)}, opset=22)
for name, attributes in (
    ("opset16_roi_align", {"output_height": 2, "output_width": 3, "sampling_ratio": 2}),
    (
        "opset16_roi_align_max",
        {"output_height": 2, "output_width": 2, "mode": "max", "coordinate_transformation_mode": "output_half_pixel"},
    ),
    ("opset16_roi_align_scale", {"output_height": 3, "output_width": 3, "spatial_scale": 0.5}),
):
    case(
        name,
        node("RoiAlign", "x rois batch", **attributes),
        {
            "x": Random(name).float(2, 2, 8, 8),
            "rois": np.array([[0, 0, 5, 5], [1, 2, 7, 6.5], [3, 1, 4, 6]], np.float32),
            "batch": ints(0, 1, 1),
        },
        opset=16,
    )
for operator, gates in (("LSTM", 4), ("GRU", 3), ("RNN", 1)):
    name = f"opset22_{operator.lower()}"
    random = Random(name)
    case(
        name,
        node(operator, "x w r b", "y y_h", hidden_size=5),
        {"x": random.float(3, 2, 4)},
        "y y_h",
        {"w": random.float(1, gates * 5, 4), "r": random.float(1, gates * 5, 5), "b": random.float(1, 2 * gates * 5)},
        opset=22,
    )
