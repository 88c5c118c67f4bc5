"""Collects operator cases and writes them in the layout of ONNX's backend tests."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zlib

import numpy as np
import onnx
from onnx import helper, numpy_helper

U8, S8, U16, S16, F, I, B = np.uint8, np.int8, np.uint16, np.int16, np.float32, np.int64, np.bool_
UINT4, INT4 = 21, 22  # element types that the installed onnx package does not name yet

CASES = {}


class Random:
    """Random arrays that depend on the case's name only: a new case changes no other one."""

    def __init__(self, name):
        self.source = np.random.default_rng(zlib.crc32(name.encode()))

    def float(self, *shape, low=-2.0, high=2.0, dtype=np.float32):
        return self.source.uniform(low, high, shape).astype(dtype)

    def normal(self, *shape, scale=1.0, dtype=np.float32):
        return (self.source.standard_normal(shape) * scale).astype(dtype)

    def int(self, *shape, low=0, high=10, dtype=np.int64):
        return self.source.integers(low, high, shape).astype(dtype)

    def uint8(self, *shape):
        return self.int(*shape, low=0, high=256, dtype=np.uint8)

    def int8(self, *shape, low=-128):
        return self.int(*shape, low=low, high=128, dtype=np.int8)

    def byte(self, dtype, *shape):
        info = np.iinfo(dtype)
        return self.int(*shape, low=info.min, high=info.max + 1, dtype=dtype)

    def bool(self, *shape):
        return self.source.random(shape) < 0.5


def element_type(dtype):
    """ONNX's number of a NumPy type."""
    return numpy_helper.from_array(np.empty(0, dtype)).data_type


def node(operator, inputs, outputs="y", domain="", **attributes):
    split = lambda names: names.split() if isinstance(names, str) else list(names)
    names = ["" if name == "-" else name for name in split(inputs)]
    return helper.make_node(operator, names, split(outputs), domain=domain, **attributes)


def microsoft(operator, inputs, outputs="y", **attributes):
    return node(operator, inputs, outputs, "com.microsoft", **attributes)


def four_bit(name, values, signed):
    """A 4-bit tensor: two values per byte, the first in the low half."""
    flat = (np.asarray(values).flatten() & 15).astype(np.uint8)
    flat = np.append(flat, np.zeros(len(flat) % 2, np.uint8))
    tensor = onnx.TensorProto(name=name, data_type=INT4 if signed else UINT4, dims=np.shape(values))
    tensor.raw_data = (flat[0::2] | flat[1::2] << 4).tobytes()
    return tensor


def tensor(name, value):
    return value if isinstance(value, onnx.TensorProto) else numpy_helper.from_array(np.asarray(value), name)


def scalar(value, dtype=np.float32):
    return np.array(value, dtype)


def floats(*values):
    return np.array(values, np.float32)


def ints(*values):
    return np.array(values, np.int64)


def subgraph(nodes, inputs, outputs, constants=None, name="body"):
    """A body of If, Loop or Scan; inputs and outputs are (name, element type, shape)."""
    info = lambda values: [
        helper.make_tensor_value_info(
            n,
            helper.np_dtype_to_tensor_dtype(np.dtype(t))
            if hasattr(helper, "np_dtype_to_tensor_dtype")
            else onnx.mapping.NP_TYPE_TO_TENSOR_TYPE[np.dtype(t)],
            s,
        )
        for n, t, s in values
    ]
    return helper.make_graph(
        nodes, name, info(inputs), info(outputs), [tensor(n, v) for n, v in (constants or {}).items()]
    )


def case(name, nodes, inputs, outputs="y", constants=None, opset=18):
    """Declares a case. `inputs` are fed, `constants` are initializers; `outputs` are compared."""
    if name in CASES:
        raise ValueError(f"two cases are called {name}")
    nodes = nodes if isinstance(nodes, list) else [nodes]
    CASES[name] = (nodes, inputs, outputs.split(), constants or {}, opset)


def value_info(name, array):
    kind = onnx.mapping.NP_TYPE_TO_TENSOR_TYPE[array.dtype]
    return helper.make_tensor_value_info(name, kind, array.shape)


def model_of(name, nodes, inputs, outputs, constants, opset, results=None):
    domains = {"": opset}
    for each in nodes:
        if each.domain:
            domains[each.domain] = 1
    graph = helper.make_graph(
        nodes,
        name,
        [value_info(n, np.asarray(a)) for n, a in inputs.items()],
        [],
        [tensor(n, v) for n, v in constants.items()],
    )
    for output in outputs:
        graph.output.append(value_info(output, results[output]) if results else onnx.ValueInfoProto(name=output))
    model = helper.make_model(
        graph, producer_name="", opset_imports=[helper.make_opsetid(d, v) for d, v in domains.items()]
    )
    model.ir_version = 8 if opset < 19 else 9 if opset < 21 else 10
    return model


def write_tensor(path, name, array):
    with open(path, "wb") as file:
        file.write(numpy_helper.from_array(np.asarray(array), name).SerializeToString())


def write_all(folder, pattern=""):
    """Computes the outputs of all cases with ONNX Runtime and writes them. Returns the names that failed."""
    chosen = {name: CASES[name] for name in sorted(CASES) if pattern in name}
    harness = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench", "peers", "ort_run.mjs")
    failed = []
    with tempfile.TemporaryDirectory() as work:
        lines = []
        for name, each in chosen.items():
            path = os.path.join(work, name)
            with open(path + ".onnx", "wb") as file:
                file.write(model_of(name, *each).SerializeToString())
            np.savez(path + ".in.npz", **{n: np.asarray(a) for n, a in each[1].items()})
            lines.append(json.dumps({"model": path + ".onnx", "input": path + ".in.npz", "output": path + ".npz"}))
        # Every node runs as it stands: what an optimizer would make of it is not the operator's definition.
        # A model that crashes ONNX Runtime takes the whole batch with it: the batch goes on after that model.
        while lines:
            with open(os.path.join(work, "list.jsonl"), "w") as file:
                file.write("\n".join(lines))
            command = ["node", harness, "batch", os.path.join(work, "list.jsonl"), "--optimization", "disabled"]
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            reports = [json.loads(line) for line in done.stdout.splitlines()]
            if len(reports) < len(lines):
                reports.append({**json.loads(lines[len(reports)]), "ok": False, "error": "crashed"})
            for report in reports:
                if not report["ok"]:
                    name = os.path.basename(report["model"])[:-5]
                    failed.append(name)
                    print(f"{name}: {report['error']}", file=sys.stderr)
            lines = lines[len(reports) :]
        for name, each in chosen.items():
            target = os.path.join(folder, name)
            shutil.rmtree(target, ignore_errors=True)
            if not os.path.exists(os.path.join(work, name + ".npz")):
                continue
            results = dict(np.load(os.path.join(work, name + ".npz")))
            data = os.path.join(target, "test_data_set_0")
            os.makedirs(data)
            with open(os.path.join(target, "model.onnx"), "wb") as file:
                file.write(model_of(name, *each, results).SerializeToString())
            for i, (n, a) in enumerate(each[1].items()):
                write_tensor(os.path.join(data, f"input_{i}.pb"), n, a)
            for i, n in enumerate(each[2]):
                write_tensor(os.path.join(data, f"output_{i}.pb"), n, results[n])
    return failed
