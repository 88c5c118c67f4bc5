"""Quantized products of the com.microsoft domain: matrices, attention, LSTM, weights of few bits, embeddings."""
import numpy as np

from case import S8, U8, Random, case, microsoft, scalar


def gemm(name, m, k, n, a_type, b_type, per_column=False, bias=True, float_output=False, b_zero=0, **attributes):
    random = Random(name)
    a = random.byte(a_type, *((k, m) if attributes.get("transA") else (m, k)))
    b = random.byte(b_type, *((n, k) if attributes.get("transB") else (k, n)))
    columns = (n,) if per_column else ()
    constants = {
        "a_scale": scalar(0.02),
        "a_zero": scalar(110 if a_type == U8 else -7, a_type),
        "b": b,
        "b_scale": random.float(*columns, low=0.004, high=0.01),
        "b_zero": np.full(columns, b_zero, b_type),
    }
    names = "a a_scale a_zero b b_scale b_zero "
    if bias:
        constants["c"] = random.int(n, low=-4000, high=4000, dtype=np.int32)
    names += "c" if bias else "-"
    if not float_output:
        constants["y_scale"], constants["y_zero"] = scalar(0.08), scalar(125 if a_type == U8 else 6, a_type)
        names += " y_scale y_zero"
    case(name, microsoft("QGemm", names, **attributes), {"a": a}, constants=constants)


gemm("microsoft_qgemm_u8s8", 4, 19, 7, U8, S8)
gemm("microsoft_qgemm_u8u8_weight_zero_point", 4, 19, 7, U8, U8, b_zero=121)
gemm("microsoft_qgemm_s8s8", 3, 33, 16, S8, S8)
gemm("microsoft_qgemm_per_column", 5, 24, 10, U8, S8, per_column=True)
gemm("microsoft_qgemm_trans_b", 2, 40, 9, U8, S8, per_column=True, transB=1)
gemm("microsoft_qgemm_trans_a", 6, 13, 9, U8, S8, transA=1, bias=False)
gemm("microsoft_qgemm_alpha", 2, 16, 5, U8, S8, alpha=0.5, transB=1, bias=False)
gemm("microsoft_qgemm_float_output", 3, 20, 6, U8, S8, float_output=True, per_column=True)


def dynamic_matmul(name, a_shape, n, b_type, per_column, zero, bias, constant_b=True, b_lead=()):
    random = Random(name)
    columns = (n,) if per_column else ()
    b = random.byte(b_type, *b_lead, a_shape[-1], n)
    constants = {"b_scale": random.float(*columns, low=0.004, high=0.01)}
    inputs = {"a": random.float(*a_shape, low=-1.5, high=2.5)}
    (constants if constant_b else inputs)["b"] = b
    names = "a b b_scale"
    if zero is not None:
        constants["b_zero"] = np.full(columns, zero, b_type)
    if zero is not None or bias:
        names += " b_zero" if zero is not None else " -"
    if bias:
        constants["bias"] = random.float(n)
        names += " bias"
    case(name, microsoft("DynamicQuantizeMatMul", names), inputs, constants=constants)


dynamic_matmul("microsoft_dynamic_quantize_matmul", (4, 24), 10, S8, False, None, False)
dynamic_matmul("microsoft_dynamic_quantize_matmul_u8", (4, 24), 10, U8, False, 119, False)
dynamic_matmul("microsoft_dynamic_quantize_matmul_per_column", (4, 24), 10, S8, True, 0, False)
dynamic_matmul("microsoft_dynamic_quantize_matmul_per_column_zero", (4, 24), 10, U8, True, 131, False)
dynamic_matmul("microsoft_dynamic_quantize_matmul_bias", (2, 3, 16), 9, S8, True, None, True)
dynamic_matmul("microsoft_dynamic_quantize_matmul_free_weight", (2, 3, 16), 9, S8, False, 3, True, constant_b=False)


