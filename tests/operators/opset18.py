"""What opset 18 added or changed."""
import numpy as np

from case import Random, case, floats, ints, node, scalar

REDUCTIONS = ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare")

for kind in REDUCTIONS:
    name = f"opset18_reduce_{kind.lower()}_axes_input"
    case(
        name,
        node(f"Reduce{kind}", "x axes", keepdims=0),
        {"x": Random(name).float(3, 4, 5, low=0.2, high=2)},
        constants={"axes": ints(0, -1)},
    )
for kind, keep in (("Mean", 1), ("Max", 0), ("LogSumExp", 1)):
    name = f"opset18_reduce_{kind.lower()}_all"
    case(name, node(f"Reduce{kind}", "x", keepdims=keep), {"x": Random(name).float(3, 4, 5)})
for kind in ("Sum", "Mean"):
    name = f"opset18_reduce_{kind.lower()}_noop_empty_axes"
    case(
        name,
        node(f"Reduce{kind}", "x axes", noop_with_empty_axes=1),
        {"x": Random(name).float(3, 4)},
        constants={"axes": ints()},
    )
    name = f"opset18_reduce_{kind.lower()}_noop_no_axes"
    case(name, node(f"Reduce{kind}", "x", noop_with_empty_axes=1), {"x": Random(name).float(3, 4)})
name = "opset18_reduce_mean_empty_axes"
case(name, node("ReduceMean", "x axes", keepdims=0), {"x": Random(name).float(3, 4)}, constants={"axes": ints()})
name = "opset18_reduce_max_fed_axes"
case(name, node("ReduceMax", "x axes"), {"x": Random(name).float(3, 4), "axes": ints(1)})
name = "opset18_reduce_sum_int32"
case(name, node("ReduceSum", "x axes"), {"x": Random(name).int(3, 4, dtype=np.int32)}, constants={"axes": ints(0)})
for kind, dtype in (("Max", np.uint8), ("Min", np.int8), ("Prod", np.int64), ("Mean", np.int32)):
    name = f"opset18_reduce_{kind.lower()}_{np.dtype(dtype).name}"
    case(
        name,
        node(f"Reduce{kind}", "x axes", keepdims=0),
        {"x": Random(name).int(3, 4, 2, low=1, high=9, dtype=dtype)},
        constants={"axes": ints(1)},
    )

for name, shape, attributes, outputs in (
    ("opset18_split_num_outputs", (2, 6), {"axis": 1, "num_outputs": 3}, "a b c"),
    ("opset18_split_num_outputs_uneven", (2, 7), {"axis": -1, "num_outputs": 3}, "a b c"),
    ("opset18_split_num_outputs_axis0", (5,), {"num_outputs": 2}, "a b"),
):
    case(name, node("Split", "x", outputs, **attributes), {"x": Random(name).float(*shape)}, outputs)
name = "opset18_split_sizes_with_empty"
case(
    name, node("Split", "x sizes", "a b c", axis=1), {"x": Random(name).float(2, 6)}, "a b c", {"sizes": ints(4, 0, 2)}
)

for name, pads, axes, attributes in (
    ("opset18_pad_axes", (1, 2), (1,), {}),
    ("opset18_pad_axes_negative", (1, 0, 2, 1), (-1, 0), {}),
    ("opset18_pad_axes_reflect", (1, 2, 1, 2), (2, 1), {"mode": "reflect"}),
    ("opset18_pad_axes_edge", (3, 2), (2,), {"mode": "edge"}),
    ("opset18_pad_crop", (-1, 1, 0, -2), (1, 2), {}),
):
    case(
        name,
        node("Pad", "x pads value axes", **attributes),
        {"x": Random(name).float(2, 4, 5)},
        constants={"pads": ints(*pads), "value": scalar(1.5), "axes": ints(*axes)},
    )
name = "opset18_pad_no_value_axes"
case(
    name,
    node("Pad", "x pads - axes"),
    {"x": Random(name).int(3, 4, dtype=np.uint8)},
    constants={"pads": ints(1, 1), "axes": ints(1)},
)


def resize(name, shape, scales=None, sizes=None, region=None, opset=18, **attributes):
    constants, names = {}, ["x", "-", "-", "-"]
    if region:
        constants["region"], names[1] = floats(*region), "region"
    if scales:
        constants["scales"], names[2] = floats(*scales), "scales"
    if sizes:
        constants["sizes"], names[3] = ints(*sizes), "sizes"
        names = names[:4]
    else:
        names = names[:3]
    case(name, node("Resize", names, **attributes), {"x": Random(name).float(*shape)}, constants=constants, opset=opset)


