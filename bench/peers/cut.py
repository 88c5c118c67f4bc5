"""Cuts a quantized model into its integer operators, so that each can be fed the values another engine computed.

Every 8-bit value, every input of DynamicQuantizeLinear and what it returns becomes an input of the cut model where it is read, and stays
an output where it is made. What lies between two such borders runs as a whole: one operator in files with integer operators,
one DequantizeLinear → operator → QuantizeLinear group in QDQ files. An error cannot travel beyond its own operator.
"""
import onnx
from onnx import TensorProto, helper

PREFIX = "fed/"
FLOAT_FROM_INTEGERS = {"MatMulIntegerToFloat", "QAttention", "DynamicQuantizeMatMul", "DynamicQuantizeLSTM"}
ALWAYS_CUT = {"DynamicQuantizeLinear"} | FLOAT_FROM_INTEGERS
EIGHT_BITS = {TensorProto.INT8, TensorProto.UINT8}
NUMPY = {"float32": TensorProto.FLOAT, "int8": TensorProto.INT8, "uint8": TensorProto.UINT8, "int32": TensorProto.INT32, "int64": TensorProto.INT64,
         "bool": TensorProto.BOOL, "float64": TensorProto.DOUBLE}


def constants(graph):
    names = {w.name for w in graph.initializer}
    for node in graph.node:   # in topological order
        if node.op_type == "Constant" or (node.input and all(not n or n in names for n in node.input) and node.op_type not in ("RandomNormal", "RandomUniform")):
            names.update(node.output)
    return names


def candidates(model):
    """Names of values that may be borders: those an engine has to show for `cut`."""
    fixed = constants(model.graph)
    names = []
    for node in model.graph.node:
        for name in list(node.input) + list(node.output):
            if name and name not in fixed and name not in names:
                names.append(name)
    made = {name for node in model.graph.node for name in node.output}
    return [name for name in names if name in made]


def quantized_borders(model):
    """The values worth showing: next to integer operators, without the floats in the middle of groups."""
    fixed = constants(model.graph)
    makers = {name: node for node in model.graph.node for name in node.output}
    readers = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    wanted = set()
    for node in model.graph.node:
        if node.op_type in ALWAYS_CUT or "Integer" in node.op_type or node.op_type.startswith("Q"):
            wanted.update(n for n in node.output if n)
            if node.op_type != "QuantizeLinear":
                wanted.update(n for n in node.input if n)
        if node.op_type == "DequantizeLinear":
            wanted.add(node.input[0])
    # What moves 8-bit values about: pooling, reshaping, concatenation.
    grown = True
    while grown:
        grown = False
        for node in model.graph.node:
            if node.op_type in ("MaxPool", "Reshape", "Transpose", "Concat", "Flatten", "Squeeze", "Unsqueeze", "Slice", "Gather", "Resize", "Split", "Pad", "Clip", "Identity"):
                if any(n in wanted for n in node.output) and node.input and node.input[0] not in wanted:
                    wanted.add(node.input[0])
                    grown = True
    return [n for n in dict.fromkeys(n for node in model.graph.node for n in node.output) if n in wanted and n in makers and n not in fixed]


def cut(model, values):
    """`values`: by name, what the engine computed. Returns the cut model, {its input: name in values}, {its output: operator}."""
    out = onnx.ModelProto()
    out.CopyFrom(model)
    graph = out.graph
    fixed = constants(graph)
    eight = {name for name, array in values.items() if array.dtype.name in ("int8", "uint8")}
    # 8-bit only in the hands of DynamicQuantizeLinear and the like: their scales and zero points are borders too.
    for node in graph.node:
        if node.op_type == "DynamicQuantizeLinear":
            eight.update(name for name in node.output if name in values)
    made = {name: node for node in graph.node for name in node.output}
    feeds, outputs = {}, {}
    for node in graph.node:
        for i, name in enumerate(node.input):
            if not name or name in fixed or name not in made or name not in values:
                continue
            if name in eight or node.op_type in ALWAYS_CUT:
                node.input[i] = PREFIX + name
                feeds[PREFIX + name] = name
        for name in node.output:
            if name and name in values and name not in fixed and (
                    name in eight or "Integer" in node.op_type or node.op_type in ALWAYS_CUT):
                outputs[name] = node.op_type if node.op_type != "QuantizeLinear" else group_name(made, node, fixed)
    del graph.output[:]
    for name in outputs:
        graph.output.append(helper.make_tensor_value_info(name, NUMPY[values[name].dtype.name], None))
    for name, source in feeds.items():
        graph.input.append(helper.make_tensor_value_info(name, NUMPY[values[source].dtype.name], values[source].shape))
    # Nodes that nothing asks for any more, and inputs that nothing reads.
    needed = set(outputs)
    kept = []
    for node in reversed(graph.node):
        if any(name in needed for name in node.output):
            kept.append(node)
            needed.update(node.input)
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in reversed(kept)]
    del graph.node[:]
    graph.node.extend(nodes)
    for name in [v.name for v in graph.input if v.name not in needed]:
        graph.input.remove(next(v for v in graph.input if v.name == name))
        feeds.pop(name, None)
    weights = [w for w in graph.initializer if w.name in needed]
    del graph.initializer[:]
    graph.initializer.extend(weights)
    del graph.value_info[:]
    return out, feeds, outputs


def group_name(made, node, fixed):
    """QDQ files: what stands between DequantizeLinear and this QuantizeLinear."""
    words, name = [], node.input[0]
    while name in made and name not in fixed and made[name].op_type != "DequantizeLinear" and len(words) < 4:
        words.insert(0, made[name].op_type)
        sources = [n for n in made[name].input if n in made and n not in fixed]
        name = sources[0] if sources else ""
    return "Q(" + "·".join(words) + ")" if words else "QuantizeLinear"