def matmul_to_float(name, a_shape, n, a_type, b_type, per_column, zeros, bias):
    random = Random(name)
    columns = (n,) if per_column else ()
    constants = {
        "b": random.byte(b_type, a_shape[-1], n),
        "a_scale": scalar(0.013),
        "b_scale": random.float(*columns, low=0.004, high=0.01),
    }
    names = "a b a_scale b_scale"
    if zeros:
        constants["a_zero"] = scalar(117 if a_type == U8 else 12, a_type)
        constants["b_zero"] = np.full(columns, 125 if b_type == U8 else 3, b_type)
    names += " a_zero b_zero" if zeros else " - -" if bias else ""
    if bias:
        constants["bias"] = random.float(n)
        names += " bias"
    case(name, microsoft("MatMulIntegerToFloat", names), {"a": random.byte(a_type, *a_shape)}, constants=constants)


matmul_to_float("microsoft_matmul_integer_to_float_u8s8", (3, 20), 7, U8, S8, False, False, False)
matmul_to_float("microsoft_matmul_integer_to_float_u8u8_zero_points", (3, 20), 7, U8, U8, False, True, False)
matmul_to_float("microsoft_matmul_integer_to_float_s8s8_per_column", (2, 3, 20), 7, S8, S8, True, True, True)
matmul_to_float("microsoft_matmul_integer_to_float_bias", (2, 20), 7, U8, S8, True, False, True)


def attention(name, batch, length, hidden, heads, a_type, b_type, mask=None, per_column=False, **attributes):
    random = Random(name)
    columns = (3 * hidden,) if per_column else ()
    inputs = {"x": random.byte(a_type, batch, length, hidden)}
    constants = {
        "weight": random.byte(b_type, hidden, 3 * hidden),
        "bias": random.float(3 * hidden, low=-0.5, high=0.5),
        "x_scale": scalar(0.01),
        "w_scale": random.float(*columns, low=0.004, high=0.009),
        "x_zero": scalar(125 if a_type == U8 else 4, a_type),
        "w_zero": np.full(columns, 128 if b_type == U8 else 0, b_type),
    }
    if mask is not None:
        inputs["mask"] = np.array(mask, np.int32)
    names = f"x weight bias x_scale w_scale {'mask' if mask is not None else '-'} x_zero w_zero"
    case(name, microsoft("QAttention", names, num_heads=heads, **attributes), inputs, constants=constants)


attention("microsoft_qattention_u8s8", 1, 5, 8, 2, U8, S8)
attention("microsoft_qattention_u8u8", 2, 4, 12, 3, U8, U8)
attention("microsoft_qattention_per_column", 1, 6, 8, 2, U8, S8, per_column=True)
attention("microsoft_qattention_mask_lengths", 2, 4, 8, 2, U8, S8, mask=[3, 4])
attention("microsoft_qattention_mask_2d", 2, 4, 8, 2, U8, S8, mask=[[1, 1, 1, 0], [1, 1, 1, 1]])
attention("microsoft_qattention_unidirectional", 1, 5, 8, 2, U8, S8, unidirectional=1)


def lstm(
    name,
    length,
    batch,
    inputs_n,
    hidden,
    direction,
    b_type,
    per_column,
    bias=True,
    lengths=None,
    state=False,
    zero=None,
    peephole=False,
):
    random = Random(name)
    directions = 2 if direction == "bidirectional" else 1
    columns = (directions, 4 * hidden) if per_column else (directions,)
    zero = (128 if b_type == U8 else 0) if zero is None else zero
    inputs = {"x": random.float(length, batch, inputs_n, low=-1, high=1)}
    constants = {
        "w": random.byte(b_type, directions, inputs_n, 4 * hidden),
        "r": random.byte(b_type, directions, hidden, 4 * hidden),
        "w_scale": random.float(*columns, low=0.002, high=0.006),
        "w_zero": np.full(columns, zero, b_type),
        "r_scale": random.float(*columns, low=0.002, high=0.006),
        "r_zero": np.full(columns, zero, b_type),
    }
    if bias:
        constants["b"] = random.float(directions, 8 * hidden, low=-0.3, high=0.3)
    if lengths:
        inputs["lengths"] = np.array(lengths, np.int32)
    if state:
        inputs["h0"] = random.float(directions, batch, hidden, low=-0.5, high=0.5)
        inputs["c0"] = random.float(directions, batch, hidden, low=-0.5, high=0.5)
    if peephole:
        constants["p"] = random.float(directions, 3 * hidden, low=-0.3, high=0.3)
    names = [
        "x",
        "w",
        "r",
        "b" if bias else "-",
        "lengths" if lengths else "-",
        *(["h0", "c0"] if state else "--"),
        "p" if peephole else "-",
        "w_scale",
        "w_zero",
        "r_scale",
        "r_zero",
    ]
    case(
        name,
        microsoft("DynamicQuantizeLSTM", names, "y y_h y_c", hidden_size=hidden, direction=direction),
        inputs,
        "y y_h y_c",
        constants,
    )


