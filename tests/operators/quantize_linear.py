"""QuantizeLinear and DequantizeLinear since opset 19: scales of other float types, blocks, 4- and 16-bit types."""
import numpy as np

from case import S16, S8, U16, U8, Random, case, element_type, four_bit, node, scalar

# Quantization: 19 allows scales of other float types, 21 blocks and 4- and 16-bit types.
for opset in (19, 21, 23):
    for dtype, zero in ((U8, 120), (S8, -5)) + (((U16, 30000), (S16, 77)) if opset >= 21 else ()):
        word = np.dtype(dtype).name
        name = f"opset{opset}_quantize_linear_{word}"
        wide = np.iinfo(dtype).bits == 16
        case(
            name,
            node("QuantizeLinear", "x scale zero"),
            {"x": Random(name).float(3, 20, low=-9, high=9)},
            constants={"scale": scalar(0.0002 if wide else 0.06), "zero": scalar(zero, dtype)},
            opset=opset,
        )
        name = f"opset{opset}_dequantize_linear_{word}"
        case(
            name,
            node("DequantizeLinear", "x scale zero"),
            {"x": Random(name).byte(dtype, 3, 20)},
            constants={"scale": scalar(0.06), "zero": scalar(zero, dtype)},
            opset=opset,
        )
ties = np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5, 1000, -1000], np.float32)
case(
    "opset19_quantize_linear_ties",
    node("QuantizeLinear", "x scale zero"),
    {"x": ties},
    constants={"scale": scalar(1), "zero": scalar(3, U8)},
    opset=19,
)
case(
    "opset19_quantize_linear_no_zero_point",
    node("QuantizeLinear", "x scale"),
    {"x": ties},
    constants={"scale": scalar(0.5)},
    opset=19,
)
name = "opset19_quantize_linear_saturate_attribute"
case(
    name,
    node("QuantizeLinear", "x scale zero", saturate=1),
    {"x": ties},
    constants={"scale": scalar(0.01), "zero": scalar(0, S8)},
    opset=19,
)
for name, shape, axis, dtype in (
    ("opset19_quantize_linear_axis", (2, 4, 3), 1, S8),
    ("opset21_quantize_linear_axis_last", (2, 3, 4), -1, U8),
    ("opset21_quantize_linear_axis_uint16", (4, 3), 0, U16),
):
    random = Random(name)
    count = shape[axis]
    case(
        name,
        node("QuantizeLinear", "x scale zero", axis=axis),
        {"x": random.float(*shape, low=-5, high=5)},
        constants={
            "scale": random.float(count, low=0.03, high=0.06),
            "zero": random.int(count, low=0, high=100, dtype=dtype),
        },
        opset=int(name[5:7]),
    )
    name = name.replace("quantize", "dequantize")
    random = Random(name)
    case(
        name,
        node("DequantizeLinear", "x scale zero", axis=axis),
        {"x": random.byte(dtype, *shape)},
        constants={"scale": random.float(count, low=0.03, high=0.06), "zero": random.byte(dtype, count)},
        opset=int(name[5:7]),
    )
name = "opset19_dequantize_linear_int32"
case(
    name,
    node("DequantizeLinear", "x scale"),
    {"x": Random(name).int(3, 4, low=-9999, high=9999, dtype=np.int32)},
    constants={"scale": scalar(0.003)},
    opset=19,
)
name = "opset19_quantize_linear_float16"
case(
    name,
    node("QuantizeLinear", "x scale zero"),
    {"x": Random(name).float(3, 9, dtype=np.float16)},
    constants={"scale": scalar(0.0156, np.float16), "zero": scalar(128, U8)},
    opset=19,
)
name = "opset19_dequantize_linear_float16"
case(
    name,
    node("DequantizeLinear", "x scale zero"),
    {"x": Random(name).int8(3, 9)},
    constants={"scale": scalar(0.0156, np.float16), "zero": scalar(3, S8)},
    opset=19,
)
name = "opset21_quantize_linear_output_dtype"
case(
    name,
    node("QuantizeLinear", "x scale", output_dtype=element_type(S8)),
    {"x": Random(name).float(3, 9)},
    constants={"scale": scalar(0.02)},
    opset=21,
)