resize("opset18_resize_axes_scales", (1, 2, 4, 5), (1.5, 2.0), axes=[3, 2], mode="linear")
resize("opset18_resize_axes_sizes", (1, 2, 4, 5), sizes=(7, 3), axes=[2, 3], mode="nearest")
resize("opset18_resize_axes_negative", (1, 2, 4, 5), (2.0, 2.0), axes=[-2, -1], mode="nearest")
resize("opset18_resize_antialias_linear", (1, 1, 8, 9), (1.0, 1.0, 0.4, 0.6), mode="linear", antialias=1)
resize("opset18_resize_antialias_linear_sizes", (1, 2, 9, 7), sizes=(1, 2, 3, 4), mode="linear", antialias=1)
resize("opset18_resize_antialias_cubic", (1, 1, 9, 8), (1.0, 1.0, 0.5, 0.5), mode="cubic", antialias=1)
resize(
    "opset18_resize_antialias_cubic_exclude_outside",
    (1, 1, 9, 8),
    (1.0, 1.0, 0.4, 0.5),
    mode="cubic",
    antialias=1,
    exclude_outside=1,
    cubic_coeff_a=-0.5,
)
resize("opset18_resize_antialias_upsampling", (1, 1, 4, 4), (1.0, 1.0, 2.0, 1.5), mode="linear", antialias=1)
resize(
    "opset18_resize_not_larger",
    (1, 1, 6, 8),
    sizes=(4, 4),
    axes=[2, 3],
    keep_aspect_ratio_policy="not_larger",
    mode="linear",
)
resize(
    "opset18_resize_not_smaller",
    (1, 1, 6, 8),
    sizes=(9, 9),
    axes=[2, 3],
    keep_aspect_ratio_policy="not_smaller",
    mode="nearest",
)
resize("opset18_resize_linear_half_pixel", (1, 2, 4, 5), (1.0, 1.0, 1.7, 2.3), mode="linear")
resize(
    "opset18_resize_linear_align_corners",
    (1, 1, 4, 5),
    sizes=(1, 1, 7, 3),
    mode="linear",
    coordinate_transformation_mode="align_corners",
)
resize(
    "opset18_resize_linear_pytorch_half_pixel",
    (1, 1, 4, 5),
    sizes=(1, 1, 1, 10),
    mode="linear",
    coordinate_transformation_mode="pytorch_half_pixel",
)
resize(
    "opset18_resize_crop",
    (1, 1, 6, 6),
    sizes=(1, 1, 4, 5),
    region=(0, 0, 0.2, 0.1, 1, 1, 0.8, 1.3),
    mode="linear",
    coordinate_transformation_mode="tf_crop_and_resize",
    extrapolation_value=-3.0,
)
resize("opset18_resize_linear_1d", (1, 2, 7), (1.0, 1.0, 2.5), mode="linear")
resize("opset18_resize_linear_3d", (1, 1, 3, 4, 5), (1.0, 1.0, 2.0, 1.5, 0.8), mode="linear")
resize(
    "opset18_resize_nearest_3d",
    (1, 1, 2, 3, 4),
    (1.0, 1.0, 2.0, 2.0, 2.0),
    mode="nearest",
    coordinate_transformation_mode="asymmetric",
    nearest_mode="floor",
)
for rounding in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
    resize(
        f"opset18_resize_nearest_{rounding}", (1, 1, 4, 5), (1.0, 1.0, 0.6, 2.0), mode="nearest", nearest_mode=rounding
    )
resize(
    "opset19_resize_half_pixel_symmetric",
    (1, 1, 5, 6),
    (1.0, 1.0, 0.7, 1.3),
    opset=19,
    mode="linear",
    coordinate_transformation_mode="half_pixel_symmetric",
)
resize(
    "opset19_resize_half_pixel_symmetric_nearest",
    (1, 1, 5, 6),
    (1.0, 1.0, 0.7, 1.3),
    opset=19,
    mode="nearest",
    coordinate_transformation_mode="half_pixel_symmetric",
)
for dtype in (np.uint8, np.int8):
    name = f"opset18_resize_linear_{np.dtype(dtype).name}"
    case(
        name,
        node("Resize", "x - scales", mode="linear"),
        {"x": Random(name).byte(dtype, 1, 2, 4, 5)},
        constants={"scales": floats(1, 1, 2, 2)},
    )