lstm("microsoft_dynamic_quantize_lstm", 4, 1, 5, 6, "forward", S8, False)
lstm("microsoft_dynamic_quantize_lstm_u8", 4, 2, 5, 6, "forward", U8, False)
lstm("microsoft_dynamic_quantize_lstm_per_column", 4, 1, 5, 6, "forward", S8, True)
lstm("microsoft_dynamic_quantize_lstm_reverse_state", 3, 2, 5, 6, "reverse", S8, False, state=True)
lstm("microsoft_dynamic_quantize_lstm_bidirectional_lengths", 4, 2, 5, 6, "bidirectional", S8, True, lengths=[2, 4])
lstm("microsoft_dynamic_quantize_lstm_no_bias", 3, 1, 4, 3, "forward", S8, False, bias=False)
lstm("microsoft_dynamic_quantize_lstm_peephole", 3, 1, 4, 3, "forward", S8, False, peephole=True)


def pack_bits(values, bits):
    """The last axis as bits-wide little-endian numbers in bytes."""
    if bits == 8:
        return values.astype(U8)
    per_byte = 8 // bits
    values = np.concatenate([values, np.zeros((*values.shape[:-1], -values.shape[-1] % per_byte), values.dtype)], -1)
    parts = values.reshape(*values.shape[:-1], -1, per_byte).astype(np.uint32)
    return sum(parts[..., i] << (bits * i) for i in range(per_byte)).astype(U8)