def blocked(name, shape, axis, block, dtype, zero, four=False, opset=21):
    random = Random(name)
    blocks = list(shape)
    blocks[axis] = -(-shape[axis] // block)
    signed = np.issubdtype(dtype, np.signedinteger)
    low, high = ((-8, 8) if signed else (0, 16)) if four else (np.iinfo(dtype).min, np.iinfo(dtype).max + 1)
    draw = lambda *s: random.int(*s, low=low, high=high)
    store = lambda n, v: four_bit(n, v, signed) if four else v.astype(dtype)
    constants = {"w": store("w", draw(*shape)), "scale": random.float(*blocks, low=0.01, high=0.05)}
    names = "w scale"
    if zero:
        constants["zero"] = store("zero", draw(*blocks))
        names += " zero"
    case(name, node("DequantizeLinear", names, axis=axis, block_size=block), {}, constants=constants, opset=opset)


blocked("opset21_dequantize_linear_block_int8", (3, 8), 1, 4, S8, True)
blocked("opset21_dequantize_linear_block_axis0", (8, 3), 0, 2, U8, True)
blocked("opset21_dequantize_linear_block_middle", (2, 6, 5), 1, 3, S8, False)
blocked("opset21_dequantize_linear_block_ragged", (3, 10), 1, 4, S8, True)
blocked("opset21_dequantize_linear_block_int4", (4, 8), 1, 4, S8, False, True)
blocked("opset21_dequantize_linear_block_uint4", (8, 5), 0, 4, U8, True, True)
blocked("opset21_dequantize_linear_block_int16", (2, 8), 1, 4, S16, True)
for signed in (True, False):
    word = "int4" if signed else "uint4"
    shift = 8 if signed else 0
    for axis in (None, 0):
        name = f"opset21_dequantize_linear_{word}" + ("" if axis is None else "_axis")
        random = Random(name)
        count = () if axis is None else (5,)
        case(
            name,
            node("DequantizeLinear", "w scale zero", **({} if axis is None else {"axis": axis})),
            {},
            constants={
                "w": four_bit("w", random.int(5, 3, high=16) - shift, signed),
                "scale": random.float(*count, low=0.1, high=0.3),
                "zero": four_bit("zero", random.int(*count, high=16) - shift, signed),
            },
            opset=21,
        )
    name = f"opset21_quantize_linear_{word}_and_back"
    random = Random(name)
    zero = {"zero": four_bit("zero", np.array(2), signed), "scale": scalar(0.4)}
    case(
        name,
        [node("QuantizeLinear", "x scale zero", "q"), node("DequantizeLinear", "q scale zero")],
        {"x": random.float(5, 3, low=-4, high=4)},
        constants=zero,
        opset=21,
    )
for name, dtype in (("opset21_quantize_linear_block", S8), ("opset21_quantize_linear_block_uint8", U8)):
    random = Random(name)
    case(
        name,
        node("QuantizeLinear", "x scale zero", axis=1, block_size=3),
        {"x": random.float(4, 9)},
        constants={"scale": random.float(4, 3, low=0.02, high=0.05), "zero": random.int(4, 3, high=60, dtype=dtype)},
        opset=21,
    )

# 4-bit weights through shape operators, as weight-only quantizers write them.
name = "opset21_int4_weights_transposed"
random = Random(name)
case(
    name,
    [
        node("DequantizeLinear", "w scale", "d", axis=1, block_size=8),
        node("Transpose", "d", "t", perm=[1, 0]),
        node("MatMul", "x t"),
    ],
    {"x": random.float(2, 16)},
    constants={
        "w": four_bit("w", random.int(6, 16, low=-8, high=8), True),
        "scale": random.float(6, 2, low=0.05, high=0.1),
    },
    opset=21,
)