name = "opset18_resize_nearest_uint8"
case(
    name,
    node("Resize", "x - scales", mode="nearest"),
    {"x": Random(name).uint8(1, 2, 4, 5)},
    constants={"scales": floats(1, 1, 2, 3)},
)

for name, shape, image, block, attributes in (
    ("opset18_col2im", (1, 4, 9), (4, 4), (2, 2), {}),
    ("opset18_col2im_strides", (2, 8, 4), (4, 4), (2, 2), {"strides": [2, 2]}),
    ("opset18_col2im_pads", (1, 6, 16), (5, 4), (2, 3), {"pads": [0, 1, 0, 1]}),
    ("opset18_col2im_dilations", (1, 4, 4), (5, 5), (2, 2), {"dilations": [3, 3]}),
    ("opset18_col2im_3d", (1, 8, 12), (3, 4, 3), (2, 2, 2), {}),
    ("opset18_col2im_1d", (1, 6, 4), (6,), (3,), {}),
):
    case(
        name,
        node("Col2Im", "x image block", **attributes),
        {"x": Random(name).float(*shape)},
        constants={"image": ints(*image), "block": ints(*block)},
    )

for name, shape, target, attributes in (
    ("opset18_center_crop_pad_crop", (5, 6, 3), (3, 4, 1), {}),
    ("opset18_center_crop_pad_pad", (3, 4), (6, 7), {}),
    ("opset18_center_crop_pad_axes", (2, 7, 4), (4, 7), {"axes": [1, 2]}),
    ("opset18_center_crop_pad_negative_axes", (2, 7, 4), (10, 3), {"axes": [-2, -1]}),
):
    case(
        name,
        node("CenterCropPad", "x shape", **attributes),
        {"x": Random(name).float(*shape)},
        constants={"shape": ints(*target)},
    )

for operator in ("And", "Or", "Xor"):
    for dtype in (np.uint8, np.int32, np.int64):
        name = f"opset18_bitwise_{operator.lower()}_{np.dtype(dtype).name}"
        random = Random(name)
        case(name, node(f"Bitwise{operator}", "a b"), {"a": random.byte(dtype, 3, 4), "b": random.byte(dtype, 4)})
for dtype in (np.uint8, np.int8, np.uint16, np.int32, np.int64):
    name = f"opset18_bitwise_not_{np.dtype(dtype).name}"
    case(name, node("BitwiseNot", "x"), {"x": Random(name).byte(dtype, 3, 4)})

for name, shape, groups, opset in (
    ("opset18_group_normalization", (2, 6, 3, 4), 3, 18),
    ("opset18_group_normalization_one_group", (1, 4, 5), 1, 18),
    ("opset21_group_normalization", (2, 6, 3, 4), 3, 21),
    ("opset21_group_normalization_per_channel", (1, 4, 3, 3), 4, 21),
):
    random = Random(name)
    count = groups if opset == 18 else shape[1]  # opset 21 scales per channel, 18 per group
    case(
        name,
        node("GroupNormalization", "x scale bias", num_groups=groups, epsilon=1e-3),
        {"x": random.float(*shape)},
        constants={"scale": random.float(count), "bias": random.float(count)},
        opset=opset,
    )

name = "opset18_mish"
case(name, node("Mish", "x"), {"x": Random(name).float(3, 33, low=-8, high=8)})

for name, attributes in (
    ("opset18_lp_pool", {"kernel_shape": [2, 3], "strides": [1, 2]}),
    ("opset18_lp_pool_dilations", {"kernel_shape": [2, 2], "dilations": [2, 2], "p": 3}),
    ("opset18_lp_pool_ceil", {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}),
    ("opset18_lp_pool_pads", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "p": 1}),
):
    case(name, node("LpPool", "x", **attributes), {"x": Random(name).float(1, 2, 6, 8)})

for reduction in ("max", "min", "mul", "add"):
    name = f"opset18_scatter_elements_{reduction}"
    random = Random(name)
    case(
        name,
        node("ScatterElements", "x i u", axis=1, reduction=reduction),
        {"x": random.float(2, 5), "i": np.array([[1, 1, -1], [0, 3, 3]]), "u": random.float(2, 3)},
    )
    name = f"opset18_scatter_nd_{reduction}"
    random = Random(name)
    case(
        name,
        node("ScatterND", "x i u", reduction=reduction),
        {"x": random.float(4, 3), "i": np.array([[0], [2], [2]]), "u": random.float(3, 3)},
    )