def matmul_bits(name, a_shape, n, bits, block, zero_points=None, bias=False, accuracy=None):
    random = Random(name)
    k = a_shape[-1]
    blocks = -(-k // block)
    top = 1 << bits
    constants = {
        "b": pack_bits(random.int(n, blocks, block, low=0, high=top), bits),
        "scales": random.float(n, blocks, low=0.01, high=0.05) * 16 / top,
    }
    names = "a b scales"
    if zero_points == "packed":
        constants["zeros"] = pack_bits(random.int(n, blocks, low=0, high=top), bits)
    elif zero_points == "float":
        constants["zeros"] = random.float(n, blocks, low=top / 3, high=top / 1.5)
    if zero_points:
        names += " zeros"
    if bias:
        constants["bias"] = random.float(n)
        names += (" - -" if not zero_points else " -") + " bias"
    attributes = {} if accuracy is None else {"accuracy_level": accuracy}
    case(
        name,
        microsoft("MatMulNBits", names, K=k, N=n, bits=bits, block_size=block, **attributes),
        {"a": random.float(*a_shape, low=-1, high=1)},
        constants=constants,
    )


matmul_bits("microsoft_matmul_4_bits", (2, 32), 6, 4, 16)
matmul_bits("microsoft_matmul_4_bits_zero_points", (2, 3, 48), 7, 4, 16, "packed")
matmul_bits("microsoft_matmul_4_bits_float_zero_points", (3, 32), 6, 4, 32, "float")
matmul_bits("microsoft_matmul_4_bits_ragged", (2, 40), 5, 4, 32, "packed")
matmul_bits("microsoft_matmul_4_bits_bias", (1, 64), 9, 4, 32, "packed", bias=True)
matmul_bits("microsoft_matmul_4_bits_row", (1, 128), 16, 4, 64)
matmul_bits("microsoft_matmul_8_bits", (2, 32), 6, 8, 16)
matmul_bits("microsoft_matmul_8_bits_zero_points", (2, 64), 7, 8, 32, "packed")
matmul_bits("microsoft_matmul_8_bits_bias", (1, 64), 7, 8, 32, bias=True)

for name, x, attributes in (
    ("microsoft_quantize_linear_u8", (3, 9), {}),
    ("microsoft_quantize_linear_axis", (2, 4, 5), {"axis": 1}),
):
    random = Random(name)
    count = (4,) if attributes else ()
    case(
        name,
        microsoft("QuantizeLinear", "x scale zero", **attributes),
        {"x": random.float(*x, low=-9, high=9)},
        constants={"scale": random.float(*count, low=0.03, high=0.07), "zero": np.full(count, 120, U8)},
    )
for name, dtype in (("microsoft_quantize_linear_s16", np.int16), ("microsoft_quantize_linear_u16", np.uint16)):
    random = Random(name)
    case(
        name,
        microsoft("QuantizeLinear", "x scale zero"),
        {"x": random.float(3, 9, low=-9, high=9)},
        constants={"scale": scalar(0.0003), "zero": scalar(100 if dtype == np.int16 else 32768, dtype)},
    )
for name, dtype, zero in (
    ("microsoft_dequantize_linear_u8", U8, 120),
    ("microsoft_dequantize_linear_s16", np.int16, 7),
    ("microsoft_dequantize_linear_u16", np.uint16, 32768),
    ("microsoft_dequantize_linear_s32", np.int32, 0),
):
    random = Random(name)
    case(
        name,
        microsoft("DequantizeLinear", "x scale zero"),
        {"x": random.int(3, 9, low=0, high=256, dtype=dtype)},
        constants={"scale": scalar(0.03), "zero": scalar(zero, dtype)},
    )
name = "microsoft_dequantize_linear_axis"
random = Random(name)
case(
    name,
    microsoft("DequantizeLinear", "x scale zero", axis=0),
    {"x": random.int8(4, 5)},
    constants={"scale": random.float(4, low=0.01, high=0.05), "zero": random.int8(4)},
)


def block_gather(name, shape, axis, bits, block, indices, gather_axis=0, zero_points=False):
    random = Random(name)
    scales = list(shape)
    scales[axis] = -(-shape[axis] // block)
    constants = {
        "data": pack_bits(random.int(*shape, low=0, high=1 << bits), bits),
        "scales": random.float(*scales, low=0.01, high=0.05),
    }
    names = "data indices scales"
    if zero_points:
        constants["zeros"] = pack_bits(random.int(*scales, low=0, high=1 << bits), bits)
        names += " zeros"
    case(
        name,
        microsoft(
            "GatherBlockQuantized", names, gather_axis=gather_axis, quantize_axis=axis, block_size=block, bits=bits
        ),
        {"indices": np.array(indices, np.int64)},
        constants=constants,
    )


block_gather("microsoft_gather_block_quantized_4_bits", (6, 64), 1, 4, 16, [[1, 5], [0, 3]])
block_gather("microsoft_gather_block_quantized_8_bits", (6, 32), 1, 8, 16, [2, 2, 4], zero_points=True)


def embedding(name, segments, mask):
    random = Random(name)
    tables = ["words", "places", "kinds", "gamma", "beta"]
    rows = {"words": 12, "places": 7, "kinds": 2}
    constants = {t: random.uint8(*((rows[t], 8) if t in rows else (8,))) for t in tables}
    inputs = {"ids": random.int(2, 5, high=12, dtype=np.int32)}
    names = ["ids", "segments" if segments else "-", "words", "places", "kinds" if segments else "-", "gamma", "beta"]
    if segments:
        inputs["segments"] = random.int(2, 5, high=2, dtype=np.int32)
    else:
        del constants["kinds"]
    names.append("mask" if mask else "-")
    if mask:
        inputs["mask"] = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], np.int32)
    for suffix, values in (("scale", random.float(5, low=0.01, high=0.03)), ("zero", random.uint8(5))):
        for t, value in zip(tables, values):
            used = t in constants
            names.append(f"{t}_{suffix}" if used else "-")
            if used:
                constants[f"{t}_{suffix}"] = np.array(value)
    outputs = "y mask_index"
    case(name, microsoft("QEmbedLayerNormalization", names, outputs, epsilon=1e-6), inputs, outputs, constants)


embedding("microsoft_qembed_layer_normalization", True, True)
embedding("microsoft_qembed_layer_normalization_no_segments", False, False)
